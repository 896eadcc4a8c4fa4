"""Import arrows point one way, and importing emoest is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import emoest

ROOT = Path(emoest.__file__).parent

ARROWS = {
    "utils": set(),
    "tables": {"utils"},
    "files": {"utils", "tables"},
    "media": {"utils", "tables", "files"},
    "nets": {"utils", "tables"},
    "aggregation": {"utils", "tables"},
    "normalization": {"utils", "tables"},
    "validity": {"utils", "tables"},
    "multioutput": {"utils", "tables"},
    "testing": {"utils", "tables"},
    "evaluation": {"utils", "tables", "files"},
    "fusion": {"utils", "tables", "normalization"},
    "tuning": {"utils", "tables", "evaluation"},
    "neural": {"utils", "tables", "files", "media", "nets"},
    "features": {"utils", "tables", "files", "media"},
    "datasets": {"utils", "tables", "files", "media", "multioutput"},
    "embeddings": {"utils", "tables", "files", "media", "nets", "features"},
}
FREE = {"systems", "_cli", "__init__"}
NOT_IN_NETS = {"sklearn", "skorch", "pandas"}


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def modules():
    return sorted(ROOT.rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module == "emoest":
                yield from (f"emoest.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_arrows(path):
    room = room_of(path)
    if room in FREE:
        return
    assert room in ARROWS, f"{room} is a new room: write down what it may import"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "emoest" and len(parts) > 1:
            assert parts[1] == room or parts[1] in ARROWS[room], f"{path} imports {name}"
        if room == "nets":
            assert parts[0] not in NOT_IN_NETS, f"{path} imports {name}"


def test_private_names_of_scikit_learn_come_through_one_door():
    for path in modules():
        if path == ROOT / "utils" / "_sklearn.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn"):
                private = [a.name for a in node.names if a.name.startswith("_")]
                private += [part for part in node.module.split(".") if part.startswith("_")]
                assert not private, f"{path} imports {private} from {node.module}"


def loaded_after(statement):
    code = f"{statement}\nimport sys\nprint(*sorted(m.partition('.')[0] for m in sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.split())


def test_import_emoest_loads_nothing_heavy():
    assert not loaded_after("import emoest") & {"torch", "transformers", "sklearn", "pandas"}


@pytest.mark.parametrize(
    "statement",
    [
        "from emoest.fusion import EarlyFusionClassifier",
        "from emoest.normalization import ZScoreNormalizer",
        "from emoest.aggregation import WeightedAggregator",
        "from emoest.evaluation import evaluate",
        "from emoest.datasets import make_stories",
        "from emoest.validity import CCAValidityFilter",
        "from emoest.features import AcousticFunctionals",
        "from emoest.embeddings import YAMNetEmbedder",
        "from emoest.tuning import OptunaSearch",
        "from emoest.systems import make_boateng2020",
    ],
)
def test_rooms_load_no_torch(statement):
    assert not loaded_after(statement) & {"torch", "transformers", "sentence_transformers"}


def test_import_emoest_is_quick():
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import emoest"],
        capture_output=True,
        text=True,
        check=True,
    )
    microseconds = int(answer.stderr.splitlines()[-1].split("|")[1])
    assert microseconds < 700_000
