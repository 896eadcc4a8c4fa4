import numpy as np
import pytest

from emoest.evaluation._protocols.checked_folds import make_splits

ROWS = np.zeros((6, 1))


class Given:
    def __init__(self, *splits):
        self.splits = splits

    def split(self, X, y=None, groups=None):
        yield from self.splits


BAD = {
    "negative positions": (([0, 1, 2], [-1, -2]), "cv holds -1, -2, .* from 0 to 5"),
    "beyond the rows": (([0, 1, 6], [3]), "cv holds 6, "),
    "no whole numbers": (([0.0, 1.0], [3]), "cv holds 0.0, 1.0, "),
    "labels of the index": (([0, 1], ["clip3"]), "cv holds 'clip3', "),
    "a short mask": (([True, False], [3]), "A mask of cv has 2 entries for 6 rows"),
    "a row in both parts": (([0, 1], [1, 2]), "in both the training and the test part"),
    "no test row": (([0, 1], []), "test part of fold 1 of 1 is empty"),
}


@pytest.mark.parametrize(("split", "message"), BAD.values(), ids=BAD)
def test_folds_that_name_no_rows_are_refused(split, message):
    with pytest.raises(ValueError, match=message):
        make_splits(Given(split), ROWS, None, None)


def test_masks_and_lists_name_positions():
    mask = np.arange(6) < 2
    ((train, test),) = make_splits(Given((~mask, mask)), ROWS, None, None)
    assert (train.tolist(), test.tolist()) == ([2, 3, 4, 5], [0, 1])
