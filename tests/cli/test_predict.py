"""`emoest predict`: clips and tables in, a table, CSV or JSON out."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest._cli import main
from emoest.datasets import load_table
from emoest.features import AcousticFunctionals
from emoest.fusion import EarlyFusionClassifier
from emoest.multioutput import MultiTarget
from emoest.persistence import save_system


def pipeline(estimator=None):
    embed = ColumnTransformer([("audio", AcousticFunctionals(pooling="mean"), ["audio"])])
    fused = EarlyFusionClassifier(LogisticRegression() if estimator is None else estimator)
    return make_pipeline(embed, fused).set_output(transform="pandas")


@pytest.fixture(scope="module")
def model(clips, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "mood.skops"
    X, y = load_table(clips / "mine.csv", return_X_y=True)
    save_system(pipeline().fit(X, y), path)
    return path


def paths(clips):
    return [str(clips / "s0-0.wav"), str(clips / "s0-1.wav")]


def test_clips_as_a_table_csv_and_json(model, clips, tmp_path, capsys):
    first, second = paths(clips)
    assert main(["predict", str(model), first, second, "--quiet"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["clip", "prediction", "proba_happy", "proba_sad"]
    assert main(["predict", str(model), first, second, "--format", "csv", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "clip,prediction,proba_happy,proba_sad"
    assert out.splitlines()[1].startswith(f"{first},sad,")
    assert main(["predict", str(model), first, second, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["prediction"] for each in found] == ["sad", "happy"]
    assert found[0]["clip"] == first and 0.5 < found[0]["proba_sad"] <= 1
    place = tmp_path / "new" / "out.json"
    assert main(["predict", str(model), first, "--json", "--out", str(place), "--quiet"]) == 0
    assert json.loads(place.read_text())[0]["prediction"] == "sad"
    assert capsys.readouterr().out == ""


def test_a_part_of_a_clip(model, clips, capsys):
    part = f"{paths(clips)[0]}#t=0.1,0.4"
    assert main(["predict", str(model), part, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["clip"] == part


def test_a_table_whose_paths_start_where_it_lies(model, clips, capsys):
    table = str(clips / "mine.csv")
    assert main(["predict", str(model), "--table", table, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = pd.read_csv(table)["emotion"].tolist()
    assert [each["prediction"] for each in found] == expected


def test_several_targets(clips, tmp_path, capsys):
    X, y = load_table(clips / "mine.csv", return_X_y=True)
    targets = pd.DataFrame({"mood": y, "other": (y == "sad").map({True: "low", False: "high"})})
    path = tmp_path / "both.skops"
    save_system(MultiTarget(pipeline()).fit(X, targets), path)
    assert main(["predict", str(path), *paths(clips), "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["mood"] == "sad" and found[0]["other"] == "low"


def test_a_type_must_be_trusted_by_name(clips, tmp_path, capsys):
    X, y = load_table(clips / "mine.csv", return_X_y=True)
    path = tmp_path / "forest.skops"
    with pytest.warns(UserWarning, match="does not trust"):
        save_system(pipeline(RandomForestClassifier(2, random_state=0)).fit(X, y), path)
    assert main(["predict", str(path), paths(clips)[0]]) == 1
    assert "sklearn.tree._tree.Tree" in capsys.readouterr().err
    trusted = ["--trust", "sklearn.tree._tree.Tree", "--quiet"]
    assert main(["predict", str(path), paths(clips)[0], *trusted]) == 0


def test_what_cannot_be_read_ends_it_or_is_missing(model, clips, tmp_path, capsys):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF, no more")
    assert main(["predict", str(model), str(broken), *paths(clips), "--quiet"]) == 1
    assert "broken.wav" in capsys.readouterr().err
    options = ["--skip-unreadable", "--json", "--quiet"]
    with pytest.warns(UserWarning, match="broken"):
        assert main(["predict", str(model), str(broken), *paths(clips), *options]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.wav"], "no file 'none.wav'"),
        (["--table", "none.csv"], "no file 'none.csv'"),
        (["CLIP", "--max-minutes", "0.001"], "longer than 0.001 minutes"),
    ],
)
def test_an_error_is_one_line(options, said, model, clips, capsys):
    options = [paths(clips)[0] if each == "CLIP" else each for each in options]
    assert main(["predict", str(model), *options]) == 1
    err = capsys.readouterr().err
    assert err.startswith("emoest predict: ") and said in err and err.count("\n") == 1


def test_a_table_without_the_column_says_what_it_has(model, tmp_path, capsys):
    (tmp_path / "a.csv").write_text("name,who\nann,me\n")
    assert main(["predict", str(model), "--table", str(tmp_path / "a.csv")]) == 1
    err = capsys.readouterr().err
    assert "no column 'audio', which is read; it has 'name', 'who'" in err


@pytest.mark.parametrize("options", [[], ["a.wav", "--table", "a.csv"]])
def test_wrong_usage(options, model):
    with pytest.raises(SystemExit) as stop:
        main(["predict", str(model), *options])
    assert stop.value.code == 2


def test_what_is_no_model(tmp_path, capsys):
    (tmp_path / "a.skops").write_text("no")
    assert main(["predict", str(tmp_path / "a.skops"), "a.wav"]) == 1
    assert "is not a file that save_system writes" in capsys.readouterr().err


def test_a_pipe_gets_json_only(model, clips):
    code = "import sys; from emoest._cli import main; sys.exit(main())"
    call = [sys.executable, "-c", code, "predict", str(model), *paths(clips), "--json"]
    answer = subprocess.run(call, capture_output=True, text=True, check=True)
    assert len(json.loads(answer.stdout)) == 2
