"""What the splitters that read the columns of X share."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from emoest.tables.groups import NotSpeakerIndependentWarning, resolve_groups
from emoest.tables.names import tokens
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed
from emoest.utils.typing import Rows
from emoest.utils.warn import warn_user


class ColumnSplitter(BaseCrossValidator):
    """Base of our splitters: two parts a fold, and a warning if they share a speaker."""

    # With metadata routing on, cross_validate gives groups only to splitters that request them.
    __metadata_request__split = {"groups": True}

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Generate the row positions of training and test part, fold by fold.

        Parameters
        ----------
        X : DataFrame
            The corpus, with the columns that the splitter reads.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            The speakers; None takes the column ``speaker`` or the index level ``group``.

        Yields
        ------
        train, test : ndarray of int
            Row positions.

        Warns
        -----
        NotSpeakerIndependentWarning
            If a fold has the same speaker in both parts.
        """
        speakers = speakers_of(X, groups)
        # All folds at once, since one warning counts those that share speakers.
        folds = list(self._folds(X, speakers))
        if speakers is not None:
            _warn_shared(type(self).__name__, folds, speakers)
        for _, train, test in folds:
            yield train, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Count the folds.

        Parameters
        ----------
        X : DataFrame
            The corpus; needed.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            The speakers, see `split`.

        Returns
        -------
        n_splits : int

        Raises
        ------
        ValueError
            If X is not given.
        """
        if X is None:
            raise ValueError(f"{type(self).__name__} reads X: pass X to get_n_splits.")
        return sum(1 for _ in self._folds(X, speakers_of(X, groups)))

    def _folds(self, X: Any, speakers: npt.NDArray[Any] | None) -> Iterator[tuple[str, Rows, Rows]]:
        raise NotImplementedError


def natural_order(name: Any) -> tuple[int, str]:
    """Return what names of folds and sessions are sorted by.

    Examples
    --------
    >>> sorted(["10", "2", "a"], key=natural_order)
    ['a', '2', '10']
    """
    # Folds and sessions are numbers as text, and 10 comes after 2.
    return (int(name) if str(name).isdigit() else -1, str(name))


def speakers_of(X: Any, groups: Any) -> npt.NDArray[Any] | None:
    """Return the groups, or the index level ``group``, or the column ``speaker``, or None.

    Examples
    --------
    >>> speakers_of(pd.DataFrame({"speaker": ["a", "b"]}), None).tolist()
    ['a', 'b']
    """
    found = resolve_groups(X, groups)
    if found is None and isinstance(X, pd.DataFrame) and "speaker" in X.columns:
        found = np.asarray(X["speaker"])
    return None if found is None else np.asarray(found)


def require_speakers(speakers: npt.NDArray[Any] | None, why: str) -> npt.NDArray[Any]:
    """Return the speakers, or raise if there are none.

    Examples
    --------
    >>> require_speakers(np.array(["a"]), "They are needed").tolist()
    ['a']
    """
    if speakers is None:
        raise ValueError(
            f"{why}: X needs a column 'speaker' or an index level 'group', or pass groups=."
        )
    return speakers


def column_of(X: Any, name: str) -> npt.NDArray[Any]:
    """Return a context column, by its full name or its last token; all rows must have a value.

    Examples
    --------
    >>> column_of(pd.DataFrame({"text__split": ["train"]}), "split").tolist()
    ['train']
    """
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"The folds are read from the column {name!r} of X, which is no DataFrame but "
            f"{type(X).__name__}. Split the DataFrame of the loader, before it becomes an array."
        )
    if not any(column == name or tokens(column)[-1] == name for column in X.columns):
        raise ValueError(
            f"X has no column {name!r}; it has {listed(X.columns, 8, quoted=True)}. Split the "
            "DataFrame of the loader (a corpus without such a column has no such protocol), or "
            f"name another column: column=. From a column of yours: X[{name!r}] = ..."
        )
    values = pd.Series(resolve_groups(X, group_column=name), dtype=object)
    if values.isna().any():
        raise ValueError(
            f"{int(values.isna().sum())} of {num_samples(X)} rows have no {name!r}; leave them out."
        )
    return values.to_numpy()


def clips_of(X: Any, level: str) -> npt.NDArray[Any]:
    """Return the names of the clips, which are a level of the index.

    Examples
    --------
    >>> X = pd.DataFrame({"speaker": ["s"]}, index=pd.Index(["a"], name="clip"))
    >>> clips_of(X, "clip").tolist()
    ['a']
    """
    if not isinstance(X, pd.DataFrame | pd.Series) or level not in X.index.names:
        held = list(X.index.names) if isinstance(X, pd.DataFrame | pd.Series) else type(X).__name__
        raise ValueError(
            f"The folds are lists of clips: X needs an index level {level!r} that names them, but "
            f"has {held}."
        )
    return np.asarray(X.index.get_level_values(level))


def at_least_two(values: npt.NDArray[Any], name: str) -> list[Any]:
    """Return the different values in their natural order; a single one is an error.

    Examples
    --------
    >>> at_least_two(np.array(["10", "2", "2"]), "session")
    ['2', '10']
    """
    names = sorted(set(values.tolist()), key=natural_order)
    if len(names) < 2:
        raise ValueError(f"All rows have the same {name} ({listed(names)}).")
    return names


def _warn_shared(
    splitter: str, folds: Sequence[tuple[str, Rows, Rows]], speakers: npt.NDArray[Any]
) -> None:
    mixed = {
        name: shared
        for name, train, test in folds
        if len(shared := np.intersect1d(speakers[train], speakers[test]))
    }
    if mixed:
        name, shared = next(iter(mixed.items()))
        warn_user(
            f"{splitter}: {len(mixed)} of {len(folds)} folds have speakers in both parts ({name}: "
            f"{listed(shared)}), so the results are not speaker-independent.",
            NotSpeakerIndependentWarning,
        )
