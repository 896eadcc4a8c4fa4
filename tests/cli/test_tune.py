"""`emoest tune`: ranges in, the best parameters out, and trials that are kept."""

import json

import pytest

from emoest._cli import main
from emoest.fusion import SegmentClassifier
from emoest.persistence import read_record

C = "segmentclassifier__estimator__classifier__C"
SYSTEM = ["--system", "boateng2020", "--audio", "functionals", "--folds", "3", "--quiet"]


def tuned(clips, *options):
    return main(["tune", "--table", str(clips / "mine.csv"), *SYSTEM, *options])


def test_a_search_is_kept_gone_on_with_and_saved(clips, tmp_path, capsys):
    options = ["--param", f"{C}=1e-4:1:log", "--storage", f"sqlite:///{tmp_path / 'a.db'}"]
    assert tuned(clips, *options, "--trials", "2", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert len(first["trials"]) == 2 and 1e-4 <= first["best_params"][C] <= 1
    place = tmp_path / "best.skops"
    assert tuned(clips, *options, "--trials", "3", f"--model={place}") == 0
    out = capsys.readouterr().out
    assert "best of 3 trials" in out and f"{C} = " in out
    assert read_record(place).kind == "Pipeline"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--param", "color=1:2"], "no parameter 'color'"),
        (["--param", f"{C[:-1]}D=1:2"], "no parameter"),
    ],
)
def test_an_unknown_parameter_is_one_line(options, said, clips, capsys):
    assert tuned(clips, *options) == 1
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize("text", ["C", "C=", "C=1:", "C=2:1", "C=a:b", "C=0:1:log", "C=1:2:exp"])
def test_what_is_no_range_is_wrong_usage(text, clips, capsys):
    with pytest.raises(SystemExit) as stop:
        tuned(clips, "--param", text)
    assert stop.value.code == 2


def test_a_named_system_brings_its_space(clips, capsys):
    assert tuned(clips, "--trials", "1", "--json") == 0
    assert list(json.loads(capsys.readouterr().out)["best_params"]) == [C]


@pytest.mark.parametrize("system", [[], ["--system", "compare2020"]])
def test_a_system_without_a_space_asks_for_parameters(system, clips, capsys):
    found = main(["tune", "--table", str(clips / "mine.csv"), *system, "--audio=functionals"])
    err = capsys.readouterr().err
    assert found == 1 and "--param" in err and err.count("\n") == 1


def test_spaces_go_with_systems():
    from emoest import systems
    from emoest._cli.systems import SPACES, SYSTEMS

    assert set(SPACES) <= set(SYSTEMS)
    assert all(callable(getattr(systems, name)) for name in SPACES.values())


@pytest.mark.parametrize("stored", [False, True])
def test_an_interrupt_shows_the_trials_that_were_done(stored, clips, tmp_path, monkeypatch, capsys):
    fit, calls = SegmentClassifier.fit, []

    def interrupted(self, *args, **how):
        calls.append(0)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return fit(self, *args, **how)

    monkeypatch.setattr(SegmentClassifier, "fit", interrupted)
    storage = ["--storage", f"sqlite:///{tmp_path / 'a.db'}"] if stored else []
    assert tuned(clips, "--trials", "3", *storage) == 130
    out, err = capsys.readouterr()
    assert "NOT COMPLETE" in out and f"{C} = " in out
    told = "with the same --storage the search goes on" if stored else "the search could go on"
    assert told in err and "Traceback" not in err
