"""The command `emoest`: one module a command."""

from emoest._cli.program import main

__all__ = ["main"]
