"""Faces and EEG with Monte Carlo fusion for a very small corpus (Tan et al. 2021).

Y. Tan, Z. Sun, F. Duan, J. Solé-Casals and C. F. Caiafa, "A multimodal emotion recognition method
based on facial expressions and electroencephalography", Biomedical Signal Processing and Control
70, 2021, 103029.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from emoest.evaluation import binomial_interval, evaluate
from emoest.features import (
    BandPower,
    DifferentialEntropy,
    EEGFilter,
    LinearDynamicSmoother,
    MovingAverage,
)
from emoest.fusion import (
    LateFusionClassifier,
    MonteCarloFusionClassifier,
    TrialAggregatingClassifier,
)
from emoest.systems._choices import check_choice
from emoest.utils.seeds import RandomState

EMOTIONS = ("fear", "happy", "neutral", "sad")
"""The four emotions of the system, which SEED-IV and FER2013 both have."""

FAMILIES = ("de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve")
"""Features of EEG by the names of SEED-IV: entropy or power, smoothed in one of two ways."""

FUSIONS = ("weights", "agreement", "confusion", "mean", "product")
"""Three readings of Monte Carlo fusion, and two rules that draw nothing."""

ALONE = ("face", "eeg")


def make_tan2021(
    face: Any = None,
    eeg: Any = None,
    *,
    fusion: str = "weights",
    group_column: str | None = None,
    cv: Any = 3,
    n_draws: int = 10_000,
    random_state: RandomState = None,
) -> Pipeline:
    """Make the system of Tan et al. 2021: a net for faces, features of EEG, Monte Carlo fusion.

    A reconstruction. Only the abstract of the paper could be read where this was written, and no
    code of the authors is public.

    Parameters
    ----------
    face : classifier, default=None
        Of the column ``face``. None takes ``FaceCNNClassifier(classes=EMOTIONS)``, which is
        trained on the faces of X. A net that was trained on FER2013 goes in as
        ``FrozenEstimator(net)``, with ``classes=EMOTIONS``; the file of its ``save_weights`` is
        embedded by ``FaceEmbedder(path)``, before any classifier.
    eeg : classifier, default=None
        Of the column ``eeg``; None takes `make_tan2021_eeg`.
    fusion : {"weights", "agreement", "confusion", "mean", "product"} or {"face", "eeg"}, \
