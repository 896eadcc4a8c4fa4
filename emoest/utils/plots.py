"""What pictures share: the width of a paper's column, colors, sizes of text."""

from textwrap import wrap
from typing import Any

from emoest.utils.messages import printable
from emoest.utils.optional import import_optional

COLUMN = 84 / 25.4
"""Width of a picture in inches: a column of a paper, 84 mm."""

# Of Okabe and Ito's palette, which color-blind readers tell apart.
BLUE, ORANGE, GREEN, RED, GRAY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B7280"
PALETTE = (BLUE, RED, GREEN, "#CC79A7", ORANGE, "#56B4E9", "#000000", GRAY)
MARKERS = "osD^vPX*"

SMALL = 7
"""Size of the smallest text, in points."""


def column_axes(ax: Any, height: float, purpose: str = "A display") -> Any:
    """Return the axes given, or new ones of pyplot that are as wide as a column.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Where to draw.
    height : float
        Of new axes, in inches.
    purpose : str
        What needs matplotlib, where it is missing.

    Returns
    -------
    ax : matplotlib Axes
    """
    if ax is not None:
        return ax
    plt = import_optional("matplotlib.pyplot", extra="plot", purpose=purpose)
    return plt.subplots(figsize=(COLUMN, height), layout="constrained")[1]


def finish(display: Any, ax: Any, **properties: Any) -> Any:
    """Set texts of axes in sizes that a column bears, and remember the axes in the display."""
    ax.set(**properties)
    ax.title.set_fontsize(9)
    ax.xaxis.label.set_fontsize(8)
    ax.yaxis.label.set_fontsize(8)
    for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
        label.set_fontsize(SMALL)
    legend = ax.get_legend()
    for text in [] if legend is None else legend.get_texts():
        text.set_fontsize(SMALL)
    display.ax_, display.figure_ = ax, ax.figure
    return display


def short_name(name: Any, width: int = 22, lines: int = 3) -> str:
    r"""Break a name into few short lines, so that a column holds it; the rest is cut off.

    Examples
    --------
    >>> short_name("a rather long name of a model", 12)
    'a rather\nlong name of\na model'
    """
    # Matplotlib reads text between dollar signs as a formula.
    parts = wrap(printable(name).replace("$", r"\$"), width)
    if len(parts) > lines:
        parts = [*parts[: lines - 1], parts[lines - 1][: width - 1] + "…"]
    return "\n".join(parts) or "-"
