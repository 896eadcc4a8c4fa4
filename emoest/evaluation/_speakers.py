"""Who the groups of an evaluation are: speakers, or something that speakers take part in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.tables.groups import GROUP_LEVEL, Split
from emoest.tables.names import is_context, tokens
from emoest.utils.messages import listed

Groups = npt.NDArray[Any] | None

SPEAKER = "speaker"
NOT_PEOPLE = frozenset(
    [
        "dialogue",
        "dialog",
        "session",
        "split",
        "recording",
        "video",
        "trial",
        "clip",
        "file",
        "episode",
        "scene",
        "conversation",
        "movie",
        "film",
        "story",
        "utterance",
        "fold",
    ]
)


@dataclass(frozen=True)
class Speakers:
    """What the groups are, and who speaks in each sample as far as that is known.

    Parameters
    ----------
    kind : str
        ``"speaker"``, or for example ``"dialogue"``.
    names : ndarray of shape (n_samples,) or None
        The speaker of each sample, as an object; None if nobody knows.
    """

    kind: str
    names: Groups

    def share_known(self, splits: list[Split]) -> float | None:
        """Fraction of the test samples by speakers of the training part; None if not known."""
        if self.names is None:
            return None
        codes = pd.factorize(self.names)[0]
        found = [np.isin(codes[test], codes[train]) for train, test in splits]
        return float(np.concatenate(found).mean())


def find_speakers(X: Any, groups: Groups, given: Any, group_column: str | None) -> Speakers:
    """Find out what groups are and who the speakers are.

    Parameters
    ----------
    X : DataFrame or array-like
        The samples.
    groups : ndarray of shape (n_samples,) or None
        The groups.
    given : array-like or None
        What the user passed as groups; the name of a Series says what it holds.
    group_column : str or None
        Where groups come from, if none were given.

    Returns
    -------
    speakers : Speakers
        Groups are speakers unless their name, or a context column of X with the same groups, says
        that they are something else.

    Raises
    ------
    ValueError
        If `given` are speakers and the index of X names others.

    Examples
    --------
    >>> X = pd.DataFrame({"dialogue": ["d1", "d2"], "speaker": ["ann", "ann"]})
    >>> found = find_speakers(X, X["dialogue"].to_numpy(), None, "dialogue")
    >>> found.kind, found.share_known([(np.array([0]), np.array([1]))])
    ('dialogue', 1.0)
    """
    level = _level(X)
    if groups is None:
        return Speakers(SPEAKER, None)
    kind = _kind(X, groups, given, group_column)
    column = _speaker_column(X)
    if column is not None:
        return Speakers(kind, column)
    from_level = given is None and group_column is None
    if kind == SPEAKER:
        if level is not None and not from_level:
            _check_level(groups, level)
        return Speakers(kind, groups.astype(object))
    return Speakers(kind, None if from_level else level)


def _kind(X: Any, groups: Groups, given: Any, group_column: str | None) -> str:
    name = group_column if given is None else getattr(given, "name", None)
    word = tokens(name)[-1].lower() if isinstance(name, str) else ""
    word = word.removesuffix("_id").removesuffix("id") if word not in NOT_PEOPLE else word
    if word in NOT_PEOPLE:
        return word
    if word == SPEAKER or not isinstance(X, pd.DataFrame):
        return SPEAKER
    for i, column in enumerate(X.columns):
        found = tokens(column)[-1]
        if is_context(column) and found not in {SPEAKER, GROUP_LEVEL}:
            other, mine = _speaker_column(X), X.iloc[:, i].to_numpy()
            # Groups that are both, one speaker a session, are speakers.
            if _same(groups, mine) and (other is None or not _same(other, mine)):
                return found
    return SPEAKER


def _speaker_column(X: Any) -> Groups:
    if isinstance(X, pd.DataFrame):
        for i, column in enumerate(X.columns):
            if is_context(column) and tokens(column)[-1] == SPEAKER:
                names = X.iloc[:, i].to_numpy(dtype=object)
                return None if pd.isna(names).any() else names
    return None


def _level(X: Any) -> Groups:
    if isinstance(X, pd.DataFrame) and GROUP_LEVEL in X.index.names:
        return X.index.get_level_values(GROUP_LEVEL).to_numpy(dtype=object)
    return None


def _same(left: Any, right: Any) -> bool:
    """Check whether two columns group the samples alike, whatever the names."""
    first, second = (pd.factorize(np.asarray(each, dtype=object))[0] for each in (left, right))
    return bool(np.array_equal(first, second))


def _check_level(groups: Any, level: Any) -> None:
    """Raise if a group of the index is in several groups: inner steps split by the index."""
    table = pd.DataFrame({"level": level, "group": np.asarray(groups, dtype=object)})
    counts = table.dropna().groupby("level")["group"].nunique()
    several = counts[counts > 1].index.tolist()
    if several:
        raise ValueError(
            "groups disagrees with the index level 'group' of X, by which the steps of a model "
            f"split: {listed(several, quoted=True)} of the index are in several groups. Leave one "
            "of the two out (X.droplevel('group') for the index), or name a Series of groups that "
            "are no speakers, for example groups.rename('session')."
        )
