"""Official and usual protocols as scikit-learn splitters that read the columns of X."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.datasets._reading.rows import read_lines
from emoest.datasets._split_base import (
    ColumnSplitter,
    at_least_two,
    clips_of,
    column_of,
    natural_order,
    require_speakers,
    speakers_of,
)
from emoest.utils.messages import listed
from emoest.utils.typing import Rows

RAVDESS_EMOBOX_ACTORS = {
    "1": ("01", "11", "20", "21"),
    "2": ("04", "10", "12", "14"),
    "3": ("08", "09", "19", "23"),
    "4": ("03", "05", "07", "24"),
    "5": ("02", "15", "16", "18"),
    "6": ("06", "13", "17", "22"),
}
"""EmoBox's six folds of RAVDESS, which keep actors together: the actors of each test part."""


DEVELOPMENT = ("devel", "dev", "valid", "validation", "val", "PublicTest")
"""What corpora call the partition that is for development."""


class LeaveOneSessionOut(ColumnSplitter):
    """Each session is the test part once, the other sessions are the training part.

    Parameters
    ----------
    column : str, default="session"
        The context column of X that names the session, by its full name or its last token.

    Notes
    -----
    Five folds on IEMOCAP, six on MSP-IMPROV. Both speakers of a session are tested, so that
    results differ from those of `LeaveOneSpeakerOut`.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"session": list("1122"), "speaker": ["1F", "1M", "2F", "2M"]})
    >>> [test.tolist() for _, test in LeaveOneSessionOut().split(X)]
    [[0, 1], [2, 3]]
    """

    def __init__(self, column: str = "session") -> None:
        self.column = column

    def _folds(self, X: Any, speakers: npt.NDArray[Any] | None) -> Iterator[tuple[str, Rows, Rows]]:
        sessions = column_of(X, self.column)
        for name in at_least_two(sessions, self.column):
            held_out = sessions == name
            yield f"{self.column} {name}", np.flatnonzero(~held_out), np.flatnonzero(held_out)


class LeaveOneSpeakerOut(ColumnSplitter):
    """Each speaker is the test part once; the dyad partner is for validation.

    Ten folds on IEMOCAP, twelve on MSP-IMPROV. The training part is the other sessions, so that
    neither the speaker nor the other half of the conversation was seen in training.

    Parameters
    ----------
    twin : {"validation", "train"}, default="validation"
        Whether the dyad partner (the other speakers of the test speaker's session) is left out of
        the training part, `split_validation` returning it, or belongs to the training part.
    column : str, default="session"
        The context column of X that names the session.

    Notes
    -----
    The protocol with validation on the dyad partner is the one that MEmoBERT's scripts call
    ``trn``; their other one, ``trnval``, trains on the partner and selects on the test speaker,
    which is unsound.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"session": list("1122"), "speaker": ["1F", "1M", "2F", "2M"]})
    >>> cv = LeaveOneSpeakerOut()
    >>> [rows.tolist() for rows in next(cv.split_validation(X))]
    [[2, 3], [1], [0]]
    >>> [rows.tolist() for rows in next(cv.split(X))]
    [[2, 3], [0]]
    """

    def __init__(self, twin: str = "validation", column: str = "session") -> None:
        self.twin = twin
        self.column = column

    def split_validation(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[Rows, Rows, Rows]]:
        """Generate the row positions of training, validation and test part, fold by fold.

        Parameters
        ----------
        X : DataFrame
            The corpus, with a column of sessions.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            The speakers; None takes the column ``speaker`` or the index level ``group``.

        Yields
        ------
        train, validation, test : ndarray of int
            Row positions; no speaker is in two parts.

        Raises
        ------
        ValueError
            If speakers or sessions are unknown, or a speaker is in two sessions or has no dyad
            partner.
        """
        for _, train, validation, test in self._parts(X, speakers_of(X, groups)):
            yield train, validation, test

    def _folds(self, X: Any, speakers: npt.NDArray[Any] | None) -> Iterator[tuple[str, Rows, Rows]]:
        if self.twin not in ("validation", "train"):
            raise ValueError(f"twin={self.twin!r} must be 'validation' or 'train'.")
        for name, train, validation, test in self._parts(X, speakers):
            both = np.sort(np.concatenate([train, validation]))
            yield name, both if self.twin == "train" else train, test

    def _parts(
        self, X: Any, speakers: npt.NDArray[Any] | None
    ) -> Iterator[tuple[str, Rows, Rows, Rows]]:
        speakers = require_speakers(speakers, "LeaveOneSpeakerOut finds no speakers")
        sessions = column_of(X, self.column)
        at_least_two(sessions, self.column)
        for speaker in np.unique(speakers):
            test = speakers == speaker
            own = np.unique(sessions[test])
            if len(own) > 1:
                raise ValueError(
                    f"The speaker {speaker!r} is in the sessions {', '.join(map(str, own))}; "
                    "LeaveOneSpeakerOut needs speakers who stay in one."
                )
            here = sessions == own[0]
            if (here == test).all():
                raise ValueError(
                    f"The speaker {speaker!r} is alone in session {own[0]!r} and has no dyad "
                    "partner. Use sklearn.model_selection.LeaveOneGroupOut instead."
                )
            parts = (np.flatnonzero(rows) for rows in (~here, here & ~test, test))
            yield f"speaker {speaker}", *parts


