import hashlib
import io
import warnings
import zipfile

import pytest

from emoest.datasets import (
    corpus_record,
    fetch_corpus,
    fetch_cremad,
    fetch_emodb,
    fetch_isear,
    fetch_meld,
    load_cremad,
    load_emodb,
    load_isear,
)
from emoest.datasets._fetching.fetch import UnverifiedDownloadWarning
from emoest.datasets._fetching.folders import corpora_folder, is_fetched
from emoest.datasets._fetching.sources import SOURCES, LargeFiles, Source
from emoest.files.archives import UnsafeArchiveError
from emoest.files.download import RemoteFile


def zip_bytes(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"sound" * 20_000)
    return buffer.getvalue()


GOOD = zip_bytes("wav/03a01Fa.wav", "wav/03a01Nc.wav")
TABLE = b"No,Utterance\n"


@pytest.fixture
def server(file_server, monkeypatch):
    """A local server of an archive (EmoDB) and three tables (MELD)."""
    names = ("train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv")
    file_server.files = {"/emodb.zip": GOOD, **{f"/{name}": TABLE for name in names}}
    url = file_server.url
    digest, table_digest = (hashlib.sha256(content).hexdigest() for content in (GOOD, TABLE))
    archive = RemoteFile(f"{url}emodb.zip", digest, len(GOOD))
    tables = tuple(RemoteFile(url + name, table_digest) for name in names)
    monkeypatch.setitem(SOURCES, "emodb", Source((archive,), True, 1_000_000, "A test."))
    monkeypatch.setitem(SOURCES, "meld", Source(tables, False, 100_000, "A test."))
    return file_server


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_table_of_sources():
    for name, source in SOURCES.items():
        assert corpus_record(name).name == name
        assert source.files and source.origin and source.max_bytes > 0
        assert len(source.files) == 1 or not source.is_archive
        for file in source.files:
            assert file.url.startswith("https://") or name == "emodb"
            if file.digest is not None:
                algorithm, _, digest = file.digest.rpartition(":")
                assert len(bytes.fromhex(digest)) == {"": 32, "md5": 16}[algorithm]
    unknown = {name for name, source in SOURCES.items() for file in source.files if not file.digest}
    assert unknown == {"cremad", "emodb", "isear"}
    assert SOURCES["ravdess"].files[0].size == 208_468_073


def test_fetches_once_and_shows_the_license(server, tmp_path, capsys):
    folder = fetch_emodb(tmp_path / "emodb", verbose=0)
    out, err = capsys.readouterr()
    assert out == ""
    for part in (corpus_record("emodb").license, "/emodb.zip", "A test.", "Cite: F. Burkhardt"):
        assert part in err
    assert names_in(folder) == [".emoest-source", "wav", "wav/03a01Fa.wav", "wav/03a01Nc.wav"]
    assert names_in(tmp_path)[0] == "emodb" and len(list(tmp_path.iterdir())) == 1
    assert fetch_emodb(tmp_path / "emodb", verbose=0) == folder
    assert len(server.requests) == 1
    assert capsys.readouterr() == ("", "")
    with warnings.catch_warnings(action="ignore"):
        _, y = load_emodb(folder, return_X_y=True)
    assert y.tolist() == ["happiness", "neutral"]


def test_the_folder(server, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_CORPORA", str(tmp_path / "corpora"))
    assert not is_fetched("emodb")
    assert fetch_emodb(verbose=0) == tmp_path / "corpora" / "emodb"
    assert is_fetched("emodb")
    monkeypatch.delenv("EMOEST_CORPORA")
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "cache"))
    assert corpora_folder() == tmp_path / "cache" / "corpora"
    assert not is_fetched("emodb")


def test_tables(server, tmp_path):
    folder = fetch_meld(tmp_path / "meld", verbose=0)
    found = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    assert found == dict.fromkeys(
        ("train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv"), TABLE
    )
    assert [path.name for path in tmp_path.iterdir()] == ["meld"]


def test_progress_is_shown(server, tmp_path, capfd):
    fetch_emodb(tmp_path / "emodb")
    assert "emodb.zip: 100%" in capfd.readouterr().err


@pytest.mark.parametrize("content", [GOOD[:-100], b"x" + GOOD[1:]], ids=["truncated", "tampered"])
def test_what_is_not_the_file(server, tmp_path, content):
    server.files["/emodb.zip"] = content
    with pytest.raises(ValueError, match=r"corrupted or truncated: expected sha256 \w{64} "):
        fetch_emodb(tmp_path / "emodb", verbose=0)
    assert not (tmp_path / "emodb").exists()
    server.files["/emodb.zip"] = GOOD
    assert is_fetched("emodb", fetch_emodb(tmp_path / "emodb", verbose=0))


