"""Progress bars where a person waits."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def progress(
    total: int | None, what: str, verbose: int | None, *, leave: bool = False, **options: Any
) -> "tqdm[None]":
    """Make a progress bar on standard error.

    In a notebook the full bar stays: one that goes would leave an empty line of output.

    Parameters
    ----------
    total : int or None
        Number of steps, if it is known.
    what : str
        What the steps are.
    verbose : int or None
        Above zero shows the bar. None shows it in a terminal and in a notebook, once two seconds
        have passed, but not in a pipe or a file.
    leave : bool, default=False
        Whether the full bar stays in a terminal too.
    **options
        Further parameters of tqdm, such as `initial` and `unit`.

    Returns
    -------
    bar : tqdm

    Examples
    --------
    >>> progress(3, "folds", verbose=0).disable
    True
    """
    from tqdm import tqdm

    shown = person_waits() if verbose is None else verbose > 0
    delay = 2 if verbose is None else 0
    leave = leave or _in_notebook()
    return tqdm(
        total=total,
        desc=what,
        leave=leave,
        disable=not shown,
        delay=delay,
        file=sys.stderr,
        **options,
    )


def person_waits() -> bool:
    """Check whether standard error is a terminal or the output of a notebook."""
    return _in_notebook() or bool(sys.stderr and sys.stderr.isatty())


def _in_notebook() -> bool:
    return type(sys.stderr).__module__.startswith("ipykernel")
