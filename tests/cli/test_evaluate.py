"""`emoest evaluate`: own clips in, scores, reports and a saved system out."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from emoest._cli import main
from emoest.evaluation import EvaluationResult
from emoest.persistence import load_system, read_record

QUICK = ["--audio", "functionals", "--folds", "3", "--quiet"]


def evaluated(clips, *options):
    return main(["evaluate", "--table", str(clips / "mine.csv"), *QUICK, *options])


def test_own_clips_give_scores_reports_a_run_and_a_system(clips, tmp_path, capsys):
    places = {name: tmp_path / "out" / name for name in ("a.html", "a.md", "a.tex", "a.skops")}
    reports = [f"--report={places[name]}" for name in ("a.html", "a.md", "a.tex")]
    run = tmp_path / "out" / "run"
    status = evaluated(
        clips, "--target", "emotion", *reports, f"--save={run}", f"--model={places['a.skops']}"
    )
    out, _ = capsys.readouterr()
    assert status == 0
    for words in ("speaker-independent  yes", "columns", "Written: ", "saved: "):
        assert words in out, words
    page = places["a.html"].read_text(encoding="utf-8")
    assert "mine.csv" in page and "happy" in page
    assert "# " in places["a.md"].read_text() and "tabular" in places["a.tex"].read_text()
    result = EvaluationResult.load(run)
    assert result.n_tested == 24 and result.table["uar"].item() > 0.9
    model = load_system(places["a.skops"])
    X = pd.DataFrame({"audio": [str(clips / "s0-0.wav"), str(clips / "s0-1.wav")]})
    assert model.predict(X).tolist() == ["sad", "happy"]
    assert read_record(places["a.skops"]).card.startswith("# ")
    assert read_record(places["a.skops"]).n_groups == 6


def test_json_goes_to_the_output_and_all_else_beside_it(clips, capsys):
    table = str(clips / "mine.csv")
    status = main(["evaluate", "--table", table, *QUICK[:-1], "--json", "--set", f"{FUSION}=mean"])
    out, err = capsys.readouterr()
    assert status == 0
    value = json.loads(out)
    assert value["samples"] == "mine.csv" and value["complete"] is True
    assert value["table"][0]["model"] == "columns" and value["table"][0]["uar"] > 0.9
    assert len(value["folds"]) == 3 and value["protocol"]["n_groups"] == 6
    assert "folds" in err, "no progress"


FUSION = "earlyfusionclassifier__impute"


def test_a_folder_of_own_clips(clips, tmp_path, capsys):
    for number, clip in enumerate(sorted(clips.glob("*.wav"))):
        place = tmp_path / ("sad", "happy")[number % 2] / clip.name.partition("-")[0] / clip.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(clip)
    options = ["--pattern", "{emotion}/{speaker}/*", "--json"]
    assert main(["evaluate", "--folder", str(tmp_path), *QUICK, *options]) == 0
    assert json.loads(capsys.readouterr().out)["protocol"]["n_groups"] == 6


@pytest.mark.parametrize(
    ("options", "fusion"),
    [(["--target", "emotion"], "EarlyFusion"), (["--fusion", "late"], "LateFusion")],
)
def test_a_generated_corpus(options, fusion, capsys):
    assert main(["evaluate", "--corpus", "emotions", "--quiet", "--json", *options]) == 0
    value = json.loads(capsys.readouterr().out)
    assert fusion in value["protocol"]["models"]["columns"]


def test_a_published_system_takes_encoders_and_options(clips, capsys):
    options = ["--system", "boateng2020", "--option", "classifier=logistic", "--name", "ours"]
    assert evaluated(clips, *options, "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert value["table"][0]["model"] == "ours"
    described = value["protocol"]["models"]["ours"]
    assert "SegmentClassifier" in described and "LogisticRegression" in described
    assert "AcousticFunctionals" in described and "YAMNet" not in described


WRONG = [
    (["--target", "mood"], "mood"),
    (["--table", "none.csv"], "none.csv"),
    (["--audio", "egmaps"], "Did you mean 'egemaps'?"),
    (["--audio", "functionals=model"], "takes no model"),
    (["--face", "faces"], "no column 'face' for --face"),
    (["--audio", "none"], "There are whisper, yamnet"),
    (["--set", "nothing__here=1"], "nothing"),
    (["--option", "C=1"], "--option goes with a named --system"),
    (["--system", "boateng2020", "--option", "color=1"], "no option 'color'"),
    (["--system", "compare2020", "--text", "sbert"], "--text does not go with"),
    (["--system", "boateng2020", "--fusion", "late"], "--fusion does not go with"),
    (["--folds", "9"], "9"),
    (["--folds", "fold"], "fold"),
    (["--report", "/proc/none/a.html"], "/proc"),
    (["--rename", "emotion=mood"], "emotion"),
    (["--max-minutes", "0.001"], "longer than 0.001 minutes"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=lambda each: " ".join(each)[:40])
def test_an_error_of_the_user_is_one_line_and_status_1(options, said, clips, capsys):
    assert evaluated(clips, *options) == 1
    out, err = capsys.readouterr()
    last = err.rstrip("\n").splitlines()[-1]
    assert last.startswith("emoest evaluate: ") and said in last, err
    assert "Traceback" not in err and out == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "which samples?"),
        (["--corpus", "ravdess", "--table", "a.csv"], "--table goes alone"),
        (["--table", "a.csv", "--report", "a.pdf"], "--report ends in"),
        (["--table", "a.csv", "--system", "magic"], "invalid choice"),
        (["--table", "a.csv", "--option", "C"], "NAME=VALUE"),
        (["--table", "a.csv", "--seed", "-1"], "no whole number from 0 on"),
        (["--table", "a.csv", "--max-minutes", "-1"], "no finite number"),
    ],
)
def test_wrong_usage_is_status_2(options, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *options])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("corpus", "said"),
    [("ravdes", "Did you mean 'ravdess'?"), ("meld", "emoest fetch meld"), ("stories", "--folder")],
)
def test_a_corpus_that_is_not_here_says_how_to_get_it(corpus, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EMOEST_CORPORA", str(tmp_path))
    assert main(["evaluate", "--corpus", corpus]) == 1
    assert said in capsys.readouterr().err


def test_ten_hours_are_refused_before_anything_is_embedded(tmp_path, capsys):
    """The file is sparse: its head says how long it is."""
    path = tmp_path / "long.wav"
    soundfile.write(path, [0.0] * 100, 8_000, subtype="PCM_16")
    n_bytes = 10 * 3600 * 8_000 * 2
    content = bytearray(path.read_bytes())
    content[4:8] = (36 + n_bytes).to_bytes(4, "little")
    content[40:44] = n_bytes.to_bytes(4, "little")
    path.write_bytes(content)
    os.truncate(path, 44 + n_bytes)
    rows = [{"audio": "long.wav", "speaker": s, "emotion": e} for s in "ab" for e in ("x", "y")]
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    assert main(["evaluate", "--table", str(tmp_path / "mine.csv"), *QUICK]) == 1
    err = capsys.readouterr().err
    assert "(600 minutes) and 3 more are longer than 60 minutes" in err and "#t=0,60" in err


SLOW = """
import sys, time
from sklearn.linear_model import LogisticRegression
from emoest.fusion import EarlyFusionClassifier
fit = EarlyFusionClassifier.fit
calls = []
def slow(self, *args, **how):
    calls.append(0)
    if len(calls) == 3:
        print("third fold", file=sys.stderr, flush=True)
        time.sleep(60)
    return fit(self, *args, **how)
