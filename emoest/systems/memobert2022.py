"""MEmoBERT: pre-training on clips of movies, then a prompt (Zhao et al., ICASSP 2022).

J. Zhao, R. Li, Q. Jin, X. Wang and H. Li, "MEmoBERT: pre-training model with prompt-based learning
for multimodal emotion recognition", ICASSP 2022, arXiv 2111.00865.
"""

import os
from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from emoest.embeddings import FaceEmbedder, Wav2Vec2Embedder, WhisperEmbedder
from emoest.embeddings._face_backbones import GRAY_BACKBONES, is_trained_file, read_trained
from emoest.embeddings._in_memory import is_held
from emoest.files.weights import find_weights
from emoest.systems._choices import check_choice
from emoest.tables.cells import is_path
from emoest.utils.seeds import RandomState

PRESETS = ("recommended", "paper")

PAPER_NET = {
    "hidden_size": 768,
    "n_layers": 12,
    "n_heads": 12,
    "intermediate_size": 3072,
    "max_face": 36,
    "max_audio": 64,
    "normalize": None,
}
"""Sizes of BERT-base, and what is kept of a clip."""

PAPER_PRETRAINER = {
    **PAPER_NET,
    "model": "bert-base-uncased",
    "max_text": 30,
    "lr": 5e-5,
    "max_steps": 40_000,
    "warmup_steps": 4_000,
    "batch_size": 160,
    "accumulate": 4,
}
"""The pre-training of the paper's code."""

PAPER_CLASSIFIER: dict[str, dict[str, Any]] = {
    "prompt": {
        "lr": 3e-5,
        "max_steps": 4_000,
        "warmup_steps": 100,
        "verbalizer_scope": "vocab",
    },
    "finetune": {"lr": 5e-5, "max_steps": 1_500, "warmup_steps": 0},
    "bert_direct": {
        "lr": 5e-5,
        "max_steps": 2_000,
        "warmup_steps": 0,
        "model": "bert-base-uncased",
    },
    "direct": {
        "lr": 5e-5,
        "max_steps": 2_000,
        "warmup_steps": 0,
        "tokenizer": "bert-base-uncased",
    },
}
"""The four settings of the paper's code; rate and steps of single corpora are not known."""


