"""What a net learns to write, and what it can choose from: labels of all rows as tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from emoest.neural._unimse.corpora import Corpus, positions
from emoest.neural._unimse.labeler import UniversalLabeler
from emoest.neural._unimse.polarity import POLARITIES
from emoest.neural._unimse.strings import SCORE_FIELD, write_score
from emoest.neural._unimse.tokens import LabelWriter
from emoest.utils.messages import listed
from emoest.utils.typing import Floats, Ints, Rows

Fields = tuple[str, ...]


@dataclass
class LabelPlan:
    """Labels of a training as tokens.

    Parameters
    ----------
    fields : list of tuple of str
        Fields of the label of each row; empty where a row is not used.
    n_fields : int
        How many there are.
    own_field : int
        The field that is predicted.
    labels : list of list of int
        Tokens of the different labels.
    numbers : ndarray of int, shape (n_samples,)
        Which of them each row has.
    prefixes, choices, groups : list
        See `emoest.nets.t5_fusion.decoding.ChoiceTable`.
    scores : ndarray of shape (n_choices,) or None
        Score of each choice, where scores are predicted.
    keys : list of tuple of str, or None
        The last fields of a label, up to the predicted one, that each choice stands for.
    """

    fields: list[Fields]
    n_fields: int
    own_field: int
    labels: list[list[int]]
    numbers: Ints
    prefixes: list[list[int]]
    choices: list[list[int]]
    groups: list[int]
    scores: Floats | None = None
    keys: list[Fields] | None = None

    def prior(self, rows: Rows, weight: Floats) -> Floats:
        """Return how often each choice is the label of some rows, by weight."""
        assert self.keys is not None
        place = {key: number for number, key in enumerate(self.keys)}
        length = len(self.keys[0])
        own = slice(self.own_field + 1 - length, self.own_field + 1)
        counts = np.zeros(len(self.keys))
        for row, each in zip(rows.tolist(), weight.tolist(), strict=True):
            key = self.fields[row][own]
            if key in place:
                counts[place[key]] += each
        total = counts.sum()
        return counts / total if total > 0 else np.full(len(counts), 1 / len(counts))


def complete_labels(
    corpora: Sequence[Corpus], train: Rows, used: Rows, labeler: Any, label_fields: int
) -> tuple[list[Fields], int]:
    """Complete the labels of rows to universal ones, as fields of text.

    Parameters
    ----------
    corpora : sequence of Corpus
        The corpora; the first one is predicted.
    train : ndarray of int
        Rows that lend.
    used : ndarray of int
        Rows whose labels are completed.
    labeler : UniversalLabeler
        Cloned and fitted on the rows that lend; one in a ``FrozenEstimator`` stays as it is.
    label_fields : {3, 4}
        With 4, emotions of two corpora stand side by side.

    Returns
    -------
    fields : list of tuple of str
        Of each row; empty for those that are not used.
    own_field : int
        The field of the first corpus.
    """
    texts = [text for corpus in corpora for text in corpus.part.texts]  # type: ignore[union-attr]
    labels = [label for corpus in corpora for label in corpus.labels]
    polarity = [word for corpus in corpora for word in corpus.polarity or [None] * len(corpus)]
    source = [number for number, corpus in enumerate(corpora) for _ in range(len(corpus))]

    def some(rows: Rows) -> tuple[list[Any], ...]:
        return tuple([column[i] for i in rows] for column in (texts, labels, polarity, source))

    labeler = clone(labeler).fit(*some(train))
    completed = labeler.complete(*some(used))
    emotions = [completed["emotion"].to_numpy()]
    if label_fields == 4:
        emotional = [number for number, corpus in enumerate(corpora) if corpus.emotional]
        if len(emotional) != 2:
            raise ValueError(
                "label_fields=4 writes the emotions of two corpora side by side, and there are "
                f"{len(emotional)} corpora of emotions. Give two, or take label_fields=3."
            )
        emotions = [labeler.emotions_of(number, *some(used)) for number in emotional]
    fields: list[Fields] = [()] * len(texts)
    for place, row in enumerate(used.tolist()):
        score = write_score(completed["score"].iat[place])
        words = [str(column[place]) for column in emotions]
        fields[row] = (completed["polarity"].iat[place], score, *words)
    return fields, 2 if corpora[0].emotional else SCORE_FIELD


def own_labels(corpora: Sequence[Corpus], used: Rows) -> tuple[list[Fields], int]:
    """Write only what each row has itself, its score or its emotion."""
    labels = [label for corpus in corpora for label in corpus.labels]
    fields: list[Fields] = [()] * len(labels)
    for row in used.tolist():
        label = labels[row]
        fields[row] = (label if isinstance(label, str) else write_score(label),)
    return fields, 0


def make_plan(
    corpora: Sequence[Corpus],
    fields: list[Fields],
    own_field: int,
    *,
    writer: LabelWriter,
    train: Rows,
    classes: Sequence[str],
) -> LabelPlan:
    """Write labels as tokens, and list what can be predicted.

    Parameters
    ----------
    corpora : sequence of Corpus
        The corpora.
    fields : list of tuple of str
        Fields of each row.
    own_field : int
        The field that is predicted.
    writer : LabelWriter
        Writes fields as tokens.
    train : ndarray of int
        Rows of which prefixes and scores are listed.
    classes : sequence of str
        The classes that are predicted; empty where scores are.

    Returns
    -------
    plan : LabelPlan

    Raises
    ------
    ValueError
        If two classes are one to the tokenizer.
    """
    different = {each: number for number, each in enumerate(dict.fromkeys(filter(None, fields)))}
    numbers = np.array([different.get(each, 0) for each in fields], dtype=np.int64)
    n_fields = len(next(iter(different)))
    last = own_field == n_fields - 1
    seen = dict.fromkeys(fields[row] for row in train.tolist())
    plan = LabelPlan(
        fields, n_fields, own_field, [writer.whole(each) for each in different], numbers, [], [], []
    )
    if classes:
        prefixes = list(dict.fromkeys(each[:own_field] for each in seen))
        plan.prefixes = [writer.part(each) for each in prefixes]
        plan.groups = [POLARITIES.index(each[0]) if each else 0 for each in prefixes]
        plan.choices = [writer.choice(name, last=last) for name in classes]
        plan.keys = [(name,) for name in classes]
        _check_different(classes, plan.choices)
    else:
        scored = positions(corpora)
        members = {
            row
            for rows, c in zip(scored, corpora, strict=True)
            for row in rows.tolist()
            if own_field == SCORE_FIELD or not c.emotional
        }
        pairs = sorted({fields[row][: own_field + 1] for row in train.tolist() if row in members})
        plan.prefixes, plan.groups = [[]], [0]
        plan.choices = [
            [*writer.part(each[:-1]), *writer.choice(each[-1], last=last)] for each in pairs
        ]
        plan.scores = np.array([float(each[-1]) for each in pairs])
        plan.keys = pairs
    return plan


def _check_different(classes: Sequence[str], choices: list[list[int]]) -> None:
    named: dict[tuple[int, ...], str] = {}
    for name, tokens in zip(classes, choices, strict=True):
        other = named.setdefault(tuple(tokens), name)
        if other != name:
            raise ValueError(
                f"The classes {listed([other, name], quoted=True)} are one to the tokenizer, which "
                "writes them in lower case. Rename one of them."
            )


def refuse_other_choices(known: Sequence[Sequence[int]], plan: LabelPlan) -> None:
    """Raise if a net that goes on would have to choose from other strings than it was made for.

    Examples
    --------
    >>> plan = LabelPlan([], 1, 0, [], np.zeros(0, int), [[]], [[5, 1]], [0])
    >>> refuse_other_choices([[5, 1]], plan)
    """
    if [list(each) for each in known] != plan.choices:
        what = "classes, as strings," if plan.scores is None else "scores and their polarities"
        raise ValueError(
            f"warm_start=True goes on from the last fit, which chose from {len(known)} strings; "
            f"the {what} of the samples that are trained on now make {len(plan.choices)}, not the "
            "same ones. Set warm_start=False, or go on with the same labels and random_state."
        )


def default_labeler(labeler: Any, polarity_map: dict[str, str] | None) -> Any:
    """Return the labeler, or a plain one.

    Raises
    ------
    ValueError
        If there are both a labeler and a map for it.

    Examples
    --------
    >>> default_labeler(None, {"awe": "positive"}).polarity_map
    {'awe': 'positive'}
    """
    if labeler is not None and polarity_map is not None:
        raise ValueError(
            "polarity_map is for the labeler that is made where labeler is None, and both are "
            "given. Set the map in the labeler, UniversalLabeler(polarity_map=...)."
        )
    return UniversalLabeler(polarity_map=polarity_map) if labeler is None else labeler
