"""CMU-MOSI: opinions on films, a sentiment score for each utterance."""

import os
from typing import Any

from emoest.datasets._corpora.mosi_tables import (
    HIGHEST,
    LOWEST,
    POLARITIES,
    SPLITS,
    read_opinions,
)
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

_CITATION = (
    "A. Zadeh, R. Zellers, E. Pincus and L.-P. Morency, MOSI: Multimodal Corpus of Sentiment "
    "Intensity and Subjectivity Analysis in Online Opinion Videos, arXiv:1606.06259, 2016."
)
LICENSE = "Videos of a public platform, distributed for academic research."
HOMEPAGE = "https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK"

MOSI = register(
    CorpusRecord(
        name="mosi",
        title="CMU-MOSI, Multimodal Opinion-level Sentiment Intensity",
        labels={"polarity": POLARITIES},
        modalities=("text", "audio", "face"),
        n_speakers=93,
        splits=SPLITS,
        license=LICENSE,
        access="Through the authors' software kit or the public packs with a table of labels.",
        homepage=HOMEPAGE,
        citation=_CITATION,
        notes=(
            "A video stands for its speaker. Sizes of the partitions, from memory: 1,284 / 229 / "
            "686 utterances, 2,199 in all. The polarity is the table's own annotation."
        ),
        scores={"sentiment": (LOWEST, HIGHEST)},
    )
)


@validate_arguments(LOADER, DROP_UNLABELED)
def load_mosi(
    folder: str | os.PathLike[str],
    *,
    target: Target = "sentiment",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load CMU-MOSI from the table of labels that the public packs have.

    Parameters
    ----------
    folder : str or path object
        Where ``label.csv`` lies (columns ``video_id``, ``clip_id``, ``text``, ``label``,
        ``annotation`` and ``mode``; more do no harm); sub-folders are searched. Clips
        ``Raw/<video_id>/<clip_id>.mp4`` are found next to it, and audio files of the same name. No
        clip is opened.
    target : str or sequence of str, default="sentiment"
        ``"sentiment"``, a score from -3 to 3, or ``"polarity"``, its annotation as negative,
        neutral or positive; a sequence gives y as a DataFrame.
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; otherwise their label is NaN.
    strict : bool, default=False
        Whether a missing clip is an error; otherwise one warning says what is missing. A copy
        without any clip is the text corpus, and lacks nothing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text``, with clips also ``face`` (paths of the videos) and
        with audio files ``audio``, and the context ``speaker`` (the video, also the index level
        ``group``) and ``split``; ``target`` (y) is a Series or DataFrame; further ``frame``,
        ``groups``, ``splits`` (row positions of ``train``, ``valid`` and ``test``), ``record``,
        ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder does not hold the table, or a clip is missing and `strict`.
    ValueError
        If the table is damaged or holds an unknown label, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If clips are missing.
    UnlabeledRowsWarning
        If rows have no label; it counts them.

    See Also
    --------
    load_mosi_features : Ready-made vectors of the same utterances.
    make_mosi_sequences : Generated data of this kind.

    References
    ----------
    A. Zadeh et al., MOSI, arXiv:1606.06259, 2016.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "label.csv"
    >>> table = "video_id,clip_id,text,label,annotation,mode\naB3,2,NICE FILM,2.4,Positive,train\n"
    >>> _ = path.write_text(table)
    >>> X, y = load_mosi(path.parent, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('NICE FILM', 'aB3', 2.4)
    """
    check_target(target, MOSI)
    files = CorpusFolder(folder, "CMU-MOSI", strict)
    frame, missing = read_opinions(files, target=target, drop_unlabeled=drop_unlabeled)
    return make_bunch(
        frame, MOSI, target=target, splits=SPLITS, missing=missing, return_X_y=return_X_y
    )
