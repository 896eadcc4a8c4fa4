"""What a file of media may cost before it is refused, and what a user can raise.

The sizes that a file declares are compared with these before anything is allocated. Environment
variables reach the processes of joblib as well.
"""

import os

LIMITS = {
    "EMOEST_MAX_PIXELS": (50_000_000, "pixels"),
    "EMOEST_MAX_BYTES": (2**30, "bytes in memory"),
}
"""Environment variables, what holds without them, and what they count."""

MIN_AUDIO_RATE = 1000.0
"""Rates below it are no recording of sound, and resampling would multiply its size, in Hz."""


def check_limit(amount: float, variable: str, name: str) -> None:
    """Raise if a file would take more than the limit.

    Parameters
    ----------
    amount : float
        What it would take.
    variable : str
        A key of `LIMITS`.
    name : str
        What to call the file in the error.

    Raises
    ------
    ValueError
        If it is more than the environment variable says, or else than the default; or if the
        variable is no number.

    Examples
    --------
    >>> check_limit(12_000**2, "EMOEST_MAX_PIXELS", "row 3")
    Traceback (most recent call last):
        ...
    ValueError: row 3 is too large: 144000000 pixels, where the limit is 50000000. ...
    """
    most, unit = LIMITS[variable]
    chosen = os.environ.get(variable)
    if chosen is not None:
        try:
            most = int(float(chosen))
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"The environment variable {variable} must be a number of {unit}, found {chosen!r}."
            ) from error
    if amount > most:
        raise ValueError(
            f"{name} is too large: {amount:.0f} {unit}, where the limit is {most}. If the file is "
            f"sound, raise the limit with the environment variable {variable}; else drop the row."
        )
