"""Speech ResNet with transfer from speakers and spectrogram masks (Padi et al. 2021).

S. Padi, S. O. Sadjadi, R. D. Sriram and D. Manocha, "Improved speech emotion recognition using
transfer learning and spectrogram augmentation", ICMI 2021, arXiv 2108.02510.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline

from emoest.evaluation import recall_per_class, uar_interval
from emoest.features import LogMelSpectrogram
from emoest.systems._ablation import evaluate_variants, make_variants
from emoest.tables.groups import resolve_groups
from emoest.utils.seeds import RandomState, spawn_seeds

VARIANTS = tuple(product((False, True), (False, True)))
"""The rows of the ablation: with transfer or not, with masks or not."""


def make_padi2021(
    transfer: Any = "speakers",
    masks: Any = True,
    *,
    features: Any = None,
    classifier: Any = None,
    random_state: RandomState = None,
) -> Pipeline:
    """Make the system of Padi et al. 2021: log-mel frames, speech ResNet, a new head for emotions.

    A reconstruction. Only the abstract of the paper could be read where this was written, and no
    code of the authors is public.

    Parameters
    ----------
    transfer : "speakers", None, SpeakerPretrainer, TrunkWeights, str or path object, \
default="speakers"
        Where the backbone starts. ``"speakers"`` (or a `emoest.neural.SpeakerPretrainer` with other
        parameters) first learns the speakers of the training samples, inside ``fit``. Weights, or
        what `emoest.neural.load_speaker_weights` takes, bring a trained backbone, as the paper's
        did from VoxCeleb: ``"wespeaker-resnet34"``. None trains from scratch.
    masks : bool, str or dict, default=True
        Whether masks are drawn over the training spectra: True for the policy ``"SM"``, or a policy
        of `emoest.nets.layers.spec_augment.SpecAugment`.
    features : transformer or "passthrough", default=None
        Turns the column ``audio`` into frames; None takes ``LogMelSpectrogram()``: 80 bands, each
        less its mean over the utterance. ``"passthrough"`` is for an X that holds frames already.
    classifier : SpeechResNetClassifier, default=None
        The network, of which a clone is taken; for other widths, epochs or a device. Its
        `specaugment` is replaced by `masks`; its backbone is a fresh one.
    random_state : int, RandomState instance or None, default=None
        Of the network.

    Returns
    -------
    model : Pipeline
        Unfitted; for a DataFrame with a column ``audio``, and the speakers in the index level
        ``group``, where ``transfer="speakers"`` and early stopping look for them.

    Raises
    ------
    ValueError
        If `transfer` is the layout of a fresh backbone, `classifier` has a trained backbone or a
        pretraining of its own, or there is no such policy of masks.

    See Also
    --------
    padi2021_ablation : What transfer and masks bring.

    Notes
    -----
    Known from the abstract: a ResNet with statistics pooling, so that utterances of any length are
    taken whole; pre-trained on speakers, transferred to emotions; random masks over time and
    frequency of log-mel spectra. Known from a reader's notes of the paper: ResNet34, log-mel input
    of high resolution, fully connected layers dropped, new ones trained, masks drawn on the fly.

    Not known, and chosen here: sampling rate, frames, bands and mean normalization; width and
    layout of the ResNet (here those of public speaker recognition nets); size of the new layers
    (256); which VoxCeleb, its loss, augmentation and crops; number, widths and filling of the
    masks; optimizer, learning rate, batches and epochs; whether "happy" and "excited" are one
    class; the folds. The paper's results were not available, so none of them is a target here.

    Examples
    --------
    >>> model = make_padi2021(transfer=None)
    >>> [name for name, _ in model.steps]
    ['columntransformer', 'speechresnetclassifier']
    >>> make_padi2021("wespeaker-resnet34", features="passthrough")[-1].model
    'wespeaker-resnet34'
    """
    from emoest.nets.layers.spec_augment import find_policy
    from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier
    from emoest.neural._speaker_trunks import is_trained

    net = SpeechResNetClassifier() if classifier is None else clone(classifier)
    if net.pretrain is not None or is_trained(net.model):
        raise ValueError(
            "Where the backbone starts is for transfer= to say, and classifier says so too "
            f"(model={net.model!r}, pretrain={net.pretrain!r}). Give it as transfer= alone."
        )
    policy = ("SM" if masks is True else masks) or None
    if policy is not None:
        find_policy(policy)
    net.set_params(specaugment=policy)
    if isinstance(transfer, SpeakerPretrainer) or transfer == "speakers":
        net.set_params(pretrain=transfer)
    elif transfer is not None:
        if not is_trained(transfer):
            raise ValueError(
                f"transfer={transfer!r} names a fresh backbone, which has learned nothing yet. "
                "Take 'speakers' to learn those of the training rows, weights, or None."
            )
        net.set_params(model=transfer)
    if random_state is not None:
        net.set_params(random_state=random_state)
    if features == "passthrough":
        return make_pipeline(net)
    frames = LogMelSpectrogram() if features is None else clone(features)
    steps = [ColumnTransformer([("audio", frames, ["audio"])]), net]
    return make_pipeline(*steps).set_output(transform="pandas")


def padi2021_ablation(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    transfer: Any = "speakers",
    masks: Any = True,
    features: Any = None,
    classifier: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    n_resamples: int = 2000,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """Measure what transfer and masks bring: from scratch or with transfer, without or with masks.

    Every variant sees the same folds, groups never on both sides of one, and is trained once a seed
    and fold.

    Parameters
    ----------
    X : DataFrame
        See `make_padi2021`.
    y : array-like of shape (n_samples,)
        The emotions.
    groups : array-like of shape (n_samples,), default=None
        Who speaks; None takes the index level ``group``.
    cv : int, splitter or iterable, default=None
        See `emoest.evaluation.evaluate`.
    transfer, masks : object
        What the variants with transfer and with masks have, see `make_padi2021`.
    features, classifier : transformer and SpeechResNetClassifier, default=None
        See `make_padi2021`.
    seeds : sequence of int, default=(0, 1, 2)
        Seeds of the network.
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
        One row for each variant, indexed by ``transfer`` and ``masks`` (bool): UA (``ua``, the
        unweighted accuracy, which is UAR) and WA (``wa``, accuracy), both over the predictions of
        all folds and seeds together, with the ends ``_low`` and ``_high`` of their 95 % intervals
        from resampling groups, and the standard deviation of UA between seeds (``ua_seed_std``,
        ddof=1).

    Raises
    ------
    ValueError
        If `seeds` is empty, `transfer` is None, or nothing names the speakers.

    See Also
    --------
    ablation_predictions, ablation_figures : Its two halves, for runs in several parts.

    Examples
    --------
    >>> from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier
    >>> from emoest.tables.cells import object_column
    >>> noise = np.random.default_rng(0)
    >>> cells = [noise.normal(n % 2, size=(9, 8)).astype("float32") for n in range(16)]
    >>> X = object_column(cells, range(16), "audio__frames").to_frame()
    >>> net = SpeechResNetClassifier(channels=2, max_epochs=1, validation_fraction=None)
    >>> table = padi2021_ablation(
    ...     X, ["calm", "angry"] * 8, groups=np.arange(16) // 4, cv=2, seeds=[0], n_resamples=50,
    ...     transfer=SpeakerPretrainer(max_epochs=1), features="passthrough", classifier=net,
    ... )
    >>> table.index.tolist()
    [(False, False), (False, True), (True, False), (True, True)]
    """
    fixed = spawn_seeds(random_state, 1)[0]
    predictions = ablation_predictions(
        X,
        y,
        groups=groups,
        cv=cv,
        transfer=transfer,
        masks=masks,
        features=features,
        classifier=classifier,
        seeds=seeds,
        n_jobs=n_jobs,
        random_state=fixed,
        verbose=verbose,
    )
    return ablation_figures(predictions, n_resamples=n_resamples, random_state=fixed)


def ablation_predictions(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    transfer: Any = "speakers",
    masks: Any = True,
    features: Any = None,
    classifier: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    variants: Sequence[tuple[bool, bool]] = VARIANTS,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """Predict the samples of each test fold by each variant of `padi2021_ablation`.

    Parameters
    ----------
    X, y, groups, cv, transfer, masks, features, classifier, seeds, n_jobs, verbose : object
        See `padi2021_ablation`.
    variants : sequence of pairs of bool
        Which variants: with transfer or not, with masks or not. By default all four.
    random_state : int, RandomState instance or None, default=0
        Of the folds.

    Returns
    -------
    predictions : DataFrame
        Those of `emoest.evaluation.evaluate` with the columns ``transfer``, ``masks`` (bool) and
        ``seed``; what `ablation_figures` takes.

    Raises
    ------
    ValueError
        If `seeds` is empty, `transfer` is None, or nothing names the speakers.
    """
    if transfer is None:
        raise ValueError("transfer=None leaves nothing to compare; pass 'speakers' or weights.")

    def make(moved: bool, masked: bool, seed: int) -> Pipeline:
        return make_padi2021(
            transfer if moved else None,
            masks if masked else None,
            features=features,
            classifier=classifier,
            random_state=seed,
        )

    models = make_variants(make, variants, seeds)
    if resolve_groups(X, groups) is None:
        raise ValueError(
            "Nothing names the speakers, who may not be on both sides of a fold. Pass groups=, or "
            "put them into the index by emoest.utils.with_groups(X, 'speaker')."
        )
    runs = evaluate_variants(
        models,
        X,
        y,
        groups=groups,
        cv=cv,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    chosen = {str(variant): variant for variant in variants}
    predictions = pd.concat(
        [run.predictions.assign(seed=seed) for seed, run in zip(seeds, runs, strict=True)],
        ignore_index=True,
    )
    pairs = [chosen[name] for name in predictions.pop("model")]
    return predictions.assign(transfer=[t for t, _ in pairs], masks=[m for _, m in pairs])


def ablation_figures(
    predictions: pd.DataFrame, *, n_resamples: int = 2000, random_state: RandomState = 0
) -> pd.DataFrame:
    """Compute the table of `padi2021_ablation` from the predictions of the variants.

    Parameters
    ----------
    predictions : DataFrame
        Columns ``transfer``, ``masks``, ``seed``, ``group``, ``y`` and ``y_pred``.
    n_resamples : int, default=2000
        How often the groups are resampled.
    random_state : int, RandomState instance or None, default=0
        Of the resamples.

    Returns
    -------
    table : DataFrame
        See `padi2021_ablation`.

    Examples
    --------
    >>> rows = {"transfer": False, "masks": True, "seed": 0, "group": list("aabb")}
    >>> rows |= {"y": ["sad", "calm"] * 2, "y_pred": ["sad", "calm", "sad", "sad"]}
    >>> ablation_figures(pd.DataFrame(rows), n_resamples=50)[["ua", "wa"]].to_numpy().tolist()
    [[0.75, 0.75]]
    """
    resampling = {"n_resamples": n_resamples, "random_state": random_state}
    records = {}
    for variant, rows in predictions.groupby(["transfer", "masks"], sort=True):
        true, pred = (np.asarray(rows[name].infer_objects()) for name in ("y", "y_pred"))
        groups, right = rows["group"].to_numpy(), (true == pred).astype(int)
        ua = uar_interval(true, pred, groups, **resampling)
        # Accuracy is the recall of the one class "right", so its interval is a UAR interval too.
        wa = uar_interval(np.ones_like(right), right, groups, **resampling)
        records[variant] = {
            "ua": _ua(rows),
            "ua_low": ua[0],
            "ua_high": ua[1],
            "ua_seed_std": pd.Series([_ua(part) for _, part in rows.groupby("seed")]).std(ddof=1),
            "wa": float(right.mean()),
            "wa_low": wa[0],
            "wa_high": wa[1],
        }
    table = pd.DataFrame.from_dict(records, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(records), names=["transfer", "masks"])
    return table


def _ua(rows: pd.DataFrame) -> float:
    return float(recall_per_class(rows["y"], rows["y_pred"]).mean())
