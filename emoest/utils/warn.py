"""Warnings that point to the user's line."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_OURS = ("emoest", "sklearn", "joblib", "optuna")

_said: set[tuple[str, type[Warning], str, int, int]] = set()


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line: the nearest one outside emoest, scikit-learn and joblib.

    Where the filters of `warnings` say nothing else, one line of the user's gets a kind of warning
    once, and two are of a kind that differ in numbers and names only: folds and candidates of a
    search would repeat them hundreds of times, since scikit-learn changes the filters around each
    fit, at which Python forgets what it said.

    Parameters
    ----------
    message : str
        What to say.
    category : type, default=UserWarning
        The class of the warning.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warn_user("Two files are left out.")
    >>> print(caught[0].message)
    Two files are left out.
    """
    # warnings' own skip_file_prefixes came with Python 3.12.
    level, frame = 2, sys._getframe(1)
    while _module(frame).partition(".")[0] in _OURS and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    place = (frame.f_code.co_filename, frame.f_lineno, _cell_of_notebook())
    if _is_default(message, category, _module(frame), frame.f_lineno):
        kind = (kind_of(message), category, *place)
        if kind in _said:
            return
        _said.add(kind)
    warnings.warn(message, category, stacklevel=level)


def kind_of(message: str) -> str:
    """Leave the numbers and names out of a message, and how many there are of them.

    Examples
    --------
    >>> kind_of("7 row(s) are left out: (0, 's0'), (7, 's1') and 5 more.")
    '# row(s) are left out: #.'
    """
    plain = re.sub(r"'[^']*'|\"[^\"]*\"|\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", "#", message)
    names = re.sub(r"\((?:#(?:, )?)+\)", "#", plain)
    return re.sub(r"#(?:(?:, | and )#(?: more)?)+", "#", names)


@contextmanager
def collected_warnings() -> Iterator[list[tuple[str, type[Warning]]]]:
    """Collect the warnings of a call in another process, where nobody knows the user's line.

    Yields
    ------
    found : list of tuple (str, type)
        Texts and classes, each once; they are there behind the block.

    Examples
    --------
    >>> with collected_warnings() as found:
    ...     warn_user("Two files are left out.")
    >>> found
    [('Two files are left out.', <class 'UserWarning'>)]
    """
    found: list[tuple[str, type[Warning]]] = []
    before = _said.copy()
    # What a call before this one has said is said again: its line may have been another.
    _said.clear()
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield found
    finally:
        _said.clear()
        _said.update(before)
        found.extend(dict.fromkeys((str(each.message), each.category) for each in caught))


def _module(frame: FrameType) -> str:
    # Code that is executed in a dict of its own has no name.
    return str(frame.f_globals.get("__name__", "<string>"))


def _is_default(message: str, category: type[Warning], module: str, line: int) -> bool:
    """Check whether no filter of the user's decides about a warning."""
    for action, text, filtered, place, at in warnings.filters:
        if (
            issubclass(category, filtered)
            and (text is None or text.match(message))
            and (place is None or re.match(getattr(place, "pattern", place), module))
            and at in (0, line)
        ):
            return action == "default"
    return True


def _cell_of_notebook() -> int:
    """Return which run of a cell this is: a cell that is run again warns again."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return 0 if shell is None else int(shell.execution_count)
