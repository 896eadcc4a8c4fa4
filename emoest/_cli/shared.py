"""What all commands share: their parsers, JSON, places to write to."""

import argparse
import ast
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Rooms are imported where they are used, so that `emoest --version` does not wait for torch.


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    *,
    about: str,
    example: str,
    more: str = "",
    aliases: tuple[str, ...] = (),
) -> argparse.ArgumentParser:
    """Add the parser of one command, with ``--json`` and an example in its help.

    Examples
    --------
    >>> commands = argparse.ArgumentParser().add_subparsers()
    >>> parser = add_command(commands, "info", print, about="show", example="emoest info")
    >>> "example:" in parser.format_help()
    True
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        aliases=aliases,
        description=f"{about[0].upper()}{about[1:]}.\n\n{more}".rstrip(),
        epilog="example:\n" + "\n".join(f"  {line}" for line in example.splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of text")
    parser.set_defaults(run=run, parser=parser)
    return parser


def show(arguments: argparse.Namespace, value: Any, text: str) -> None:
    """Write a result to the standard output: `value` as JSON, or `text`.

    Examples
    --------
    >>> show(argparse.Namespace(json=True), {"uar": float("nan")}, "UAR: unknown")
    {
     "uar": null
    }
    """
    print(as_json(value) if arguments.json else text)


def note(arguments: argparse.Namespace, text: str) -> None:
    """Write what happens: beside the result where that is JSON, before it where it is text."""
    print(text, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def as_json(value: Any) -> str:
    """Write a value as JSON that every program reads: what is no number is null.

    Examples
    --------
    >>> as_json(float("inf"))
    'null'
    """
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)


def records(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a DataFrame as dicts, its index first where it has a name."""
    named = any(name is not None for name in table.index.names)
    found: list[dict[str, Any]] = (table.reset_index() if named else table).to_dict("records")
    return found


def assignment(text: str) -> tuple[str, Any]:
    """Read ``NAME=VALUE``; what is no literal of Python is a text.

    Examples
    --------
    >>> assignment("C=0.1"), assignment("classifier=svm"), assignment("masks=False")
    (('C', 0.1), ('classifier', 'svm'), ('masks', False))
    """
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def whole(least: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `least` on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on.")
        return number

    return read


def amount(text: str) -> float:
    """Read a finite number from 0 on.

    Examples
    --------
    >>> amount("1.5")
    1.5
    """
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no finite number from 0 on.")
    return number


def check_writable(*paths: Path | None) -> None:
    """Make the folders of files that will be written, before hours are spent on what goes there.

    Raises
    ------
    OSError
        If a file of that name cannot be written.
    """
    for path in paths:
        if path is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"{str(path.parent)!r} cannot be written into.")
        if path.exists() and not path.is_dir() and not os.access(path, os.W_OK):
            raise PermissionError(f"{str(path)!r} cannot be written.")
