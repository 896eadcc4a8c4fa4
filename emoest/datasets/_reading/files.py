"""The files of a copy of a corpus: finding them, and reporting those that are missing."""

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.media.sources import AUDIO_SUFFIXES
from emoest.tables.cells import object_column
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


def _stem(path: Path) -> str:
    return path.stem


class IncompleteCorpusWarning(UserWarning):
    """Files of a corpus are missing."""


@dataclass(frozen=True)
class CorpusFolder:
    """A copy of a corpus on disk. No file is opened.

    Parameters
    ----------
    folder : str or path object
        Where the corpus was unpacked.
    corpus : str
        The corpus' title, for messages.
    strict : bool, default=False
        Whether missing files are an error; otherwise they are a warning.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.csv").touch()
    >>> [path.name for path in CorpusFolder(folder, "MELD").paths]
    ['a.csv']
    """

    folder: str | os.PathLike[str]
    corpus: str
    strict: bool = False

    @property
    def root(self) -> Path:
        """The folder, with the user's home in the place of ``~``."""
        return Path(self.folder).expanduser()

    @cached_property
    def paths(self) -> list[Path]:
        """The files of the folder and its sub-folders, the least deep first, hidden ones left out.

        Raises
        ------
        FileNotFoundError
            If the folder is not there.
        NotADirectoryError
            If it is a file.
        """
        root = self.root
        if not root.exists():
            raise FileNotFoundError(
                f"The folder {str(root)!r} is not there. Pass the folder into which {self.corpus} "
                f"was unpacked (working folder: {str(Path.cwd())!r})."
            )
        if not root.is_dir():
            raise NotADirectoryError(
                f"{str(root)!r} is a file. Pass the folder that holds the files of {self.corpus}; "
                "an archive must be unpacked first."
            )
        found = [Path(base) / name for base, _, names in os.walk(root) for name in names]
        # Users also pass a folder above the corpus, with other copies beside it: of files with one
        # name the least deep is the one that was meant.
        return sorted(
            (path for path in found if not path.name.startswith(".")),
            key=lambda path: (len(path.parts), path),
        )

    def first(self, *names: str) -> Path | None:
        """Return the least deep file with one of these names (case does not matter), or None.

        Examples
        --------
        >>> import tempfile
        >>> CorpusFolder(tempfile.mkdtemp(), "MELD").first("dev_sent_emo.csv") is None
        True
        """
        wanted = {name.lower() for name in names}
        return next((path for path in self.paths if path.name.lower() in wanted), None)

    def find_tables(
        self, names: Mapping[str, str], accept: Callable[[Path], bool] | None = None
    ) -> dict[str, Path]:
        """Find tables by the file name of each partition; at least one of them must be there.

        With `accept`, which looks into a file, files for which it is true come first: usual names
        such as ``train.tsv`` are those of other corpora as well.

        Examples
        --------
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "dev.tsv").touch()
        >>> tables = {"train": "train.tsv", "dev": "dev.tsv"}
        >>> CorpusFolder(folder, "GoEmotions").find_tables(tables).keys()
        dict_keys(['dev'])
        """
        preferred = accept and [
            path
            for path in self.paths
            if path.name.lower() in {name.lower() for name in names.values()} and accept(path)
        ]
        # Of several copies, all partitions are taken from the folder of the first.
        if preferred:
            folder = preferred[0].parent
            preferred.sort(key=lambda path: path.parent != folder)
        paths = {
            partition: next((p for p in preferred or () if p.name.lower() == name.lower()), None)
            or self.first(name)
            for partition, name in names.items()
        }
        found = {partition: path for partition, path in paths.items() if path is not None}
        if not found:
            raise self.not_found("table", ", ".join(names.values()))
        return found

    def find_named(
        self,
        pattern: re.Pattern[str],
        *,
        example: str,
        suffixes: Sequence[str] = AUDIO_SUFFIXES,
        without: Sequence[str] = (),
        key: Callable[[Path], Any] = _stem,
    ) -> dict[Any, Path]:
        """Find the files whose names are those of the corpus; at least one must be there.

        Of files with one name (releases that hold everything twice, two formats of one recording)
        the first is taken, and a warning counts the others.

        Parameters
        ----------
        pattern : compiled pattern
            What a file name without its suffix looks like, as a whole.
        example : str
            A file name, for messages.
        suffixes : sequence of str, default=AUDIO_SUFFIXES
            The suffixes that count, in lower case; case does not matter.
        without : sequence of str, default=()
            Names of folders that are passed over.
        key : callable, default=_stem
            Takes a path and returns what makes two files the same; the name without suffix.

        Returns
        -------
        files : dict of str to Path
            By key, in alphabetical order.

        Examples
        --------
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "03a01Wa.FLAC").touch()
        >>> pattern = re.compile(r"[0-9]{2}[ab][0-9]{2}[A-Z][a-z]?")
        >>> list(CorpusFolder(folder, "EmoDB").find_named(pattern, example="03a01Wa.wav"))
        ['03a01Wa']
        """
        found: dict[Any, Path] = {}
        repeated = []
        for path in self.paths:
            if without and set(without) & set(path.relative_to(self.root).parts[:-1]):
                continue
            if path.suffix.lower() in suffixes and pattern.fullmatch(path.stem):
                if key(path) in found:
                    repeated.append(path)
                found.setdefault(key(path), path)
        if not found:
            names = f"names like {example!r} with one of the suffixes {', '.join(suffixes)}"
            raise self.not_found("file", names)
        if repeated:
            warn_user(
                f"{len(repeated)} files of {self.corpus} are left out, since another file has the "
                f"same name: {listed(repeated)}."
            )
        return dict(sorted(found.items()))

    def find_clips(
        self, key: Callable[[Path], Hashable], suffixes: Sequence[str]
    ) -> dict[str, dict[Hashable, str]]:
        """Find videos (``face``) and audio files by what `key` makes of their paths.

        Parameters
        ----------
        key : callable
            Takes a path and returns what names the clip, or None for a file that is none.
        suffixes : sequence of str
            Those of videos.

        Returns
        -------
        clips : dict of str to dict
            The path of each clip by its key, for each of the two of which there is any.

        Examples
        --------
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> CorpusFolder(folder, "MELD").find_clips(lambda path: path.stem, [".mp4"]).keys()
        dict_keys(['audio'])
        """
        clips: dict[str, dict[Hashable, str]] = {}
        for column, kinds in (("face", suffixes), ("audio", AUDIO_SUFFIXES)):
            for path in self.paths:
                if path.suffix.lower() in kinds and (name := key(path)) is not None:
                    clips.setdefault(column, {}).setdefault(name, str(path))
        return clips

    def not_found(self, what: str, looked_for: str, advice: str | None = None) -> FileNotFoundError:
        """Return the error that says what was looked for and what the folder holds instead.

        Examples
        --------
        >>> import tempfile
        >>> print(CorpusFolder(tempfile.mkdtemp(), "MELD").not_found("table", "a.csv", "Copy it."))
        No table of MELD was found in '...'. Looked there and in its sub-folders for a.csv; found no
        files at all. Copy it.
        """
        held = "no files at all"
        if self.paths:
            kinds = Counter(path.suffix.lower() or "no suffix" for path in self.paths)
            counts = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common(5))
            held = f"{listed(sorted(path.name for path in self.paths))} ({counts})"
        advice = advice or (
            f"Pass the folder into which {self.corpus} was unpacked, with the official file names."
        )
        return FileNotFoundError(
            f"No {what} of {self.corpus} was found in {str(self.root)!r}. Looked there and in its "
            f"sub-folders for {looked_for}; found {held}. {advice}"
        )

    def report_missing(self, missing: Mapping[str, Sequence[str]], *, hint: str = "") -> list[str]:
        """Warn once of all that is missing, kind by kind, or raise.

        Parameters
        ----------
        missing : dict of str to sequence of str
            Names of what is missing by what it is, for example ``"audio files"``.
        hint : str, default=""
            The end of the message: where they may be.

        Returns
        -------
        names : list of str
            All of them.

        Examples
        --------
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     _ = CorpusFolder("x", "Mine").report_missing({"videos": ["a.avi"]})
        >>> print(caught[0].message)
        Mine in 'x' is incomplete: missing are 1 videos (a.avi).
        """
        shown = [
            f"{len(names)} {kind} ({listed(names)})"
            for kind, names in missing.items()
            if len(names)
        ]
        if shown:
            self._report(f"missing are {'; '.join(shown)}.{hint and ' '}{hint}")
        return [name for names in missing.values() for name in names]

    def report_missing_by_speaker(
        self, missing: Mapping[str, Sequence[str] | int], expected: Mapping[str, int]
    ) -> list[str]:
        """Warn once of all that is missing, speaker by speaker, or raise.

        Parameters
        ----------
        missing : dict of str to sequence of str or int
            What each speaker lacks: names, or a count where the names cannot be known.
        expected : dict of str to int
            How many files each speaker has in the complete corpus.

        Returns
        -------
        names : list of str
            The names of the missing files; of speakers without names, one entry each.

        Examples
        --------
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     _ = CorpusFolder("x", "EmoDB").report_missing_by_speaker({"03": 2}, {"03": 49})
        >>> print(caught[0].message)
        EmoDB in 'x' is incomplete: 2 of 49 files are missing (2 of 49 of speaker 03).
        """
        names: list[str] = []
        whole, parts, n_missing = [], [], 0
        for speaker, value in missing.items():
            count = value if isinstance(value, int) else len(value)
            if count <= 0:
                continue
            n_missing += count
            absent = [] if isinstance(value, int) else list(value)
            names += absent or [f"{count} of {expected[speaker]} files of speaker {speaker}"]
            if count == expected[speaker]:
                whole.append(speaker)
            else:
                shown = f": {listed(absent)}" if absent else ""
                parts.append(f"{count} of {expected[speaker]} of speaker {speaker}{shown}")
        if whole:
            parts.insert(0, f"all of speakers {', '.join(whole)}")
        if parts:
            total = sum(expected.values())
            self._report(f"{n_missing} of {total} files are missing ({'; '.join(parts)}).")
        return names

    def _report(self, what: str) -> None:
        message = f"{self.corpus} in {str(self.folder)!r} is incomplete: {what}"
        if self.strict:
            raise FileNotFoundError(
                f"{message} Copy them, or pass strict=False to go on with what is there."
            )
        warn_user(message, IncompleteCorpusWarning)


