import hashlib
import io
import threading
import warnings
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from emoest.datasets import corpus_record, fetch_corpus, fetch_emodb, fetch_meld, load_emodb
from emoest.datasets._fetch import UnverifiedDownloadWarning, corpora_folder, is_fetched
from emoest.datasets._sources import SOURCES, Source
from emoest.utils.download import RemoteFile, UnsafeArchiveError


def zip_bytes(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"sound" * 20_000)
    return buffer.getvalue()


GOOD = zip_bytes("wav/03a01Fa.wav", "wav/03a01Nc.wav")
TABLE = b"No,Utterance\n"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        settings = self.server.settings
        settings.requests.append((self.path, self.headers.get("Range")))
        if self.path not in settings.files:
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        body = settings.files[self.path][start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if settings.stop_after is None else body[: settings.stop_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """A local server of an archive (EmoDB) and three tables (MELD)."""
    names = ("train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv")
    settings = SimpleNamespace(
        files={"/emodb.zip": GOOD, **{f"/{name}": TABLE for name in names}},
        stop_after=None,
        requests=[],
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.settings = settings
    url = f"http://127.0.0.1:{http.server_port}/"
    digest, table_digest = (hashlib.sha256(content).hexdigest() for content in (GOOD, TABLE))
    archive = RemoteFile(f"{url}emodb.zip", digest, len(GOOD))
    tables = tuple(RemoteFile(url + name, table_digest) for name in names)
    monkeypatch.setitem(SOURCES, "emodb", Source((archive,), True, 1_000_000, "A test."))
    monkeypatch.setitem(SOURCES, "meld", Source(tables, False, 100_000, "A test."))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield settings
    http.shutdown()
    thread.join()
    http.server_close()


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
                assert file.size
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
    server.stop_after = 150_000
    with pytest.raises(ConnectionError, match="bytes are kept; call again to go on"):
        fetch_emodb(tmp_path / "emodb", verbose=0)
    assert not (tmp_path / "emodb").exists()
    server.stop_after = None
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
    with pytest.raises(ValueError, match="'iemocap' cannot be fetched; emodb, ") as caught:
        fetch_corpus("iemocap")
    assert access in str(caught.value)
    with pytest.raises(ValueError, match="'nothing' is no corpus"):
        fetch_corpus("nothing")
