"""Checkpoints of a pre-training: what it takes to go on, and what must be the same for that."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from emoest.nets.cross_modal.clips import ClipDataset
from emoest.utils.messages import listed


def checkpoint_path(given: Any) -> Path | None:
    """Path of a checkpoint as it is given.

    Examples
    --------
    >>> checkpoint_path("a.ckpt").name
    'a.ckpt'
    """
    return None if given is None else Path(given).expanduser()


_HASHED = {
    "net": "the net or its first weights differ",
    "data": "the data differ",
    "scales": "the scales of the frames differ",
    "tokenizer": "the tokenizer differs",
}
"""What is compared by its hash, as messages call it."""


def fingerprint(
    net: nn.Module, data: ClipDataset, plan: Any, about: Mapping[str, Any]
) -> dict[str, str]:
    """What must be the same for a training to go on from a checkpoint.

    Parameters
    ----------
    net : Module
        The net before its first step.
    data : ClipDataset
        The clips; all of their frames are read.
    plan : Plan
        How it is trained.
    about : mapping
        Parameters of the net that its weights do not show, and the ``tokenizer`` as text.

    Returns
    -------
    of_run : dict of str to str
    """
    left_out = ("checkpoint", "checkpoint_every", "compiled_by", "rule")
    planned = {name: repr(value) for name, value in vars(plan).items() if name not in left_out}
    scales = [
        np.stack([scale.mean, scale.std]).tobytes() for _, scale in sorted(data.scales.items())
    ]
    return {
        "net": _hash(_parts_of_net(net)),
        "data": _hash(_parts_of_data(data)),
        "scales": _hash([repr(sorted(data.scales)).encode(), *scales]),
        **{name: repr(value) for name, value in about.items()},
        "tokenizer": _hash([str(about.get("tokenizer")).encode()]),
        **planned,
        "masking": repr(plan.rule),
    }


def _hash(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        # With its length, so that no two lists of parts are the same bytes.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts_of_net(net: nn.Module) -> Iterator[bytes]:
    for name, value in sorted(net.state_dict().items()):
        yield f"{name} {tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().numpy().tobytes()


def _parts_of_data(data: ClipDataset) -> Iterator[bytes]:
    for name in sorted(data.dims):
        yield f"{name} {data.dims[name]}".encode()
        yield np.ascontiguousarray(data.lengths[name]).tobytes()
        for row in range(len(data)):
            frames = data.read(name, row)
            yield b"" if frames is None else np.ascontiguousarray(frames).tobytes()


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
    content, about = _open(path)
    then = about.pop("fingerprint")
    if then != of_run:
        changed = [name for name in of_run if then.get(name) != of_run[name]]
        shown = [
            _HASHED[name]
            if name in _HASHED
            else f"{name} was {then.get(name)} and is {of_run[name]}"
            for name in changed
        ]
        raise ValueError(
            f"checkpoint={str(path)!r} is one of another training: {listed(shown)}. Name another "
            "file (each fold of a cross-validation needs one of its own), or fit as before."
        )
    net.load_state_dict(content["net"])
    optimizer.load_state_dict(content["optimizer"])
    rest: dict[str, Any] = about
    return rest


def seed_of_checkpoint(path: Path | None, fresh: int) -> int:
    """Seed of the training that a checkpoint is of; `fresh` if there is none.

    Raises
    ------
    ValueError
        If the file is damaged or no checkpoint.

    Examples
    --------
    >>> seed_of_checkpoint(None, 7)
    7
    """
    if path is None or not path.exists():
        return fresh
    return int(_open(path)[1]["fingerprint"]["seed"])


def _open(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open a checkpoint: all of it, and what is no tensor."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        about = json.loads(content["about"])
    except Exception as error:
        raise ValueError(
            f"checkpoint={str(path)!r} is no checkpoint of a pre-training, or is damaged "
            f"({error}). Delete it, or name another file."
        ) from error
    return content, about
