"""Write the net inside an estimator as ONNX."""

import os
import tempfile
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from emoest.utils.atomic import written_whole


def to_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the net of a fitted estimator as ONNX, for programs without Python.

    Only the net: reading files, spectra, imputation, class names and the fusion stay in Python.
    The file is run once by ONNX Runtime and must give what the net gives (to 1e-4 of the largest
    output), at a length that the export has not seen. It needs the extra ``onnx``.

    - `emoest.neural.SequenceClassifier`, `emoest.neural.SequenceRegressor` and
      `emoest.neural.SpeechResNetClassifier` (``silence="keep"``): ``frames`` (1, n_frames, n_dims),
      one row without padding, as ``fit`` takes them, to ``outputs`` (1, n_outputs): logits in the
      order of ``classes_``, whose softmax is ``predict_proba``; values before ``target_scale_``.
    - `emoest.embeddings.YAMNetEmbedder`: ``patches`` (n, 96, 64) of its log-mel, to embeddings or
      scores; `emoest.embeddings.SpeakerEmbedder`: ``spectra`` (n, 160, 40), to voices.

    - `emoest.embeddings.WhisperEmbedder`: ``spectra`` (1, n_mels, 2 n_frames) to ``states`` (1,
      n_frames, n_dims) of its layer, or their mean.

    The Memory Fusion Network steps through frames in a loop that depends on their number, the nets
    of windows and images take those apart row by row, MEmoBERT and UniMSE read tokens: they are
    refused, as other estimators are. ``pooling="attention"`` is refused by the comparison.

    Parameters
    ----------
    estimator : estimator
        Fitted; the last step of a Pipeline, not the Pipeline.
    path : str or path object
        The file, by custom ``*.onnx``; written whole or not at all.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no net that ONNX holds.
    ImportError
        If a package of the extra is not installed.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> to_onnx(GaussianNB().fit([[0.0], [1.0]], [0, 1]), "model.onnx")
    Traceback (most recent call last):
        ...
    ValueError: GaussianNB has no net that can be written as ONNX...
    """
    check_is_fitted(estimator)
    describe = getattr(estimator, "_exportable_net", None)
    if describe is None:
        steps = getattr(estimator, "steps", None)
        hint = " Pass one step of the Pipeline, model[-1]." if steps else ""
        raise ValueError(
            f"{type(estimator).__name__} has no net that can be written as ONNX.{hint} The "
            "docstring of to_onnx names the estimators that have one."
        )
    net = describe()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "net.onnx"
        try:
            net.export(place)
        except ValueError as error:
            raise ValueError(f"{type(estimator).__name__}: {error}") from error
        with written_whole(Path(path).expanduser()) as file:
            file.write(place.read_bytes())
