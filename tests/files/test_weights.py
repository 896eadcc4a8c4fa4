import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from emoest.files import weights
from emoest.files.weights import WEIGHTS, Weights, fetch_weights, weights_folder

CONTENT = np.random.default_rng(0).bytes(300_000)


class _Handler(BaseHTTPRequestHandler):
    """Serves CONTENT as the server's settings say, and notes which ranges were asked for."""

    def do_GET(self):
        settings = self.server.settings
        asked = self.headers.get("Range")
        settings.requests.append(asked)
        if settings.status != 200:
            self.send_error(settings.status)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        start = start if settings.ranges else 0
        body = settings.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if settings.stop_after is None else body[: settings.stop_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """A local server of the weights "toy"."""
    settings = SimpleNamespace(
        content=CONTENT, status=200, ranges=True, stop_after=None, requests=[]
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.settings = settings
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    entry = Weights(
        name="toy",
        url=f"http://127.0.0.1:{http.server_port}/toy.h5",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        license="BSD-3-Clause",
        dims=3,
        source="this test",
    )
    monkeypatch.setitem(weights.WEIGHTS, "toy", entry)
    yield settings
    http.shutdown()
    thread.join()
    http.server_close()


def _left(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_the_table_is_complete():
    for name, entry in WEIGHTS.items():
        assert entry.name == name
        assert entry.url.startswith("https://")
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.size > 0
        assert entry.license
        assert entry.source
    assert WEIGHTS["yamnet"].file_name == "yamnet.h5"
    assert WEIGHTS["yamnet"].sha256.startswith("13c3308955bbfaef")
    assert len({entry.file_name for entry in WEIGHTS.values()}) == len(WEIGHTS)


def test_fetches_once(server, tmp_path):
    path = fetch_weights("toy", cache_dir=tmp_path)
    assert path == tmp_path / "toy.h5"
    assert path.read_bytes() == CONTENT
    assert fetch_weights("toy", cache_dir=tmp_path) == path
    assert server.requests == [None]
    assert _left(tmp_path) == ["toy.h5"]


def test_the_folder(server, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path / "env"))
    assert fetch_weights("toy") == tmp_path / "env" / "toy.h5"
    assert fetch_weights("toy", cache_dir=tmp_path / "arg") == tmp_path / "arg" / "toy.h5"
    monkeypatch.delenv("EMOEST_WEIGHTS")
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "cache"))
    assert weights_folder() == tmp_path / "cache" / "weights"


def test_quiet_unless_verbose(server, tmp_path, capfd):
    fetch_weights("toy", cache_dir=tmp_path / "a")
    assert capfd.readouterr() == ("", "")
    fetch_weights("toy", cache_dir=tmp_path / "b", verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "toy: 100%" in err


def test_tampered(server, tmp_path):
    server.content = b"x" + CONTENT[1:]
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(ValueError, match="corrupted or truncated") as caught:
        fetch_weights("toy", cache_dir=tmp_path)
    for part in (WEIGHTS["toy"].sha256, found, "toy.h5", WEIGHTS["toy"].url, "300,000 bytes"):
        assert part in str(caught.value)
    assert _left(tmp_path) == []


def test_a_short_file_that_the_server_takes_for_whole(server, tmp_path):
    server.content = CONTENT[:1000]
    with pytest.raises(ValueError, match=r"corrupted or truncated.*found \w{64} \(1,000 bytes\)"):
        fetch_weights("toy", cache_dir=tmp_path)
    assert _left(tmp_path) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_interrupted_and_resumed(server, tmp_path, ranges):
    server.ranges = ranges
    server.stop_after = 200_000
    with pytest.raises(ConnectionError, match=r"[\d,]+ of 300,000 bytes are kept; call again"):
        fetch_weights("toy", cache_dir=tmp_path)
    kept = (tmp_path / "toy.h5.part").stat().st_size
    assert 0 < kept <= 200_000
    assert _left(tmp_path) == ["toy.h5.part"]
    server.stop_after = None
    assert fetch_weights("toy", cache_dir=tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={kept}-"]
    assert _left(tmp_path) == ["toy.h5"]


@pytest.mark.parametrize("extra", [0, 10])
def test_a_finished_or_too_long_part(server, tmp_path, extra):
    (tmp_path / "toy.h5.part").write_bytes(CONTENT + bytes(extra))
    assert fetch_weights("toy", cache_dir=tmp_path).read_bytes() == CONTENT
    assert server.requests == ([None] if extra else [])


def test_not_on_the_server(server, tmp_path):
    server.status = 404
    with pytest.raises(ConnectionError, match="404") as caught:
        fetch_weights("toy", cache_dir=tmp_path)
    assert WEIGHTS["toy"].url in str(caught.value)


def test_offline(server, tmp_path, monkeypatch):
    offline = Weights(**{**vars(WEIGHTS["toy"]), "url": "http://127.0.0.1:9/toy.h5"})
    monkeypatch.setitem(weights.WEIGHTS, "toy", offline)
    with pytest.raises(ConnectionError) as caught:
        fetch_weights("toy", cache_dir=tmp_path)
    for part in (offline.url, str(tmp_path), "'toy.h5'", "EMOEST_WEIGHTS", "Without a network"):
        assert part in str(caught.value)


def test_a_damaged_file_in_the_folder_is_not_overwritten(server, tmp_path):
    (tmp_path / "toy.h5").write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match=r"299,999 bytes\). Delete it and fetch 'toy' again"):
        fetch_weights("toy", cache_dir=tmp_path)
    assert (tmp_path / "toy.h5").stat().st_size == 299_999
    assert server.requests == []


def test_local_paths(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(CONTENT)
    assert fetch_weights(path) == path
    assert fetch_weights(str(path), sha256=hashlib.sha256(CONTENT).hexdigest()) == path
    with pytest.raises(ValueError, match=r"mine\.safetensors.*expected sha256 0000.*found"):
        fetch_weights(path, sha256="00" * 32)


def test_unknown_names(tmp_path):
    with pytest.raises(ValueError, match=r"'yamnte' is neither.*\(.*yamnet.*\)"):
        fetch_weights("yamnte", cache_dir=tmp_path)


def test_several_at_once_download_once(server, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch_weights("toy", cache_dir=tmp_path), range(4)))
    assert set(paths) == {tmp_path / "toy.h5"}
    assert paths[0].read_bytes() == CONTENT
    assert server.requests == [None]
