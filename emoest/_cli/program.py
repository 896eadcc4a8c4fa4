"""From arguments to an exit status: the parser, errors in one line, interrupts."""

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import emoest
from emoest._cli.cache import add as add_cache
from emoest._cli.compare import add as add_compare
from emoest._cli.corpora import add as add_corpora
from emoest._cli.demo import add as add_demo
from emoest._cli.embed import add as add_embed
from emoest._cli.evaluate import add as add_evaluate
from emoest._cli.fetch import add as add_fetch
from emoest._cli.info import add as add_info
from emoest._cli.predict import add as add_predict
from emoest._cli.tune import add as add_tune

COMMANDS = (
    add_evaluate,
    add_predict,
    add_compare,
    add_tune,
    add_embed,
    add_corpora,
    add_fetch,
    add_info,
    add_cache,
    add_demo,
)

_STATUS = """\
exit status: 0 done; 1 an error, said in one line; 2 wrong usage; 130 interrupted. Results go to the
standard output (--json: for programs), progress and warnings to the standard error.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        0 on success, 1 after an error that the user can fix, 130 after an interrupt.

    Examples
    --------
    >>> status = main(["cache", "info"])  # doctest: +ELLIPSIS
    /...: ... recipes, ... MB
    >>> status
    0
    """
    try:
        return _run(make_parser().parse_args(argv))
    except KeyboardInterrupt as stop:
        told = str(stop) or "What was computed is kept; the same command goes on."
        print(f"Interrupted. {told}", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    try:
        with _short_warnings(arguments.command):
            arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python flushes once more when it ends.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    except (ValueError, OSError, ImportError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _is_for_users(error):
            raise
        told = " ".join(str(error).split()) or type(error).__name__
        print(f"emoest {arguments.command}: {told}", file=sys.stderr)
        return 1
    return 0


def _is_for_users(error: RuntimeError) -> bool:
    """Check for an error of emoest's own, which says what to do; any other is a bug."""
    return type(error).__module__.startswith("emoest.")


@contextmanager
def _short_warnings(command: str) -> Iterator[None]:
    """Write warnings in one line, without a line of code that the user did not write."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: (
        f"emoest {command}: warning: {' '.join(str(message).split())}\n"
    )
    try:
        yield
    finally:
        warnings.formatwarning = before


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands; it loads none of what they need.

    Examples
    --------
    >>> make_parser().parse_args(["cache", "info"]).command
    'cache'
    """
    parser = argparse.ArgumentParser(
        prog="emoest",
        description=emoest.__doc__,
        epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"emoest {emoest.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser
