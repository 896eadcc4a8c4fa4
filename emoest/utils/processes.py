"""Which process this is, and whether another one still runs."""

import os
import socket
import sys
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Name this process: host, number, and when it began, since numbers are used again.

    Examples
    --------
    >>> process_runs(this_process())
    True
    """
    return f"{socket.gethostname()} {os.getpid()} {_start(os.getpid())}"


def process_runs(name: str) -> bool | None:
    """Check whether a process that `this_process` named still runs.

    Parameters
    ----------
    name : str
        What `this_process` returned there.

    Returns
    -------
    runs : bool or None
        None where nobody can tell: on another machine, or on Windows.

    Examples
    --------
    >>> process_runs("elsewhere 1 0") is None
    True
    """
    host, _, rest = name.partition(" ")
    number, _, start = rest.partition(" ")
    if host != socket.gethostname() or sys.platform == "win32" or not number.isdigit():
        return None
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _start(int(number)) == start


def _start(number: int) -> str:
    """When a process began, as the kernel writes it; empty where there is no /proc."""
    try:
        # The name of the program, in brackets, may hold spaces.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A process that has ended and that nobody has waited for runs no more.
    return "" if fields[0] == "Z" else f"{_boot()}:{fields[19]}"


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
