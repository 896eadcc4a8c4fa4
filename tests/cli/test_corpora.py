from pathlib import Path

import pytest

import emoest.datasets
from emoest._cli import main
from emoest.datasets import corpus_record, fetch_corpus, list_corpora
from emoest.datasets._fetching.sources import SOURCES, Source
from emoest.datasets._reading.corpora import CORPORA
from emoest.files.download import RemoteFile

ROOT = Path(__file__).parents[2]
GENERATED = {name for name, listed in CORPORA.items() if listed.access == "generated"}


@pytest.fixture
def meld(tmp_path, monkeypatch):
    """A source of MELD whose one file has come already."""
    monkeypatch.setenv("EMOEST_CORPORA", str(tmp_path))
    file = RemoteFile("http://127.0.0.1:9/dev_sent_emo.csv")
    monkeypatch.setitem(SOURCES, "meld", Source((file,), False, 1000, "A test."))
    part = tmp_path / ".meld-downloads" / "dev_sent_emo.csv"
    part.parent.mkdir()
    part.write_bytes(b"table")


def _states(capsys):
    assert main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return {line.split()[0]: line.split()[1] for line in lines[:-1]}, lines[-1]


def test_datasets_lists_all_corpora_with_their_state(meld, tmp_path, capsys):
    states, legend = _states(capsys)
    assert list(states) == list_corpora()
    assert states["ravdess"] == states["meld"] == "fetchable"
    assert states["iemocap"] == states["seed4"] == "licensed"
    assert states["cremad"] == states["isear"] == "fetchable"
    assert states["emotions"] == "generated"
    assert str(tmp_path) in legend
    with pytest.warns(UserWarning, match="Nobody told the digest"):
        fetch_corpus("meld", verbose=0)
    capsys.readouterr()
    assert _states(capsys)[0]["meld"] == "here"


def test_fetch_a_corpus(meld, tmp_path, capsys):
    with pytest.warns(UserWarning, match="Nobody told the digest"):
        assert main(["fetch", "meld"]) == 0
    out, err = capsys.readouterr()
    assert out == f"Ready: load_meld({str(tmp_path / 'meld')!r})\n"
    assert "License:" in err and "A test." in err
    assert (tmp_path / "meld" / "dev_sent_emo.csv").read_bytes() == b"table"


def test_fetch_with_a_folder_and_a_digest(meld, tmp_path, capsys):
    status = main(["fetch", "meld", "--sha256", "00" * 32])
    assert status == 1
    assert "expected sha256 0000" in capsys.readouterr().err
    mine = tmp_path / "mine"
    (tmp_path / ".meld-downloads").rename(tmp_path / ".mine-downloads")
    with pytest.warns(UserWarning, match="Nobody told the digest"):
        assert main(["fetch", "meld", "--folder", str(mine)]) == 0
    assert (mine / "dev_sent_emo.csv").is_file()


def test_what_cannot_be_fetched(capsys):
    assert main(["fetch", "iemocap"]) == 1
    assert "'iemocap' cannot be fetched; cremad, emodb," in capsys.readouterr().err
    assert main(["fetch", "stories"]) == 1
    assert "'stories' is generated: call emoest.datasets.make_stories" in capsys.readouterr().err
    assert main(["fetch", "nothing"]) == 1
    assert "'nothing' is unknown. There are yamnet" in capsys.readouterr().err
    assert main(["fetch", "yamnet", "--folder", "x"]) == 1
    assert "--folder and --sha256 are for corpora; 'yamnet' is none." in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(CORPORA.keys() - SOURCES.keys() - GENERATED))
def test_what_cannot_be_fetched_says_where_it_is_and_what_reads_it(name, capsys):
    assert main(["fetch", name]) == 1
    told = capsys.readouterr().err
    record, card = corpus_record(name), f"datasets_cards/{name}.md"
    for words in (record.access, record.homepage, CORPORA[name].function, card):
        assert words in told
    assert callable(getattr(emoest.datasets, CORPORA[name].function))
    assert (ROOT / card).is_file()


def test_the_list_agrees_with_the_records():
    assert list(CORPORA) == sorted(CORPORA)
    for name, listed in CORPORA.items():
        record = corpus_record(name)
        assert (record.name, record.title) == (name, listed.title)
        assert (listed.access == "generated") == record.license.startswith("Generated")
        assert (listed.access == "free") == record.access.startswith("Free download")
        assert hasattr(emoest.datasets, listed.function)
