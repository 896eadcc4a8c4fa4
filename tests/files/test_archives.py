import io
import stat
import tarfile
import zipfile

import pytest

from emoest.files.archives import UnsafeArchiveError, unpack


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
