import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold

from emoest.tables.groups import (
    NotSpeakerIndependentWarning,
    count_groups_of_one_label,
    describe_confounding,
    inner_splits,
    label_is_determined_by_group,
    require_groups,
    resolve_groups,
    with_groups,
)


@pytest.fixture
def X():
    return pd.DataFrame({"audio__a": np.arange(6.0), "speaker": list("aabbcc")})


def test_explicit_groups_win_over_column_and_index(X):
    X = with_groups(X)
    assert resolve_groups(X, [1, 1, 1, 2, 2, 2]).tolist() == [1, 1, 1, 2, 2, 2]
    assert resolve_groups(X.assign(session=range(6)), None, "session").tolist() == list(range(6))
    assert resolve_groups(X).tolist() == list("aabbcc")


def test_groups_are_found_under_a_prefixed_column(X):
    prefixed = X.rename(columns={"speaker": "context__speaker"})
    assert resolve_groups(prefixed, group_column="speaker").tolist() == list("aabbcc")


def test_nothing_names_groups(X):
    assert resolve_groups(X) is None
    assert resolve_groups(X.to_numpy()) is None


def test_errors_name_the_column_and_the_remedy(X):
    with pytest.raises(ValueError, match=r"'session' is not a column of X.*with_groups"):
        resolve_groups(X, group_column="session")
    with pytest.raises(ValueError, match="needs X to be a DataFrame"):
        resolve_groups(X.to_numpy(), group_column="speaker")
    with pytest.raises(ValueError, match="inconsistent"):
        resolve_groups(X, [1, 2])
    with pytest.raises(ValueError, match="no column 'session'"):
        with_groups(X, "session")
    with pytest.raises(ValueError, match="level 'group' already"):
        with_groups(with_groups(X))


def test_index_level_survives_foreign_steps(X):
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import StandardScaler

    steps = make_column_transformer((StandardScaler(), ["audio__a"]))
    output = steps.set_output(transform="pandas").fit_transform(with_groups(X))
    assert resolve_groups(output).tolist() == list("aabbcc")


def test_inner_splits_keep_groups_apart():
    groups = np.repeat(np.arange(6), 4)
    y = np.tile(["sad", "happy"], 12)
    splits, grouped = inner_splits(np.zeros((24, 1)), y, groups=groups, cv=3, random_state=0)
    assert grouped and len(splits) == 3
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
    again, _ = inner_splits(np.zeros((24, 1)), y, groups=groups, cv=3, random_state=0)
    np.testing.assert_array_equal(splits[1][1], again[1][1])


def test_inner_splits_without_groups_are_stratified_and_say_so():
    y = np.repeat([0, 1], [9, 3])
    with pytest.warns(NotSpeakerIndependentWarning, match="not speaker-independent"):
        splits, grouped = inner_splits(np.zeros((12, 1)), y, cv=5, random_state=0)
    assert not grouped and len(splits) == 3
    assert all((y[test] == 1).sum() == 1 for _, test in splits)


def test_no_split_without_two_groups_or_with_a_class_left_out():
    y = np.array([0, 0, 1, 1])
    assert inner_splits(np.zeros((4, 1)), y, groups=np.zeros(4), cv=2) == ([], True)
    by_class = np.array([0, 0, 1, 1])
    splits, _ = inner_splits(np.zeros((4, 1)), y, groups=by_class, cv=GroupKFold(2))
    assert splits == []


def test_inner_splits_of_a_regression_target():
    groups = np.repeat(np.arange(4), 3)
    splits, _ = inner_splits(
        np.zeros((12, 1)), np.linspace(0, 1, 12), groups=groups, cv=4, classifier=False
    )
    assert len(splits) == 4


def test_a_rare_class_makes_no_noise_and_too_few_rows_no_error(recwarn):
    y = np.array(["a", "b"] * 10 + ["rare"] * 2)
    groups = np.arange(22) // 2
    splits, _ = inner_splits(np.zeros((22, 1)), y, groups=groups, cv=10, random_state=0)
    assert splits
    assert not [each for each in recwarn if "least populated" in str(each.message)]
    assert inner_splits(np.zeros((2, 1)), ["a", "b"], groups=np.array([1, 2]), cv=2) == ([], True)


def test_the_warning_about_speakers_points_to_the_line_of_the_user():
    with pytest.warns(NotSpeakerIndependentWarning) as caught:
        inner_splits(np.zeros((8, 1)), [0, 1] * 4, cv=2)
    assert caught[0].filename == __file__


def test_groups_to_split_by_are_there_and_of_one_kind():
    groups = np.array(["a", None, "b", "c"], dtype=object)
    with pytest.raises(ValueError, match=r"groups is missing in 1 row\(s\), at position 1: every"):
        inner_splits(np.zeros((4, 1)), [0, 1, 0, 1], groups=groups, cv=2)
    groups[1] = 7
    with pytest.raises(ValueError, match=r"groups mixes kinds of names: int, text\. Make them one"):
        inner_splits(np.zeros((4, 1)), [0, 1, 0, 1], groups=groups, cv=2)
    with pytest.raises(ValueError, match=r"at position 0, 1, 2, 3, 4 and 1 more:"):
        require_groups(np.full(6, np.nan))
    assert require_groups(np.array([1, "b"])).tolist() == ["1", "b"]


def _urdu_like(n_speakers=29, n_mixed=3, rows=14):
    """Rows of speakers most of whom speak one of four emotions."""
    speakers = np.repeat([f"s{i:02d}" for i in range(n_speakers)], rows)
    labels = np.repeat([f"e{i % 4}" for i in range(n_speakers)], rows).astype(object)
    labels[: n_mixed * rows : 2] = "e3"
    return labels, speakers


def _crossed(n_groups, rows, shares=(0.25, 0.25, 0.25, 0.25)):
    rng = np.random.default_rng(0)
    labels = rng.choice(len(shares), size=n_groups * rows, p=shares)
    return labels, np.repeat(np.arange(n_groups), rows)


@pytest.mark.parametrize(
    ("corpus", "confounded"),
    [
        (_urdu_like(), True),
        (_urdu_like(29, 29), False),
        # One label a speaker, two rows each.
        ((np.repeat([0, 1] * 10, 2), np.repeat(np.arange(20), 2)), True),
        # Every speaker says everything.
        (_crossed(24, 8), False),
        # Nearly all rows have one label, and so have nearly all groups: by chance.
        (_crossed(200, 2, (0.95, 0.05)), False),
        (_crossed(100, 3, (0.9, 0.1)), False),
        # Too few to tell; a row a speaker; one label in all.
        ((["sad", "sad", "glad", "glad"], list("aabb")), False),
        ((np.arange(40) % 2, np.arange(40)), False),
        ((np.zeros(40), np.repeat(np.arange(10), 4)), False),
        # Scores.
        ((np.arange(40) / 7, np.repeat(np.arange(10), 4)), False),
        (([], []), False),
        # Missing labels are passed over.
        (([None, *_urdu_like()[0][1:]], _urdu_like()[1]), True),
    ],
)
def test_speakers_that_determine_the_label(corpus, confounded):
    y, groups = corpus
    assert label_is_determined_by_group(y, groups) is confounded
    assert (describe_confounding(y, groups) is not None) is confounded


def test_confounded_groups_are_counted():
    assert count_groups_of_one_label(*_urdu_like()) == (26, 29)
    assert describe_confounding(*_urdu_like(), what="subjects").startswith("26 of 29 subjects have")
