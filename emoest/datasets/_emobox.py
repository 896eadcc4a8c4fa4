"""`load_emobox`: corpora of speech by the metadata of EmoBox."""

import configparser
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord
from emoest.tables.cells import object_column
from emoest.utils.constraints import LOADER, validate_arguments
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

SPEAKERS = {
    "cafe": r"(?P<speaker>[0-9]{2})-[A-Z]-[0-9]-[0-9]",
    "cremad": r"(?P<speaker>[0-9]{4})_[A-Z]{3}_[A-Z]{3}_[A-Z]{1,2}",
    "emodb": r"(?P<speaker>[0-9]{2})[a-z][0-9]{2}[A-Z][a-z]?",
    "emovo": r"[a-z]{3}-(?P<speaker>[fm][0-9])-[a-z0-9]+",
    "enterface": r"(?P<speaker>s[0-9]+)_[a-z]{2}_[0-9]",
    "iemocap": r"(?P<speaker>Ses[0-9]{2})[FM]_(?:impro|script)\w*_(?P<sex>[FM])[0-9]{3}",
    "jlcorpus": r"(?P<speaker>(?:fe)?male[0-9])_\w+",
    "oreau": r"(?P<speaker>[0-9]{2})[a-z][0-9]{2}[A-Z][a-z]?",
    "polish": r"(?P<speaker>[a-z][0-9]+)\.[a-z]_[a-z]+_[0-9]+",
    "ravdess": r"(?:[0-9]{2}-){6}(?P<speaker>[0-9]{2})",
    "savee": r"(?P<speaker>[A-Z]{2})_[a-z]{1,2}[0-9]{2}",
    "shemo": r"(?P<speaker>[FM][0-9]{2})[A-Z][0-9]{2}",
    "subesco": r"(?P<speaker>[FM]_[0-9]{2})_\w+",
    "tess": r"(?P<speaker>[OY]AF)_\w+",
    "urdu": r"(?P<speaker>S[FM][0-9]+)_F[0-9]+_[A-Z][0-9]+",
}
"""How names of files name the speaker; corpora without an entry do not, or nobody looked."""

EMOVO_LABELS = {
    "dis": "disgust",
    "gio": "happy",
    "neu": "neutral",
    "pau": "fear",
    "rab": "angry",
    "sor": "surprise",
    "tri": "sad",
}
"""EMOVO has no ``label_map.json``; its labels are the beginnings of Italian words."""

_PARTS = ("train", "valid", "test")
_FOLD = re.compile(r"fold_(?P<number>[0-9]+)")


