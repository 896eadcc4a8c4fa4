"""Checks for estimators whose X is a table of media or of frames.

scikit-learn's own suite needs numeric 2-D arrays; it runs in full on classes that read vectors.
An estimator that reads media or frames is held to the checks of this module, which check the same
things on such a table. They can be run on any estimator that keeps emoest's contract.
"""

import io
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks as sklearn_checks

from emoest.tables.cells import is_missing, object_column, read_frames
from emoest.tables.names import is_context, is_sidecar

__all__ = ["assert_same_cells", "cell_estimator_checks", "check_cell_estimator"]

# Less than the weights of YAMNet (15 MB), so that an encoder inside a pickle shows.
MAX_PICKLE_BYTES = 10 * 2**20

_CONSTRUCTOR_CHECKS = (
    sklearn_checks.check_estimator_cloneable,
    sklearn_checks.check_estimator_repr,
    sklearn_checks.check_no_attributes_set_in_init,
    sklearn_checks.check_mixin_order,
    sklearn_checks.check_do_not_raise_errors_in_init_or_set_params,
    sklearn_checks.check_parameters_default_constructible,
    sklearn_checks.check_get_params_invariance,
    sklearn_checks.check_set_params,
    sklearn_checks.check_valid_tag_types,
)

Check = Callable[[Any, pd.DataFrame, Any], None]


def check_cell_estimator(estimator: Any, X: pd.DataFrame, y: Any = None) -> None:
    """Run every check of this module on one estimator.

    Parameters
    ----------
    estimator : estimator
        An unfitted transformer, classifier or regressor for tables of media or frames.
    X : DataFrame of shape (n_samples, n_columns)
        At least eight rows, ragged, none missing, with a unique index.
    y : array-like of shape (n_samples,), default=None
        The target; string labels for a classifier.

    Raises
    ------
    AssertionError
        If a check does not hold; the message says which row or column differs.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.aggregation import StatisticsPooling
    >>> from emoest.tables.cells import object_column
    >>> cells = [np.full((i + 1, 2), i, dtype="float32") for i in range(8)]
    >>> X = object_column(cells, pd.RangeIndex(8), "audio__frames").to_frame()
    >>> check_cell_estimator(StatisticsPooling(), X)
    """
    for check in cell_estimator_checks(estimator):
        check(clone(estimator), X.copy(), y)


def cell_estimator_checks(estimator: Any) -> list[Check]:
    """List the checks that apply to `estimator`, each a function of (estimator, X, y).

    Parameters
    ----------
    estimator : estimator
        An unfitted estimator.

    Returns
    -------
    checks : list of callable
        Each has a ``__name__`` that says what it checks.

    Examples
    --------
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> checks = cell_estimator_checks(FunctionTransformer())
    >>> "check_row_order" in [check.__name__ for check in checks]
    True
    """
    return list(_yield_checks(estimator))


def _yield_checks(estimator: Any) -> Iterator[Check]:
    for check in _CONSTRUCTOR_CHECKS:
        named = partial(_call_constructor_check, check)
        named.__name__ = check.__name__  # type: ignore[attr-defined]
        yield named
    yield check_row_order
    yield check_subset_invariance
    yield check_missing_cells
    yield check_ragged_cells
    yield check_refit_equals_fit
    yield check_input_names
    yield check_global_generators_untouched
    yield check_pickle_without_weights
    yield check_clone_in_grid_search
    if hasattr(estimator, "transform"):
        yield check_output_names
        yield check_set_output
        yield check_context_passes_through
    if is_classifier(estimator):
        yield check_string_labels


def _call_constructor_check(check: Any, estimator: Any, X: pd.DataFrame, y: Any) -> None:
    check(type(estimator).__name__, clone(estimator))


def apply(estimator: Any, X: pd.DataFrame) -> pd.DataFrame:
    """Transform, or predict probabilities or values, always as a DataFrame on X's index.

    Examples
    --------
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> X = pd.DataFrame({"a": [1.0]})
    >>> apply(FunctionTransformer().fit(X), X).equals(X)
    True
    """
    if hasattr(estimator, "transform"):
        output = estimator.transform(X)
        assert isinstance(output, pd.DataFrame), "transform of a DataFrame must give a DataFrame"
        return output
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    return pd.DataFrame(np.asarray(getattr(estimator, method)(X)), index=X.index)