def test_interrupted_and_resumed(server, tmp_path):
    server.stop_after["/emodb.zip"] = 150_000
    with pytest.raises(ConnectionError, match="bytes are kept; call again to go on"):
        fetch_emodb(tmp_path / "emodb", verbose=0)
    assert not (tmp_path / "emodb").exists()
    server.stop_after.clear()
    fetch_emodb(tmp_path / "emodb", verbose=0)
    assert server.requests[0] == ("/emodb.zip", None)
    assert server.requests[1][1].startswith("bytes=")
    assert (tmp_path / "emodb" / "wav" / "03a01Fa.wav").stat().st_size == 100_000


def test_one_table_is_not_there(server, tmp_path):
    del server.files["/test_sent_emo.csv"]
    with pytest.raises(ConnectionError, match=r"test_sent_emo\.csv.*404.*load_meld"):
        fetch_meld(tmp_path / "meld", verbose=0)
    assert not (tmp_path / "meld").exists()
    server.files["/test_sent_emo.csv"] = TABLE
    fetch_meld(tmp_path / "meld", verbose=0)
    assert [path for path, _ in server.requests].count("/train_sent_emo.csv") == 1


@pytest.mark.parametrize("name", ["../evil.wav", "/evil.wav"])
def test_a_malicious_archive(server, tmp_path, name):
    server.files["/emodb.zip"] = evil = zip_bytes("wav/03a01Fa.wav", name)
    sha256 = hashlib.sha256(evil).hexdigest()
    source = SOURCES["emodb"]
    file = RemoteFile(source.files[0].url, sha256)
    SOURCES["emodb"] = Source((file,), True, 1_000_000, "A test.")
    with pytest.raises(UnsafeArchiveError, match="outside the folder"):
        fetch_emodb(tmp_path / "emodb", verbose=0)
    assert not (tmp_path / "emodb").exists()
    assert not list(tmp_path.rglob("*evil*"))
    assert not list(tmp_path.rglob("*.zip"))


def test_an_archive_that_is_too_large(server, tmp_path):
    source = SOURCES["emodb"]
    SOURCES["emodb"] = Source(source.files, True, 199_999, "A test.")
    with pytest.raises(UnsafeArchiveError, match="more than the 199,999 bytes"):
        fetch_emodb(tmp_path / "emodb", verbose=0)
    assert not (tmp_path / "emodb").exists()


def test_an_unknown_digest(server, tmp_path):
    file = SOURCES["emodb"].files[0]
    SOURCES["emodb"] = Source((RemoteFile(file.url),), True, 1_000_000, "A test.")
    with pytest.warns(UnverifiedDownloadWarning, match=file.digest):
        fetch_emodb(tmp_path / "a", verbose=0)
    with warnings.catch_warnings(action="error"):
        fetch_emodb(tmp_path / "b", sha256=file.digest, verbose=0)
    with pytest.raises(ValueError, match="corrupted or truncated: expected sha256 0000"):
        fetch_emodb(tmp_path / "c", sha256="00" * 32, verbose=0)


def test_digests_of_the_user(server, tmp_path):
    with pytest.raises(ValueError, match="'meld' has 3 files: pass a dict"):
        fetch_meld(tmp_path / "a", sha256="00" * 32)
    with pytest.raises(ValueError, match=r"sha256 names 'a\.csv'; 'meld' has train_sent_emo"):
        fetch_meld(tmp_path / "a", sha256={"a.csv": "00" * 32})
    with pytest.raises(ValueError, match="'abc', which is no SHA-256"):
        fetch_emodb(tmp_path / "a", sha256="abc")
    with pytest.raises(ValueError, match="dev_sent_emo"):
        fetch_meld(tmp_path / "a", sha256={"dev_sent_emo.csv": "00" * 32}, verbose=0)


def test_not_over_the_users_files(server, tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="were not fetched"):
        fetch_emodb(tmp_path)
    assert names_in(tmp_path) == ["mine.txt"]
    assert server.requests == []