def add_clips(
    frame: pd.DataFrame, clips: Mapping[str, Mapping[Hashable, str]], keys: Sequence[Hashable]
) -> dict[str, list[str]]:
    """Insert a column of paths before ``speaker`` for each medium, in place.

    Parameters
    ----------
    frame : DataFrame
        The corpus.
    clips : dict of str to dict
        As `CorpusFolder.find_clips` returns them.
    keys : sequence
        The key of each row.

    Returns
    -------
    missing : dict of str to list of str
        The rows without a clip, as `CorpusFolder.report_missing` takes them.

    Examples
    --------
    >>> frame = pd.DataFrame({"speaker": ["ann", "bob"]}, index=["u1", "u2"])
    >>> add_clips(frame, {"audio": {1: "1.wav"}}, [1, 2])
    {'clips (audio)': ['u2']}
    """
    missing = {}
    for column, paths in clips.items():
        cells = object_column([paths.get(key) for key in keys], frame.index)
        frame.insert(frame.columns.get_loc("speaker"), column, cells)
        missing[f"clips ({column})"] = list(frame.index[cells.isna()])
    return missing


def decode(codes: Mapping[str, str], code: str, *, field: str, path: Path) -> str:
    """Look up what a code in a file name stands for; an unknown one is an error.

    Examples
    --------
    >>> decode({"W": "anger"}, "W", field="emotion", path=Path("03a01Wa.wav"))
    'anger'
    """
    if code not in codes:
        known = ", ".join(f"{key} ({value})" for key, value in codes.items())
        raise ValueError(
            f"The file {str(path)!r} has the unknown {field} code {code!r}; known are {known}. "
            "Rename it to its official name, or move it out of the folder."
        )
    return codes[code]
