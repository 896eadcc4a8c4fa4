"""UniMSE: sentiment and emotion as one generated label (EMNLP 2022).

G. Hu, T.-E. Lin, Y. Zhao, G. Lu, Y. Wu and Y. Li, "UniMSE: towards unified multimodal sentiment
analysis and emotion recognition", EMNLP 2022, arXiv 2211.11256.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline

from emoest.evaluation import sentiment_scores, uar_score
from emoest.systems._choices import check_choice
from emoest.tables.cells import is_missing
from emoest.tables.groups import resolve_groups
from emoest.tables.names import tokens
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState, spawn_seeds
from emoest.utils.typing import Array, Mask, Rows
from emoest.utils.warn import warn_user

TASKS = ("emotion", "sentiment")

VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "no audio": {"use_audio": False},
    "no video": {"use_video": False},
    "no audio, no video": {"use_audio": False, "use_video": False},
    "no fusion": {"use_pmf": False},
    "no contrast": {"alpha": 0.0, "beta": 0.0},
    "own labels": {"use_universal_labels": False},
}
"""The switches of the ablation by name: parameters of `emoest.neural.UniMSEClassifier`."""

ALONE = "alone"
"""The variant that learns from the corpus itself only."""

WITHOUT = "without "
"""With the name of a corpus behind it, the variant that does not learn from that one."""

Corpora = Mapping[str, tuple[pd.DataFrame, Any]]


def make_unimse2022(
    task: str = "emotion",
    *,
    model: Any = "tiny",
    media: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    cache_dir: Any = None,
    random_state: RandomState = None,
) -> Pipeline:
    """Make UniMSE for one corpus: features of audio and faces, and the T5 that they are fused into.

    A reconstruction; see Notes of `emoest.neural.UniMSEClassifier`.

    Parameters
    ----------
    task : {"emotion", "sentiment"}, default="emotion"
        What is predicted: classes, or scores between -3 and 3.
    model : str or path object, default="tiny"
        The T5; ``"t5-base"`` in the paper.
    media : sequence of {"audio", "face"}, default=()
        Columns that hold media: audio becomes 64 mel bands (windows of 128 ms every 32 ms, of which
        5 s are read), faces become vectors of a frozen net, of which 16 are read. The paper's net
        for faces is not public. Columns that are frames already need nothing.
    parameters : dict, default=None
        Further parameters of the classifier or regressor.
    cache_dir : str, path object, False or None, default=None
        Folder of the store of features.
    random_state : int, RandomState instance or None, default=None
        Of the net.

    Returns
    -------
    model : Pipeline
        Unfitted, with the steps ``features`` (with `media`) and ``unimse``. Joint training on
        several corpora is ``fit(X, y, unimse__aux=[(X_other, y_other)])`` where X_other holds
        frames, or `unimse2022_ablation`.

    Examples
    --------
    >>> [name for name, _ in make_unimse2022(media=["audio"]).steps]
    ['features', 'unimse']
    >>> type(make_unimse2022("sentiment")["unimse"]).__name__
    'UniMSERegressor'
    """
    check_choice("task", task, TASKS)
    from emoest.neural import UniMSEClassifier, UniMSERegressor

    made = UniMSEClassifier if task == "emotion" else UniMSERegressor
    net = made(model, random_state=random_state).set_params(**(parameters or {}))
    steps: list[tuple[str, Any]] = [("unimse", net)]
    if media:
        readers = [(name, _reader(name, cache_dir), [name]) for name in media]
        features = ColumnTransformer(
            readers, remainder="passthrough", verbose_feature_names_out=_prefixed
        )
        steps.insert(0, ("features", features))
    return Pipeline(steps).set_output(transform="pandas")


def _prefixed(transformer: str, column: str) -> str:
    """Name a column by its modality, and leave the names of all that is passed through."""
    return column if transformer == "remainder" else f"{transformer}__{column}"


def _reader(name: str, cache_dir: Any) -> Any:
    from emoest.embeddings import FaceEmbedder
    from emoest.features import LogMelSpectrogram

    check_choice("media", name, ("audio", "face"))
    if name == "face":
        return FaceEmbedder(cache_dir=cache_dir)
    return LogMelSpectrogram(
        window=0.128, step=0.032, n_mels=64, preemphasis=0.0, cmn="none", cache_dir=cache_dir
    )


def unimse2022_ablation(
    corpora: Corpora,
    targets: Sequence[str] | None = None,
    *,
    variants: Sequence[str] = ("full", ALONE),
    n_splits: int = 3,
    seeds: Sequence[int] = (0,),
    neighbors: str = "train",
    polarity_map: dict[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    random_state: RandomState = 0,
) -> pd.DataFrame:
    """Train jointly on several corpora, and score variants of the system on each, fold by fold.

    In each fold a part of every corpus is left out, so that no row that is tested lends a label or
    is trained on, whatever the corpus; the model of a target corpus learns from the others as well,
    but from no row of theirs that has a text (case and spaces aside) or the name of a dialogue of a
    row that is tested.

    Parameters
    ----------
    corpora : dict of str to tuple (X, y)
        The corpora by name; y holds numbers between -3 and 3, or emotions.
    targets : sequence of str, default=None
        The corpora that are tested; None tests all.
    variants : sequence of str, default=("full", "alone")
        Names in `VARIANTS`; ``"alone"``, which learns from the target only; and ``"without "``
        with the name of a corpus.
    n_splits : int, default=3
        Folds: whole dialogues (column ``dialogue``), else groups (index level ``group``), else
        samples are held out.
    seeds : sequence of int, default=(0,)
        Seeds of the nets.
    neighbors : {"train", "all"}, default="train"
        Who lends: training rows, or, as in the published script, the rows of all splits. The latter
        copies labels of test rows into training; it warns that its scores leak.
    polarity_map : dict of str to str, default=None
        Polarity of emotions; see `emoest.neural.UniversalLabeler`.
    parameters : dict, default=None
        Parameters of all models.
    random_state : int, RandomState instance or None, default=0
        Of the folds.

    Returns
    -------
    table : DataFrame
        One row for each target, variant and seed: the scores of the pooled predictions of all
        folds, those of `emoest.evaluation.sentiment_scores` for sentiment; ``accuracy``,
        ``weighted_f1`` and ``uar`` for emotions.

    Raises
    ------
    ValueError
        If a variant or a target is unknown, or ``label_fields=4`` meets ``neighbors="all"``.

    Warns
    -----
    UserWarning
        If all rows of another corpus have a text or a dialogue that is tested, so that it is not
        learned from.

    Examples
    --------
    >>> texts = [f"a {word} thing {i}" for i in range(4) for word in ("lovely", "dreadful")]
    >>> X = pd.DataFrame({"text": texts})
    >>> corpora = {"films": (X, [2.0, -1.0] * 4), "talks": (X, ["joy", "fear"] * 4)}
    >>> fast = {"max_epochs": 1, "validation_fraction": None}
    >>> table = unimse2022_ablation(corpora, ["talks"], n_splits=2, parameters=fast)
    >>> table[["target", "variant", "seed"]].values.tolist()
    [['talks', 'full', 0], ['talks', 'alone', 0]]
    """
    check_choice("neighbors", neighbors, ("train", "all"))
    targets = list(corpora) if targets is None else list(targets)
    _check_names(corpora, targets, variants)
    parts = {name: (X, np.asarray(y)) for name, (X, y) in corpora.items()}
    split_seeds = spawn_seeds(random_state, len(corpora))
    folds = {
        name: _folds(X, n_splits, seed)
        for (name, (X, _)), seed in zip(corpora.items(), split_seeds, strict=True)
    }
    shared = dict(parameters or {})
    if polarity_map is not None:
        shared["polarity_map"] = polarity_map
    if neighbors == "all":
        warn_user(
            "neighbors='all' lets rows of all splits lend, as the published script does: labels of "
            "test rows are copied into training, so the scores leak."
        )
        shared["labeler"] = _labeler_of_all(parts, shared)
        shared["polarity_map"] = None
    rows = []
    for target in targets:
        for variant in variants:
            for seed in seeds:
                settings = {**shared, **VARIANTS.get(variant, {})}
                predicted = _predictions(
                    parts, folds, target, variant, settings=settings, seed=seed
                )
                scores = _score(parts[target][1], predicted)
                rows.append({"target": target, "variant": variant, "seed": seed, **scores})
    return pd.DataFrame(rows)


def _check_names(corpora: Corpora, targets: Sequence[str], variants: Sequence[str]) -> None:
    unknown = [name for name in targets if name not in corpora]
    if unknown:
        raise ValueError(
            f"targets names {listed(unknown, quoted=True)}; the corpora are "
            f"{listed(corpora, quoted=True)}."
        )
    known = [*VARIANTS, ALONE, *(f"{WITHOUT}{name}" for name in corpora)]
    for variant in variants:
        check_choice("variants", variant, known)


def _folds(X: pd.DataFrame, n_splits: int, seed: int) -> list[tuple[Rows, Rows]]:
    dialogue = _dialogue_column(X)
    groups = np.asarray(X[dialogue]) if dialogue is not None else resolve_groups(X)
    if groups is None:
        return list(KFold(n_splits, shuffle=True, random_state=seed).split(X))
    splitter = GroupKFold(n_splits, shuffle=True, random_state=seed)
    return list(splitter.split(X, groups=groups.astype(str)))


def _dialogue_column(X: pd.DataFrame) -> Any:
    return next((name for name in X.columns if tokens(name)[-1] == "dialogue"), None)


def _labeler_of_all(parts: Corpora, settings: Mapping[str, Any]) -> FrozenEstimator:
    from emoest.neural._unimse.plan import default_labeler
    from emoest.neural._unimse.reading import column_named

    if settings.get("label_fields", 3) == 4:
        raise ValueError(
            "label_fields=4 takes the emotions of two corpora, and which is the first differs "
            "between targets, whereas neighbors='all' fits one labeler for all of them. Take "
            "neighbors='train' or label_fields=3."
        )
    labeler = default_labeler(settings.get("labeler"), settings.get("polarity_map"))
    name = settings.get("polarity_column")
    texts, labels, words = [], [], []
    for X, y in parts.values():
        column = None if name is None else column_named(X, name)
        texts += _texts(X, settings)
        labels += [str(label) for label in y] if _is_emotion(y) else y.astype(float).tolist()
        words += [None] * len(X) if column is None else list(X[column])
    return FrozenEstimator(clone(labeler).fit(texts, labels, words))


def _texts(X: pd.DataFrame, settings: Mapping[str, Any]) -> list[str | None]:
    from emoest.neural._unimse.reading import read_texts, without_column

    table = without_column(X, settings.get("polarity_column"))
    return read_texts(table, settings.get("text", "text"))[1]


def _predictions(
    parts: Corpora,
    folds: Mapping[str, list[tuple[Rows, Rows]]],
    target: str,
    variant: str,
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> Array:
    X, y = parts[target]
    emotion = _is_emotion(y)
    # The means of scores that are whole numbers are not.
    predicted = np.empty(len(y), dtype=y.dtype if emotion else np.float64)
    left_out = variant.removeprefix(WITHOUT) if variant.startswith(WITHOUT) else None
    others = [name for name in parts if variant != ALONE and name not in (target, left_out)]
    for number, (train, test) in enumerate(folds[target]):
        aux = []
        for name in others:
            other, labels = parts[name]
            rows = folds[name][number][0]
            rows = rows[~_tested(other.iloc[rows], X.iloc[test], settings)]
            if len(rows):
                aux.append((other.iloc[rows], labels[rows]))
            else:
                warn_user(
                    f"All training rows of corpus {name!r} in fold {number} have texts or "
                    f"dialogues of rows of {target!r} that are tested; it is not learned from."
                )
        model = make_unimse2022(
            TASKS[0] if emotion else TASKS[1], parameters=settings, random_state=seed
        )
        model.fit(X.iloc[train], y[train], unimse__aux=aux)
        predicted[test] = model.predict(X.iloc[test])
    return predicted


def _tested(X: pd.DataFrame, tested: pd.DataFrame, settings: Mapping[str, Any]) -> Mask:
    """Find the rows that have a text or a dialogue of rows that are tested."""
    here, there = (
        [" ".join(text.split()).casefold() if text else "" for text in _texts(table, settings)]
        for table in (X, tested)
    )
    known = set(there) - {""}
    found = np.array([text in known for text in here], dtype=bool)
    column, other = _dialogue_column(X), _dialogue_column(tested)
    if column is not None and other is not None:
        names = {str(name) for name in tested[other] if not is_missing(name)}
        found |= np.array([not is_missing(name) and str(name) in names for name in X[column]])
    return found


def _is_emotion(y: Array) -> bool:
    return y.dtype.kind not in "fiub"


def _score(true: Array, predicted: Array) -> dict[str, float]:
    if not _is_emotion(true):
        return {
            str(name): float(value) for name, value in sentiment_scores(true, predicted).items()
        }
    return {
        "accuracy": float(accuracy_score(true, predicted)),
        "weighted_f1": float(f1_score(true, predicted, average="weighted", zero_division=0)),
        "uar": uar_score(true, predicted),
    }
