"""What a file of a system says of itself, and the checks of its archive before anything is read."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from emoest.utils.messages import listed, printable

FORMAT = 1
RECORD, CARD, SCHEMA = "emoest.json", "README.md", "schema.json"

# A record and its card are a few kilobytes.
_LARGEST_TEXT = 2**24
_ENCRYPTED = 1


@dataclass(frozen=True)
class SystemRecord:
    """What stands in a file of `save_system` beside the model.

    Parameters
    ----------
    kind : str
        Class of the model.
    saved : str
        The day when it was saved, ``YYYY-MM-DD``.
    versions : dict of str to str
        Versions of Python and of the libraries that it was saved with.
    weights : list of dict
        Pretrained weights that it needs and does not hold: ``encoder`` (class), ``name`` (as the
        encoder was given it) and ``sha256``.
    columns : list of str
        Columns of X that it was fitted on; empty if they had no names.
    classes : list
        What it tells apart; empty for continuous targets.
    n_groups : int or None
        How many speakers (groups) it was fitted on; None where nothing named them.
    untrusted : list of str
        Types that `load_system` loads only if they are named in ``trusted=``.
    card : str
        The card, Markdown.
    """

    kind: str
    saved: str
    versions: dict[str, str]
    weights: list[dict[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    classes: list[Any] = field(default_factory=list)
    n_groups: int | None = None
    untrusted: list[str] = field(default_factory=list)
    card: str = ""

    def to_json(self) -> str:
        """Return all but the card as JSON.

        Returns
        -------
        text : str
            An object with a member a field.
        """
        values = {name: value for name, value in asdict(self).items() if name != "card"}
        return json.dumps({"format": FORMAT} | values, indent=1, ensure_ascii=False)


def read_record(path: str | os.PathLike[str]) -> SystemRecord:
    """Read what a file of `save_system` says of itself; the model in it is not loaded.

    Parameters
    ----------
    path : str or path object
        The file.

    Returns
    -------
    record : SystemRecord

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not what `save_system` writes, is damaged, or is of a later format.

    Examples
    --------
    >>> read_record("setup.cfg")
    Traceback (most recent call last):
        ...
    ValueError: 'setup.cfg' is not a file that save_system writes: File is not a zip file.
    """
    with opened_system(path) as (_, archive):
        return record_of(archive, path)


@contextmanager
def opened_system(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, ZipFile]]:
    """Open a file of a system as bytes and as an archive, of whose members none is larger than it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such archive.
    """
    shown = repr(os.fspath(path))
    with open(Path(path).expanduser(), "rb") as file:
        try:
            archive = ZipFile(file)
        except (BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise ValueError(
                f"{shown} is not a file that save_system writes: {str(error).rstrip('.')}."
            ) from error
        with archive:
            _check_members(archive, file, shown)
            yield file, archive


def _check_members(archive: ZipFile, file: BinaryIO, shown: str) -> None:
    """Refuse what unpacks to more than the file is: compressed, overlapping or doubled members."""
    members = archive.infolist()
    names = [member.filename for member in members]
    for needed in (SCHEMA, RECORD, CARD):
        if needed not in names:
            raise ValueError(
                f"{shown} is not a file that save_system writes: it holds no {needed}. Files of "
                "other programs are read by skops.io.load."
            )
    packed = [each.filename for each in members if each.compress_type != ZIP_STORED]
    locked = [each.filename for each in members if each.flag_bits & _ENCRYPTED]
    whole = sum(each.file_size for each in members)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    told = ""
    if packed or locked:
        told = f"{listed(packed or locked)} is {'compressed' if packed else 'encrypted'}"
    elif len(set(names)) < len(names):
        told = "it holds two members of one name"
    elif whole > size:
        told = f"its members claim {whole} bytes, and the file has {size}"
    if told:
        raise ValueError(
            f"{shown} is not a file that save_system writes: {told}. It may have been made to fill "
            "the memory; nothing of it was loaded."
        )


def record_of(archive: ZipFile, path: str | os.PathLike[str]) -> SystemRecord:
    """Read the record of an open archive; errors are those of `read_record`."""
    shown = repr(os.fspath(path))
    try:
        sizes = {name: archive.getinfo(name).file_size for name in (RECORD, CARD)}
        if max(sizes.values()) > _LARGEST_TEXT:
            raise ValueError("its record is too large")
        values = json.loads(archive.read(RECORD).decode("utf-8"))
        card = archive.read(CARD).decode("utf-8")
        version = values.pop("format")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{shown} is damaged: {type(error).__name__}: {error}.") from error
    except BadZipFile as error:
        raise ValueError(f"{shown} is damaged: {type(error).__name__}: {error}.") from error
    known = {each.name for each in fields(SystemRecord)}
    if version != FORMAT or set(values) - known:
        raise ValueError(
            f"{shown} is of format {printable(version)}, and this emoest reads format {FORMAT}. "
            f"Load it with the emoest that wrote it: {_writer(values)}."
        )
    try:
        return _checked(SystemRecord(card=card, **values))
    except (TypeError, KeyError) as error:
        raise ValueError(f"{shown} is damaged: {error}.") from error


def _writer(values: dict[str, Any]) -> str:
    versions = values.get("versions")
    return printable(versions.get("emoest") if isinstance(versions, dict) else "unknown")


def _checked(record: SystemRecord) -> SystemRecord:
    """Raise TypeError where a value is of a kind that no record has."""
    texts = [record.kind, record.saved, record.card, *record.columns, *record.untrusted]
    texts += [*record.versions.keys(), *record.versions.values()]
    for weights in record.weights:
        texts += [weights["encoder"], weights["name"], weights["sha256"]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("its record holds what is no text")
    if not isinstance(record.classes, list) or not isinstance(record.n_groups, int | None):
        raise TypeError("its record has other classes or groups than a model can have")
    return record
