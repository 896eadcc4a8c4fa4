import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from emoest.files.download import RemoteFile, check_digest, download

CONTENT = bytes(range(256)) * 1000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        settings = self.server.settings
        asked = self.headers.get("Range")
        settings.requests.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if start and start >= len(settings.content):
            self.send_error(416)
            return
        body = settings.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if settings.stop_after is None else body[: settings.stop_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    settings = SimpleNamespace(content=CONTENT, stop_after=None, requests=[])
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.settings = settings
    settings.url = f"http://127.0.0.1:{http.server_port}/a.zip"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield settings
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_digests_of_several_algorithms(server, tmp_path, algorithm):
    path = tmp_path / "a.zip"
    digest = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    download(RemoteFile(server.url, digest), path)
    assert path.read_bytes() == CONTENT
    check_digest(path, digest, remedy="")
    with pytest.raises(
        ValueError, match=f"expected {algorithm} 00, found {digest.partition(':')[2]}"
    ):
        check_digest(path, f"{algorithm}:00", remedy="")
    server.content = CONTENT[1:]
    with pytest.raises(ValueError, match=rf"^The toy file .*corrupted.*expected {algorithm} \w+, "):
        download(RemoteFile(server.url, digest), tmp_path / "b.zip", what="toy")
    assert not (tmp_path / "b.zip").exists() and not (tmp_path / "b.zip.part").exists()


def test_only_the_size_is_known(server, tmp_path):
    with pytest.raises(ValueError, match="expected 256,001 bytes, found 256,000"):
        download(RemoteFile(server.url, size=len(CONTENT) + 1), tmp_path / "a.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip.lock"]


def test_resumed_without_a_size(server, tmp_path):
    server.stop_after = 100_000
    file = RemoteFile(server.url)
    with pytest.raises(ConnectionError, match=r"[\d,]+ of an unknown number of bytes are kept"):
        download(file, tmp_path / "a.zip", by_hand="Ask a friend.")
    kept = (tmp_path / "a.zip.part").stat().st_size
    server.stop_after = None
    download(file, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={kept}-"]


def test_a_finished_part_without_a_size(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    download(RemoteFile(server.url, hashlib.sha256(CONTENT).hexdigest()), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.requests == [f"bytes={len(CONTENT)}-"]