class OfficialSplit(ColumnSplitter):
    """One fold: the partitions that a corpus comes with.

    Parameters
    ----------
    train : str or sequence of str, default="train"
        The partitions to train on; ``("train", "devel")`` for a final model.
    test : str, default=None
        The partition to predict; None takes the one for development, whatever a corpus calls it
        (``devel``, ``dev``, ``valid``, ``validation``, ``val``, ``PublicTest``). A test part is
        taken only by its name.
    column : str, default="split"
        The context column of X that names the partition.

    Raises
    ------
    ValueError
        On `split`, if X has no such column, a partition is not there or named twice, or there is
        none for development and `test` is None.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"split": ["train", "devel", "test"], "speaker": list("abc")})
    >>> [rows.tolist() for rows in next(OfficialSplit().split(X))]
    [[0], [1]]
    >>> cv = OfficialSplit(train=("train", "devel"), test="test")
    >>> [rows.tolist() for rows in next(cv.split(X))]
    [[0, 1], [2]]
    """

    def __init__(
        self,
        train: str | Sequence[str] = "train",
        test: str | None = None,
        column: str = "split",
    ) -> None:
        self.train = train
        self.test = test
        self.column = column

    def _folds(self, X: Any, speakers: npt.NDArray[Any] | None) -> Iterator[tuple[str, Rows, Rows]]:
        parts = column_of(X, self.column).astype(str)
        known = sorted(set(parts.tolist()))
        train = [self.train] if isinstance(self.train, str) else list(self.train)
        # The default is the training part by whatever name; a name of the user's own is exact.
        if self.train == "train" and "train" not in known and "Training" in known:
            train = ["Training"]
        test = self._test_part(known, train)
        unknown = [name for name in (*train, test) if name not in known]
        if unknown or test in train:
            raise ValueError(
                f"train={self.train!r}, test={self.test!r} must name different partitions of the "
                f"column {self.column!r}, which has {', '.join(known)}."
            )
        held_out = np.flatnonzero(parts == test)
        yield f"partition {test}", np.flatnonzero(np.isin(parts, train)), held_out

    def _test_part(self, known: Sequence[str], train: Sequence[str]) -> str:
        if self.test is not None:
            return self.test
        found = [name for name in known if name in DEVELOPMENT and name not in train]
        if len(found) == 1:
            return found[0]
        rest = [name for name in known if name not in train]
        if not rest:
            return train[-1]
        raise ValueError(
            f"The column {self.column!r} has {', '.join(known)}, "
            + ("several" if found else "none")
            + f" of which is for development beside train={self.train!r}. Name the part to "
            f"predict: OfficialSplit(test={rest[-1]!r})."
        )


class EmoBoxFolds(ColumnSplitter):
    """The public folds of EmoBox.

    Parameters
    ----------
    folds : str, path object or dict, default="ravdess"
        ``"ravdess"`` for the six folds of RAVDESS, which are sets of actors and built in; or a csv
        file with the columns ``file`` and ``test_fold``; or a dict from file names to folds.
        Suffixes of files do not matter.
    level : str, default="clip"
        The level of the index of X that holds the names of the clips.

    Raises
    ------
    ValueError
        On `split`, if a row of X is in no fold, or fewer than two folds have rows.

    Warns
    -----
    NotSpeakerIndependentWarning
        On `split`, if a fold has the same speaker in both parts. EmoBox's five folds of EmoDB mix
        speakers: each speaker is in all five, so that results on them are not speaker-independent.

    References
    ----------
    Z. Ma et al., EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and
    Benchmark, Interspeech 2024.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"speaker": ["01", "04", "11"]}, index=pd.Index(list("abc"), name="clip"))
    >>> [test.tolist() for _, test in EmoBoxFolds("ravdess").split(X)]
    [[0, 2], [1]]
    >>> folds = EmoBoxFolds({"a.wav": 1, "b.wav": 2, "c.wav": 1})
    >>> [test.tolist() for _, test in folds.split(X)]
    [[0, 2], [1]]
    """

    def __init__(
        self,
        folds: str | os.PathLike[str] | Mapping[str, Any] = "ravdess",
        level: str = "clip",
    ) -> None:
        self.folds = folds
        self.level = level

    def _folds(self, X: Any, speakers: npt.NDArray[Any] | None) -> Iterator[tuple[str, Rows, Rows]]:
        if isinstance(self.folds, str) and self.folds == "ravdess":
            names = require_speakers(speakers, "The folds of RAVDESS are sets of actors")
            table = {actor: fold for fold, all_ in RAVDESS_EMOBOX_ACTORS.items() for actor in all_}
        else:
            names = clips_of(X, self.level)
            table = {Path(name).stem: str(fold) for name, fold in self._table().items()}
        lacking = [str(name) for name in names if name not in table]
        if lacking:
            raise ValueError(
                f"{len(lacking)} rows of X are in no fold of EmoBox: {listed(lacking)}. Leave "
                "them out, or use the folds of this corpus."
            )
        fold_of = np.array([table[name] for name in names])
        for fold in sorted(at_least_two(fold_of, "test_fold"), key=natural_order):
            held_out = fold_of == fold
            yield f"fold {fold}", np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def _table(self) -> Mapping[str, Any]:
        if isinstance(self.folds, Mapping):
            return self.folds
        lines = list(csv.DictReader(read_lines(Path(self.folds))))
        lacking = {"file", "test_fold"} - set(lines[0] if lines else ())
        if lacking:
            raise ValueError(
                f"The folds in {str(self.folds)!r} lack the columns {', '.join(sorted(lacking))}."
            )
        return {line["file"]: line["test_fold"] for line in lines}
