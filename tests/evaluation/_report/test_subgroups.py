import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression

from emoest.evaluation import evaluate
from emoest.evaluation._report.subgroups import MOST, subgroup_blocks

N = 120
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(15)], 8)
RNG = np.random.default_rng(0)
Y = np.tile(["glad", "sad"], N // 2)
X = RNG.normal(size=(N, 2)) + (Y == "sad")[:, None]
MODELS = {"a<b>": LogisticRegression(), "chance": DummyClassifier()}


@pytest.fixture(scope="module")
def result():
    return evaluate(MODELS, X, Y, groups=SPEAKERS, random_state=0, n_resamples=100)


def test_the_worst_and_the_smallest_are_named(result):
    sex = np.where(np.arange(N) < 8, "<i>x</i>", "y")
    speakers, sexes = subgroup_blocks(result, {"sex": sex})
    table = result.subgroups("group", "a<b>")
    worst, smallest = speakers["lines"][0], speakers["lines"][-1]
    assert f"worst is {table.index[0]} with UAR {table['uar'].iloc[0]:.3f}" in worst
    assert f"the mean of 15 is {table['uar'].mean():.3f}" in worst
    assert smallest == "Smallest: s00, 8 samples (14 more have as many)."
    assert len(speakers["cells"][1]) == MOST
    assert speakers["more"] == "12 of 15, the worst first."
    assert sexes["heading"] == "By sex"
    assert sexes["lines"][-1] == "Smallest: <i>x</i>, 8 samples."
    page = result.to_html(subgroups=pd.DataFrame({"sex": sex}))
    assert "Smallest: &lt;i&gt;x&lt;/i&gt;, 8 samples." in page
    assert "8 (few)" in page


def test_a_kind_without_one_value_a_sample_is_refused(result):
    with pytest.raises(ValueError, match="one value a sample"):
        result.to_html(subgroups={"sex": ["x"]})


@pytest.mark.parametrize(
    ("y", "model"),
    [(np.arange(N) / N, DummyRegressor()), (np.tile([0.0, 1.0], N // 2), DummyRegressor())],
)
def test_scores_that_are_not_defined_are_said_to_be(y, model):
    result = evaluate(model, X, y, groups=SPEAKERS, random_state=0, n_resamples=50)
    (block,) = subgroup_blocks(result, None)
    assert len(block["lines"]) == 2
    assert "nan" not in result.to_html()


def test_without_groups_there_are_no_speakers():
    with pytest.warns(UserWarning, match="speaker"):
        result = evaluate(DummyClassifier(), X, Y, random_state=0, n_resamples=50)
    assert subgroup_blocks(result, None) == []
    assert 'class="warn"' in result.to_html()


def test_each_target_has_its_own_block():
    y = pd.DataFrame({"joy": Y == "sad", "fear": np.tile([0, 1, 1, 0], N // 4)}).astype(int)
    result = evaluate(DummyClassifier(), X, y, groups=SPEAKERS, random_state=0, n_resamples=50)
    headings = [block["heading"] for block in subgroup_blocks(result, None)]
    assert headings == ["joy by speaker", "fear by speaker"]


def test_names_of_several_kinds_and_classes_that_are_not_everywhere(result):
    kind = np.array(["x", 1, None], dtype=object)[np.arange(N) % 3]
    (_, block) = subgroup_blocks(result, {"kind": kind})
    assert {row[0] for row in block["cells"][1]} == {"x", "1", "not known"}
    (_, block) = subgroup_blocks(result, {"kind": np.where(np.arange(N) == 0, "one row", "rest")})
    assert "UAR is over the classes that each has." in block["more"]
    assert block["lines"][-1] == "Smallest: one row, 1 sample."
