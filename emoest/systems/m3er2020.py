"""M3ER: check the modalities, regenerate the bad ones, fuse multiplicatively (AAAI 2020).

T. Mittal, U. Bhattacharya, R. Chandra, A. Bera and D. Manocha, "M3ER: multiplicative multimodal
emotion recognition using facial, textual, and speech cues", AAAI 2020, arXiv 1911.05659.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from emoest.systems._ablation import evaluate_variants, make_variants, variant_table
from emoest.systems._choices import check_choice
from emoest.utils.seeds import RandomState
from emoest.validity import CCAValidityFilter, ModalityImputer, ProxyFeatureGenerator

PRESETS = ("recommended", "paper")
LOSSES: dict[str, dict[str, Any]] = {
    "cross_entropy": {"loss": "cross_entropy"},
    "liu": {"loss": "liu"},
    "m3er": {"loss": "m3er", "detach_weights": True},
    "m3er literal": {"loss": "m3er", "detach_weights": False},
}
"""Forms of the loss by name: parameters of `emoest.neural.M3ERClassifier`."""


def make_m3er(
    preset: str = "recommended",
    *,
    check: bool = True,
    proxies: bool = True,
    loss: str | None = None,
    classifier: Any = None,
    random_state: RandomState = None,
) -> Pipeline:
    """Make M3ER: check the modalities, regenerate the bad ones, classify by memory fusion.

    A reconstruction; the authors' code is not available. The Pipeline fills single missing values
    (``impute``), makes a modality missing that is inconsistent with the others (``check``),
    regenerates missing modalities from the others (``proxy``) and fuses what there is in a memory
    fusion network whose LSTM outputs are multiplied (``classify``).

    Parameters
    ----------
    preset : {"recommended", "paper"}, default="recommended"
        ``"paper"`` is as near to the printed text as what is known of it allows: 100 canonical
        components without shrinkage, Pearson correlation over the components of one sample, a fixed
        threshold, proxies at prediction only, gradient through the weight of the loss.
        ``"recommended"`` is sound: cosine weighted by held-out correlations, a threshold from
        held-out samples, proxies in training too, the weight detached.
    check : bool, default=True
        Whether modalities are checked.
    proxies : bool, default=True
        Whether missing modalities are regenerated. Otherwise the network works without them.
    loss : {"cross_entropy", "liu", "m3er", "m3er literal"}, default=None
        Loss of the network; None takes that of the preset, ``"m3er"`` or ``"m3er literal"``, which
        has the gradient through its weight.
    classifier : estimator, default=None
        The network, of which a clone is taken; None takes `emoest.neural.M3ERClassifier`. Preset
        and `loss` set its ``loss`` and ``detach_weights``.
    random_state : int, RandomState instance or None, default=None
        Of check, proxies and network.

    Returns
    -------
    model : Pipeline
        Unfitted; for a DataFrame of time-aligned frames, or of numbers, each row of which is one
        step.

    Raises
    ------
    ValueError
        If `preset` or `loss` is unknown.

    See Also
    --------
    m3er_ablation : What each part brings.
    emoest.aggregation.FrameAligner : Aligns frames with the words.

    Notes
    -----
    Known from the paper: the order of check, proxies and fusion; that a valid modality correlates
    with at least one other, by CCA projections of one width (100); proxies from the nearest
    observed vector and a linear system, averaged over the valid modalities; the form of the loss;
    three LSTMs of 32 units, a memory of 128, one fused vector of 32, 160 numbers into a layer of
    64; at most 20 steps.

    Not known, and chosen here: how one sample has a correlation; the threshold (0.3 in
    ``"paper"`` is a guess); what is read of a sequence (the mean over steps); shrinkage and
    scaling; number of neighbors of a proxy and the ridge; beta; whether the authors let the
    gradient through the weight of the loss; where the loss applies, as the network has one output
    (here cross-entropy on the fused output plus the multiplicative loss on a head for each
    modality); what the gates of the memory see; inner widths, dropout, activation of the head; what
    goes from the memory into the LSTMs; learning rate, epochs, splits; features of IEMOCAP; how
    several emotions of one MOSEI sample become one label; which accuracy the paper reports. So none
    of its results is a target here.

    100 components are more than any modality of 74 or 35 features has: the number is capped.
    Without shrinkage the check of ``"paper"`` needs more training samples than a modality has
    features, and raises otherwise. With two modalities the check cannot say which of them is wrong.

    For commercial users: the United States patent 11830291, "System and method for multimodal
    emotion recognition", describes such a pipeline (features, check of their effectiveness,
    multiplicative fusion, emotion). This is not legal advice.

    Examples
    --------
    >>> [name for name, _ in make_m3er().steps]
    ['impute', 'check', 'proxy', 'classify']
    >>> [name for name, _ in make_m3er("paper", proxies=False).steps]
    ['impute', 'check', 'classify']
    >>> make_m3er("paper")["check"].agreement
    'pearson'
    """
    check_choice("preset", preset, PRESETS)
    paper = preset == "paper"
    loss = ("m3er literal" if paper else "m3er") if loss is None else loss
    check_choice("loss", loss, LOSSES)
    if classifier is None:
        from emoest.neural import M3ERClassifier

        classifier = M3ERClassifier()
    net = clone(classifier).set_params(**LOSSES[loss])
    if random_state is not None:
        net.set_params(random_state=random_state)
    steps: list[tuple[str, Any]] = [("impute", ModalityImputer(whole=False))]
    if check:
        literal: dict[str, Any] = {
            "n_components": 100,
            "shrinkage": 0.0,
            "agreement": "pearson",
            "threshold": 0.3,
        }
        # Measured so in docs/results.md; the filter's own default was measured on vectors only.
        options = literal if paper else {"agreement": "weighted_cosine"}
        steps.append(("check", CCAValidityFilter(random_state=random_state, **options)))
    if proxies:
        when = "predict" if paper else "always"
        steps.append(("proxy", ProxyFeatureGenerator(when=when, random_state=random_state)))
    return Pipeline([*steps, ("classify", net)]).set_output(transform="pandas")


def m3er_ablation(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    preset: str = "recommended",
    losses: Sequence[str] = tuple(LOSSES),
    checks: Sequence[bool] = (True, False),
    proxies: Sequence[bool] = (True, False),
    corrupt: Any = None,
    classifier: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    n_resamples: int = 2000,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """Measure what the parts of M3ER bring: forms of the loss, with and without check and proxies.

    Every variant sees the same folds, groups never on both sides of one, and is trained once a seed
    and fold.

    Parameters
    ----------
    X : DataFrame
        Frames or numbers, see `make_m3er`.
    y : array-like of shape (n_samples,)
        The classes.
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from; None takes the index level ``group``.
    cv : int, splitter or iterable, default=None
        See `emoest.evaluation.evaluate`.
    preset : {"recommended", "paper"}, default="recommended"
        See `make_m3er`.
    losses : sequence of str, default=("cross_entropy", "liu", "m3er", "m3er literal")
        Which losses.
    checks, proxies : sequence of bool, default=(True, False)
        With and without.
    corrupt : transformer, default=None
        Put in front of every variant, for example
        ``CorruptModality("face", kind="permute")``, which corrupts at prediction only.
    classifier : estimator, default=None
        The network, see `make_m3er`.
    seeds : sequence of int, default=(0, 1, 2)
        Seeds of the network, the check and the proxies (and of `corrupt`, if it has none).
    n_resamples : int, default=2000
        How often the groups are resampled for the intervals.
    n_jobs : int, default=None
        Folds at a time.
    random_state : int, RandomState instance or None, default=0
        Of the folds and the resamples, which all variants and seeds share.
    verbose : int, default=0
        Above zero shows a progress bar for each seed.

    Returns
    -------
    table : DataFrame
        One row for each variant, indexed by ``loss``, ``check`` and ``proxies``: ``uar`` (pooled
        over the folds, mean over the seeds) with ``uar_low`` and ``uar_high`` (95 % from resampling
        groups), its standard deviation ``seed_std`` between seeds (ddof=1), and ``gain`` over the
        last variant of the grid with ``gain_low`` and ``gain_high``, from the same resamples.

    Raises
    ------
    ValueError
        If a loss is unknown or `seeds` is empty.

    Notes
    -----
    Without a missing modality and without a check, proxies change nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.neural import M3ERClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(40, 3)), columns=["audio__a", "audio__b", "text__w"])
    >>> y = np.where(X["audio__a"] > 0, "happy", "sad")
    >>> net = M3ERClassifier(max_epochs=1, validation_fraction=None)
    >>> table = m3er_ablation(
    ...     X, y, groups=np.arange(40) % 4, cv=2, losses=["m3er"], checks=[False],
    ...     classifier=net, seeds=[0], n_resamples=50,
    ... )
    >>> table.index.tolist()
    [('m3er', False, True), ('m3er', False, False)]
    """
    variants = list(product(losses, checks, proxies))

    def make(loss: str, check: bool, proxies: bool, seed: int) -> Pipeline:
        parts = {"check": check, "proxies": proxies, "loss": loss}
        model = make_m3er(preset, **parts, classifier=classifier, random_state=seed)
        if corrupt is None:
            return model
        first = clone(corrupt)
        if "random_state" in first.get_params() and first.random_state is None:
            first.set_params(random_state=seed)
        return Pipeline([("corrupt", first), *model.steps]).set_output(transform="pandas")

    runs = evaluate_variants(
        make_variants(make, variants, seeds),
        X,
        y,
        groups=groups,
        cv=cv,
        n_resamples=n_resamples,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return variant_table(runs, variants, ["loss", "check", "proxies"])
