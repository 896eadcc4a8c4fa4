"""Classes that a fold tests and does not train on, and classes that no fold tests."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from emoest.evaluation._checks import Targets
from emoest.tables.groups import Split
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


def untrained_classes(targets: Targets, runs: Iterable[list[Split]]) -> dict[str, list[int]]:
    """Find the classes that a fold tests but that its training part lacks, with these folds.

    Folds count from 1; a class of several targets is named with its target.

    Examples
    --------
    >>> from emoest.evaluation._checks import check_targets
    >>> targets = check_targets([[0], [0], [0]], ["sad", "glad", "sad"], {})
    >>> untrained_classes(targets, [[(np.array([0, 1]), np.array([2]))]])
    {}
    >>> untrained_classes(targets, [[(np.array([0, 2]), np.array([1]))]])
    {'glad': [1]}
    """
    found: dict[str, set[int]] = {}
    for target, name, codes in _coded(targets):
        for splits in runs:
            for fold, (train, test) in enumerate(splits, start=1):
                lacking = np.setdiff1d(codes[test], codes[train])
                for code in lacking.tolist():
                    found.setdefault(name(targets.classes[target][code]), set()).add(fold)
    return {each: sorted(folds) for each, folds in found.items()}


def untested_classes(targets: Targets, splits: list[Split]) -> list[str]:
    """Name the classes that no fold tests.

    Examples
    --------
    >>> from emoest.evaluation._checks import check_targets
    >>> targets = check_targets([[0], [0]], ["sad", "glad"], {})
    >>> untested_classes(targets, [(np.array([0]), np.array([1]))])
    ['sad']
    """
    tested = np.concatenate([test for _, test in splits])
    return [
        name(label)
        for target, name, codes in _coded(targets)
        for code, label in enumerate(targets.classes[target])
        if code not in codes[tested]
    ]


def warn_of_untrained(untrained: dict[str, list[int]]) -> None:
    """Warn of classes that a model could not learn before it was tested on them."""
    if untrained:
        warn_user(
            f"Samples are tested whose class no training sample of their fold has: "
            f"{listed(describe_untrained(untrained), separator='; ')}. They cannot be recognized, "
            "and count as misses. Leave such a class out, join it with another, or take other "
            "folds.",
        )


def describe_untrained(untrained: dict[str, list[int]]) -> list[str]:
    """Write each class with its folds.

    Examples
    --------
    >>> describe_untrained({"awe": [2, 3]})
    ["'awe' in fold 2, 3"]
    """
    return [f"{name!r} in fold {listed(folds)}" for name, folds in untrained.items()]


def _coded(targets: Targets) -> Iterable[tuple[Any, Any, Any]]:
    """Yield each target of classes, how its classes are named, and their numbers."""
    several = len(targets.classes) > 1
    for target, classes in targets.classes.items():
        places = {label: code for code, label in enumerate(classes)}
        codes = targets.frame[target].map(places).to_numpy(dtype=np.intp)

        def name(label: Any, target: Any = target) -> str:
            return f"{target}: {label}" if several else str(label)

        yield target, name, codes
