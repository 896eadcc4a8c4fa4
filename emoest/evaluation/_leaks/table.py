"""`check_leakage`: ways to leak, one a row, and what was found of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.evaluation._leakage import (
    find_copies,
    of_unknown_speakers,
    pretrained_groups,
    sample_contents,
    seen_before,
    shared_groups,
)
from emoest.evaluation._leaks.near import MOST_SAMPLES, find_near_pairs, sample_vectors
from emoest.evaluation._leaks.prepared import (
    columns_that_tell,
    describe_scaling,
    numeric_values,
    rows_in_frozen_parts,
)
from emoest.evaluation._speakers import NOT_PEOPLE, SPEAKER, Speakers
from emoest.tables.groups import Split
from emoest.tables.names import is_context, tokens
from emoest.tables.spelling import describe_alike, find_alike
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed
from emoest.utils.typing import Floats

OK, LEAK, SUSPECT, UNKNOWN = "ok", "leak", "suspect", "unknown"

SAME, TOLD = "same sample in both parts", "label among the columns"
FINISHED = "finished parts that saw test samples"

_NO_UNITS = frozenset({"split", "fold", "group"})


@dataclass(frozen=True)
class Leak:
    """What one check found: a verdict, how many samples or names, and which."""

    check: str
    verdict: str
    n: int = 0
    detail: str = ""


@dataclass(frozen=True)
class LeakCase:
    """What is looked through: the samples, the folds and the models."""

    X: Any
    targets: pd.DataFrame
    groups: npt.NDArray[Any] | None
    speakers: Speakers
    splits: list[Split]
    models: dict[str, Any] = field(default_factory=dict)
    classes: bool = True

    @cached_property
    def contents(self) -> list[Any]:
        return sample_contents(self.X)

    @cached_property
    def numbers(self) -> Floats | None:
        return numeric_values(self.X)

    @cached_property
    def copies(self) -> list[tuple[int, int]]:
        """Samples that are the same under two groups."""
        return [] if self.groups is None else find_copies(self.contents, self.groups)

    @cached_property
    def near(self) -> npt.NDArray[np.intp] | None:
        """Pairs of near copies that a fold parts; None if they were not looked for."""
        n_samples = num_samples(self.X)
        vectors = sample_vectors(self.X) if n_samples <= MOST_SAMPLES else None
        if vectors is None:
            return None
        pairs = find_near_pairs(vectors)
        return pairs[self.parted(pairs)]

    def parted(self, pairs: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Check for each pair whether a fold trains on one and tests the other."""
        n_samples, found = num_samples(self.X), np.zeros(len(pairs), dtype=bool)
        for train, test in self.splits:
            trained, tested = np.zeros((2, n_samples), dtype=bool)
            trained[train], tested[test] = True, True
            first, second = pairs.T
            found |= (trained[first] & tested[second]) | (trained[second] & tested[first])
        return found


def find_leaks(case: LeakCase) -> list[Leak]:
    """Run every check that applies.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__f0": [0.25, 0.5], "session": ["a", "a"]})
    >>> speakers = Speakers("speaker", np.array(["s1", "s2"], dtype=object))
    >>> splits = [(np.array([0]), np.array([1]))]
    >>> groups = np.array(["s1", "s2"])
    >>> found = find_leaks(LeakCase(X, pd.DataFrame({"y": [0, 1]}), groups, speakers, splits))
    >>> [(leak.check, leak.verdict) for leak in found][:2]
    [('speaker in both parts', 'ok'), ('session in both parts', 'suspect')]
    """
    checks: list[Callable[[LeakCase], Iterator[Leak]]] = [
        _units,
        _spellings,
        _copies,
        _near_copies,
        _scaling,
        _told,
        _seen,
    ]
    return [leak for check in checks for leak in check(case)]


def leak_table(leaks: list[Leak]) -> pd.DataFrame:
    """Write what was found as a table, one row a check.

    Examples
    --------
    >>> leak_table([Leak("same sample in both parts", "ok")])["verdict"].tolist()
    ['ok']
    """
    rows = [vars(leak) for leak in leaks]
    return pd.DataFrame(rows, columns=["check", "verdict", "n", "detail"])


def _units(case: LeakCase) -> Iterator[Leak]:
    """Speakers, sessions, dialogues and trials in both parts of a fold."""
    units = dict(_unit_columns(case.X))
    if case.speakers.names is None and case.groups is None and SPEAKER not in units:
        yield Leak("speaker in both parts", UNKNOWN, detail="nothing names speakers")
    if case.groups is not None:
        units = {case.speakers.kind: np.asarray(case.groups, dtype=object)} | units
    if case.speakers.names is not None:
        units = {SPEAKER: case.speakers.names} | units
    for name, column in units.items():
        # Numbers are compared faster than names, and there are many folds.
        texts = column.astype(str).astype(object)
        texts[pd.isna(column)] = None
        codes, names = pd.factorize(texts)
        shared: set[int] = set()
        for split in case.splits:
            shared.update(shared_groups(split, codes).tolist())
        both = names[sorted(shared - {-1})].tolist()
        # Who is in a session with others leaves traces there, but is not always the same person.
        certain = name in (SPEAKER, case.speakers.kind)
        verdict = OK if not both else LEAK if certain else SUSPECT
        yield Leak(f"{name} in both parts", verdict, len(both), listed(sorted(both), quoted=True))


