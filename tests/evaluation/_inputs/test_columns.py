"""What are no classes is refused by every function that takes true and predicted ones."""

import numpy as np
import pandas as pd
import pytest

from emoest.evaluation import (
    ConfusionDisplay,
    IntervalDisplay,
    SpeakerDisplay,
    macro_f1_score,
    mcnemar_test,
    multilabel_uar,
    permutation_test,
    recall_per_class,
    uar_interval,
    uar_score,
)

CALLS = {
    "uar_score": uar_score,
    "recall_per_class": recall_per_class,
    "macro_f1_score": macro_f1_score,
    "uar_interval": uar_interval,
    "mcnemar_test": lambda y, p: mcnemar_test(y, y, p),
    "permutation_test": permutation_test,
    "ConfusionDisplay": ConfusionDisplay.from_predictions,
    "SpeakerDisplay": lambda y, p: SpeakerDisplay.from_predictions(y, p, groups=list(y)),
    "IntervalDisplay": lambda y, p: IntervalDisplay.from_predictions(y, {"a": p}),
}
BAD = {
    "numbers against text": ([0, 1, 0, 1], ["0", "1", "0", "1"], "labels of different kinds"),
    "text against numbers": (["0", "1"], [0, 1], "labels of different kinds"),
    "NaN": ([0.0, np.nan], [0.0, 1.0], "missing or infinite value.*position 1"),
    "NaN in a list of text": (["a", float("nan")], ["a", "b"], "missing or infinite"),
    "None": (["a", "b"], ["a", None], "missing or infinite"),
    "no classes": ([0.1, 0.7], [0.0, 1.0], "must hold classes, but it is continuous"),
    "nothing": ([], [], "empty"),
    "text and numbers": (["a", 1], ["a", "b"], "mixes strings"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("true", "pred", "message"), BAD.values(), ids=BAD)
def test_what_are_no_classes_is_refused(call, true, pred, message):
    with pytest.raises(ValueError, match=message):
        call(true, pred)


def test_tables_are_no_column_of_classes():
    table = np.array([[0, 1], [1, 0]])
    for call in (uar_interval, permutation_test, lambda y, p: mcnemar_test(y, y, p)):
        with pytest.raises(ValueError, match="2 columns, and this score is of one target"):
            call(table, table)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"confidence": 95}, "between 0 and 1"), ({"n_resamples": 0}, "at least 1")],
)
def test_options_of_the_interval_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        uar_interval([0, 1], [0, 1], **options)


def test_tables_of_labels_are_joined_by_name():
    true = pd.DataFrame({"glad": [1, 0, 1, 0], "sad": [0, 0, 1, 1]})
    assert multilabel_uar(true, true[["sad", "glad"]]).tolist() == [1.0, 1.0]
    assert macro_f1_score(true, true[["sad", "glad"]]) == 1.0
    assert multilabel_uar(true, pd.DataFrame(true.to_numpy())).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="give both the same names"):
        multilabel_uar(true, true.rename(columns={"sad": "angry"}))
