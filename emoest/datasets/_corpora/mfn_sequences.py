"""YouTube and ICT-MMMO as word-aligned sequences, a real case of a missing modality."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.npz import NpzFile
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import LOADER, validate_arguments

SPLITS = ("train", "valid", "test")
N_DIMS = {"text": 300, "audio": 74, "face": 36}

_ARCHIVE_NAMES = {"text": "text_{}_emb", "audio": "audio_{}", "face": "video_{}"}
_COMMON: dict[str, Any] = {
    "modalities": tuple(N_DIMS),
    "n_speakers": None,
    "splits": SPLITS,
    "license": "Repository MIT; videos of a public platform, research use.",
    "access": "Free download; the training text is not in the repository.",
    "homepage": "https://github.com/pliang279/MFN",
    "citation": (
        "A. Zadeh, P. P. Liang, N. Mazumder, S. Poria, E. Cambria and L.-P. Morency, Memory Fusion "
        "Network for Multi-view Sequential Learning, AAAI 2018."
    ),
}
_NOTES = (
    "Twenty word-aligned steps per clip, shorter ones padded in front with zeros: word vectors "
    "(300), COVAREP (74), Facet (36). The training part has no text. Who speaks is not told, so "
    "that nobody can say whether the parts share speakers. Sentiment, not emotion."
)

YOUTUBE = register(
    CorpusRecord(
        name="mfn_youtube",
        title="YouTube opinions, sequences of the MFN paper",
        labels={"sentiment": ("0", "1", "2")},
        n_samples={"train": 173, "valid": 36, "test": 60},
        notes=(
            f"{_NOTES} Which class is which is not told: labels are the places in the code. Of the "
            "269 clips 191 have no audio features and 199 no face features, zeros only; 125 clips "
            "of the training part have nothing at all."
        ),
        **_COMMON,
    )
)
MMMO = register(
    CorpusRecord(
        name="mfn_mmmo",
        title="ICT-MMMO, sequences of the MFN paper",
        labels={},
        scores={"sentiment": (1.0, 5.0)},
        n_samples={"train": 220, "valid": 40, "test": 80},
        notes=_NOTES,
        **_COMMON,
    )
)
_RECORDS = {"youtube": YOUTUBE, "mmmo": MMMO}


@validate_arguments(LOADER, corpus=[StrOptions({"youtube", "mmmo"})], trim=["boolean"])
def load_mfn_sequences(
    folder: str | os.PathLike[str],
    corpus: str = "mmmo",
    *,
    target: Target = "sentiment",
    trim: bool = True,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load word-aligned sequences of text, audio and face, as frames.

    A modality that is zero at every step of a clip was not measured there: its cell is None.

    Parameters
    ----------
    folder : str or path object
        Where ``youtube.npz`` or ``mmmo.npz`` lies, with the arrays ``text_test_emb`` (n, 20, 300),
        ``audio_test`` (n, 20, 74), ``video_test`` (n, 20, 36) and ``y_test``, and the same for
        ``train`` and ``valid``; sub-folders are searched.
    corpus : {"youtube", "mmmo"}, default="mmmo"
        Which one.
    target : str or sequence of str, default="sentiment"
        ``"sentiment"``: of ``"mmmo"`` a score from 1 to 5, of ``"youtube"`` one of three classes,
        named by their places in the file's code (``"0"``, ``"1"``, ``"2"``).
    trim : bool, default=True
        Whether the padding in front (steps that are zero in all modalities that are there) is cut
        off, which makes sequences ragged.
    strict : bool, default=False
        Whether a missing part, or a modality that a part lacks, is an error.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text__frames``, ``audio__frames`` and ``face__frames`` with
        cells float32 (n_steps, n_dims), None where the part or the clip lacks the modality, and
        the context ``split``; nobody knows the speakers, so there is no ``speaker``, and
        ``groups`` is None. ``target`` (y) is a Series; further ``frame``, ``splits`` (row positions
        of ``train``, ``valid`` and ``test``), ``record``, ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder does not hold the archive, or something is missing and `strict`.
    ValueError
        If the archive is damaged, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.

    References
    ----------
    A. Zadeh et al., Memory Fusion Network for Multi-view Sequential Learning, AAAI 2018.

    Examples
    --------
    >>> import tempfile, warnings
    >>> path = Path(tempfile.mkdtemp()) / "mmmo.npz"
    >>> audio = np.zeros((1, 20, 74), dtype=np.float32)
    >>> audio[:, 17:] = 1.0
    >>> np.savez(path, audio_train=audio, y_train=np.array([4.0]))
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_mfn_sequences(path.parent, "mmmo", return_X_y=True)
    >>> X["audio__frames"].iloc[0].shape, X["text__frames"].iloc[0] is None, y.item()
    ((3, 74), True, 4.0)
    """
    record = _RECORDS[corpus]
    check_target(target, record)
    files = CorpusFolder(folder, record.title, strict)
    path = files.first(f"{corpus}.npz")
    if path is None:
        raise files.not_found("archive", f"{corpus}.npz")
    parts: list[pd.DataFrame] = []
    missing: dict[str, list[str]] = {"parts": [], "modalities of parts": []}
    arrays = NpzFile(path)
    for split in SPLITS:
        if f"y_{split}" not in arrays.files:
            missing["parts"].append(split)
            continue
        blocks = _blocks(arrays, split, path)
        missing["modalities of parts"] += [f"{m} of {split}" for m in N_DIMS if m not in blocks]
        parts.append(_part(split, blocks, arrays[f"y_{split}"], trim))
    if not parts:
        raise ValueError(f"{str(path)!r} has none of the arrays y_train, y_valid and y_test.")
    return make_bunch(
        pd.concat(parts),
        record,
        target=target,
        splits=SPLITS,
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _blocks(arrays: NpzFile, split: str, path: Path) -> dict[str, npt.NDArray[np.float32]]:
    n = len(arrays[f"y_{split}"])
    blocks = {}
    for modality, pattern in _ARCHIVE_NAMES.items():
        name = pattern.format(split)
        if name in arrays.files:
            values = arrays[name].astype(np.float32)
            if values.ndim != 3 or (len(values), values.shape[2]) != (n, N_DIMS[modality]):
                raise ValueError(
                    f"{str(path)!r}: the array {name!r} has the shape {values.shape}; expected "
                    f"({n}, n_steps, {N_DIMS[modality]})."
                )
            blocks[modality] = values
    return blocks


def _part(
    split: str, blocks: dict[str, npt.NDArray[np.float32]], y: npt.NDArray[Any], trim: bool
) -> pd.DataFrame:
    index = pd.Index([f"{split}_{i}" for i in range(len(y))], name="clip")
    starts = np.zeros(len(y), dtype=int)
    if trim and blocks:
        used = np.any([(values != 0).any(axis=2) for values in blocks.values()], axis=0)
        # A clip that is zero throughout has no first used step: argmax gives 0, and it keeps all.
        starts = used.argmax(axis=1)
    frame = pd.DataFrame(index=index)
    for modality in N_DIMS:
        cells: list[Any] = [None] * len(y)
        if modality in blocks:
            cells = [
                values[start:] if values.any() else None
                for values, start in zip(blocks[modality], starts, strict=True)
            ]
        frame[f"{modality}__frames"] = object_column(cells, index)
    frame["split"] = split
    # YouTube has one-hot classes, ICT-MMMO one score a clip.
    one_hot = y.ndim == 2
    frame["sentiment"] = y.argmax(axis=1).astype(str) if one_hot else y.astype(float)
    return frame