def make_memobert2022(
    setting: str = "prompt",
    preset: str = "recommended",
    *,
    audio: Any = None,
    face: Any = None,
    face_probs: Any = None,
    pretrainer: Any = None,
    model: Any = None,
    random_state: RandomState = None,
) -> Pipeline:
    """Make MEmoBERT: features of clips, pre-training on them, then one of four settings.

    A reconstruction; the authors' corpus and weights are not public. The Pipeline embeds voice and
    faces (``embed``), keeps the text, and classifies (``classify``); in ``"prompt"`` and
    ``"finetune"`` it pre-trains on the training rows first, unless `model` brings weights.

    Parameters
    ----------
    setting : {"prompt", "finetune", "bert_direct", "direct"}, default="prompt"
        See `emoest.neural.MEmoBERTClassifier`.
    preset : {"recommended", "paper"}, default="recommended"
        ``"paper"`` has the sizes, budgets and features of the authors' code, which take a GPU, and
        weights that have to be fetched. ``"recommended"`` is small, for corpora of minutes: Whisper
        instead of wav2vec 2.0, mini-Xception instead of DenseNet, scaled frames, few steps.
    audio : transformer, default=None
        Frames of the column ``audio``. None takes the preset's: ``Wav2Vec2Embedder`` of
        wav2vec2-base on the first 10 s (``"paper"``) or ``WhisperEmbedder``, three frames averaged
        to one.
    face, face_probs : transformer, str or path object, default=None
        Frames of the column ``face``, and the probabilities of emotions in the same frames. None
        takes ``FaceEmbedder``, ten images a second. The path of a file that
        ``FaceCNNClassifier(model="densenet")`` (or with another net) wrote by ``save_weights``
        takes that net instead, and as `face` for both of them.
    pretrainer : MEmoBERTPretrainer, default=None
        Another pre-training than the preset's.
    model : MEmoBERTWeights, str or path object, default=None
        Finished weights, instead of a pre-training; for ``"bert_direct"`` the BERT.
    random_state : int, RandomState instance or None, default=None
        Of pre-training and classifier.

    Returns
    -------
    model : Pipeline
        Unfitted; for a DataFrame with the columns ``text``, ``audio`` and ``face``.

    Raises
    ------
    ValueError
        If `setting` or `preset` is unknown, or ``"paper"`` has no weights of DenseNet.

    See Also
    --------
    memobert2022_ablation : What the parts of the pre-training bring.
    memobert2022_few_shot : How few labels are enough.
    memobert2022_by_speaker : The paper's cross-validation.

    Notes
    -----
    Known from the authors' code: features (the first 10 s of sound, each three frames of wav2vec
    2.0 averaged, the last group of one or two too, the first 64 kept; ten faces a second, the first
    36; no face is one frame of zeros and someone neutral; texts of more than 30 pieces are left out
    of pre-training, more than 120 later), architecture, tasks, budgets. Reconstructed: faces are
    found by a Haar cascade that has no confidence, where the authors' OpenFace has one; which of
    the learning rates and budgets was taken for which corpus; how the tables of the paper were
    chosen: in some of the authors' runs the best evaluation on the test set counts, here it never
    does.

    Weights of the authors' DenseNet are not public. Train it on faces of FER+
    (`emoest.datasets.load_ferplus`) by ``FaceCNNClassifier(model="densenet")``, and pass the file
    of ``save_weights`` as `face`. ``FaceEmbedder("densenet", weights=...)`` takes a bare
    ``FaceDenseNet`` whose eight outputs are in the order of FER+ (`emoest.nets.densenet.CLASSES`),
    trained on gray values scaled by ``normalize``. Someone neutral, where there is no face, is the
    class of that name for our own nets; without one, a clip without a face misses that modality.
    Other `face_probs` need ``classify__no_face``.

    Examples
    --------
    >>> from emoest.tables.cells import is_missing
    >>> system = make_memobert2022("direct")
    >>> [name for name, _ in system.steps], system["classify"].setting
    (['embed', 'classify'], 'direct')
    """
    from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
    from emoest.neural._memobert.classifier import SETTINGS

    check_choice("setting", setting, SETTINGS)
    check_choice("preset", preset, PRESETS)
    paper = preset == "paper"
    if face_probs is None and is_path(face):
        face_probs = face
    if paper and (face is None or face_probs is None):
        raise ValueError(
            "preset='paper' has the authors' DenseNet, whose weights are not public. Train it, "
            "FaceCNNClassifier('densenet').fit(X, y).save_weights(path), and pass face=path; or "
            "pass face= and face_probs=, FaceEmbedder('mini_xception', frames_per_second=10, "
            "errors='missing'), the second with output='probabilities'."
        )
    face, face_probs = as_faces(face, "embedding"), as_faces(face_probs, "probabilities")
    parts = [
        ("text", "passthrough", ["text"]),
        ("face", face, ["face"]),
        ("face_probs", face_probs, ["face"]),
        ("audio", make_audio(preset) if audio is None else clone(audio), ["audio"]),
    ]
    options: dict[str, Any] = {"random_state": random_state}
    if paper:
        neutral = {"no_face": find_neutral(face_probs)}
        options |= {**PAPER_NET, **neutral, **PAPER_CLASSIFIER[setting], "eval_every": 100}
    if model is not None:
        options["model"] = model
    elif setting in {"prompt", "finetune"}:
        if pretrainer is None:
            pretrainer = MEmoBERTPretrainer(**({**PAPER_PRETRAINER, **neutral} if paper else {}))
        options["pretrainer"] = clone(pretrainer)
    steps = [("embed", ColumnTransformer(parts)), ("classify", MEmoBERTClassifier(setting))]
    steps[1][1].set_params(**options)
    return Pipeline(steps).set_output(transform="pandas")


def find_neutral(face_probs: Any) -> int | None:
    """Position of someone neutral in the probabilities of a transformer.

    None if it is known to have no such class; 0 where its classes are unknown, as in FER+.

    Examples
    --------
    >>> find_neutral(make_faces("probabilities"))
    6
    """
    model = getattr(face_probs, "model", "")
    if not isinstance(face_probs, FaceEmbedder) or is_held(model):
        return 0
    backbone: Any = GRAY_BACKBONES.get(os.fspath(model))
    if backbone is None and is_trained_file(model):
        backbone = read_trained(find_weights(model, names=()))
    if backbone is None:
        return 0
    names = [name.casefold() for name in backbone.classes]
    return names.index("neutral") if "neutral" in names else None


def make_audio(preset: str = "recommended") -> Any:
    """Make the transformer of sound: the first 10 s, three frames averaged to one.

    Examples
    --------
    >>> make_audio("paper").model
    'facebook/wav2vec2-base'
    """
    options: dict[str, Any] = {"step": 3, "max_seconds": 10, "long_audio": "truncate"}
    if preset == "paper":
        return Wav2Vec2Embedder("facebook/wav2vec2-base", pooling=None, **options)
    return WhisperEmbedder("whisper-base", **options)


def make_faces(output: str, model: Any = "mini_xception") -> FaceEmbedder:
    """Make the transformer of faces: ten images a second, no face is a missing modality.

    Examples
    --------
    >>> make_faces("probabilities").frames_per_second
    10.0
    """
    return FaceEmbedder(model, output=output, frames_per_second=10.0, errors="missing")


def as_faces(faces: Any, output: str) -> Any:
    """Make the transformer of faces that ``face=`` or ``face_probs=`` means.

    Examples
    --------
    >>> as_faces("densenet.safetensors", "embedding").model
    'densenet.safetensors'
    """
    if faces is None:
        return make_faces(output)
    return make_faces(output, faces) if is_path(faces) else clone(faces)
