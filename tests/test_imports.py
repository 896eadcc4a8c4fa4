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
    "persistence": {"utils", "tables", "files"},
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
            if node.module.partition(".")[0] == "emoest":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows_that_point_the_wrong_way():
    for path in modules():
        room = room_of(path)
        if room in FREE:
            continue
        assert room in ARROWS, f"{room} is a new room: write down what it may import"
        for name in imported(path):
            parts = name.split(".")
            inside = parts[0] == "emoest" and len(parts) > 1
            if inside and parts[1] != room and parts[1] not in ARROWS[room]:
                yield f"{path.relative_to(ROOT)} imports {name}"
            if room == "nets" and parts[0] in NOT_IN_NETS:
                yield f"{path.relative_to(ROOT)} imports {name}"


def test_imports_follow_the_arrows():
    assert len(modules()) > 200
    assert not list(arrows_that_point_the_wrong_way())


def dotted(path):
    return ".".join(["emoest", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(
        ".__init__"
    )


def test_modules_import_each_other_in_no_circle():
    known = {dotted(path): path for path in modules()}
    left = {
        module: {name for name in imported(path) if name in known and name != module}
        for module, path in known.items()
    }
    while left:
        free = [module for module, names in left.items() if not names & set(left)]
        assert free, f"these import each other, or are between such: {sorted(left)}"
        for module in free:
            del left[module]


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


def test_import_emoest_loads_nothing_but_itself():
    grown = loaded_after("import emoest") - loaded_after("import importlib, types")
    assert grown == {"emoest"}


STATEMENTS = [
    "from emoest.tables.cells import read_frames",
    "from emoest.files import Store",
    "from emoest.media import read_audio",
    "from emoest.fusion import EarlyFusionClassifier",
    "from emoest.normalization import ZScoreNormalizer",
    "from emoest.aggregation import WeightedAggregator",
    "from emoest.evaluation import evaluate",
    "from emoest.datasets import make_stories",
    "from emoest.validity import CCAValidityFilter",
    "from emoest.features import AcousticFunctionals",
    "from emoest.embeddings import YAMNetEmbedder",
    "from emoest.tuning import OptunaSearchCV",
    "from emoest.systems import make_boateng2020",
    "from emoest.persistence import load_system, save_system",
]
HEAVY = {"torch", "transformers", "sentence_transformers"}


@pytest.fixture(scope="module")
def heavy_after():
    """Run all statements one after the other, and say what heavy modules are there after each."""
    code = f"import sys\nfor line in {STATEMENTS!r}:\n    exec(line)\n"
    code += f"    print(line, *sorted({HEAVY!r} & set(sys.modules)), sep='|')"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    lines = (line.partition("|") for line in answer.stdout.splitlines())
    return {statement: heavy for statement, _, heavy in lines}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_rooms_load_no_torch(statement, heavy_after):
    assert heavy_after[statement] == ""
