import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from emoest.evaluation._subsets import KeepModalities, SubsetEvaluation, find_subsets, on_subset
from emoest.tables.names import find_modalities
from emoest.utils import with_groups


def media():
    return with_groups(
        pd.DataFrame(
            {
                "audio": [np.zeros(3), np.ones(3)],
                "audio__seconds": [[1.0], [2.0]],
                "face__smile": [1, 2],
                "speaker": ["s1", "s2"],
            }
        )
    )


def test_taken_away_is_missing_in_the_kind_of_the_column():
    X = media()
    kept = KeepModalities(["face"]).fit_transform(X)
    assert kept["audio"].tolist() == [None, None]
    assert kept["audio"].dtype == object
    assert kept["audio__seconds"].isna().all()
    assert kept[["face__smile", "speaker"]].equals(X[["face__smile", "speaker"]])
    assert kept.index.equals(X.index)
    silent = KeepModalities(["audio"]).fit_transform(X)
    assert silent["face__smile"].isna().all()
    assert silent["face__smile"].dtype == float
    assert X["face__smile"].tolist() == [1, 2]


def test_dropped_columns_are_gone_and_context_stays():
    kept = KeepModalities(["face"], absent="drop").fit_transform(media())
    assert list(kept.columns) == ["face__smile", "speaker"]


def test_arrays_need_a_dict_of_modalities():
    X = np.arange(6).reshape(2, 3)
    keep = KeepModalities(["b"], modalities={"a": [0], "b": [1, 2]})
    np.testing.assert_array_equal(keep.fit_transform(X), [[np.nan, 1, 2], [np.nan, 4, 5]])
    assert X[0, 0] == 0
    dropped = KeepModalities(["b"], modalities={"a": [0], "b": [1, 2]}, absent="drop")
    assert dropped.fit_transform(X).tolist() == [[1, 2], [4, 5]]


def test_everything_kept_is_the_table_itself():
    X = media()
    assert KeepModalities(["audio", "face"]).fit_transform(X) is X


def test_subsets_come_small_ones_first():
    found = find_modalities(media())
    assert find_subsets(found, ["a", "b"]) == [("audio",), ("face",), ("audio", "face")]


def test_the_model_behind_the_step_still_gets_its_groups():
    class GroupSpy(LogisticRegression):
        def fit(self, X, y, groups=None):
            assert groups is not None
            return super().fit(X, y)

    X = pd.DataFrame({"a__0": [0.0, 1.0] * 6, "b__0": [1.0, 1.0] * 6})
    evaluation = SubsetEvaluation(np.repeat([1, 2, 3], 4), None, 3, 10, 0.95, None, 0)
    result = evaluation.evaluate(on_subset(GroupSpy(), ("a",), "auto", "drop"), X, [0, 1] * 6)
    assert result.table["uar"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("message", "hidden"),
    [
        ("The modality 'a' is missing in every training row; it is left out.", True),
        ("No training row has the modality 'a', so nothing is learned from it.", True),
        ("Something else is odd.", False),
    ],
)
def test_only_warnings_about_what_was_taken_away_are_hidden(message, hidden):
    class Warns(LogisticRegression):
        def fit(self, X, y):
            warnings.warn(message, UserWarning, stacklevel=2)
            return super().fit(X, y)

    X = pd.DataFrame({"a__0": [0.0, 1.0] * 6})
    evaluation = SubsetEvaluation(np.repeat([1, 2, 3], 4), None, 3, 10, 0.95, None, 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluation.evaluate(Warns(), X, [0, 1] * 6)
    assert any(message in str(each.message) for each in caught) is not hidden
