"""What an evaluation refuses, or warns of, by what the checks for leaks found."""

from emoest.evaluation._leaks.table import FINISHED, LEAK, SAME, TOLD, Leak, LeakCase
from emoest.evaluation._speakers import SPEAKER
from emoest.tables.groups import NotSpeakerIndependentWarning
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


def refuse_or_warn(case: LeakCase, leaks: list[Leak], allow_overlap: bool) -> None:
    """Raise on finished parts that saw test samples, unless allowed, and warn of other leaks.

    Examples
    --------
    >>> leaks = [Leak("finished parts that saw test samples", "leak", 1, "SVC: it keeps 9 rows")]
    >>> case = LeakCase(None, None, None, None, [])
    >>> refuse_or_warn(case, leaks, allow_overlap=False)
    Traceback (most recent call last):
        ...
    ValueError: finished parts that saw test samples: SVC: it keeps 9 rows. Fit them inside ...
    """
    found = [leak for leak in leaks if leak.verdict == LEAK]
    for leak in found:
        if leak.check.startswith(FINISHED) and not allow_overlap:
            raise ValueError(
                f"{leak.check}: {leak.detail}. Fit them inside the folds (without "
                "FrozenEstimator) or on other samples, or say allow_overlap=True."
            )
    if case.copies:
        _warn_of_copies(case)
    _warn_of_near_copies(case)
    for leak in found:
        if leak.check == SAME and not case.copies:
            warn_user(
                f"{leak.n} test sample(s) are the same as a training sample of their fold, "
                f"{leak.detail}. If they are one clip, leave one out, or give both one group and "
                "pass groups=.",
            )
        elif leak.check == TOLD:
            warn_user(
                f"Column(s) {leak.detail} are the label under another name: a model that reads "
                "them need not recognize anything. Drop them from X.",
            )
        elif leak.check == f"{SPEAKER} in both parts" and not allow_overlap:
            _warn_of_speakers(case, leak)


def _warn_of_copies(case: LeakCase) -> None:
    """Warn of samples that are the same under different groups: the same clip under two names."""
    groups, kind = case.groups, case.speakers.kind
    assert groups is not None
    shown = [f"{a} ({groups[a]!s}) and {b} ({groups[b]!s})" for a, b in case.copies]
    warn_user(
        f"{len(case.copies)} sample(s) are the same as one of another group ({kind}): positions "
        f"{listed(shown, most=3, separator='; ')}. If they are one clip, it may be in the training "
        "and the test part: leave one out, or give both one group.",
    )


def _warn_of_near_copies(case: LeakCase) -> None:
    """Warn of near copies of samples that are of different groups and in both parts of a fold."""
    groups, pairs = case.groups, case.near
    if groups is None or pairs is None or not len(pairs):
        return
    pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
    if len(pairs):
        shown = [f"{a} ({groups[a]!s}) and {b} ({groups[b]!s})" for a, b in pairs.tolist()]
        warn_user(
            f"{len(pairs)} pair(s) of samples of different {case.speakers.kind}s are nearly the "
            f"same, and a fold trains on one and tests the other: positions "
            f"{listed(shown, most=3, separator='; ')}. If they are one recording, leave one out or "
            "give both one group.",
        )


def _warn_of_speakers(case: LeakCase, leak: Leak) -> None:
    """Warn where groups that are no speakers leave speakers in both parts."""
    if case.groups is not None:
        warn_user(
            f"{leak.n} speaker(s) are in both the training and the test part of a fold, although "
            f"no group is: {leak.detail}. This evaluation is not speaker-independent. Pass the "
            "speakers as groups, or say allow_overlap=True.",
            NotSpeakerIndependentWarning,
        )