def test_a_corpus_that_needs_a_license():
    access = corpus_record("iemocap").access
    with pytest.raises(ValueError, match="'iemocap' cannot be fetched; cremad, ") as caught:
        fetch_corpus("iemocap")
    assert access in str(caught.value)
    with pytest.raises(ValueError, match="'nothing' is no corpus"):
        fetch_corpus("nothing")


@pytest.fixture
def cremad(file_server, monkeypatch):
    """A server of a repository of two clips in Git LFS."""
    clips = {f"{actor}_DFA_ANG_XX": b"sound" * actor for actor in (1001, 1002)}
    members = {"CREMA-D-1/SentenceFilenames.csv": "Filename\n" + "\n".join(clips)}
    for name, content in clips.items():
        digest = hashlib.sha256(content).hexdigest()
        members[f"CREMA-D-1/AudioWAV/{name}.wav"] = (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{digest}\nsize {len(content)}\n"
        )
        file_server.files[f"/media/AudioWAV/{name}.wav"] = content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    file_server.files["/1.zip"] = buffer.getvalue()
    large = LargeFiles(
        f"{file_server.url}media/", "AudioWAV", ".wav", 10_015, 2, ("SentenceFilenames.csv",)
    )
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    file = RemoteFile(f"{file_server.url}1.zip", digest)
    monkeypatch.setitem(SOURCES, "cremad", Source((file,), False, 10**6, "A test.", large))
    return file_server


def test_cremad_comes_clip_by_clip(cremad, tmp_path, capsys):
    folder = fetch_cremad(tmp_path / "cremad", verbose=0)
    err = capsys.readouterr().err
    assert "ODbL" in err and "2 files of 0.0 MB together" in err and "/media/AudioWAV" in err
    assert names_in(folder) == [
        ".emoest-source",
        "AudioWAV",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1002_DFA_ANG_XX.wav",
        "SentenceFilenames.csv",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["cremad"]
    X, y = load_cremad(folder, strict=True, return_X_y=True)
    assert X["speaker"].tolist() == ["1001", "1002"] and set(y) == {"anger"}
    cremad.requests.clear()
    assert is_fetched("cremad", fetch_cremad(folder, verbose=0))
    assert cremad.requests == []


def test_cremad_goes_on_where_it_stopped(cremad, tmp_path):
    gone = cremad.files.pop("/media/AudioWAV/1002_DFA_ANG_XX.wav")
    with pytest.raises(ConnectionError, match=r"\d of 2 files.*1002_DFA_ANG_XX.*load_cremad\."):
        fetch_cremad(tmp_path / "cremad", verbose=0)
    assert not (tmp_path / "cremad").exists()
    cremad.files["/media/AudioWAV/1002_DFA_ANG_XX.wav"] = gone
    cremad.requests.clear()
    kept = {path.name for path in tmp_path.rglob("*.wav")}
    fetch_cremad(tmp_path / "cremad", verbose=0)
    asked = {path.rpartition("/")[2] for path, _ in cremad.requests}
    assert asked == {"1001_DFA_ANG_XX.wav", "1002_DFA_ANG_XX.wav"} - kept
    assert [path.name for path in tmp_path.iterdir()] == ["cremad"]


def test_cremad_with_a_damaged_archive(cremad, tmp_path):
    good = cremad.files["/1.zip"]
    cremad.files["/1.zip"] = bad = good[:-30]
    with pytest.raises(ValueError, match="is damaged or no zip archive"):
        fetch_cremad(tmp_path / "a", sha256=hashlib.sha256(bad).hexdigest(), verbose=0)
    assert not list(tmp_path.rglob("*.zip")) and not (tmp_path / "a").exists()
    cremad.files["/1.zip"] = good
    assert is_fetched("cremad", fetch_cremad(tmp_path / "a", verbose=0))


def test_isear_is_what_its_loader_reads(file_server, monkeypatch, tmp_path):
    table = b"ID|EMOT|SIT|STATE|\n11001|2|A storm \xc3\xa1 at sea.|1|\n"
    file_server.files["/isear.csv"] = table
    file = RemoteFile(f"{file_server.url}isear.csv")
    monkeypatch.setitem(SOURCES, "isear", Source((file,), False, 10**6, "A test."))
    with pytest.warns(UnverifiedDownloadWarning, match=hashlib.sha256(table).hexdigest()):
        folder = fetch_isear(tmp_path / "isear", verbose=0)
    with warnings.catch_warnings(action="ignore"):
        X, y = load_isear(folder, return_X_y=True)
    assert X["text"].tolist() == ["A storm at sea."] and y.tolist() == ["fear"]
