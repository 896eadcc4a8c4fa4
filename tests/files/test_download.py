import hashlib
import io
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from emoest.files.download import (
    RemoteFile,
    UnsafeArchiveError,
    check_digest,
    download,
    find_digest,
    unpack,
)

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
    assert find_digest(path, algorithm) == digest.partition(":")[2]
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


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def tar_member(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_unpacks(tmp_path, make):
    archive = make(tmp_path / "a", [("x/1.txt", b"one"), ("x/y/2.txt", b"two"), ("3..txt", b"")])
    folder = unpack(archive, tmp_path / "new" / "folder")
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    assert found == {"x/1.txt": b"one", "x/y/2.txt": b"two", "3..txt": b""}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["folder"]


def test_permissions_are_not_taken_over(tmp_path):
    info = tarfile.TarInfo("run")
    info.mode = 0o4777
    folder = unpack(make_tar(tmp_path / "a", [(info, b"x")]), tmp_path / "folder")
    assert (folder / "run").stat().st_mode & 0o6111 == 0


@pytest.mark.parametrize(
    ("make", "member", "message"),
    [
        (make_zip, "../evil.txt", "outside the folder"),
        (make_zip, "x/../../evil.txt", "outside the folder"),
        (make_zip, "/evil.txt", "outside the folder"),
        (make_zip, "C:/evil.txt", "outside the folder"),
        (make_zip, "..\\evil.txt", "outside the folder"),
        (make_zip, "x\\..\\..\\evil.txt", "outside the folder"),
        (make_zip, zip_link("link"), "a link or a device"),
        (make_tar, "../evil.txt", "outside the folder"),
        (make_tar, "/evil.txt", "outside the folder"),
        (make_tar, tar_member("link", tarfile.SYMTYPE, "/etc"), "a link or a device"),
        (make_tar, tar_member("link", tarfile.LNKTYPE, "good.txt"), "a link or a device"),
        (make_tar, tar_member("pipe", tarfile.FIFOTYPE), "a link or a device"),
        (make_tar, tar_member("tty", tarfile.CHRTYPE), "a link or a device"),
    ],
)
def test_refuses_what_would_leave_the_folder(tmp_path, make, member, message):
    archive = make(tmp_path / "a", [("good.txt", b"good"), (member, b"")])
    with pytest.raises(UnsafeArchiveError, match=message):
        unpack(archive, tmp_path / "sub" / "folder")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "sub"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_refuses_a_name_twice(tmp_path, make):
    archive = make(tmp_path / "a", [("good.txt", b"good"), ("good.txt", b"evil")])
    with pytest.raises(UnsafeArchiveError, match=r"'good\.txt' twice"):
        unpack(archive, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_limits(tmp_path, make):
    archive = make(tmp_path / "a", [("1", bytes(60_000)), ("2", bytes(60_000))])
    with pytest.raises(UnsafeArchiveError, match="more than the 100,000 bytes"):
        unpack(archive, tmp_path / "folder", max_bytes=100_000)
    with pytest.raises(UnsafeArchiveError, match="has 2 members; 1 are allowed"):
        unpack(archive, tmp_path / "folder", max_members=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    unpack(archive, tmp_path / "folder", max_bytes=120_000, max_members=2)


def test_a_zip_that_lies_about_its_size(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("bomb", bytes(500_000))])
    content = path.read_bytes().replace((500_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        unpack(path, tmp_path / "folder", max_bytes=1000)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_truncated_archive(tmp_path, make):
    import numpy as np

    archive = make(tmp_path / "a", [("1", np.random.default_rng(0).bytes(200_000))])
    archive.write_bytes(archive.read_bytes()[:100_000])
    with pytest.raises(ValueError, match=r"a' is damaged or no zip or tar archive"):
        unpack(archive, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_not_over_something(tmp_path):
    archive = make_zip(tmp_path / "a", [("1", b"")])
    (tmp_path / "folder").mkdir()
    unpack(archive, tmp_path / "folder")
    with pytest.raises(FileExistsError, match="not empty"):
        unpack(archive, tmp_path / "folder")
