"""`emoest embed`: a table in, parts of parquet out, each made once."""

import json

import pandas as pd
import pytest

from emoest._cli import main
from emoest.features import AcousticFunctionals

pytest.importorskip("pyarrow")


def embedded(clips, out, *options):
    table = str(clips / "mine.csv")
    return main(["embed", table, str(out), "--audio", "functionals", "--quiet", *options])


def test_parts_are_made_once_and_hold_what_is_kept(clips, tmp_path, capsys):
    out = tmp_path / "vectors"
    options = ["--keep", "speaker", "--keep", "emotion", "--rows", "10", "--json"]
    assert embedded(clips, out, *options) == 0
    made = json.loads(capsys.readouterr().out)
    assert made == {"folder": str(out), "rows": 24, "parts": 3, "made": 3}
    table = pd.read_parquet(out)
    assert table["emotion"].tolist() == pd.read_csv(clips / "mine.csv")["emotion"].tolist()
    assert table.filter(like="audio__").notna().all(axis=None)
    assert embedded(clips, out, *options) == 0
    assert json.loads(capsys.readouterr().out)["made"] == 0


def test_usual_other_names_of_columns_are_understood(clips, tmp_path, capsys):
    table = pd.read_csv(clips / "mine.csv").head(2)
    names = {"audio": "wav_path", "emotion": "Emotion"}
    table.rename(columns=names).to_csv(clips / "other.csv", index=False)
    options = ["--audio", "functionals", "--keep", "emotion", "--quiet"]
    assert main(["embed", str(clips / "other.csv"), str(tmp_path / "out"), *options]) == 0
    assert pd.read_parquet(tmp_path / "out")["emotion"].tolist() == table["emotion"].tolist()


def test_an_interrupt_keeps_the_parts_that_were_written(clips, tmp_path, monkeypatch, capsys):
    transform, calls = AcousticFunctionals.transform, []

    def interrupted(self, X):
        calls.append(0)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return transform(self, X)

    out = tmp_path / "vectors"
    with monkeypatch.context() as patch:
        patch.setattr(AcousticFunctionals, "transform", interrupted)
        assert embedded(clips, out, "--rows", "6") == 130
    err = capsys.readouterr().err
    assert "Parts that were written are kept" in err and "Traceback" not in err
    assert embedded(clips, out, "--rows", "6", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["rows"] == 24 and 0 < again["made"] < again["parts"] == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep", "mood"], "no column 'mood'"),
        (["--text", "sbert"], "no column 'text'"),
        (["--max-minutes", "0.001"], "longer than 0.001 minutes"),
    ],
)
def test_an_error_is_one_line(options, said, clips, tmp_path, capsys):
    assert embedded(clips, tmp_path / "vectors", *options) == 1
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_an_encoder_is_named(clips, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["embed", str(clips / "mine.csv"), str(tmp_path / "out")])
    assert stop.value.code == 2
