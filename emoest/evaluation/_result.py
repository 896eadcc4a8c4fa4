"""What an evaluation found: predictions first, every score computed from them."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score

from emoest.evaluation._bootstrap import (
    GroupSums,
    bootstrap_interval,
    group_sums,
    resample_scores,
    sign_flip_p,
)
from emoest.evaluation._metrics import ccc_score, pearson_score, recall_per_class
from emoest.evaluation._report.html import html_fragment, html_page
from emoest.evaluation._report.text import summary_text

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
        pretrained part of a model had seen.
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

    @property
    def score(self) -> str:
        """Name of the main score: ``"uar"`` or ``"ccc"``."""
        return "uar" if self.task == "classification" else "ccc"


class EvaluationResult:
    """Predictions of one or several models on held-out samples, and the scores that follow.

    `evaluate` makes it. It prints as text and, in a notebook, as a page.

    Parameters
    ----------
    predictions : DataFrame
        One row for each prediction; see `evaluate`.
    protocol : Protocol
        How they were made.

    Attributes
    ----------
    table : DataFrame
        One row for each model (and target): pooled UAR (`uar`, with `uar_low`, `uar_high`), its
        mean and standard deviation (ddof=1) over folds, weighted accuracy `wa`, `chance`, number of
        predictions and groups, and the recall of each class; for continuous targets CCC, Pearson's
        r and the mean absolute error.
    folds : DataFrame
        The scores of every fold.
    comparison : DataFrame
        One row for each pair of models: difference of the main score, its interval from the same
        resamples of groups, and the p of exchanging the two models' predictions group by group
        (a sign-flip test, exact up to 12 groups); `p_holm` is Holm's correction over all rows.
        Empty for one model.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from emoest.evaluation import evaluate
    >>> X, y = np.zeros((8, 1)), ["sad", "happy"] * 4
    >>> result = evaluate(
    ...     DummyClassifier(), X, y, groups=np.repeat([1, 2, 3, 4], 2), cv=2, random_state=0
    ... )
    >>> result.table["uar"].tolist()
    [0.5]
    >>> result.confusion().loc["sad"].to_dict()
    {'happy': 4, 'sad': 0}
    """

    def __init__(self, predictions: pd.DataFrame, protocol: Protocol) -> None:
        self.predictions = predictions
        self.protocol = protocol

    @property
    def models(self) -> list[str]:
        """Names of the models that have predictions, in the order given."""
        if "model" not in self.predictions:
            return list(self.protocol.transductive)
        return self.predictions["model"].drop_duplicates().tolist()

    @property
    def targets(self) -> list[Any]:
        """Names of the targets."""
        return self.protocol.targets

    @property
    def leakage(self) -> pd.DataFrame:
        """The table of `check_leakage` for these samples, folds and models."""
        return pd.DataFrame(self.protocol.leaks, columns=["check", "verdict", "n", "detail"])

    @property
    def n_tested(self) -> int:
        """Number of different samples that were predicted."""
        return self.predictions["position"].nunique()

    def select(self, model: str | None = None, target: Any = None) -> pd.DataFrame:
        """Select the predictions of one model on one target.

        Parameters
        ----------
        model : str, default=None
            May be left out if there is one model.
        target : object, default=None
            May be left out if there is one target.

        Returns
        -------
        predictions : DataFrame

        Raises
        ------
        ValueError
            If there are several and none is named, or the name is unknown.
        """
        rows = self.predictions
        for column, wanted, known in (
            ("model", model, self.models),
            ("target", target, self.targets),
        ):
            if wanted is None and len(known) > 1:
                raise ValueError(
                    f"There are several {column}s, name one: {column}= one of {known}."
                )
            if wanted is not None and wanted not in known:
                raise ValueError(f"{column}={wanted!r} was not evaluated; there are {known}.")
            if column in rows:
                rows = rows[rows[column] == (known[0] if wanted is None else wanted)]
        return rows

    @cached_property
    def table(self) -> pd.DataFrame:
        """The scores, one row for each model (and target)."""
        rows = {}
        for model in self.models:
            for target in self.targets:
                rows[model, target] = self._row(model, target)
        table = pd.DataFrame.from_dict(rows, orient="index")
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["model", "target"])
        return table if len(self.targets) > 1 else table.droplevel("target")

    @cached_property
    def folds(self) -> pd.DataFrame:
        """The scores of every fold."""
        records = []
        for model in self.models:
            for target in self.targets:
                for fold, rows in self.select(model, target).groupby("fold"):
                    where = {"model": model, "target": target, "fold": fold, "n": len(rows)}
                    records.append(where | self._scores(rows))
        folds = pd.DataFrame(records)
        return folds if len(self.targets) > 1 else folds.drop(columns="target")

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """Differences between models, from the same resamples of groups."""
        records = []
        for target in self.targets:
            for pair in combinations(self.models, 2):
                if scores := self._difference(*pair, target):
                    names = {"model_a": pair[0], "model_b": pair[1], "target": target}
                    records.append(names | scores)
        columns = ["model_a", "model_b", "target", "difference", "low", "high", "p"]
        comparison = pd.DataFrame(records, columns=columns)
        comparison["p_holm"] = _holm(comparison["p"].to_numpy(dtype=np.float64))
        return comparison if len(self.targets) > 1 else comparison.drop(columns="target")

    def confusion(
        self, model: str | None = None, target: Any = None, *, normalize: bool = False
    ) -> pd.DataFrame:
        """Count what was predicted for each true class.

        Parameters
        ----------
        model : str, default=None
            May be left out if there is one model.
        target : object, default=None
            May be left out if there is one target.
        normalize : bool, default=False
            Return the fraction of each row instead of counts; the diagonal then is the recall.

        Returns
        -------
        confusion : DataFrame of shape (n_classes, n_classes)
            True classes in rows, predicted ones in columns.

        Raises
        ------
        ValueError
            For continuous targets, or if `model` or `target` is unknown or ambiguous.
        """
        if self.protocol.task == "regression":
            raise ValueError("Continuous targets have no confusion matrix; see .table and .folds.")
        rows = self.select(model, target)
        true, pred = _labels(rows["y"]), _labels(rows["y_pred"])
        found = np.union1d(true, pred).tolist()
        known = self.protocol.classes.get(self.targets[0] if target is None else target, [])
        classes = found
        # Ordered classes (low, medium, high) come first, in their order.
        if known != np.unique(np.array(known)).tolist():
            classes = [name for name in known if name in found]
            classes += [name for name in found if name not in classes]
        confusion = pd.DataFrame(
            confusion_matrix(true, pred, labels=classes),
            index=pd.Index(classes, name="true"),
            columns=pd.Index(classes, name="predicted"),
        )
        if not normalize:
            return confusion
        return confusion.div(confusion.sum(axis=1).replace(0, 1), axis=0)

    def summary(self) -> str:
        """Return the protocol and the scores as text."""
        return summary_text(self)

    def to_html(
        self, path: str | os.PathLike[str] | None = None, *, note: str | None = None
    ) -> str:
        """Return the protocol, the scores and the confusion matrices as one page without links.

        Parameters
        ----------
        path : str or path object, default=None
            Where to write the page as well.
        note : str, default=None
            What stands above it, for example where the data come from.

        Returns
        -------
        page : str
        """
        page = html_page(self, note)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _repr_html_(self) -> str:
        return html_fragment(self)

    def __repr__(self) -> str:
        return self.summary()

    def _difference(self, model_a: str, model_b: str, target: Any) -> dict[str, float]:
        """Compare two models on the folds that both have (all, but after a failure)."""
        rows = [self.select(model, target) for model in (model_a, model_b)]
        common = np.intersect1d(rows[0]["fold"], rows[1]["fold"])
        if not len(common):
            return {}
        parts = [sums_by_group(each[each["fold"].isin(common)], self.protocol) for each in rows]
        scores = resample_scores(parts, self.protocol.n_resamples, self.protocol.seed)
        differences, n_groups = scores[:, 0] - scores[:, 1], len(parts[0].sums)
        difference = parts[0].value() - parts[1].value()
        low, high = bootstrap_interval(
            difference, differences, n_groups, self.protocol.confidence, self._bounds(2)
        )
        p = sign_flip_p(parts, self.protocol.n_resamples, self.protocol.seed)
        return {"difference": difference, "low": low, "high": high, "p": p}

    def _bounds(self, n_scores: int = 1) -> tuple[float, float]:
        """Least and largest value of the main score, or of the difference of two."""
        low = 0.0 if self.protocol.task == "classification" else -1.0
        return (low, 1.0) if n_scores == 1 else (low - 1.0, 1.0 - low)

    def _scores(self, rows: pd.DataFrame) -> dict[str, float]:
        if self.protocol.task == "regression":
            true, pred = rows["y"].to_numpy(float), rows["y_pred"].to_numpy(float)
            return {
                "ccc": ccc_score(true, pred),
                "pearson": pearson_score(true, pred),
                "mae": float(np.mean(np.abs(true - pred))),
            }
        true, pred = _labels(rows["y"]), _labels(rows["y_pred"])
        uar = float(recall_per_class(true, pred).mean())
        return {"uar": uar, "wa": float(np.mean(true == pred))}

    def _row(self, model: str, target: Any) -> dict[str, float]:
        score = self.protocol.score
        rows = self.select(model, target)
        sums = sums_by_group(rows, self.protocol)
        n_groups = len(sums.sums)
        draws = resample_scores([sums], self.protocol.n_resamples, self.protocol.seed)[:, 0]
        low, high = bootstrap_interval(
            sums.value(), draws, n_groups, self.protocol.confidence, self._bounds()
        )
        scores = self._scores(rows)
        by_fold = [self._scores(part)[score] for _, part in rows.groupby("fold")]
        row = {score: scores.pop(score), f"{score}_low": low, f"{score}_high": high}
        row["fold_mean"] = float(np.mean(by_fold))
        row["fold_std"] = float(np.std(by_fold, ddof=1)) if len(by_fold) > 1 else float("nan")
        row |= scores
        if self.protocol.task == "classification":
            true, pred = _labels(rows["y"]), _labels(rows["y_pred"])
            row["chance"] = 1 / len(np.unique(true))
            if self.protocol.multilabel:
                row["f1"] = float(f1_score(true, pred, zero_division=0))
        row |= {"n": len(rows), "n_groups": n_groups}
        if self.protocol.task == "classification":
            recall = recall_per_class(true, pred, labels=self.protocol.classes[target])
            row |= {f"recall_{name}": value for name, value in recall.items()}
        return row


def sums_by_group(predictions: pd.DataFrame, protocol: Protocol) -> GroupSums:
    """Sum up in each group what the main score of one model on one target follows from."""
    true, pred = _labels(predictions["y"]), _labels(predictions["y_pred"])
    key = "position" if protocol.n_groups is None else "group"
    return group_sums(true, pred, predictions[key], protocol.task)


def _labels(column: "pd.Series[Any]") -> npt.NDArray[Any]:
    """Labels of an object column as an array of their own kind."""
    return np.asarray(column.infer_objects())


def _holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Holm's step-down correction."""
    order = np.argsort(p)
    corrected = np.empty_like(p)
    scaled = np.minimum(1.0, np.arange(len(p), 0, -1) * p[order])
    corrected[order] = np.maximum.accumulate(scaled)
    return corrected
