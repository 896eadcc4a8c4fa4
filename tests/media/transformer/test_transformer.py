import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer

from emoest.testing import assert_same_cells, cell_estimator_checks
from tests.media.transformer.word_frames import FileSizes, WordFrames, table


@pytest.mark.parametrize("pooling", [None, "mean"])
@pytest.mark.parametrize("check", cell_estimator_checks(WordFrames()), ids=lambda c: c.__name__)
def test_cell_estimator_checks(check, pooling):
    check(WordFrames(pooling=pooling), table(), None)


def test_frames_and_sidecars():
    X = pd.DataFrame({"text": ["a bbb", None, float("nan")]})
    output = WordFrames().fit_transform(X)
    assert list(output.columns) == ["word_frames", "seconds", "loudness"]
    frames = output["word_frames"][0]
    assert frames.dtype == np.float32
    assert frames.tolist() == [[1.0, 97.0], [3.0, 98.0]]
    assert output["seconds"][0].tolist() == [1.0, 3.0]
    assert output["loudness"][0].tolist() == [0.0, 1.0]
    assert output.loc[1:].map(lambda cell: cell is None).all(axis=None)


def test_pooling_averages_frames_then_items_by_their_seconds():
    X = pd.DataFrame({"text": ["a bbb", ["a bbb", "cccccc"], None]})
    mean = WordFrames("mean").fit_transform(X)
    assert list(mean.columns) == ["word_0000", "word_0001"]
    assert mean.dtypes.unique().tolist() == [np.float32]
    assert mean.to_numpy()[:2].tolist() == [
        [2.0, 97.5],
        pytest.approx([(4 * 2 + 6 * 6) / 10, (4 * 97.5 + 6 * 99) / 10]),
    ]
    assert mean.iloc[2].isna().all()
    assert WordFrames("max").fit_transform(X).iloc[1].tolist() == [6.0, 99.0]


def test_a_list_gives_one_frame_an_item_or_all_frames():
    X = pd.DataFrame({"text": [["a bbb", None, "cccc"], [None, None]]})
    pooled = WordFrames().fit_transform(X)
    assert pooled["word_frames"][0].tolist() == [[2.0, 97.5], [4.0, 99.0]]
    assert pooled["seconds"][0].tolist() == [4.0, 4.0]
    assert pooled["loudness"][0].tolist() == [0.5, 0.0]
    assert pooled["word_frames"][1] is None
    every = WordFrames(chunks="concat").fit_transform(X)
    assert every["word_frames"][0].tolist() == [[1.0, 97.0], [3.0, 98.0], [4.0, 99.0]]
    assert every["seconds"][0].tolist() == [1.0, 3.0, 4.0]


def test_a_list_of_one_is_a_list_and_the_order_of_a_list_is_kept():
    X = pd.DataFrame({"text": [["a bbb"], ["cccc", "a bbb"]]})
    frames = WordFrames().fit_transform(X)["word_frames"]
    assert frames[0].tolist() == [[2.0, 97.5]]
    assert frames[1].tolist() == [[4.0, 99.0], [2.0, 97.5]]


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([5, 5, 6]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["story", "group"]),
        pd.date_range("2026-01-01", periods=3),
    ],
)
@pytest.mark.parametrize("pooling", [None, "mean"])
@pytest.mark.parametrize("output", ["default", "pandas"])
def test_the_index_and_context_are_kept(index, pooling, output):
    X = pd.DataFrame({"speaker": ["x", "y", "z"], "text": ["a", None, "ccc"]}, index=index)
    embedder = WordFrames(pooling).set_output(transform=output)
    got = embedder.fit_transform(X)
    pd.testing.assert_index_equal(got.index, index)
    assert got.columns[-1] == "speaker"
    assert list(got.columns) == list(embedder.get_feature_names_out())
    assert got["speaker"].tolist() == ["x", "y", "z"]
    if pooling:
        np.testing.assert_array_equal(got["word_0000"].to_numpy(), [1.0, np.nan, 3.0])


@pytest.mark.parametrize(
    "X",
    [
        ["a", "bb", None],
        np.array(["a", "bb", None], dtype=object),
        np.array([["a"], ["bb"], [None]], dtype=object),
        pd.Series(["a", "bb", None]),
        pd.Series(["a", "bb", None], dtype="str"),
        pd.DataFrame({"text": ["a", "bb", None]}),
    ],
    ids=["list", "1-D", "2-D", "Series", "str Series", "DataFrame"],
)
def test_kinds_of_x(X):
    output = WordFrames("mean").fit_transform(X)
    assert isinstance(output, pd.DataFrame)
    np.testing.assert_array_equal(output["word_0000"].to_numpy(), [1.0, 2.0, np.nan])


def test_no_rows_give_no_rows():
    embedder = WordFrames("mean").fit(table())
    output = embedder.transform(table().iloc[:0])
    assert output.shape == (0, 2)
    assert WordFrames().fit(table()).transform(table().iloc[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "X must be a DataFrame, a Series or a list of cells, found str 'one text'"),
        (np.zeros((3, 2)), r"found an array of float64 of shape \(3, 2\)"),
        (np.array([["a", "b"]]), r"found an array of <U1 of shape \(1, 2\)"),
        (
            pd.DataFrame({"a": ["x"], "b": ["y"], "speaker": ["s"]}),
            r"WordFrames takes one column of texts .* X has 2: 'a', 'b'",
        ),
        (pd.DataFrame({"speaker": ["s"]}), r"X has none\. Choose"),
        (pd.DataFrame(np.zeros((1, 2304))), "X has 2304: 0, 1, 2, 3, 4, 5 and 2298 more"),
        (pd.DataFrame({0: ["x"], 1: ["y"]}), r"for example with X\[\[0\]\] or"),
        (pd.DataFrame({2: ["x"], 7: ["y"], 9: [""]}), r"has 3: 2, 7, 9. .* with X\[\[2\]\] or"),
    ],
)
def test_a_wrong_x_is_said(X, message):
    with pytest.raises(ValueError, match=message):
        WordFrames().fit(X)


