"""Stories of elderly people: frozen YAMNet and BERT, classical models (Boateng & Kowatsch 2020).

G. Boateng and T. Kowatsch, "Speech emotion recognition among elderly individuals using multimodal
fusion and transfer learning", ICMI '20 Companion, 2020, doi 10.1145/3395035.3425255; and the
official baseline of the ComParE 2020 Elderly sub-challenge that the paper is compared with.
"""

from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from emoest.aggregation import WeightedAggregator
from emoest.embeddings import BERTEmbedder, SBERTEmbedder, YAMNetEmbedder
from emoest.evaluation import uar_scorer
from emoest.fusion import EarlyFusionClassifier, SegmentClassifier
from emoest.normalization import BlockScaler, ZScoreNormalizer
from emoest.systems._choices import check_choice
from emoest.utils.seeds import RandomState

MODALITIES = ("acoustic", "linguistic", "multimodal")
C_GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Complexities of the linear SVM in the official baseline."""

BERT_MODEL = "bert-base-german-cased"
SBERT_MODEL = "sentence-transformers/xlm-r-bert-base-nli-stsb-mean-tokens"

_CLASSIFIERS = {
    "svm": LinearSVC(C=1e-4, max_iter=10_000),
    "rbf": SVC(C=1.0),
    "logistic": LogisticRegression(C=1e-3, max_iter=1_000),
    "forest": RandomForestClassifier(n_estimators=500),
    "boosting": HistGradientBoostingClassifier(),
}
_PARAM_GRIDS: dict[str, dict[str, list[Any]]] = {
    "svm": {"C": list(C_GRID)},
    "rbf": {"C": [1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3]},
    "logistic": {"C": list(C_GRID)},
    "forest": {"max_features": ["sqrt", 0.1], "min_samples_leaf": [1, 3, 10]},
    "boosting": {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [7, 31]},
}


def make_boateng2020(
    modality: str = "multimodal",
    text_encoder: Any = "bert",
    classifier: str = "svm",
    *,
    acoustic_encoder: Any = "yamnet",
    aggregation: str = "duration",
    balance: bool = True,
    C: float | None = None,
    random_state: RandomState = None,
) -> Pipeline:
    """Make a system of Boateng & Kowatsch 2020, one per target (valence or arousal).

    A reconstruction. Frozen encoders, no fine-tuning, z-scores from training statistics and
    classical models are the paper's; so are the sizes (1024 acoustic and 768 linguistic columns)
    and a weighted sum of a story's acoustic vectors for the multimodal system. The paper does not
    say which weights: they are proportional to the duration of the chunks here. Also
    reconstructed: BERT's pooling (``cls``), the multilingual SBERT checkpoint, the padding and hop
    of YAMNet, the parameters of the classifiers, and a majority vote over chunks for the acoustic
    system (the practice of the official baseline). The paper also lists an LSTM, which is not
    here.

    Parameters
    ----------
    modality : {"acoustic", "linguistic", "multimodal"}, default="multimodal"
        ``"acoustic"`` classifies chunks and votes per story; ``"linguistic"`` one text vector per
        story; ``"multimodal"`` the story's weighted acoustic vector beside its text vector.
    text_encoder : {"bert", "sbert"} or transformer, default="bert"
        ``"bert"`` is ``bert-base-german-cased``, ``"sbert"`` the multilingual
        ``xlm-r-bert-base-nli-stsb-mean-tokens``; or any transformer of one text column.
    classifier : {"svm", "rbf", "logistic", "forest", "boosting"}, default="svm"
        The classical model, with ``class_weight="balanced"``.
    acoustic_encoder : "yamnet" or transformer, default="yamnet"
        Or any transformer that turns one audio column into frames, one row a chunk.
    aggregation : str, default="duration"
        Weights of the sum over chunks, see `emoest.aggregation.WeightedAggregator`.
    balance : bool, default=True
        Whether the two blocks of the multimodal system get the same total variance after the
        z-scores, so that the one with more columns does not drown the other. False is the paper's
        form: z-scores only.
    C : float, default=None
        Complexity of ``"svm"`` (None: 1e-4), ``"logistic"`` (1e-3) and ``"rbf"`` (1); the other
        classifiers have none. Tune it with `boateng2020_param_grid`.
    random_state : int, RandomState instance or None, default=None
        Of the classifiers that draw random numbers.

    Returns
    -------
    model : Pipeline
        Unfitted; for a DataFrame with the columns ``audio`` (a path or a list of paths, the chunks
        of the story) and ``text``.

    Raises
    ------
    ValueError
        If a choice is unknown.

    See Also
    --------
    boateng2020_param_grid : The grid to tune it over.
    make_compare2020_baseline : The official baseline of the same task.

    Examples
    --------
    >>> model = make_boateng2020("multimodal", text_encoder="sbert")
    >>> [name for name, _ in model.steps]
    ['columntransformer', 'zscorenormalizer', 'blockscaler', 'earlyfusionclassifier']
    """
    check_choice("modality", modality, MODALITIES)
    learner = _make_classifier(classifier, C, random_state)
    audio = YAMNetEmbedder() if acoustic_encoder == "yamnet" else clone(acoustic_encoder)
    text = _make_text_encoder(text_encoder)
    if modality == "acoustic":
        branches = [("audio", audio, ["audio"])]
        chunks = Pipeline([("scaler", StandardScaler()), ("classifier", learner)])
        model: Any = SegmentClassifier(chunks, vote="majority")
    elif modality == "linguistic":
        branches = [("text", text, ["text"])]
        model = EarlyFusionClassifier(learner)
    else:
        pooled = make_pipeline(audio, WeightedAggregator(weights=aggregation))
        branches = [("audio", pooled, ["audio"]), ("text", text, ["text"])]
        model = EarlyFusionClassifier(learner)
    steps = [ColumnTransformer(branches), model]
    if modality == "multimodal" and balance:
        model.set_params(normalize=None)
        steps[1:1] = [ZScoreNormalizer(), BlockScaler()]
    return make_pipeline(*steps).set_output(transform="pandas")


def boateng2020_param_grid(
    modality: str = "multimodal", classifier: str = "svm"
) -> dict[str, list[Any]]:
    """Return the grid over which `make_boateng2020` is tuned.

    The linear SVM's complexities are those of the official baseline; the other grids are
    reconstructed.

    Parameters
    ----------
    modality : {"acoustic", "linguistic", "multimodal"}, default="multimodal"
        As in `make_boateng2020`.
    classifier : {"svm", "rbf", "logistic", "forest", "boosting"}, default="svm"
        As in `make_boateng2020`.

    Returns
    -------
    param_grid : dict of str to list
        For `sklearn.model_selection.GridSearchCV`.

    Examples
    --------
    >>> list(boateng2020_param_grid("multimodal"))
    ['earlyfusionclassifier__estimator__C']
    """
    check_choice("modality", modality, MODALITIES)
    check_choice("classifier", classifier, _PARAM_GRIDS)
    prefix = "earlyfusionclassifier__estimator"
    if modality == "acoustic":
        prefix = "segmentclassifier__estimator__classifier"
    return {f"{prefix}__{name}": list(values) for name, values in _PARAM_GRIDS[classifier].items()}


def make_compare2020_baseline(
    features: Any = None, *, cv: Any = None, official_quirk: bool = False, n_jobs: int | None = None
) -> Pipeline:
    """Make the official audio baseline of ComParE 2020 Elderly, as its scripts have it.

    Chunks are classified, not stories: integer up-sampling (class c is repeated
    ``max_count // n_c`` times), scaling to [0, 1], a linear SVM whose complexity is chosen by UAR
    over chunks, and a majority vote per story with ties in the order of the labels.

    Parameters
    ----------
    features : transformer, default=None
        Turns the column ``audio`` into frames, one row a chunk. None takes YAMNet, which the
        official baseline did not have; its own feature sets need openSMILE and other tools.
    cv : splitter, default=None
        How the complexity is chosen among the chunks of the training part, speakers as groups;
        None takes ``StratifiedGroupKFold(4)``. The script uses the official devel partition.
    official_quirk : bool, default=False
        The score that the script prints for devel comes from the last model it fitted
        (complexity 1.0), not from the best one. True does the same: no search, complexity 1.0.
    n_jobs : int, default=None
        Jobs of the search.

    Returns
    -------
    model : Pipeline
        Unfitted; for a DataFrame with the column ``audio``.

    Examples
    --------
    >>> baseline = make_compare2020_baseline(official_quirk=True)
    >>> baseline[-1].estimator[-1].C
    1.0
    """
    encoder = YAMNetEmbedder() if features is None else clone(features)
    svm = make_pipeline(MinMaxScaler(), LinearSVC(C=1.0, random_state=0, max_iter=10_000))
    learner: Any = svm
    if not official_quirk:
        splitter = StratifiedGroupKFold(4) if cv is None else cv
        grid = {"linearsvc__C": list(C_GRID)}
        learner = GridSearchCV(svm, grid, scoring=uar_scorer, cv=splitter, n_jobs=n_jobs)
    segments = SegmentClassifier(learner, vote="majority", balance="integer")
    pipeline = make_pipeline(ColumnTransformer([("audio", encoder, ["audio"])]), segments)
    return pipeline.set_output(transform="pandas")


def _make_text_encoder(text_encoder: Any) -> Any:
    if not isinstance(text_encoder, str):
        return clone(text_encoder)
    check_choice("text_encoder", text_encoder, ("bert", "sbert"))
    return BERTEmbedder(BERT_MODEL) if text_encoder == "bert" else SBERTEmbedder(SBERT_MODEL)


def _make_classifier(classifier: str, C: float | None, random_state: RandomState) -> Any:
    check_choice("classifier", classifier, _PARAM_GRIDS)
    learner = clone(_CLASSIFIERS[classifier])
    learner.set_params(class_weight="balanced", random_state=random_state)
    if C is not None and "C" in learner.get_params():
        learner.set_params(C=C)
    return learner
