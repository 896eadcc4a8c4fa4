import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from emoest.media.notes import note
from emoest.media.transformer import CellTransformer

READ: list[str] = []


class Sums(CellTransformer):
    """One frame an array: its sum; all work is done when it is read."""

    _stem = "sum"
    _reads_apart = True

    def __init__(self, errors="raise", cache_dir=None, batch_size=3, n_jobs=None, verbose=0):
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _recipe(self):
        return {}

    def _n_dims(self):
        return 1

    def _read_item(self, item, name):
        READ.append(name)
        if item[0] == 4:
            raise ValueError("it is four")
        if item[0] > 7:
            note("is large", name)
        return item.sum()

    def _compute(self, batch):
        return [np.full((1, 1), value, dtype=np.float32) for value in batch]


class Nameless(Sums):
    _stem = ""


def cells(*numbers):
    return [np.full(3, number) for number in numbers]


@pytest.fixture(autouse=True)
def _count_from_zero():
    READ.clear()


@pytest.fixture(params=["one after the other", "threads", "processes"])
def run(request):
    """Fit and transform under a backend of joblib, and return what came out and the warnings."""

    def run(X, **parameters):
        n_jobs = None if request.param == "one after the other" else 2
        backend = "loky" if request.param == "processes" else "threading"
        with warnings.catch_warnings(record=True) as caught, parallel_config(backend):
            warnings.simplefilter("always")
            output = Sums(n_jobs=n_jobs, **parameters).fit_transform(X)
        return output["sum_0000"].tolist(), [str(each.message) for each in caught]

    return run


def test_order_and_values_are_those_of_one_job(run):
    found, said = run(cells(3, 1, 2, 3, 7, 6))
    assert found == [9.0, 3.0, 6.0, 9.0, 21.0, 18.0]
    assert said == []


def test_notes_of_workers_are_one_warning(run):
    _, said = run(cells(8, 1, 9, 10))
    assert said == ["row 0 is large. (And 2 more such items.)"]


def test_what_cannot_be_read_is_missing_with_its_row(run):
    found, said = run(cells(3, 4, 5), errors="missing")
    assert [np.isnan(value) for value in found] == [False, True, False]
    assert said == ["1 of 3 cells could not be read and count as missing: row 1: it is four."]


def test_what_was_read_before_a_failure_is_kept(run, tmp_path):
    with pytest.raises(ValueError, match=r"^row 2: it is four\. Fix the cell"):
        run(cells(3, 5, 4, 6), cache_dir=tmp_path)
    READ.clear()
    assert Sums(cache_dir=tmp_path).fit_transform(cells(3, 5))["sum_0000"].tolist() == [9.0, 15.0]
    assert READ == []


def test_columns_without_a_stem_are_no_columns():
    with pytest.raises(TypeError, match=r"Nameless has no _stem, .*names of its columns"):
        Nameless().fit(cells(1))


def test_items_are_read_once_in_threads():
    X = pd.DataFrame({"audio": cells(1, 2, 1, 2, 1)})
    with parallel_config("threading"):
        Sums(n_jobs=2, cache_dir=False).fit_transform(X)
    assert sorted(READ) == ["row 0, column 'audio'", "row 1, column 'audio'"]
