"""Checkpoints of a pre-training: what it takes to go on, and what must be the same for that."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from emoest.nets.cross_modal.clips import ClipDataset
from emoest.tables.cells import is_path
from emoest.utils.messages import listed


def fingerprint(net: nn.Module, data: ClipDataset, plan: Any) -> dict[str, str]:
    """What must be the same for a training to go on from a checkpoint."""
    digest = hashlib.sha256()
    for name in sorted(data.dims):
        digest.update(np.ascontiguousarray(data.lengths[name]).tobytes())
    for cell in _first_cells(data):
        digest.update(np.ascontiguousarray(cell).tobytes())
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    about = {
        "net": hashlib.sha256(repr(sorted(shapes.items())).encode()).hexdigest(),
        "data": digest.hexdigest(),
    }
    left_out = ("checkpoint", "checkpoint_every", "rule")
    about |= {name: repr(value) for name, value in vars(plan).items() if name not in left_out}
    return {**about, "masking": repr(plan.rule)}


def _first_cells(data: ClipDataset) -> Iterator[Any]:
    for name in sorted(data.dims):
        for cell in data.cells[name]:
            if cell is not None:
                yield np.frombuffer(str(cell).encode(), np.uint8) if is_path(cell) else cell[0]


def write_checkpoint(
    path: Path,
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    state: dict[str, Any],
    of_run: dict[str, str],
) -> None:
    """Write a checkpoint under another name and rename it, so that none is ever half written."""
    content = {
        "about": json.dumps({"fingerprint": of_run, **state}),
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    torch.save(content, temporary)
    temporary.replace(path)


def read_checkpoint(
    path: Path, net: nn.Module, optimizer: torch.optim.Optimizer, *, of_run: dict[str, str]
) -> dict[str, Any]:
    """Load a checkpoint into net and optimizer, and return the rest; empty if there is none.

    Raises
    ------
    ValueError
        If the file is damaged, or of another training; the message says what differs.
    FileNotFoundError
        If its folder is not there.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r} for checkpoint=.")
    if not path.exists():
        return {}
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        about = json.loads(content["about"])
    except Exception as error:
        raise ValueError(
            f"checkpoint={str(path)!r} is no checkpoint of a pre-training, or is damaged "
            f"({error}). Delete it, or name another file."
        ) from error
    then = about.pop("fingerprint")
    if then != of_run:
        changed = [name for name in of_run if then.get(name) != of_run[name]]
        shown = [
            f"{name} was {then.get(name)} and is {of_run[name]}"
            if name not in {"net", "data"}
            else f"the {name} differ"
            for name in changed
        ]
        raise ValueError(
            f"checkpoint={str(path)!r} is one of another training: {listed(shown)}. Name another "
            "file, or fit as before."
        )
    net.load_state_dict(content["net"])
    optimizer.load_state_dict(content["optimizer"])
    rest: dict[str, Any] = about
    return rest
