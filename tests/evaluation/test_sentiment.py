import numpy as np
import pytest
from sklearn.metrics import f1_score

from emoest.evaluation import ccc_score, pearson_score, sentiment_scores

TRUE = np.array([-3.0, -1.6, -0.4, 0.0, 0.0, 0.6, 1.8, 2.7])
PRED = np.array([-2.0, -2.4, 0.2, -0.1, 0.3, 0.0, 2.2, 3.4])


def test_every_score_by_hand():
    scores = sentiment_scores(TRUE, PRED)
    assert scores["mae"] == pytest.approx((1 + 0.8 + 0.6 + 0.1 + 0.3 + 0.6 + 0.4 + 0.7) / 8)
    assert scores["pearson"] == pytest.approx(np.corrcoef(TRUE, PRED)[0, 1])
    assert scores["ccc"] == pytest.approx(ccc_score(TRUE, PRED))
    # Rounded: -3 -2 0 0 0 1 2 3 against -2 -2 0 0 0 0 2 3.
    assert scores["acc_7"] == 6 / 8
    # Clipped at 2 first, -3 and 2.7 become -2 and 2 as their predictions do.
    assert scores["acc_5"] == 7 / 8
    # Below 0 against the others: - - - + + + + + against - - + - + + + +.
    assert scores["acc_2_has0"] == 6 / 8
    assert scores["f1_has0"] == pytest.approx(
        f1_score([0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1, 1, 1], average="weighted")
    )
    # Without the two zeros, above 0 against the others: - - - + + + against - - + - + +.
    assert scores["acc_2_non0"] == 4 / 6
    assert scores["f1_non0"] == pytest.approx(
        f1_score([0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1], average="weighted")
    )
    assert len(scores) == 9


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.3])
def test_perfect_predictions(scale):
    scores = sentiment_scores(TRUE * scale, TRUE * scale)
    assert scores["mae"] == 0 and scores.drop("mae").to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_a_constant_prediction(value):
    scores = sentiment_scores(TRUE, np.full(8, value))
    assert scores["pearson"] == 0 == pearson_score(TRUE, np.full(8, value))
    assert scores["acc_2_has0"] == np.mean((TRUE >= 0) == (value >= 0))


def test_only_zeros_leave_the_sign_open():
    scores = sentiment_scores([0.0, 0.0], [0.1, -0.1])
    assert np.isnan(scores[["acc_2_non0", "f1_non0"]]).all() and scores["acc_2_has0"] == 0.5


@pytest.mark.parametrize(
    ("true", "pred", "message"),
    [
        ([0.0, 1.0], [0.0], "have 2 and 1 samples"),
        ([0.0, np.nan], [0.0, 1.0], "y_true has 1 missing or infinite"),
        ([0.0, 1.0], [0.0, np.inf], "y_pred has 1 missing or infinite"),
        ([], [], "empty"),
    ],
)
def test_bad_values_are_named(true, pred, message):
    with pytest.raises(ValueError, match=message):
        sentiment_scores(true, pred)
