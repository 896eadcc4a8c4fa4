import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from emoest.evaluation import evaluate
from emoest.fusion import LateFusionClassifier
from emoest.neural import SequenceClassifier
from emoest.tables.cells import object_column
from emoest.utils.warn import collected_warnings, warn_user


def test_a_warning_points_to_the_line_of_the_user():
    with pytest.warns(DeprecationWarning, match="gone soon") as caught:
        warn_user("gone soon", DeprecationWarning)
    assert caught[0].filename == __file__


def test_the_steps_of_a_pipeline_are_passed_over():
    cells = [[[0.0]], [[1.0]], None]
    X = object_column(cells, pd.RangeIndex(3), "audio__frames").to_frame()
    model = SequenceClassifier(max_epochs=1, hidden_size=2, validation_fraction=None)
    with pytest.warns(UserWarning, match="left out") as caught:
        make_pipeline(model).fit(X, ["a", "b", "b"])
    assert caught[0].filename == __file__


def warn_three_times(text, category=UserWarning):
    for _ in range(3):
        # scikit-learn does so around each fit, at which Python forgets what it said.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            warn_user(text, category)


@pytest.mark.parametrize(
    ("filters", "times"),
    [
        ([], 1),
        ([("default", UserWarning)], 1),
        ([("always", UserWarning)], 3),
        ([("always", Warning)], 3),
        ([("ignore", UserWarning)], 0),
        ([("ignore", DeprecationWarning)], 1),
    ],
    ids=str,
)
def test_one_line_gets_a_warning_once_unless_a_filter_says_otherwise(filters, times):
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for action, category in filters:
            warnings.simplefilter(action, category)
        warn_three_times(f"said {times} times: {filters}")
    assert len(caught) == times


def test_other_texts_lines_and_classes_are_other_warnings():
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for text in ("one", "two", "one"):
            warn_user(f"text {text}")
        warn_user("text one")
        warn_user("text one", RuntimeWarning)
    assert [str(each.message) for each in caught] == ["text one", "text two", *["text one"] * 2]


@pytest.mark.parametrize(
    "texts",
    [
        ["1 row(s) are left out: 'a'.", "2 row(s) are left out: 'b', 'c'."],
        ["left out: (0, 's0').", "left out: (1, 's1'), (2, 's2') and 30 more."],
        ["Row 3, column 'a': 0.25 is cut.", "Row 14, column 'b c': 1e-3 is cut."],
        ["actor_01.wav is silent", "actor_02.wav is silent"],
    ],
)
def test_numbers_and_names_make_no_other_kind(texts):
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for text in texts:
            warn_user(text)
    assert [str(each.message) for each in caught] == texts[:1]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_folds_say_a_kind_once_at_the_line_of_the_user(n_jobs):
    cells = [[[float(i)]] if i % 7 else None for i in range(32)]
    X = object_column(cells, pd.RangeIndex(32), "audio__frames").to_frame()
    y, speakers = ["a", "b"] * 16, np.repeat(range(8), 4)
    model = SequenceClassifier(max_epochs=1, hidden_size=2, validation_fraction=None)
    options = {"groups": speakers, "cv": 4, "n_jobs": n_jobs, "random_state": 0}
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        evaluate(model, X, y, **options)
    said = [(str(each.message), each.filename) for each in caught]
    for kind in ("training row(s) have no frames", "the average of training"):
        assert [place for text, place in said if kind in text] == [__file__]


def test_a_worker_says_again_what_it_has_said_for_another_line():
    with collected_warnings() as first:
        warn_user("One file is left out.")
    with collected_warnings() as second:
        warn_user("One file is left out.")
        warnings.warn("One file is left out.", RuntimeWarning, stacklevel=1)
    assert first == [("One file is left out.", UserWarning)]
    assert second == [*first, ("One file is left out.", RuntimeWarning)]


def test_filters_of_messages_and_modules_count_where_they_match():
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.filterwarnings("always", "loud")
        warnings.filterwarnings("ignore", module="another_module")
        warn_three_times("loud and clear")
        warn_three_times("quiet and clear")
    assert [str(each.message)[:5] for each in caught] == ["loud "] * 3 + ["quiet"]


def test_a_search_of_many_fits_says_it_once():
    X = np.random.default_rng(0).normal(size=(24, 4))
    y = np.tile(["a", "b"], 12)
    X[::5, :2] = np.nan
    fusion = LateFusionClassifier(
        LogisticRegression(), modalities={"a": [0, 1], "b": [2, 3]}, rule="stacking"
    )
    search = GridSearchCV(fusion, {"estimators__C": [0.1, 1.0, 10.0]}, cv=4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        search.fit(X, y)
    said = [str(each.message) for each in caught]
    assert len([text for text in said if "No groups were found" in text]) == 1


def test_code_without_a_module_is_warned_too():
    with pytest.warns(UserWarning, match="Two files"):
        exec("warn_user('Two files are left out.')", {"warn_user": warn_user})
