"""The tasks of a pre-training: which are asked for, and which the clips can teach."""

from collections.abc import Sequence

import numpy as np

from emoest.nets.cross_modal.clips import PROBS, ClipDataset
from emoest.nets.cross_modal.net import TASKS
from emoest.utils.messages import listed
from emoest.utils.typing import Rows
from emoest.utils.warn import warn_user

EMOTION_WORDS = (
    *("anger", "angry", "happy", "happiness", "neutral", "sad", "sadness", "surprise"),
    *("surprised", "fear", "fearful", "disgust", "contempt", "calm", "excited", "frustrated"),
    "joy",
)
"""Label words that a learned tokenizer keeps whole."""


def check_tasks(tasks: Sequence[str], weights: Sequence[float]) -> None:
    """Raise if a task is unknown, or there is not one positive weight for each.

    Examples
    --------
    >>> check_tasks(["wwmlm"], [0])
    Traceback (most recent call last):
        ...
    ValueError: task_weights=[0] needs a positive number for each of the 1 tasks.
    """
    unknown = [task for task in tasks if task not in TASKS]
    if not len(tasks) or unknown:
        told = f"; unknown: {listed(unknown)}" if unknown else ""
        raise ValueError(f"tasks={list(tasks)!r}: choose from {listed(TASKS)}{told}.")
    numbers = np.asarray(weights, dtype=float)
    if len(numbers) != len(tasks) or not (numbers > 0).all():
        raise ValueError(
            f"task_weights={list(weights)!r} needs a positive number for each of the "
            f"{len(tasks)} tasks."
        )


def rows_of_tasks(data: ClipDataset) -> dict[str, Rows]:
    """Find the rows that each task can learn from.

    Examples
    --------
    >>> data = ClipDataset(
    ...     {"text": [None]}, {"text": np.array([0])}, {"text": 2}, blank=np.ones((2, 2), "f4")
    ... )
    >>> {task: len(rows) for task, rows in rows_of_tasks(data).items()}
    {'wwmlm': 0, 'mvfr': 0, 'mvfc_kl': 0, 'mafr': 0}
    """
    none = np.zeros(len(data), dtype=np.intp)
    rows = {}
    for task, name in TASKS.items():
        lengths = data.lengths.get(PROBS if task == "mvfc_kl" else name, none)
        # [CLS] and [SEP] alone say nothing.
        rows[task] = np.flatnonzero(lengths > (2 if name == "text" else 0))
    return rows


def learnable_tasks(
    data: ClipDataset, tasks: Sequence[str], weights: Sequence[float]
) -> dict[str, float]:
    """Return the probability of each task that some row can be learned from.

    Raises
    ------
    ValueError
        If there is none.

    Warns
    -----
    UserWarning
        Of those that are left out.
    """
    rows = rows_of_tasks(data)
    absent = [task for task in tasks if not len(rows[task])]
    chosen = {
        task: float(weight)
        for task, weight in zip(tasks, weights, strict=True)
        if task not in absent
    }
    if not chosen:
        raise ValueError(
            f"No row of X has what the tasks {listed(tasks)} mask: wwmlm needs texts, mvfr faces, "
            "mvfc_kl faces with face_probs, mafr audio."
        )
    if absent:
        needed = dict.fromkeys(PROBS if task == "mvfc_kl" else TASKS[task] for task in absent)
        warn_user(
            f"No training row has {listed(needed)}, so the task(s) {listed(absent)} are left out."
        )
    total = sum(chosen.values())
    return {task: weight / total for task, weight in chosen.items()}
