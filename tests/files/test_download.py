import hashlib
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from emoest.files.download import RemoteFile, check_digest, download

CONTENT = bytes(range(256)) * 1000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        settings = self.server.settings
        asked, version = self.headers.get("Range"), self.headers.get("If-Range")
        settings.requests.append((asked, version))
        if settings.change is not None and len(settings.requests) > 1:
            settings.content, settings.tag = settings.change
        if settings.status is not None and len(settings.requests) > 1:
            self.send_error(settings.status)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        whole = len(settings.content)
        if settings.compares and version not in (None, settings.tag):
            start = 0
        if settings.start is not None and asked:
            start = settings.start
        if start and start >= whole:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{whole}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start and settings.says_range:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        if settings.tag is not None:
            self.send_header("ETag", settings.tag)
        self._send(settings.content[start:], settings)

    def _send(self, body, settings):
        if settings.endless:
            self.end_headers()
            # The client closes the connection.
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 << 16))
                    settings.sent += 1 << 16
        self.send_header("Content-Length", str(settings.length or len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body if settings.stop_after is None else body[: settings.stop_after])
        settings.stop_after = None

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """A local server.

    `stop_after` breaks off the first transfer; `change` is content and version from the second
    request on, `status` an error there; `compares` says whether If-Range is heeded, `says_range`
    whether Content-Range is sent, `start` from where, whatever was asked; `length` is a false
    Content-Length, `endless` sends without end.
    """
    settings = SimpleNamespace(
        content=CONTENT,
        tag='"v1"',
        stop_after=None,
        change=None,
        status=None,
        compares=True,
        says_range=True,
        start=None,
        length=None,
        endless=False,
        sent=0,
        requests=[],
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.settings = settings
    settings.url = f"http://127.0.0.1:{http.server_port}/a.zip"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield settings
    http.shutdown()
    thread.join()
    http.server_close()


def left(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def break_off(server, file, path, after=100_000):
    server.stop_after = after
    with pytest.raises(ConnectionError, match="bytes are kept; call again"):
        download(file, path)
    return path.with_name("a.zip.part").stat().st_size


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
    assert left(tmp_path) == []


def test_resumed_without_a_size(server, tmp_path):
    server.stop_after = 100_000
    file = RemoteFile(server.url)
    with pytest.raises(ConnectionError, match=r"[\d,]+ of an unknown number of bytes are kept"):
        download(file, tmp_path / "a.zip", by_hand="Ask a friend.")
    kept = (tmp_path / "a.zip.part").stat().st_size
    download(file, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.requests == [(None, None), (f"bytes={kept}-", '"v1"')]
    assert left(tmp_path) == ["a.zip"]


def test_a_finished_part_without_a_size(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    download(RemoteFile(server.url, SHA256), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.requests == [(f"bytes={len(CONTENT)}-", None)]


OTHER = CONTENT[::-1]
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER_SHA256 = hashlib.sha256(OTHER).hexdigest()


@pytest.mark.parametrize(
    ("settings", "digest", "n_requests"),
    [
        # The file changes between two calls.
        ({"change": (OTHER, '"v2"')}, OTHER_SHA256, 2),
        ({"change": (OTHER, '"v2"')}, None, 2),
        ({"change": (OTHER, '"v2"'), "compares": False}, OTHER_SHA256, 3),
        ({"change": (OTHER, '"v2"'), "compares": False}, None, 3),
        ({"change": (OTHER, None), "tag": None}, OTHER_SHA256, 3),
        ({"change": (OTHER, None), "tag": None}, None, 2),
        ({"change": (OTHER, 'W/"1"'), "tag": 'W/"1"'}, None, 2),
        ({"change": (OTHER[:200_000], '"v1"'), "compares": False}, False, 3),
        ({"change": (OTHER[:50_000], '"v1"')}, False, 3),
        # The server sends another part than the one that was asked for, or does not say which.
        ({"start": 7}, SHA256, 3),
        ({"start": 7}, None, 3),
        ({"says_range": False}, SHA256, 3),
        ({"says_range": False}, None, 3),
        ({"start": 0}, SHA256, 2),
    ],
)
def test_a_part_that_cannot_be_trusted_is_begun_anew(
    server, tmp_path, settings, digest, n_requests
):
    vars(server).update(settings)
    content = settings.get("change", (CONTENT,))[0]
    if digest is False:
        digest = hashlib.sha256(content).hexdigest()
    file = RemoteFile(server.url, digest)
    break_off(server, file, tmp_path / "a.zip")
    download(file, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == content
    assert len(server.requests) == n_requests and left(tmp_path) == ["a.zip"]


def test_a_file_of_known_size_that_changed_is_refused_at_once(server, tmp_path):
    file = RemoteFile(server.url, SHA256, len(CONTENT))
    break_off(server, file, tmp_path / "a.zip")
    server.change = (CONTENT * 2, '"v2"')
    with pytest.raises(ValueError, match=r"announces 512,000 bytes, more than 256,000, the size"):
        download(file, tmp_path / "a.zip")
    assert left(tmp_path) == []


@pytest.mark.parametrize("digest", [None, SHA256])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("how", ["endless", "length"])
def test_more_than_the_file_has_is_not_received(server, tmp_path, digest, size, how):
    server.endless, server.length = how == "endless", 10**12
    with pytest.raises(ValueError, match=r"more than 256,000, the .* What came was removed"):
        download(RemoteFile(server.url, digest, size), tmp_path / "a.zip", max_bytes=256_000)
    # What is on its way in the buffers of the system comes on top.
    assert server.sent < 100 * len(CONTENT) and left(tmp_path) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_came_is_kept_when_the_server_is_busy(server, tmp_path, status):
    file = RemoteFile(server.url, SHA256)
    kept = break_off(server, file, tmp_path / "a.zip")
    server.status = status
    with pytest.raises(ConnectionError, match=f"{kept:,} of an unknown number"):
        download(file, tmp_path / "a.zip")
    server.status = None
    download(file, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("resumed", [False, True])
def test_a_wrong_digest_leaves_nothing_behind(server, tmp_path, resumed):
    file = RemoteFile(server.url, OTHER_SHA256)
    if resumed:
        break_off(server, file, tmp_path / "a.zip")
    with pytest.raises(ValueError, match="corrupted or truncated"):
        download(file, tmp_path / "a.zip")
    assert left(tmp_path) == []
