import ast
import warnings

import pandas as pd
import pytest

from emoest.datasets import UnlabeledRowsWarning, load_table
from tests.datasets._own.tables import write


def test_labels_may_be_codes_or_scores(folder):
    path = write(folder, "audio,emotion,valence", "a.wav,1,2.5", "b.wav,2,3", "c.wav,1,")
    y = load_table(path, labels={"1": "sad", "2": "glad"}).target
    assert y.tolist() == ["sad", "glad", "sad"]
    bunch = load_table(path)
    assert bunch.target.tolist() == [1, 2, 1]
    assert bunch.record.labels == {"emotion": ("1", "2")}
    with pytest.warns(UnlabeledRowsWarning, match="1 of 3 rows have no label"):
        bunch = load_table(path, target=["valence", "emotion"])
    assert bunch.record.scores == {"valence": (2.5, 3.0)}
    assert bunch.target["valence"].isna().tolist() == [False, False, True]
    with pytest.raises(ValueError, match=r"Line 3 of the table .* unknown emotion '2'; .* knows 1"):
        load_table(path, labels={"1": "sad"})


def test_rows_without_a_label_are_counted_and_dropped_when_asked(folder):
    path = write(folder, "audio,speaker,emotion", "a.wav,s,sad", "b.wav,s,")
    with pytest.warns(UnlabeledRowsWarning, match="1 of 2 rows have no label"):
        assert load_table(path).n_unlabeled == 1
    with pytest.warns(UnlabeledRowsWarning, match="dropped"):
        X, y = load_table(path, drop_unlabeled=True, return_X_y=True)
    assert (len(X), y.tolist()) == (1, ["sad"])


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["01", "02", "10"], ["01", "02", "10"]),
        (["1", "2", "10"], [1, 2, 10]),
        (["007", "x", "1"], ["007", "x", "1"]),
        (["0", "1", "0"], [0, 1, 0]),
        (["0.5", "1.5", "2"], [0.5, 1.5, 2.0]),
        ([" Angry", "Angry", "Angry "], ["Angry"] * 3),
    ],
)
def test_labels_are_stripped_and_digits_may_be_names(folder, cells, labels):
    path = write(folder, "text,emotion", *(f"t,{cell}" for cell in cells))
    assert load_table(path).target.tolist() == labels
    assert load_table(pd.DataFrame({"text": "t", "emotion": cells})).target.tolist() == labels


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["1.0", "2.0", "1"], {1: "sad", 2: "glad"}),
        ([1.0, 2.0, 1.0], {1: "sad", 2: "glad"}),
        ([1, 2, 1], {"1": "sad", "2": "glad"}),
        (["01", "02", "01"], {1: "sad", "2": "glad"}),
        ([" a", "b ", "a"], {"a": "sad", "b": "glad"}),
    ],
)
def test_codes_are_found_as_they_are_written_or_as_numbers(cells, labels):
    table = pd.DataFrame({"text": ["x", "y", "z"], "emotion": cells})
    assert load_table(table, labels=labels).target.tolist() == ["sad", "glad", "sad"]


def test_a_code_as_it_is_written_comes_first():
    table = pd.DataFrame({"text": ["x", "y"], "emotion": ["01", "1"]})
    y = load_table(table, labels={"01": "sad", "1": "glad"}).target
    assert y.tolist() == ["sad", "glad"]


def test_labels_with_two_spellings_are_said_with_what_joins_them():
    cells = ["Fear", "fear", "Pleasant_surprise", "pleasant_surprised", "sad"]
    table = pd.DataFrame({"text": cells, "emotion": cells})
    with pytest.warns(UserWarning, match="may be one") as caught:
        load_table(table)
    advice = str(caught[0].message).partition("labels=")[2].rstrip(".")
    with warnings.catch_warnings(action="error"):
        y = load_table(table, labels=ast.literal_eval(advice)).target
    assert y.nunique() == 3