EarlyFusionClassifier.fit = slow
from emoest._cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_an_interrupt_keeps_the_folds_that_were_done(clips, tmp_path):
    run, page = tmp_path / "run", tmp_path / "page.html"
    options = [*QUICK, "--json", f"--save={run}", f"--report={page}"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "evaluate", "--table", str(clips / "mine.csv"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "third fold" in line:
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Interrupted. Embeddings are kept" in err and "Traceback" not in err
    assert f"scores of 2 fold(s) are above and in '{run}-incomplete'." in err
    value = json.loads(out)
    assert value["complete"] is False and len(value["folds"]) == 2
    assert not run.exists() and not page.exists()
    kept = EvaluationResult.load(tmp_path / "run-incomplete")
    assert kept.folds["fold"].tolist() == [1, 2]
    assert "NOT COMPLETE" in (tmp_path / "page-incomplete.html").read_text(encoding="utf-8")


def test_a_model_that_fails_keeps_the_folds_before(clips, tmp_path, monkeypatch, capsys):
    from emoest.fusion import EarlyFusionClassifier

    fit, calls = EarlyFusionClassifier.fit, []

    def failing(self, *args, **how):
        calls.append(0)
        if len(calls) == 2:
            raise ValueError("no\nluck")
        return fit(self, *args, **how)

    monkeypatch.setattr(EarlyFusionClassifier, "fit", failing)
    assert evaluated(clips, f"--save={tmp_path / 'run'}") == 1
    out, err = capsys.readouterr()
    assert "NOT COMPLETE" in out and "failed in fold 2 of 3" in err
    assert Path(tmp_path / "run-incomplete" / "protocol.json").is_file()
