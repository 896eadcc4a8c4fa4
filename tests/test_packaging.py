"""One home per setting, and what is pinned is what is asked for."""

import configparser
import re
import tomllib
from pathlib import Path

import emoest

ROOT = Path(emoest.__file__).parents[1]


def requirement(line):
    return re.match(r"[A-Za-z0-9_.-]+", line).group().lower().replace("_", "-")


def read_setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_dependency_is_pinned_in_the_tested_set():
    setup = read_setup()
    wanted = setup["options"]["install_requires"].split("\n")
    for extra in setup["options.extras_require"].values():
        wanted += extra.split("\n")
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {requirement(line): line for line in pins if "==" in line}
    names = {requirement(line) for line in wanted if line} - {"emoest"}
    assert names <= set(pinned), f"not pinned: {sorted(names - set(pinned))}"
    assert pinned["torch"] == "torch==2.13.0"


def test_settings_have_one_home():
    assert not [name for name in read_setup().sections() if name.startswith("tool")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "project" not in project, "metadata live in setup.cfg"


def test_versions_agree():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version: {emoest.__version__}" in citation
    assert f"## {emoest.__version__}" in changelog


def test_precommit_runs_what_make_lint_runs():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = set(re.findall(r"entry: \.venv/bin/(.+)", hooks))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("lint: ")[2].partition("\n\n")[0]
    commands = {line.removesuffix(" .") for line in re.findall(r"\$\(BIN\)/(.+)", recipe)}
    assert entries == commands


def test_make_says_that_something_happens_while_it_installs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\n$(BIN)/python:\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in recipe.splitlines()]
    said = next(i for i, line in enumerate(lines) if line.startswith("@echo"))
    assert said < next(i for i, line in enumerate(lines) if "-m venv" in line)
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert all("--upgrade pip" in line for line in installs if "--quiet" in line)
