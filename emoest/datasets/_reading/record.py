"""What is known about a corpus, in one place: its labels, sizes, license and where to get it."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emoest.datasets._reading.corpora import CORPORA, list_corpora
from emoest.tables.names import is_context


@dataclass(frozen=True)
class CorpusRecord:
    """Facts about a corpus.

    Parameters
    ----------
    name : str
        Short name, the loader's without ``load_`` or ``make_``.
    title : str
        Full name.
    labels : dict of str to tuple of str
        The values of each target, in the order of the corpus; the first target is the loader's
        default.
    modalities : tuple of str
        Columns of media.
    n_speakers : int or None
        Number of speakers of the complete corpus; None if it is unknown.
    license : str
        The license of the recordings and labels.
    access : str
        How one gets the corpus.
    homepage : str
        Where it is described.
    citation : str
        What to cite.
    codes : dict of str to dict of str to str
        The values of a target by their codes in file names or label files, where it has any.
    splits : tuple of str
        Names of the official partitions; empty if there are none.
    sizes : dict of str to dict of str to int
        Samples of each value of a target in the complete corpus.
    notes : str
        What a user should know before drawing conclusions.
    n_samples : dict of str to int
        Samples of each partition of the complete corpus, or of ``"all"``; empty if unknown.
    split_sizes : dict of str to dict of str to int
        Samples of each value of the first target by partition, as far as they are known.
    scores : dict of str to tuple of float
        Lowest and highest value of each target that is a number.
    multilabel : tuple of str
        Those targets of which several labels may hold together; y is a table of 0 and 1.

    Raises
    ------
    ValueError
        If codes or sizes speak of labels that are not there.

    Examples
    --------
    >>> corpus_record("emodb").n_speakers
    10
    """

    name: str
    title: str
    labels: Mapping[str, tuple[str, ...]]
    modalities: tuple[str, ...]
    n_speakers: int | None
    license: str
    access: str
    homepage: str
    citation: str
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    splits: tuple[str, ...] = ()
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: str = ""
    n_samples: Mapping[str, int] = field(default_factory=dict)
    split_sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    multilabel: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for target, values in (
            *((target, set(codes.values())) for target, codes in self.codes.items()),
            *((target, set(sizes)) for target, sizes in self.sizes.items()),
            *((next(iter(self.labels), ""), set(sizes)) for sizes in self.split_sizes.values()),
        ):
            unknown = sorted(values - set(self.labels.get(target, ())))
            if unknown:
                raise ValueError(
                    f"The record of {self.name!r} has no {target} {unknown[0]!r}; it has "
                    f"{self.labels.get(target, ())}."
                )
        context = [name for name in self.targets if is_context(name)]
        if context:
            raise ValueError(f"A target cannot be named {context[0]!r}: that name is context.")

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        return (*self.labels, *self.scores)

    def describe(self) -> str:
        """Write the record out as a text of a few lines.

        Returns
        -------
        text : str

        Examples
        --------
        >>> print(corpus_record("emodb").describe().splitlines()[0])
        EmoDB, Berlin Database of Emotional Speech (emodb)
        """
        lines = [
            f"{self.title} ({self.name})",
            "",
            f"Modalities: {', '.join(self.modalities)}. Speakers: {self.n_speakers or 'unknown'}.",
        ]
        for target, labels in self.labels.items():
            sizes = self.sizes.get(target, {})
            shown = [f"{label} ({sizes[label]})" if label in sizes else label for label in labels]
            several = " (several may hold together)" if target in self.multilabel else ""
            lines.append(f"Target {target}{several}: {', '.join(shown)}.")
        for target, (low, high) in self.scores.items():
            lines.append(f"Target {target}: a score from {low:g} to {high:g}.")
        if self.splits:
            lines.append(f"Official partitions: {', '.join(self.splits)}.")
        lines += [
            f"License: {self.license}",
            f"Access: {self.access}",
            f"Homepage: {self.homepage}",
            f"Cite: {self.citation}",
        ]
        if self.notes:
            lines.append(f"Notes: {self.notes}")
        return "\n".join(lines)


def count_partitions(
    target: str, labels: Sequence[str], counts: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    """Return the fields of a record that follow from the counts of each partition and label.

    They are ``splits``, ``sizes``, ``n_samples`` and ``split_sizes``; counts are in the order of
    the labels.

    Examples
    --------
    >>> count_partitions("mood", ("low", "high"), {"train": (2, 1), "test": (0, 3)})["sizes"]
    {'mood': {'low': 2, 'high': 4}}
    """
    split_sizes = {part: dict(zip(labels, sizes, strict=True)) for part, sizes in counts.items()}
    return {
        "splits": tuple(counts),
        "sizes": {target: {x: sum(part[x] for part in split_sizes.values()) for x in labels}},
        "n_samples": {part: sum(sizes) for part, sizes in counts.items()},
        "split_sizes": split_sizes,
    }


_RECORDS: dict[str, CorpusRecord] = {}


def register(record: CorpusRecord) -> CorpusRecord:
    """Add a record to the registry, and return it; each corpus module does it once.

    Examples
    --------
    >>> register(corpus_record("emodb")).name
    'emodb'
    """
    # An equal record is no conflict: a module that is reloaded registers its own again.
    if _RECORDS.setdefault(record.name, record) != record:
        raise ValueError(f"There is another corpus named {record.name!r}.")
    return record


def corpus_record(name: str) -> CorpusRecord:
    """Look up the record of a corpus.

    Parameters
    ----------
    name : str
        Its short name, see `list_corpora`.

    Returns
    -------
    record : CorpusRecord

    Raises
    ------
    ValueError
        If there is no such corpus; the message names those that are.

    Examples
    --------
    >>> corpus_record("ravdess").labels["intensity"]
    ('normal', 'strong')
    """
    if name not in CORPORA:
        raise ValueError(f"{name!r} is no corpus of emoest; there are {', '.join(list_corpora())}.")
    # The module registers it.
    importlib.import_module(f"emoest.datasets.{CORPORA[name].module}")
    return _RECORDS[name]
