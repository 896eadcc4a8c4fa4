"""Progress bars where a person waits."""

import sys

from tqdm import tqdm


def progress(total: int | None, what: str, verbose: int | None) -> "tqdm[None]":
    """Make a progress bar on standard error.

    Parameters
    ----------
    total : int or None
        Number of steps, if it is known.
    what : str
        What the steps are.
    verbose : int or None
        Above zero shows the bar. None shows it in a terminal and in a notebook, once two seconds
        have passed, but not in a pipe or a file.

    Returns
    -------
    bar : tqdm

    Examples
    --------
    >>> progress(3, "folds", verbose=0).disable
    True
    """
    shown = person_waits() if verbose is None else verbose > 0
    delay = 2 if verbose is None else 0
    return tqdm(total=total, desc=what, leave=False, disable=not shown, delay=delay)


def person_waits() -> bool:
    """Check whether standard error is a terminal or the output of a notebook."""
    error = sys.stderr
    return type(error).__module__.startswith("ipykernel") or bool(error and error.isatty())
