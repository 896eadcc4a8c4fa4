"""What an evaluation found: predictions first, every score computed from them."""

import os
from collections.abc import Mapping
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from emoest.evaluation._protocol import Protocol
from emoest.evaluation._report.html import html_fragment, html_page
from emoest.evaluation._report.model_card import latex_table, model_card
from emoest.evaluation._report.saving import load_result, save_result
from emoest.evaluation._report.text import summary_text
from emoest.evaluation._scores import (
    difference_in_common,
    holm,
    labels_of,
    plain_scores,
    run_keys,
    score_row,
)
from emoest.evaluation._subgroups import subgroup_table


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
        mean and standard deviation (ddof=1) over folds, weighted accuracy `wa`, `f1_macro` and
        `f1_weighted`, `chance`, number of predictions and groups, and the recall of each class; for
        continuous targets CCC, Pearson's r and the mean absolute error. With several seeds, scores
        are means over the runs and `seed_std` is the deviation (ddof=1) of the main score.
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
                found = self.select(model, target)
                rows[model, target] = score_row(found, self.protocol, target)
        table = pd.DataFrame.from_dict(rows, orient="index")
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["model", "target"])
        return table if len(self.targets) > 1 else table.droplevel("target")

    @cached_property
    def folds(self) -> pd.DataFrame:
        """The scores of every fold."""
        records = []
        for model in self.models:
            for target in self.targets:
                found = self.select(model, target)
                for key, rows in found.groupby(run_keys(found), sort=False):
                    run = dict(zip(run_keys(found), key, strict=True))
                    where = {"model": model, "target": target} | run | {"n": len(rows)}
                    records.append(where | plain_scores(rows, self.protocol.task))
        folds = pd.DataFrame(records)
        return folds if len(self.targets) > 1 else folds.drop(columns="target")

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """Differences between models, from the same resamples of groups."""
        records = []
        for target in self.targets:
            for pair in combinations(self.models, 2):
                rows = [self.select(model, target) for model in pair]
                if scores := difference_in_common(rows, self.protocol):
                    names = {"model_a": pair[0], "model_b": pair[1], "target": target}
                    records.append(names | scores)
        columns = ["model_a", "model_b", "target", "difference", "low", "high", "p"]
        comparison = pd.DataFrame(records, columns=columns)
        comparison["p_holm"] = holm(comparison["p"].to_numpy(dtype=np.float64))
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
        true, pred = labels_of(rows["y"]), labels_of(rows["y_pred"])
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

    def subgroups(self, by: Any, model: str | None = None, target: Any = None) -> pd.DataFrame:
        """Score each subgroup by itself; the worst comes first.

        Parameters
        ----------
        by : str or array-like of shape (n_samples,)
            A column of the predictions (``"group"``, ``"fold"``), or one value a sample in the
            order of X: sex, age, language, corpus. A Series with the index of X in another order
            is refused.
        model : str, default=None
            May be left out if there is one model.
        target : object, default=None
            May be left out if there is one target.

        Returns
        -------
        table : DataFrame
            One row a subgroup: the main score with its interval from resampling the groups
            (speakers) inside it, the other scores, ``n_classes`` (the classes that it has: UAR is
            over these), numbers of samples and groups, and ``few`` (fewer than 20 samples).

        Raises
        ------
        ValueError
            If `by` is neither, or `model` or `target` is unknown or ambiguous.
        """
        return subgroup_table(self.select(model, target), self.protocol, by)

    def probabilities(self, model: str | None = None, target: Any = None) -> pd.DataFrame:
        """Take the probabilities of each prediction, one column a class.

        Parameters
        ----------
        model : str, default=None
            May be left out if there is one model.
        target : object, default=None
            May be left out if there is one target.

        Returns
        -------
        proba : DataFrame of shape (n_predictions, n_classes)
            In the order of `select`, whose ``y`` and ``group`` belong to it.

        Raises
        ------
        ValueError
            If the model gave none, or `model` or `target` is unknown or ambiguous.
        """
        rows = self.select(model, target)
        known = self.protocol.classes.get(self.targets[0] if target is None else target, [])
        columns = {f"proba_{name}": name for name in known if f"proba_{name}" in rows}
        proba = rows[list(columns)].rename(columns=columns)
        if proba.empty or proba.isna().to_numpy().all():
            raise ValueError(
                "The model gave no probabilities: no predict_proba, or evaluate(proba=False)."
            )
        return proba

    def summary(self) -> str:
        """Return the protocol and the scores as text.

        Returns
        -------
        text : str
            The protocol, then a table of scores and their intervals.
        """
        return summary_text(self)

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        note: str | None = None,
        subgroups: Mapping[Any, Any] | None = None,
        not_for: str | None = None,
        ceiling: float | None = None,
    ) -> str:
        """Return scores, confusion matrices, subgroups and protocol as one page without links.

        Parameters
        ----------
        path : str or path object, default=None
            Where to write the page as well.
        note : str, default=None
            What stands above it, for example where the data come from.
        subgroups : dict or DataFrame, default=None
            Kinds of subgroups and, for each, one value a sample in the order of X, for example
            ``frame[["sex", "language"]]``; groups (speakers) are always there.
        not_for : str, default=None
            What the models may not be used for; None writes what holds of any of them.
        ceiling : float, default=None
            What one rater reaches against the others in the main score (`rater_ceiling`): a line in
            picture and table.

        Returns
        -------
        page : str
            Light or dark as the reader's system is; it prints on A4.

        Raises
        ------
        ValueError
            If a subgroup has not one value a sample.
        """
        options: dict[str, Any] = {"subgroups": subgroups, "not_for": not_for, "ceiling": ceiling}
        return _written(html_page(self, note, **options), path)

    def to_latex(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the table of scores as a LaTeX ``tabular``; names are escaped.

        Parameters
        ----------
        path : str or path object, default=None
            Where to write it as well.

        Returns
        -------
        text : str
        """
        return _written(latex_table(self), path)

    def to_model_card(
        self, path: str | os.PathLike[str] | None = None, *, not_for: str | None = None
    ) -> str:
        """Return a model card in Markdown: scores, protocol, leaks, what it may not be used for.

        Parameters
        ----------
        path : str or path object, default=None
            Where to write it as well.
        not_for : str, default=None
            What the models may not be used for; None writes what holds of any of them.

        Returns
        -------
        text : str
        """
        return _written(model_card(self, not_for), path)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write predictions and protocol into a folder, from which `load` makes the same result.

        Parameters
        ----------
        folder : str or path object
            Made if it is not there. It gets ``protocol.json``, ``predictions.parquet``
            (``predictions.csv`` where pandas finds no parquet engine) and, for other programs,
            the main table as ``table.csv``.
        """
        save_result(self, Path(folder))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "EvaluationResult":
        """Read what `save` wrote; scores and intervals are computed anew from the predictions.

        Parameters
        ----------
        folder : str or path object
            Where `save` wrote.

        Returns
        -------
        result : EvaluationResult

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file is not what `save` writes, or is of a later version.
        """
        return cls(*load_result(Path(folder)))

    def _repr_html_(self) -> str:
        return html_fragment(self)

    def __repr__(self) -> str:
        return self.summary()


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text
