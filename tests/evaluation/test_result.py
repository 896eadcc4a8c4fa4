import numpy as np
import pandas as pd
import pytest

from emoest.evaluation import EvaluationResult, Protocol, uar_interval


@pytest.fixture
def result():
    y = ["sad", "sad", "sad", "happy", "happy", "angry"]
    predictions = pd.DataFrame(
        {
            "row": list("abcdef"),
            "position": range(6),
            "fold": [1, 1, 1, 2, 2, 2],
            "group": ["s1", "s1", "s2", "s3", "s3", "s4"],
            "y": y,
            "y_pred": ["sad", "happy", "sad", "happy", "happy", "calm"],
        }
    )
    protocol = Protocol(
        task="classification",
        splitter="by hand",
        n_splits=2,
        n_rows=6,
        n_groups=4,
        speaker_independent=True,
        shared=[],
        seed=3,
        n_resamples=100,
        confidence=0.9,
        transductive={"m": []},
        targets=["emotion"],
        classes={"emotion": ["angry", "happy", "sad"]},
    )
    return EvaluationResult(predictions, protocol)


def test_table_by_hand(result):
    row = result.table.loc["m"]
    assert row["uar"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert row["wa"] == pytest.approx(4 / 6)
    assert row[["recall_angry", "recall_happy", "recall_sad"]].tolist() == [0, 1, 2 / 3]
    assert row["chance"] == 1 / 3
    assert row["fold_mean"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert row["fold_std"] == pytest.approx((2 / 3 - 1 / 2) / np.sqrt(2))
    rows = result.predictions
    expected = uar_interval(
        rows["y"], rows["y_pred"], rows["group"], n_resamples=100, confidence=0.9, random_state=3
    )
    assert (row["uar_low"], row["uar_high"]) == expected


def test_folds_by_hand(result):
    folds = result.folds
    assert folds["uar"].tolist() == pytest.approx([2 / 3, 1 / 2])
    assert folds["wa"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert folds["n"].tolist() == [3, 3]


def test_confusion_by_hand(result):
    confusion = result.confusion()
    assert confusion.index.tolist() == ["angry", "calm", "happy", "sad"]
    assert confusion.to_numpy().tolist() == [
        [0, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 2, 0],
        [0, 0, 1, 2],
    ]
    shares = result.confusion(normalize=True)
    assert shares.loc["sad"].tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3])
    assert shares.loc["calm"].tolist() == [0, 0, 0, 0]


def test_one_model_has_no_comparison(result):
    assert result.comparison.empty
    assert "Differences" not in result.summary()
