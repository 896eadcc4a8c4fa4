"""How MEmoBERT is measured: ablations, few labels, one speaker at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, train_test_split
from sklearn.pipeline import Pipeline

from emoest.datasets import LeaveOneSpeakerOut
from emoest.evaluation import uar_interval, uar_score
from emoest.evaluation._checks import check_overlap
from emoest.evaluation._cross_fitting import make_splitter
from emoest.systems._ablation import evaluate_variants, make_variants, variant_table
from emoest.systems._choices import check_choice
from emoest.tables.groups import resolve_groups
from emoest.utils.seeds import RandomState

ABLATIONS: dict[str, dict[str, Any]] = {
    "no pre-training": {},
    "pieces and single frames": {
        "whole_words": False,
        "span": 1,
        "face_mask": 0.15,
        "audio_mask": 0.15,
    },
    "no audio task": {"tasks": ("wwmlm", "mvfr", "mvfc_kl"), "task_weights": (2, 1, 1)},
    "no face tasks": {"tasks": ("wwmlm", "mafr"), "task_weights": (2, 1)},
    "text and face": {"modalities": ["text", "face"]},
    "text and audio": {"modalities": ["text", "audio"]},
    "all": {},
}
"""Changes of the pre-training by name; `memobert2022_ablation` measures them."""

SAME_BEGINNING = (
    *("hidden_size", "n_layers", "n_heads", "intermediate_size"),
    *("vocab_size", "tokenizer", "normalize"),
)
"""What a net without pre-training has in common with one that is pre-trained."""

FEW_SHOT = (0.1, 0.2, 0.4, 0.6)


def memobert2022_ablation(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    variants: Sequence[str] = tuple(ABLATIONS),
    setting: str = "prompt",
    pretrainer: Any = None,
    classifier: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    n_resamples: int = 2000,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """Measure what the parts of the pre-training bring, all else the same.

    Parameters
    ----------
    X : DataFrame
        ``text`` and frames, see `emoest.neural.MEmoBERTPretrainer.fit`.
    y : array-like of shape (n_samples,)
        The classes.
    groups : array-like of shape (n_samples,), default=None
        Speakers; None takes the index level ``group``.
    cv : int, splitter or iterable, default=None
        None takes ``GroupKFold(6)``.
    variants : sequence of str, default=all
        Names of `ABLATIONS`; gains are over the last.
    setting : {"prompt", "finetune"}, default="prompt"
        What follows the pre-training.
    pretrainer : MEmoBERTPretrainer, default=None
        What is varied; None takes the defaults.
    classifier : MEmoBERTClassifier, default=None
        What classifies; None takes the defaults.
    seeds : sequence of int, default=(0, 1, 2)
        Seeds of pre-training and classifier.
    n_resamples, n_jobs, random_state, verbose
        See `m3er_ablation`.

    Returns
    -------
    table : DataFrame
        One row for each variant: ``uar`` (pooled over folds, mean over seeds) with ``uar_low`` and
        ``uar_high`` (95 % from resampling groups), ``seed_std``, and ``gain`` over the last variant
        with ``gain_low`` and ``gain_high``.

    Raises
    ------
    ValueError
        If a variant is unknown or `seeds` is empty.
    """
    from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer

    for name in variants:
        check_choice("variants", name, ABLATIONS)

    def make(name: str, seed: int) -> Any:
        base = MEmoBERTPretrainer() if pretrainer is None else clone(pretrainer)
        model = MEmoBERTClassifier() if classifier is None else clone(classifier)
        changes = ABLATIONS[name]
        before = base.set_params(random_state=seed, **changes)
        if name == "no pre-training":
            before = None
            model.set_params(model=base.model, **beginning_of(base))
        model.set_params(setting=setting, pretrainer=before, random_state=seed)
        return model.set_params(**{k: v for k, v in changes.items() if k == "modalities"})

    pairs = [(name,) for name in variants]
    runs = evaluate_variants(
        make_variants(make, pairs, seeds),
        X,
        y,
        groups=groups,
        cv=GroupKFold(6) if cv is None else cv,
        n_resamples=n_resamples,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return variant_table(runs, pairs, ["variant"])


def beginning_of(pretrainer: Any) -> dict[str, Any]:
    """Parameters that a net without pre-training shares with one that `pretrainer` trains.

    Examples
    --------
    >>> from emoest.neural import MEmoBERTPretrainer
    >>> beginning_of(MEmoBERTPretrainer(hidden_size=8))["hidden_size"]
    8
    """
    return {name: getattr(pretrainer, name) for name in SAME_BEGINNING}


def memobert2022_few_shot(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    fractions: Sequence[float] = FEW_SHOT,
    settings: Sequence[str] = ("prompt", "finetune", "direct"),
    pretrainer: Any = None,
    classifier: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    n_resamples: int = 2000,
) -> pd.DataFrame:
    """Measure how few labels are enough: pre-trained on all training rows, trained on some.

    Parameters
    ----------
    X, y, groups, cv
        See `memobert2022_ablation`.
    fractions : sequence of float, default=(0.1, 0.2, 0.4, 0.6)
        Parts of the training rows that keep their label, stratified.
    settings : sequence of str, default=("prompt", "finetune", "direct")
        Settings of `emoest.neural.MEmoBERTClassifier`. ``"direct"`` has a net of the same sizes
        that has seen nothing: where no tokenizer is named, its own is learned on the rows that
        keep their label.
    pretrainer, classifier, seeds, n_resamples
        See `memobert2022_ablation`.

    Returns
    -------
    table : DataFrame
        One row for each setting and fraction: ``uar`` (mean over seeds), ``seed_std``, and
        ``uar_low`` and ``uar_high`` (95 % from resampling groups).
    """
    from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer

    groups, y = resolve_groups(X, groups), np.asarray(y)
    base = MEmoBERTPretrainer() if pretrainer is None else clone(pretrainer)
    splitter = make_splitter(
        GroupKFold(6) if cv is None else cv, y, groups, classifier=True, stratify=False, seed=0
    )
    splits = list(splitter.split(X, y, groups))
    check_overlap({"pretrainer": base}, splits, groups, allow_overlap=False)
    parts = []
    for seed in seeds:
        for train, test in splits:
            base = clone(base).set_params(random_state=seed)
            weights = base.fit(
                X.iloc[train], groups=None if groups is None else groups[train]
            ).export()
            for fraction in fractions:
                kept, _ = train_test_split(
                    train, train_size=fraction, stratify=y[train], random_state=seed
                )
                for setting in settings:
                    model = MEmoBERTClassifier() if classifier is None else clone(classifier)
                    model.set_params(setting=setting, pretrainer=None, random_state=seed)
                    model.set_params(model=weights)
                    if setting == "direct":
                        model.set_params(model=None, **_same_net(base, weights))
                    model.fit(
                        X.iloc[kept], y[kept], groups=None if groups is None else groups[kept]
                    )
                    found = {"truth": y[test], "predicted": model.predict(X.iloc[test])}
                    found["group"] = test if groups is None else groups[test]
                    about = {"setting": setting, "fraction": fraction, "seed": seed}
                    parts.append(pd.DataFrame({**found, **about}))
    return _few_shot_table(pd.concat(parts, ignore_index=True), n_resamples)


def _same_net(pretrainer: Any, weights: Any) -> dict[str, Any]:
    """Sizes and tokenizer of pre-trained weights, for a net that begins with none."""
    from emoest.neural._memobert.sources import is_memobert

    sizes = {name: weights.sizes[name] for name in SAME_BEGINNING if name in weights.sizes}
    named = pretrainer.tokenizer
    if named is None and pretrainer.model is not None and not is_memobert(pretrainer.model):
        named = pretrainer.model
    return {**beginning_of(pretrainer), **sizes, "tokenizer": named}


def _few_shot_table(predictions: pd.DataFrame, n_resamples: int) -> pd.DataFrame:
    rows = {}
    for key, part in predictions.groupby(["setting", "fraction"], sort=False):
        by_seed = [uar_score(each["truth"], each["predicted"]) for _, each in part.groupby("seed")]
        low, high = uar_interval(
            part["truth"], part["predicted"], part["group"], n_resamples=n_resamples, random_state=0
        )
        spread = float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else np.nan
        rows[key] = {"uar": np.mean(by_seed), "uar_low": low, "uar_high": high, "seed_std": spread}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = table.index.set_names(["setting", "fraction"])
    return table


def memobert2022_by_speaker(
    model: Any, X: Any, y: Any, *, groups: Any = None, cv: Any = None
) -> pd.DataFrame:
    """Predict each speaker by a model that the other sessions trained and his partner stopped.

    Parameters
    ----------
    model : Pipeline or MEmoBERTClassifier
        Unfitted; a Pipeline ends in the classifier.
    X : DataFrame
        The corpus, with the context column ``session``.
    y : array-like of shape (n_samples,)
        The classes.
    groups : array-like of shape (n_samples,), default=None
        Speakers; None takes the column ``speaker`` or the index level ``group``.
    cv : splitter, default=None
        With ``split_validation``; None takes `emoest.datasets.LeaveOneSpeakerOut`: ten folds on
        IEMOCAP, twelve on MSP-IMPROV.

    Returns
    -------
    predictions : DataFrame
        On the rows of X, fold by fold: ``fold``, ``truth``, ``predicted`` and
        ``speaker``.

    Raises
    ------
    ValueError
        If X has no sessions or a speaker no partner, or weights of the model saw a speaker who is
        predicted.
    """
    splitter = LeaveOneSpeakerOut() if cv is None else cv
    speakers = groups if groups is not None else resolve_groups(X)
    speakers = np.asarray(X["speaker"] if speakers is None else speakers)
    y, parts = np.asarray(y), []
    splits = list(splitter.split_validation(X, y, speakers))
    learned = [(np.concatenate([train, validation]), test) for train, validation, test in splits]
    # Before anything is trained.
    check_overlap({type(model).__name__: model}, learned, speakers, allow_overlap=False)
    for fold, (train, validation, test) in enumerate(splits):
        rows = np.sort(np.concatenate([train, validation]))
        fitted = clone(model)
        step = f"{fitted.steps[-1][0]}__" if isinstance(fitted, Pipeline) else ""
        held_out = np.unique(speakers[validation]).tolist()
        fitted.set_params(**{f"{step}validation_groups": held_out})
        fitted.fit(X.iloc[rows], y[rows], **{f"{step}groups": speakers[rows]})
        found = {"fold": fold, "truth": y[test], "predicted": fitted.predict(X.iloc[test])}
        parts.append(pd.DataFrame({**found, "speaker": speakers[test]}, index=X.index[test]))
    return pd.concat(parts)
