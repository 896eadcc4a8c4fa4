"""`emoest compare`: runs of the same samples and folds only."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from emoest._cli import main
from emoest._cli.compare import merge_results
from emoest.evaluation import evaluate

Y = pd.Series(["sad", "happy"] * 24)
GROUPS = np.repeat([f"s{i}" for i in range(12)], 4)


def samples(seed=0):
    draws = np.random.default_rng(seed)
    values = draws.normal(size=(48, 2)) + 0.8 * (Y == "sad").to_numpy()[:, None]
    return pd.DataFrame(values, columns=["audio__0", "audio__1"])


def run(models, seed=0, **how):
    how = {"groups": GROUPS, "cv": 3, "random_state": 0, "n_resamples": 200} | how
    return evaluate(models, samples(seed), Y, **how)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    dummy, linear = DummyClassifier(strategy="most_frequent"), LogisticRegression()
    made = {
        "dummy": run({"dummy": dummy}),
        "linear": run({"linear": linear}),
        "again": run({"linear": LogisticRegression(C=0.01)}),
        "other samples": run({"linear": linear}, seed=1),
        "other folds": run({"linear": linear}, cv=4),
        "unnamed": run(DummyClassifier(strategy="most_frequent")),
    }
    for name, result in made.items():
        result.save(folder / name)
    return folder, made


def test_it_says_what_one_evaluation_of_both_says(runs, tmp_path, capsys):
    folder, _ = runs
    page = tmp_path / "both.html"
    status = main(
        ["compare", str(folder / "dummy"), str(folder / "linear"), "--json", f"--report={page}"]
    )
    assert status == 0
    found = json.loads(capsys.readouterr().out)
    both = run({"dummy": DummyClassifier(strategy="most_frequent"), "linear": LogisticRegression()})
    assert [row["model"] for row in found["table"]] == ["dummy", "linear"]
    for name in ("uar", "uar_low", "uar_high"):
        assert [row[name] for row in found["table"]] == pytest.approx(both.table[name].tolist())
    (pair,) = found["comparison"]
    for name in ("difference", "low", "high", "p"):
        assert pair[name] == pytest.approx(both.comparison[name].item())
    assert "linear" in page.read_text(encoding="utf-8")


def test_models_of_one_name_are_told_apart_by_their_runs(runs, capsys):
    folder, _ = runs
    assert main(["compare", str(folder / "linear"), str(folder / "again")]) == 0
    out = capsys.readouterr().out
    assert f"linear ({folder / 'linear'})" in out and f"linear ({folder / 'again'})" in out


def test_a_model_without_a_name_keeps_its_class(runs):
    _, made = runs
    merged = merge_results([made["unnamed"], made["linear"]], ["a", "b"])
    assert merged.models == ["DummyClassifier", "linear"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("other samples", "other samples or labels"),
        ("other folds", "other folds or miss some"),
        ("none", "is no folder of a run"),
    ],
)
def test_what_cannot_be_compared_is_refused(other, said, runs, capsys):
    folder, _ = runs
    assert main(["compare", str(folder / "linear"), str(folder / other)]) == 1
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize("options", [["one"], ["one", "two", "--report", "a.pdf"]])
def test_wrong_usage(options):
    with pytest.raises(SystemExit) as stop:
        main(["compare", *options])
    assert stop.value.code == 2