def assert_same_cells(left: pd.DataFrame, right: pd.DataFrame, atol: float = 1e-5) -> None:
    """Assert that two tables of numbers or cells are equal, naming the first difference.

    Parameters
    ----------
    left, right : DataFrame
        Tables of numbers, or of cells such as paths, texts and frames.
    atol : float, default=1e-5
        How far numbers may lie apart.

    Raises
    ------
    AssertionError
        If names of columns, the index, missing cells, shapes or values differ.

    Examples
    --------
    >>> assert_same_cells(pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0]}))
    """
    assert list(left.columns) == list(right.columns), (list(left.columns), list(right.columns))
    assert left.index.equals(right.index), "the index changed"
    for column in left.columns:
        for row, a, b in zip(left.index, left[column], right[column], strict=True):
            where = f"row {row!r}, column {column!r}"
            assert is_missing(a) == is_missing(b), f"{where}: one is missing, {a!r} and {b!r}"
            if is_missing(a):
                continue
            texts = isinstance(a, str) or (isinstance(a, list) and isinstance(a[0], str))
            if texts or is_context(column):
                assert a == b, where
            elif isinstance(a, tuple):
                assert len(a) == len(b), where
                for part, other in zip(a, b, strict=True):
                    if np.asarray(part).dtype.kind == "U":
                        assert list(part) == list(other), where
                        continue
                    np.testing.assert_allclose(part, other, atol=atol, rtol=1e-5, err_msg=where)
            else:
                np.testing.assert_allclose(
                    np.asarray(a, float), np.asarray(b, float), atol=atol, rtol=1e-5, err_msg=where
                )


