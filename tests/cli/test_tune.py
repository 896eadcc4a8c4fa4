"""`emoest tune`: ranges in, the best parameters out, and trials that are kept."""

import json

import pytest

from emoest._cli import main
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
