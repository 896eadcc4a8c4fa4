"""`emoest cache`: look after the store of embeddings."""

import argparse
import sys
from typing import Any

from emoest._cli.shared import add_command, amount, show

_MORE = """\
Embedders keep what they computed from each item in a store on disk, so that the next fold, search
or day does not compute it again. Nothing in it is lost for good: what is removed is computed anew.

  info   lists what is there: one line for each encoder and its parameters (a recipe)
  prune  removes what was not used for --days, and the oldest until --max-gb are left
  clear  removes all of it; at a terminal it asks first (--yes does not ask)

The folder is that of the environment variable EMOEST_CACHE, else ~/.cache/emoest. Fetched corpora
and weights are not part of the store and stay.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "cache",
        _cache,
        about="look after the store of embeddings",
        more=_MORE,
        example="emoest cache prune --days 90 --max-gb 20",
    )
    parser.add_argument("action", choices=["info", "prune", "clear"])
    parser.add_argument("--days", type=amount, help="prune what was not used for so many days")
    parser.add_argument("--max-gb", type=amount, help="prune until no more GiB are left")
    parser.add_argument("--yes", action="store_true", help="clear without a question")


def _cache(arguments: argparse.Namespace) -> None:
    from emoest.files import cache_folder, store

    if arguments.action == "clear":
        agreed = arguments.yes or _agreed(store)
        removed = store.clear() if agreed else 0
        text = f"{removed} entries removed." if agreed else "Nothing was removed."
        show(arguments, {"removed": removed}, text)
        return
    if arguments.action == "prune":
        limit = None if arguments.max_gb is None else int(arguments.max_gb * 2**30)
        removed = store.prune(days=arguments.days, max_bytes=limit)
        show(arguments, {"removed": removed}, f"{removed} files removed.")
        return
    recipes = store.info()
    lines = [f"{r.folder}: {r.entries} entries, {r.size / 2**20:.1f} MB" for r in recipes]
    total = sum(recipe.size for recipe in recipes)
    lines.append(f"{cache_folder()}: {len(recipes)} recipes, {total / 2**20:.1f} MB")
    found = [{"recipe": str(r.folder), "entries": r.entries, "bytes": r.size} for r in recipes]
    show(arguments, {"folder": str(cache_folder()), "recipes": found}, "\n".join(lines))


def _agreed(store: Any) -> bool:
    """Ask before the store is cleared, at a terminal; a script has decided."""
    from emoest.files import cache_folder

    recipes = store.info()
    entries, size = sum(r.entries for r in recipes), sum(r.size for r in recipes)
    if not entries or not sys.stdin.isatty():
        return True
    print(
        f"Remove {entries} entries, {size / 2**20:.1f} MB, of {cache_folder()}? [y/N] ",
        file=sys.stderr,
        end="",
        flush=True,
    )
    try:
        return input().strip().lower() in {"y", "yes"}
    except EOFError:
        return False