default="weights"
        A strategy of `emoest.fusion.MonteCarloFusionClassifier`, a rule of
        `emoest.fusion.LateFusionClassifier`, or one modality alone.
    group_column : str, default=None
        Context column by which inner splits keep trials together. ``"clip__group"`` lets them
        hold out clips as the folds of `emoest.datasets.make_face_eeg_trials` do; None takes the
        index level ``group``, the person.
    cv : int, splitter or iterable, default=3
        Inner splits on which fusion weights and confusions are learned.
    n_draws : int, default=10000
        Monte Carlo samples.
    random_state : int, RandomState instance or None, default=None
        Of nets, inner splits and Monte Carlo samples.

    Returns
    -------
    model : Pipeline
        Unfitted; for a DataFrame with the columns ``face`` (images) and ``eeg``.

    Raises
    ------
    ValueError
        If `fusion` is unknown.

    See Also
    --------
    tan2021_comparison : All fusions on the same folds, with exact intervals.
    make_tan2021_eeg : The EEG branch.

    Notes
    -----
    Known from the abstract: two branches, an image classifier for faces and features of EEG chosen
    by comparison on public data; a Monte Carlo method that merges their results, as the remedy for
    few own data; a recognition rate of 83.33 %. Known from a reader's notes: FER2013 and SEED-IV as
    the public data, a small net of four to five convolutions, own recordings of three persons who
    saw four clips of each of four emotions.

    Not known, and chosen here: what "Monte Carlo" means (three readings are offered); layers and
    training of the net, whether its head had four or seven classes; the features of EEG that won,
    their classifier and calibration; folds, and whether what the fusion learned was learned on the
    trials that were tested. Here it never is.

    Examples
    --------
    >>> [name for name, _ in make_tan2021()["fuse"].estimators]
    ['face', 'eeg']
    >>> make_tan2021(fusion="product")["fuse"].rule
    'product'
    """
    check_choice("fusion", fusion, (*FUSIONS, *ALONE))
    if face is None:
        from emoest.neural import FaceCNNClassifier

        face = FaceCNNClassifier(classes=list(EMOTIONS))
    eeg = make_tan2021_eeg() if eeg is None else eeg
    estimators = [("face", clone(face)), ("eeg", clone(eeg))]
    shared = {"group_column": group_column, "cv": cv, "random_state": random_state}
    if fusion in ALONE:
        estimators = [(name, each if name == fusion else "drop") for name, each in estimators]
        model: Any = LateFusionClassifier(estimators, **shared)
    elif fusion in {"mean", "product"}:
        model = LateFusionClassifier(estimators, rule=fusion, **shared)
    else:
        model = MonteCarloFusionClassifier(estimators, strategy=fusion, n_draws=n_draws, **shared)
    return Pipeline([("fuse", model)])


def make_tan2021_eeg(
    family: str = "de_LDS",
    *,
    window: float = 4.0,
    filtered: bool = True,
    estimator: Any = None,
    calibrate: str | None = "sigmoid",
    trial_cv: Any = 3,
    cache_dir: Any = None,
    random_state: RandomState = None,
) -> Pipeline:
    """Make the EEG branch: filter, features of windows, smoothing, windows to trials.

    Parameters
    ----------
    family : {"de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve"}, default="de_LDS"
        Differential entropy or band power, smoothed along each trial by a linear dynamic system or
        a moving average: the four families that SEED-IV brings.
    window : float, default=4.0
        Length of a window in seconds.
    filtered : bool, default=True
        Whether raw EEG is band-passed (1 to 75 Hz), freed from the mains (50 Hz) and resampled to
        200 Hz first. Pass False for recordings that are.
    estimator : classifier, default=None
        Of windows; None is a scaler and a linear SVM.
    calibrate : {"sigmoid", "isotonic"} or None, default="sigmoid"
        How its decisions become probabilities, on trials that were left out.
    trial_cv : int, splitter or iterable, default=3
        Inner splits for that.
    cache_dir : str, path object, False or None, default=None
        Folder of the store of features; None takes the user's, False keeps nothing.
    random_state : int, RandomState instance or None, default=None
        Of inner splits and `estimator`.

    Returns
    -------
    model : Pipeline
        Unfitted, with the steps ``filter`` (if wanted), ``bands``, ``smooth`` and ``trials``.

    Raises
    ------
    ValueError
        If `family` is unknown.

    See Also
    --------
    tan2021_eeg_param_grid : The families, and the SVM's C, for a search.

    Examples
    --------
    >>> [type(step).__name__ for _, step in make_tan2021_eeg("psd_movingAve").steps]
    ['EEGFilter', 'BandPower', 'MovingAverage', 'TrialAggregatingClassifier']
    """
    check_choice("family", family, FAMILIES)
    bands, _, smooth = family.partition("_")
    shared: dict[str, Any] = {"window": window, "cache_dir": cache_dir}
    steps: list[tuple[str, Any]] = [("filter", EEGFilter())] if filtered else []
    steps += [
        ("bands", DifferentialEntropy(**shared) if bands == "de" else BandPower(**shared)),
        ("smooth", LinearDynamicSmoother() if smooth == "LDS" else MovingAverage()),
        (
            "trials",
            TrialAggregatingClassifier(
                None if estimator is None else clone(estimator),
                calibrate=calibrate,
                cv=trial_cv,
                random_state=random_state,
            ),
        ),
    ]
    return Pipeline(steps).set_output(transform="pandas")


def tan2021_eeg_param_grid(
    *, window: float = 4.0, cache_dir: Any = None, exponents: Sequence[float] = range(-10, 11, 2)
) -> dict[str, list[Any]]:
    """Return the grid over the four families of features and the C of a linear SVM.

    Parameters
    ----------
    window : float, default=4.0
        Length of a window in seconds.
    cache_dir : str, path object, False or None, default=None
        Folder of the store of features.
    exponents : sequence of float, default=range(-10, 11, 2)
        Binary logarithms of C.

    Returns
    -------
    grid : dict of str to list
        For a search over `make_tan2021_eeg` whose ``estimator`` is the default.

    Examples
    --------
    >>> grid = tan2021_eeg_param_grid()
    >>> [type(step).__name__ for step in grid["bands"]], grid["trials__estimator__linearsvc__C"][0]
    (['DifferentialEntropy', 'BandPower'], 0.0009765625)
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    shared: dict[str, Any] = {"window": window, "cache_dir": cache_dir}
    return {
        "bands": [DifferentialEntropy(**shared), BandPower(**shared)],
        "smooth": [LinearDynamicSmoother(), MovingAverage()],
        "trials__estimator": [make_pipeline(StandardScaler(), LinearSVC())],
        "trials__estimator__linearsvc__C": [2.0**exponent for exponent in exponents],
    }


def tan2021_comparison(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    face: Any = None,
    eeg: Any = None,
    fusions: Sequence[str] = (*ALONE, "mean", "product", "weights", "agreement", "confusion"),
    inner_cv: Any = 3,
    n_draws: int = 10_000,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """Compare each modality alone and all fusions, on the same folds.

    Parameters
    ----------
    X : DataFrame
        Columns ``face`` and ``eeg``.
    y : array-like of shape (n_samples,)
        The emotions.
    groups : array-like of shape (n_samples,), default=None
        What a fold holds out as a whole, such as ``X["clip__group"]``; inner splits do as well.
        None takes the index level ``group``.
    cv : int, splitter or iterable, default=None
        See `emoest.evaluation.evaluate`.
    face, eeg : classifier, default=None
        See `make_tan2021`.
    fusions : sequence of str
        Which; by default all of `make_tan2021`.
    inner_cv, n_draws : object
        ``cv`` and ``n_draws`` of `make_tan2021`.
    n_jobs : int, default=None
        Folds at a time.
    random_state : int, RandomState instance or None, default=0
        Of models and folds.
    verbose : int, default=0
        Above zero shows a progress bar.

    Returns
    -------
    table : DataFrame
        One row for each of `fusions`: trials predicted right (``n_right``) of all
        (``n_trials``), ``accuracy`` with the ends ``low`` and ``high`` of its exact binomial 95 %
        interval, and ``uar``. The interval takes trials to be independent.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> X = pd.DataFrame({"face": ["a.png"] * 8, "eeg": ["a.npy"] * 8})
    >>> table = tan2021_comparison(
    ...     X, ["sad", "happy"] * 4, groups=[1, 1, 2, 2] * 2, cv=2, face=DummyClassifier(),
    ...     eeg=DummyClassifier(), fusions=["face", "mean"],
    ... )
    >>> table["n_trials"].tolist()
    [8, 8]
    """
    models = {
        fusion: make_tan2021(
            face, eeg, fusion=fusion, cv=inner_cv, n_draws=n_draws, random_state=random_state
        )
        for fusion in fusions
    }
    with warnings.catch_warnings():
        # It is about intervals over groups; those of the table are over trials.
        warnings.filterwarnings("ignore", r"There are \d+ groups")
        result = evaluate(
            models,
            X,
            y,
            groups=groups,
            cv=cv,
            proba=False,
            n_resamples=2,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
    rows = {name: _score(part) for name, part in result.predictions.groupby("model", sort=False)}
    return pd.DataFrame.from_dict(rows, orient="index").loc[list(fusions)].rename_axis("fusion")


def _score(rows: pd.DataFrame) -> dict[str, float]:
    from emoest.evaluation import recall_per_class

    right = int(np.sum(rows["y"].to_numpy() == rows["y_pred"].to_numpy()))
    low, high = binomial_interval(right, len(rows))
    return {
        "n_right": right,
        "n_trials": len(rows),
        "accuracy": right / len(rows),
        "low": low,
        "high": high,
        "uar": float(recall_per_class(rows["y"], rows["y_pred"]).mean()),
    }
