import pandas as pd
import pytest

from emoest.datasets._own.bunch import own_bunch


def record_of(values):
    frame = pd.DataFrame({"text": ["x"] * len(values), "mood": values})
    options = {"target": "mood", "missing": (), "n_unlabeled": 0, "return_X_y": False}
    return own_bunch(frame, "mine", ["text"], **options).record


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["b", "a", None], ("a", "b")),
        ([2, 0, 2], ("0", "2")),
        ([1.0, 0.0, None], ("0.0", "1.0")),
        ([True, False, True], ("False", "True")),
    ],
)
def test_few_whole_values_are_labels(values, labels):
    record = record_of(values)
    assert record.labels == {"mood": labels}
    assert record.scores == {}
    assert record.targets == ("mood",)


@pytest.mark.parametrize("values", [[0.5, 1.0, None], list(range(101))])
def test_fractions_and_many_numbers_are_scores(values):
    record = record_of(values)
    assert record.labels == {}
    assert record.scores == {"mood": (float(values[0]), float(values[-1] or 1.0))}


def test_what_nobody_knows_is_called_unknown():
    record = record_of(["a"])
    assert record.n_speakers is None
    assert record.license.startswith("Unknown")
    assert "Speakers: unknown" in record.describe()