def check_row_order(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """The rows of the output follow the rows of X, whatever their order."""
    estimator.fit(X, y)
    expected = apply(estimator, X)
    assert expected.index.equals(X.index), "the index of X was not kept"
    order = np.random.RandomState(0).permutation(len(X))
    assert_same_cells(apply(estimator, X.iloc[order]), expected.iloc[order])


def check_subset_invariance(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """A row's output does not depend on the other rows given with it."""
    estimator.fit(X, y)
    parts = [apply(estimator, X.iloc[[i]]) for i in range(len(X))]
    assert_same_cells(pd.concat(parts), apply(estimator, X))


def check_missing_cells(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """A missing row stays missing and leaves the other rows as they were."""
    estimator.fit(X, y)
    expected = apply(estimator, X)
    holed = X.copy()
    for column in _media(X):
        holed[column] = _with_cell(X[column], 2, None)
    with _warnings_ignored():
        output = apply(estimator, holed)
    kept = [i for i in range(len(X)) if i != 2]
    assert_same_cells(output.iloc[kept], expected.iloc[kept])
    row = output.iloc[2]
    if hasattr(estimator, "transform"):
        filled = [name for name in row.index if not is_context(name) and not is_missing(row[name])]
        assert not filled, f"a missing row came out with values in {filled[:3]}"
    else:
        assert not row.isna().any(), "a row with nothing must be predicted by the training prior"


def check_ragged_cells(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Cutting the frames of one row changes the number of frames, never the other rows."""
    estimator.fit(X, y)
    expected = apply(estimator, X)
    cut = X.copy()
    touched = False
    for column in _media(X):
        cell = X.iloc[1][column]
        # Of one frame half would be none, which is a missing cell: another check.
        if isinstance(cell, np.ndarray | list) and len(cell) > 1:
            cut[column] = _with_cell(X[column], 1, cell[: len(cell) // 2])
            touched = True
    if not touched:
        assert not any(isinstance(cell, np.ndarray) for cell in X[_media(X)[0]]), (
            "give this check a second row of more than one frame"
        )
        return
    output = apply(estimator, cut)
    others = [i for i in range(len(X)) if i != 1]
    assert_same_cells(output.iloc[others], expected.iloc[others])
    assert list(output.columns) == list(expected.columns)


def check_refit_equals_fit(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Fitting again, also after other rows, gives what one fit gives."""
    once = apply(clone(estimator).fit(X, y), X)
    half = slice(0, None, 2) if y is None else slice(0, max(6, len(X) - 2))
    estimator.fit(X.iloc[half], None if y is None else y[half])
    estimator.fit(X, y)
    assert_same_cells(apply(estimator, X), once)


def check_input_names(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """`fit` records what it saw."""
    estimator.fit(X, y)
    assert estimator.n_features_in_ == X.shape[1]
    assert list(estimator.feature_names_in_) == list(X.columns)


def check_output_names(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """`get_feature_names_out` names the columns that come out."""
    estimator.fit(X, y)
    names = list(estimator.get_feature_names_out())
    assert names == list(apply(estimator, X).columns)
    assert len(set(names)) == len(names), "two columns have one name"


def check_set_output(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """`set_output(transform="pandas")` changes nothing for a DataFrame."""
    plain = apply(clone(estimator).fit(X, y), X)
    pandas_output = estimator.set_output(transform="pandas").fit(X, y)
    assert_same_cells(pandas_output.transform(X), plain)
    assert_same_cells(clone(pandas_output).fit_transform(X, y), plain)


def check_context_passes_through(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """A context column comes out untouched and last."""
    speakers = [f"s{i % 3}" for i in range(len(X))]
    output = apply(estimator.fit(X.assign(speaker=speakers), y), X.assign(speaker=speakers))
    assert output.columns[-1] == "speaker"
    assert output["speaker"].tolist() == speakers


def check_global_generators_untouched(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """The global generators of numpy and torch are left as they were found."""
    before = _generator_states()
    apply(estimator.fit(X, y), X)
    for name, state in _generator_states().items():
        assert np.array_equal(state, before.get(name, state)), f"{name}'s generator was moved"


def check_pickle_without_weights(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """A fitted estimator pickles to less than 10 MB and comes back giving the same."""
    estimator.fit(X, y)
    buffer = io.BytesIO()
    pickle.dump(estimator, buffer)
    assert buffer.tell() < MAX_PICKLE_BYTES, f"the pickle has {buffer.tell()} bytes"
    assert_same_cells(apply(pickle.loads(buffer.getvalue()), X), apply(estimator, X))


def check_clone_in_grid_search(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """The estimator can be cloned, fitted and scored inside GridSearchCV."""
    from sklearn.dummy import DummyClassifier

    predicts = is_classifier(estimator) or is_regressor(estimator)
    labels = np.array(["low", "high"] * len(X))[: len(X)] if y is None else y
    numbers = FunctionTransformer(_to_numbers)
    model = estimator if predicts else make_pipeline(estimator, numbers, DummyClassifier())
    search = GridSearchCV(model, {}, cv=2, error_score="raise")
    with _warnings_ignored():
        search.fit(X, labels)
    assert len(search.predict(X)) == len(X)


def check_string_labels(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """A classifier predicts the labels that it was given."""
    labels = np.array(["sad", "happy"])[np.arange(len(X)) % 2]
    estimator.fit(X, labels)
    assert estimator.classes_.tolist() == ["happy", "sad"]
    assert set(estimator.predict(X)) <= {"happy", "sad"}
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_allclose(estimator.predict_proba(X).sum(axis=1), 1.0, rtol=1e-6)


def _to_numbers(X: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Summarize cells of any kind by one number a sample, so that a classifier can follow."""
    return np.array([[_cell_mean(cell)] for cell in X.iloc[:, 0]])


def _cell_mean(cell: Any) -> float:
    if isinstance(cell, str):
        return float(len(cell))
    if isinstance(cell, tuple):
        cell = cell[0]
    frames = read_frames([cell] if np.ndim(cell) == 0 else cell)
    return 0.0 if frames is None else float(np.nan_to_num(frames).mean())


def _with_cell(column: pd.Series, position: int, cell: Any) -> pd.Series:
    cells = list(column)
    cells[position] = cell
    return object_column(cells, column.index, column.name)


def _media(X: pd.DataFrame) -> list[str]:
    return [c for c in X.columns if not is_context(c) and not is_sidecar(c)]


def _generator_states() -> dict[str, npt.NDArray[Any]]:
    states = {"numpy": np.random.get_state()[1]}  # type: ignore[index]  # noqa: NPY002
    # What has not been imported cannot have been moved, and importing torch here takes seconds.
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy()
    return states


@contextmanager
def _warnings_ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