@validate_arguments(LOADER, dataset=[str], metadata=[str, os.PathLike])
def load_emobox(
    dataset: str,
    metadata: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load a corpus of speech by its metadata in EmoBox, with the official folds.

    EmoBox lists the clips, labels and folds of 32 corpora in 14 languages; the sound comes from
    your own copy of a corpus.

    Parameters
    ----------
    dataset : str
        Name of the corpus in EmoBox, for example ``"ravdess"``; the folder of that name is read.
    metadata : str or path object
        A clone of EmoBox, its folder ``data``, or any folder that holds that of the dataset.
    folder : str or path object
        Where the sound of the corpus lies; sub-folders are searched. Files are found by their
        official names, by as much of the official path as tells files of one name apart; any
        audio or video format will do. No file is opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (EmoBox's common label, in lower case) or ``"label"`` (the corpus' own).
    strict : bool, default=False
        Whether a missing file is an error; otherwise clips without one are left out, and one
        warning counts them.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (paths), ``speaker`` where names of files tell it,
        which then is the index level ``group`` too, and the folds: ``fold``, in which a clip is
        tested, for ``evaluate(cv="fold")``; or ``split`` (train, valid, test) where there is one
        fold only, for ``cv="split"``. ``frame`` also holds ``label`` and ``seconds``.

    Raises
    ------
    FileNotFoundError
        If there is no metadata of the dataset, or no file of it, or one is missing and `strict`.
    ValueError
        If the metadata cannot be read.

    Warns
    -----
    IncompleteCorpusWarning
        If files are missing.
    UserWarning
        If labels are not in ``label_map.json``, the official folds mix speakers, or nothing names
        speakers.

    References
    ----------
    Z. Ma et al. (2024). EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and
    Benchmark. Interspeech.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "savee" / "fold_1").mkdir(parents=True)
    >>> rows = [
    ...     {"key": f"savee-{name}", "wav": f"downloads/savee/{name}.wav", "emo": name[3]}
    ...     for name in ("JE_a01", "JE_n01", "KL_a01")
    ... ]
    >>> for row in rows:
    ...     (root / Path(row["wav"]).name).touch()
    >>> lines = [json.dumps(row) for row in rows]
    >>> _ = (root / "savee" / "savee.jsonl").write_text("\n".join(lines))
    >>> _ = (root / "savee" / "label_map.json").write_text('{"a": "Angry", "n": "Neutral"}')
    >>> for part, some in (("train", lines[:2]), ("test", lines[2:])):
    ...     path = root / "savee" / "fold_1" / f"savee_{part}_fold_1.jsonl"
    ...     _ = path.write_text("\n".join(some))
    >>> X, y = load_emobox("savee", root, root, return_X_y=True)
    >>> X["speaker"].tolist(), X["split"].tolist(), y.tolist()
    (['JE', 'JE', 'KL'], ['train', 'train', 'test'], ['angry', 'neutral', 'angry'])
    """
    place = _find_metadata(dataset, Path(metadata).expanduser())
    clips = _read_clips(place)
    common = _common_labels(place, clips)
    labels = tuple(sorted(set(common.values())))
    own = tuple(sorted({str(row["emo"]) for row in clips.values()}))
    record = _record(place, labels, own)
    check_target(target, record)
    files = CorpusFolder(folder, record.title, strict)
    audio = _find_audio(clips, files)
    missing = [Path(clips[key]["wav"]).name for key in clips if key not in audio]
    if not audio:
        raise files.not_found("file", listed(missing, most=3))
    missing = files.report_missing({"audio files": missing})
    found = {key: row for key, row in clips.items() if key in audio}
    index = pd.Index(list(found), name="clip")
    frame = pd.DataFrame({"audio": object_column([audio[key] for key in found], index)})
    speakers = _speakers(place.name.lower(), found)
    if speakers:
        frame["speaker"] = speakers
    folds = _folds(place, clips)
    for name, column in folds.items():
        frame[name] = [column.get(key) for key in found]
    frame["emotion"] = [common[str(row["emo"])] for row in found.values()]
    frame["label"] = [str(row["emo"]) for row in found.values()]
    frame["seconds"] = [row.get("length") for row in found.values()]
    mixed = _describe_mixing(record.title, frame)
    if mixed:
        warn_user(mixed)
    splits = [part for part in _PARTS if "split" in frame and frame["split"].eq(part).any()]
    bunch = make_bunch(frame, record, target=target, splits=splits, missing=missing)
    if return_X_y:
        return bunch.data, bunch.target
    if mixed:
        bunch.DESCR += f"\nFolds: {mixed}"
    return bunch


def _find_metadata(dataset: str, root: Path) -> Path:
    for place in (root / dataset, root / "data" / dataset, root):
        if place.name.lower() == dataset.lower() and place.is_dir():
            return place
    inside = [root / "data", root]
    found = [path for base in inside if base.is_dir() for path in base.iterdir()]
    known = sorted({path.name for path in found if path.is_dir()})
    raise FileNotFoundError(
        f"{str(root)!r} holds no metadata of {dataset!r}: neither data/{dataset} nor {dataset} is "
        f"there, but {listed(known, most=8, quoted=True) or 'no folder'}. Pass a clone of EmoBox."
    )


def _read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Read clips by key: one JSON object a line, or one object of all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            rows = [{"key": key} | row for key, row in json.loads(text).items()]
        else:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        return {row["key"]: {"wav": row["wav"], "emo": row["emo"]} | row for row in rows}
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} is not a table of EmoBox: {error}.") from error
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} has a clip without 'key', 'wav' and 'emo' ({error})."
        ) from error


def _table(folder: Path, *stems: str) -> Path | None:
    names = [f"{stem}{suffix}" for stem in stems for suffix in (".jsonl", ".json")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _fold_tables(place: Path) -> dict[int, dict[str, dict[str, Any]]]:
    """Read the parts of every fold, by its number."""
    found = {}
    for folder in place.iterdir():
        match = _FOLD.fullmatch(folder.name)
        if match is None or not folder.is_dir():
            continue
        k = match["number"]
        paths = {
            part: _table(folder, f"{place.name}_{part}_fold_{k}", f"{place.name}_{part}_fold{k}")
            for part in _PARTS
        }
        found[int(k)] = {p: _read_rows(path) for p, path in paths.items() if path is not None}
    return dict(sorted(found.items()))


def _read_clips(place: Path) -> dict[str, dict[str, Any]]:
    path = _table(place, place.name)
    clips = {} if path is None else _read_rows(path)
    if not clips:
        # The largest tables may be absent from a clone: the folds hold the clips too.
        for parts in _fold_tables(place).values():
            for rows in parts.values():
                clips |= rows
    if not clips:
        raise FileNotFoundError(
            f"{str(place)!r} holds neither {place.name}.jsonl nor tables of folds."
        )
    return clips


def _folds(place: Path, clips: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make one column of folds, or one for each where a clip is tested in several."""
    tables = _fold_tables(place)
    if len(tables) == 1:
        parts = next(iter(tables.values()))
        return {"split": {key: part for part, rows in parts.items() for key in rows}}
    tests = {k: set(parts.get("test", {})) & set(clips) for k, parts in tables.items()}
    if not tests:
        return {}
    if sum(map(len, tests.values())) == len(set().union(*tests.values())):
        return {"fold": {key: k for k, keys in tests.items() for key in keys}}
    return {
        f"fold_{k}__split": {key: part for part, rows in parts.items() for key in rows}
        for k, parts in tables.items()
    }


