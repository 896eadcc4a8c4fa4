"""What an evaluation may say of speakers: kept apart, not kept apart, or not known."""

from collections.abc import Iterator
from typing import Any

from emoest.evaluation._leaks.table import FINISHED, LEAK, SAME, UNKNOWN

_NOT = "NOT speaker-independent"
_NOT_KNOWN = "not known whether speaker-independent"


def is_independent(protocol: Any) -> bool:
    """Check whether speakers were known and kept apart, from finished parts too.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> is_independent(SimpleNamespace(n_groups=None))
    False
    """
    return next(_reasons(protocol), None) is None


def independence(protocol: Any) -> tuple[str, str]:
    """Return what a title says, and what the protocol says with the reason.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> independence(SimpleNamespace(n_groups=None, speaker_independent=False))
    ('NOT speaker-independent', 'no (no groups were known)')
    """
    if protocol.speaker_independent:
        return "speaker-independent", _yes(protocol)
    return next(_reasons(protocol))


def _reasons(protocol: Any) -> Iterator[tuple[str, str]]:
    """Yield titles and reasons why speakers were not kept apart, the weightiest first."""
    if protocol.n_groups is None:
        yield _NOT, "no (no groups were known)"
        return
    if protocol.shared:
        yield _NOT, f"no ({len(protocol.shared)} groups in both parts of a fold)"
    if seen := _found(protocol, FINISHED, LEAK):
        yield _NOT, f"no ({FINISHED}: {seen})"
    unknown, kind = _found(protocol, FINISHED, UNKNOWN), protocol.group_kind
    apart = "" if unknown or kind == "speaker" else f"{kind}-independent"
    if protocol.known_speakers:
        share = f"{protocol.known_speakers:.0%} of the test samples"
        reason = f"no ({share} are by speakers of the training part)"
        yield f"{apart}, {_NOT}" if apart else _NOT, reason
    if unknown:
        yield _NOT_KNOWN, f"not known ({unknown})"
    if protocol.known_speakers is None:
        reason = f"not known (groups are {kind}s; who speaks is not in X)"
        yield f"{apart} (speakers are not known)" if apart else _NOT_KNOWN, reason
    if protocol.n_groups == protocol.n_rows:
        yield _NOT_KNOWN, "not known (every sample has a group of its own)"


def _yes(protocol: Any) -> str:
    spelled = _found(protocol, "spellings")
    if spelled:
        return f"yes, unless names are one: {spelled}"
    same = _found(protocol, SAME, LEAK)
    return f"yes, but the same samples are in both parts: {same}" if same else "yes"


def _found(protocol: Any, check: str, verdict: str = "") -> str:
    """Join the details of the checks of a name, of all verdicts or of one."""
    return "; ".join(
        leak["detail"]
        for leak in protocol.leaks
        if leak["check"].startswith(check) and leak["detail"] and verdict in ("", leak["verdict"])
    )
