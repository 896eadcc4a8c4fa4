"""Warnings that point to the user's line."""

import sys
import warnings

_OURS = ("emoest", "sklearn")


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line: the nearest one outside emoest and scikit-learn.

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
    while frame.f_globals["__name__"].partition(".")[0] in _OURS and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
