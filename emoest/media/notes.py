"""What is readable and yet looks wrong: one warning a kind, however many items there are.

A reader notes what it finds; whoever reads many items collects the notes and warns at the end.
Where nobody collects, a note is a warning at once.
"""

from contextvars import ContextVar

from emoest.utils.warn import warn_user


class ImplausibleMediaWarning(UserWarning):
    """An item of media can be read, but its numbers are hardly those of a recording."""


_collected: ContextVar[dict[tuple[str, type[Warning]], list[str]] | None] = ContextVar(
    "collected", default=None
)


def note(kind: str, name: str, category: type[Warning] = ImplausibleMediaWarning) -> None:
    """Note that an item looks wrong.

    Parameters
    ----------
    kind : str
        What is wrong and what to do, as the rest of the sentence that the item's name begins; the
        same for all items of the kind.
    name : str
        What to call the item.
    category : type, default=ImplausibleMediaWarning
        The class of the warning.

    Examples
    --------
    >>> with CollectedNotes() as collected:
    ...     note("is silent", "row 1")
    ...     note("is silent", "row 7")
    ...     print(list(collected.notes.values()))
    ...     collected.notes.clear()
    [['row 1', 'row 7']]
    """
    notes = _collected.get()
    if notes is None:
        warn_user(f"{name} {kind}.", category)
        return
    names = notes.setdefault((kind, category), [])
    if name not in names:
        names.append(name)


class CollectedNotes:
    """Collect notes, and warn of each kind once at the end, with the first item and their number.

    Attributes
    ----------
    notes : dict of tuple (str, type) to list of str
        The names of the items, by kind and class of warning.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught, CollectedNotes():
    ...     note("is silent", "row 1")
    ...     note("is silent", "row 7")
    >>> print(caught[0].message)
    row 1 is silent. (And 1 more such item.)
    """

    # Not a generator: its frames would stand between the warning and the user's line.
    def __enter__(self) -> "CollectedNotes":
        self.notes: dict[tuple[str, type[Warning]], list[str]] = {}
        self._token = _collected.set(self.notes)
        return self

    def __exit__(self, *error: object) -> None:
        _collected.reset(self._token)
        for (kind, category), names in self.notes.items():
            more = len(names) - 1
            rest = f" (And {more} more such item{'s' if more > 1 else ''}.)" if more else ""
            warn_user(f"{names[0]} {kind}.{rest}", category)
