"""How an evaluation was made."""

from dataclasses import dataclass, field
from typing import Any, Literal

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Protocol:
    """How an evaluation was made; all of it is printed with the scores.

    Parameters
    ----------
    task : {"classification", "regression"}
        Which scores apply.
    splitter : str
        The splitter and its parameters.
    n_splits : int
        Number of folds planned.
    n_rows : int
        Number of samples, the rows of X.
    n_groups : int or None
        Number of groups (speakers); None if there were none.
    speaker_independent : bool
        True if speakers were known and none was in both parts of a fold, nor among those that a
        finished part of a model had seen; False too where nobody knows what one has seen, or
        every sample has a group of its own.
    shared : list
        Groups that were in both parts of a fold.
    seed : int
        Where splits, models without `random_state` and resamples take their randomness from.
    n_resamples : int
        Resamples of the groups behind each interval.
    confidence : float
        Of the intervals.
    transductive : dict of str to list of str
        For each model the parts that learn from the test samples, without labels.
    targets : list
        Names of the targets, in the order of the columns of y.
    classes : dict
        For each target its classes in y; empty for regression.
    multilabel : bool
        Whether the targets are the labels of one multi-label target.
    group_kind : str
        What the groups are: ``"speaker"``, or for example ``"dialogue"``.
    known_speakers : float or None
        Fraction of the test samples by speakers of the training part; None if speakers are unknown.
    models : dict of str to str
        What was evaluated, in one line each.
    ungrouped_folds : dict of str to list of str
        For each model the parts whose inner folds do not keep groups together.
    unknown_training : dict of str to list of str
        For each model the finished parts whose training samples nobody knows.
    leaks : list of dict
        What `check_leakage` found, one dict a row of its table.
    seeds : list of int
        What splits and models were seeded with, run by run; empty for one run.
    untrained : dict of str to list of int
        Classes that a fold tests but that its training part lacks, with these folds.
    untested : list of str
        Classes that no fold tests.
    versions : dict of str to str
        Of Python and of the libraries in use.
    digest : str
        SHA-256 of the samples, targets and groups.
    """

    task: Task
    splitter: str
    n_splits: int
    n_rows: int
    n_groups: int | None
    speaker_independent: bool
    shared: list[Any]
    seed: int
    n_resamples: int
    confidence: float
    transductive: dict[str, list[str]]
    targets: list[Any]
    classes: dict[Any, list[Any]] = field(default_factory=dict)
    multilabel: bool = False
    group_kind: str = "speaker"
    known_speakers: float | None = None
    models: dict[str, str] = field(default_factory=dict)
    ungrouped_folds: dict[str, list[str]] = field(default_factory=dict)
    unknown_training: dict[str, list[str]] = field(default_factory=dict)
    leaks: list[dict[str, Any]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    untrained: dict[str, list[int]] = field(default_factory=dict)
    untested: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    digest: str = ""

    @property
    def score(self) -> str:
        """Name of the main score: ``"uar"`` or ``"ccc"``."""
        return "uar" if self.task == "classification" else "ccc"