def _unit_columns(X: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if not isinstance(X, pd.DataFrame):
        return
    for i, column in enumerate(X.columns):
        name = tokens(column)[-1] if isinstance(column, str) else ""
        if name in _NO_UNITS or not (is_context(column) or name in NOT_PEOPLE):
            continue
        values = X.iloc[:, i].to_numpy(dtype=object)
        missing = pd.isna(X.iloc[:, i]).to_numpy()
        if not missing.all() and all(map(_is_name, values[~missing])):
            yield (
                name,
                np.array(
                    [
                        None if gap else _plain(each)
                        for each, gap in zip(values, missing, strict=True)
                    ],
                    dtype=object,
                ),
            )


def _is_name(value: Any) -> bool:
    """Check for a text or a whole number; one missing value makes floats of a column's numbers."""
    return isinstance(value, str | int | np.integer) or (
        isinstance(value, float | np.floating) and float(value).is_integer()
    )


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float | np.floating) else value


def _spellings(case: LeakCase) -> Iterator[Leak]:
    names = case.speakers.names if case.speakers.names is not None else case.groups
    if names is None:
        return
    alike = find_alike(np.unique(names.astype(str)).tolist(), titled=True)
    kind = SPEAKER if case.speakers.names is not None else case.speakers.kind
    verdict = SUSPECT if alike else OK
    detail = describe_alike(alike)
    yield Leak(f"spellings of one {kind}", verdict, sum(map(len, alike)), detail)


def _copies(case: LeakCase) -> Iterator[Leak]:
    known = [i for i, content in enumerate(case.contents) if content is not None]
    if not known:
        yield Leak(SAME, UNKNOWN, detail="texts or codes alone do not tell")
        return
    codes = np.full(num_samples(case.X), -1)
    codes[known] = pd.factorize(np.array([hash(case.contents[i]) for i in known]))[0]
    again: set[int] = set()
    for train, test in case.splits:
        told = test[codes[test] >= 0]
        again.update(told[np.isin(codes[told], codes[train])].tolist())
    verdict = LEAK if again else OK
    yield Leak(SAME, verdict, len(again), _positions(sorted(again)))


def _near_copies(case: LeakCase) -> Iterator[Leak]:
    if case.near is None:
        few = num_samples(case.X) <= MOST_SAMPLES
        why = "X holds no numbers or frames" if few else f"more than {MOST_SAMPLES} samples"
        yield Leak("near copy in both parts", UNKNOWN, detail=why)
        return
    pairs = [f"{a} and {b}" for a, b in case.near]
    detail = f"positions {listed(pairs, most=3, separator='; ')}" if pairs else ""
    yield Leak("near copy in both parts", SUSPECT if pairs else OK, len(pairs), detail)


def _scaling(case: LeakCase) -> Iterator[Leak]:
    if case.numbers is None:
        return
    says = describe_scaling(case.numbers, case.groups)
    n = case.numbers.shape[1] if says else 0
    yield Leak("scaled over all rows", SUSPECT if says else OK, n, says)


def _told(case: LeakCase) -> Iterator[Leak]:
    if not case.classes or case.targets.shape[1] != 1:
        return
    names, numbers = columns_that_tell(case.X, case.targets.iloc[:, 0])
    verdict = LEAK if names else SUSPECT if numbers else OK
    found = [*names, *numbers]
    yield Leak(TOLD, verdict, len(found), listed(found, quoted=True))


def _seen(case: LeakCase) -> Iterator[Leak]:
    """Finished parts that have seen test samples."""
    for name, model in case.models.items():
        parts: dict[str, set[str]] = {}
        if case.groups is not None:
            pretrained = pretrained_groups(model)
            for _, test in case.splits:
                for part, seen in seen_before(pretrained, case.groups[test]).items():
                    parts.setdefault(part, set()).update(map(str, seen))
        remembered = rows_in_frozen_parts(model, case.numbers, case.splits)
        unknown = of_unknown_speakers(model)
        where = f" ({name})" if len(case.models) > 1 else ""
        check = f"{FINISHED}{where}"
        says = [f"{part}: {listed(sorted(seen), quoted=True)}" for part, seen in parts.items()]
        says += [f"{part}: {how}" for part, how in remembered.items()]
        if says:
            yield Leak(check, LEAK, len(says), "; ".join(says))
        elif unknown:
            detail = f"nobody knows what {listed(unknown)} was trained on"
            yield Leak(check, UNKNOWN, len(unknown), detail)
        else:
            yield Leak(check, OK)


def _positions(rows: list[int]) -> str:
    return f"at position {listed(rows)}" if rows else ""