def _common_labels(place: Path, clips: dict[str, dict[str, Any]]) -> dict[str, str]:
    path = place / "label_map.json"
    mapping = dict(EMOVO_LABELS) if place.name.lower() == "emovo" else {}
    if path.is_file():
        try:
            mapping = dict(json.loads(path.read_text(encoding="utf-8-sig")))
        except (json.JSONDecodeError, UnicodeDecodeError, ValueError) as error:
            raise ValueError(f"{str(path)!r} is not a table of labels: {error}.") from error
    # EmoDB's has "Neutral" where rows say "neutral".
    known = {str(own).casefold(): str(common).lower() for own, common in mapping.items()}
    counts = Counter(str(row["emo"]) for row in clips.values())
    unmapped = [f"{each} ({n} clips)" for each, n in counts.items() if each.casefold() not in known]
    if unmapped:
        why = "are not in its label_map.json" if path.is_file() else "have no label_map.json"
        warn_user(f"Labels of {place.name} {why} and stay as they are: {listed(unmapped)}.")
    return {label: known.get(label.casefold(), label.lower()) for label in counts}


def _find_audio(clips: dict[str, dict[str, Any]], files: CorpusFolder) -> dict[str, str]:
    by_stem: dict[str, list[Path]] = {}
    for path in files.paths:
        if path.suffix.lower() not in (".json", ".jsonl", ".txt", ".csv", ".md"):
            by_stem.setdefault(path.stem.lower(), []).append(path)
    found = {}
    for key, row in clips.items():
        official = Path(row["wav"])
        candidates = by_stem.get(official.stem.lower(), [])
        if candidates:
            path = max(candidates, key=lambda path: _same_end(path, official))
            found[key] = f"{path}{_fragment(row)}"
    return found


def _same_end(path: Path, official: Path) -> int:
    """Count the folders, from the file up, that two paths have in common."""
    count = 0
    for one, other in zip(reversed(path.parts[:-1]), reversed(official.parts[:-1]), strict=False):
        if one.lower() != other.lower():
            break
        count += 1
    return count


def _fragment(row: dict[str, Any]) -> str:
    if "start_time" not in row:
        return ""
    return f"#t={row['start_time']:g},{row['end_time']:g}"


def _speakers(dataset: str, clips: dict[str, dict[str, Any]]) -> list[str]:
    """Read the speaker of each clip from its name; none where not all tell."""
    pattern = SPEAKERS.get(dataset)
    stems = [Path(row["wav"]).stem for row in clips.values()]
    matches = [re.fullmatch(pattern, stem) if pattern else None for stem in stems]
    strange = [stem for stem, match in zip(stems, matches, strict=True) if match is None]
    if strange:
        warn_user(
            f"Nothing names the speakers of {dataset} ({listed(strange, most=2, quoted=True)}), so "
            "that no evaluation is speaker-independent unless you add a column 'speaker'."
        )
        return []
    return ["".join(match.groups()) for match in matches if match]


def _describe_mixing(title: str, frame: pd.DataFrame) -> str:
    """Say whether the official folds test speakers that were trained on."""
    column = next((name for name in ("fold", "split") if name in frame), None)
    if column is None or "speaker" not in frame:
        return ""
    parts = frame[column].replace("valid", "train") if column == "split" else frame[column]
    counts = parts.groupby(frame["speaker"]).nunique()
    mixed = counts.index[counts > 1].tolist()
    if not mixed:
        return ""
    return (
        f"The official folds of {title} mix speakers: {len(mixed)} of {len(counts)} are in several "
        f"({listed(mixed)}). A score on them is not speaker-independent; "
        "evaluate(cv='loso', group_column='speaker') is."
    )


def _record(place: Path, labels: tuple[str, ...], own: tuple[str, ...]) -> CorpusRecord:
    config = configparser.ConfigParser(interpolation=None)
    path = place / "corpus.cfg"
    try:
        config.read_string(path.read_text(encoding="utf-8-sig") if path.is_file() else "")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error}.") from error
    language = config.get("Corpus", "language", fallback="unknown")
    return CorpusRecord(
        name=f"emobox_{place.name}",
        title=f"{place.name} by EmoBox",
        labels={"emotion": labels, "label": own},
        modalities=("audio",),
        n_speakers=None,
        license="That of the corpus itself; EmoBox's README says MIT of its metadata.",
        access="The sound comes from the owner of the corpus.",
        homepage="https://github.com/emo-box/EmoBox",
        citation="Z. Ma et al., EmoBox, Interspeech 2024; and the corpus itself.",
        notes=f"Language: {language}.",
    )