def test_another_column_than_in_fit_is_said():
    embedder = WordFrames().fit(table())
    with pytest.raises(ValueError, match="feature names should match"):
        embedder.transform(table().rename(columns={"text": "notes"}))


def test_a_wrong_parameter_is_said():
    with pytest.raises(ValueError, match="'errors' parameter of WordFrames"):
        WordFrames(errors="ignore").fit(table())


@pytest.mark.parametrize("cell", ["", "  \n", None])
def test_blank_texts_are_missing(cell):
    X = table(6)
    X["text"] = pd.Series([*X["text"][:3], cell, *X["text"][4:]], index=X.index, dtype=object)
    with warnings.catch_warnings(action="error"):
        output = WordFrames("mean").fit_transform(X)
    assert output.isna().all(axis=1).tolist() == [False] * 3 + [True] + [False] * 2
    X.at["clip_3", "text"] = ["a", cell]
    alone = X.copy()
    alone.at["clip_3", "text"] = ["a"]
    assert_same_cells(WordFrames("mean").fit_transform(X), WordFrames("mean").fit_transform(alone))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ([], "row 'clip_3' .position 3., column 'text': the cell is an empty list. Put None"),
        (["a", 3.5], r"column 'text', item 1 of the list: expected a text \(str\), found float"),
        (3.5, r"expected a text \(str\), found float 3.5"),
        ("unreadable", "row 'clip_3' .position 3., column 'text' is unreadable"),
        ("uncomputable", "row 'clip_3' .position 3., column 'text': cannot be computed"),
        ("nothing", "column 'text': the item gave no frame; it is too short"),
    ],
)
def test_an_unreadable_cell(cell, message):
    X = table(6)
    X["text"] = pd.Series([*X["text"][:3], cell, *X["text"][4:]], index=X.index, dtype=object)
    with pytest.raises(ValueError, match=message) as caught:
        WordFrames().fit_transform(X)
    assert "pass errors='missing'" in str(caught.value)
    with pytest.warns(UserWarning, match="1 of 6 cells could not be read and count as") as told:
        output = WordFrames("mean", errors="missing").fit_transform(X)
    assert told[0].filename == __file__
    assert output.isna().any(axis=1).tolist() == [False] * 3 + [True] + [False] * 2
    whole = WordFrames("mean", cache_dir=False).fit_transform(table(6))
    assert_same_cells(output.drop("clip_3"), whole.drop("clip_3"))


def test_the_bar_is_on_stderr_and_only_when_asked_for(capfd):
    WordFrames(cache_dir=False, verbose=1).fit_transform(table())
    out, err = capfd.readouterr()
    assert out == ""
    assert "word:" in err
    WordFrames(cache_dir=False).fit_transform(table())
    assert capfd.readouterr() == ("", "")


def test_tags_are_honest():
    tags = WordFrames().__sklearn_tags__()
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.one_d_array
    assert tags.input_tags.string
    assert tags.input_tags.allow_nan
    assert tags.requires_fit
    with pytest.raises(Exception, match="not fitted yet"):
        WordFrames().transform(table())


def test_inside_a_column_transformer_its_name_is_the_prefix():
    X = table().assign(speaker="s")
    frames = ColumnTransformer([("text", WordFrames(), ["text"])])
    frames.set_output(transform="pandas")
    output = frames.fit_transform(X)
    assert list(output.columns) == ["text__word_frames", "text__seconds", "text__loudness"]
    vectors = ColumnTransformer([("text", WordFrames("mean"), "text")])
    vectors.set_output(transform="pandas")
    assert list(vectors.fit_transform(X).columns) == ["text__word_0000", "text__word_0001"]
    assert len(clone(vectors).fit(X).get_feature_names_out()) == 2


def test_a_pickle_gives_the_same():
    embedder = WordFrames().fit(table())
    assert_same_cells(
        pickle.loads(pickle.dumps(embedder)).transform(table()), embedder.transform(table())
    )


def test_a_row_of_an_array_is_one_item_and_not_a_list():
    output = FileSizes().fit_transform([np.zeros(4)])
    assert output.shape == (1, 1)


@pytest.mark.parametrize(
    ("cell", "kind", "message"),
    [
        ("no/such.wav", FileNotFoundError, "row 0: the file 'no/such.wav' is not there. Check"),
        (".", ValueError, "'.' is a folder, not a file"),
        ({"a": 1}, ValueError, "expected the path of a file or an array, found dict"),
        (7, ValueError, "expected the path of a file or an array, found int 7"),
    ],
)
def test_a_file_that_cannot_be_had(cell, kind, message):
    with pytest.raises(kind, match=message):
        FileSizes().fit_transform([cell])


def test_a_subclass_that_breaks_its_duty_is_told(monkeypatch):
    monkeypatch.setattr(WordFrames, "_frames", lambda self, item: np.zeros((1, 3)))
    with pytest.raises(RuntimeError, match=r"must be float32 of shape \(n_frames, 4\)"):
        WordFrames().fit_transform(table())
