import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator

from emoest.tables.samples import read_samples


class Owner(BaseEstimator):
    def __init__(self, modalities="auto", context=()):
        self.modalities = modalities
        self.context = context


def media():
    return pd.DataFrame(
        {
            "text": ["a b", None, "c"],
            "audio__frames": [np.ones((2, 3)), np.ones((1, 3)), None],
            "audio__seconds": [[1.0, 2.0], [1.0], None],
            "face__smile": [1.0, np.nan, 3.0],
            "face__brow": [np.nan, np.nan, 4],
            "speaker": ["s1", "s1", "s2"],
        },
        index=["x", "y", "z"],
    )


def test_media_numbers_and_context_are_told_apart():
    table, y = read_samples(Owner(context=["speaker"]), media(), ["a", "b", "a"])
    assert table.names == ["text", "audio", "face"]
    assert table.layout.media == {"text", "audio"}
    missing = {name: rows.tolist() for name, rows in table.missing.items()}
    assert missing == {
        "text": [False, True, False],
        "audio": [False, False, True],
        "face": [False, True, False],
    }
    assert table.present(["audio", "face"]).tolist() == [True, False, False]
    assert y.tolist() == ["a", "b", "a"]
    assert table.context["speaker"].tolist() == ["s1", "s1", "s2"]


def test_a_base_gets_filled_numbers_and_untouched_media():
    table, _ = read_samples(Owner(context=["speaker"]), media(), [0, 1, 0])
    rows = np.array([0, 2])
    fill = table.learn_fill(["face", "text"], rows, None)
    assert list(fill) == ["face"]
    taken = table.take(["text", "face"], rows, fill, "mean")
    assert list(taken.columns) == ["text", "face__smile", "face__brow", "speaker"]
    assert taken.index.tolist() == ["x", "z"]
    assert_allclose(taken["face__brow"], [4.0, 4.0])
    assert taken["text"].tolist() == ["a b", "c"]
    with pytest.raises(ValueError, match=r"'face' is partly NaN in 1 .* row 'x', column 'face__br"):
        table.take(["face"], rows, fill, "raise")
    table, _ = read_samples(Owner(context=["speaker"]), media().set_axis([7, 9, 3]), [0, 1, 0])
    with pytest.raises(ValueError, match="in row 7, column"):
        table.take(["face"], rows, fill, "raise")


def test_fills_are_means_of_the_rows_given_by_weight():
    X = np.array([[1.0, 5.0], [3.0, np.nan], [100.0, 7.0]])
    owner = Owner(modalities={"a": [0], "b": [1]})
    table, _ = read_samples(owner, X, [0, 1, 1])
    fill = table.learn_fill(["a", "b"], np.array([0, 1]), np.array([1.0, 3.0, 9.0]))
    assert fill["a"].tolist() == [2.5]
    assert fill["b"].tolist() == [5.0]
    assert table.take(["a", "b"], np.array([0, 1]), fill, "mean").tolist() == [[1, 5], [3, 5]]


def test_the_layout_of_fit_holds_when_media_are_all_missing_later():
    owner = Owner()
    table, _ = read_samples(owner, media(), [0, 1, 0])
    silent = media().assign(text=np.nan)
    later, target = read_samples(owner, silent, layout=table.layout)
    assert later.missing["text"].all()
    assert target is None


def test_columns_must_be_those_of_fit():
    owner = Owner()
    table, _ = read_samples(owner, media(), [0, 1, 0])
    with pytest.raises(ValueError, match="feature names"):
        read_samples(owner, media().drop(columns="text"), layout=table.layout)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (media().iloc[:0], [], r"0 sample\(s\)"),
        (media(), None, "requires y to be passed"),
        (media(), [0, 1], "inconsistent numbers of samples"),
        (media().assign(face__smile=np.inf), [0, 1, 0], "infinity"),
    ],
)
def test_unfit_samples_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        read_samples(Owner(), X, y)


def test_bare_frames_and_their_seconds_are_one_modality():
    X = pd.DataFrame({"yamnet_frames": [np.ones((2, 3)), None], "seconds": [[1.0, 2.0], None]})
    samples, _ = read_samples(Owner(), X, [0, 1])
    assert samples.names == ["features"]
    assert samples.missing["features"].tolist() == [False, True]


def test_an_auxiliary_column_alone_is_named():
    X = media()[["text", "audio__seconds"]]
    with pytest.raises(ValueError, match="Column 'audio__seconds' holds frames"):
        read_samples(Owner(), X, [0, 1, 0])


def test_context_needs_column_names():
    with pytest.raises(ValueError, match=r"context=\['speaker'\] names columns, but X has no"):
        read_samples(Owner(context=["speaker"]), np.ones((2, 2)), [0, 1])


def test_context_is_found_by_its_last_token():
    X = media().rename(columns={"speaker": "meta__speaker"})
    table, _ = read_samples(Owner(context=["speaker"]), X, [0, 1, 0])
    assert list(table.context) == ["meta__speaker"]
