import hashlib
import threading
import zipfile

import pytest

from emoest.datasets._fetching import git_lfs as _large_files
from emoest.datasets._fetching.git_lfs import copy_tables, download_all, read_pointers
from emoest.datasets._fetching.sources import LargeFiles
from emoest.files.download import RemoteFile

LARGE = LargeFiles("http://127.0.0.1:9/", "AudioWAV", ".wav", 6, 2, ("names.csv",))
CLIPS = {f"{number}.wav": bytes([number]) * 100_000 for number in range(12)}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(_large_files, "BACKOFF", 0.0)


def pointer(content):
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def write_archive(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def archive(tmp_path):
    return write_archive(
        tmp_path / "repository.zip",
        {
            "CREMA-D-1/AudioWAV/1001_DFA_ANG_XX.wav": pointer(b"abc"),
            "CREMA-D-1/AudioWAV/1002_DFA_ANG_XX.wav": pointer(b"defg"),
            "CREMA-D-1/AudioMP3/1001_DFA_ANG_XX.mp3": pointer(b"x"),
            "CREMA-D-1/AudioWAV/README.md": "Sound.",
            "CREMA-D-1/names.csv": "Filename\n",
        },
    )


def test_pointers_tell_digest_size_and_address(archive):
    files = read_pointers(archive, LARGE)
    assert list(files) == ["1001_DFA_ANG_XX.wav", "1002_DFA_ANG_XX.wav"]
    file = files["1002_DFA_ANG_XX.wav"]
    assert file.url == "http://127.0.0.1:9/AudioWAV/1002_DFA_ANG_XX.wav"
    assert (file.digest, file.size) == (hashlib.sha256(b"defg").hexdigest(), 4)


def test_tables_are_copied(archive, tmp_path):
    copy_tables(archive, LARGE, tmp_path)
    assert (tmp_path / "names.csv").read_text() == "Filename\n"
    write_archive(archive, {"CREMA-D-1/other.csv": ""})
    with pytest.raises(ValueError, match=r"has no 'names\.csv'"):
        copy_tables(archive, LARGE, tmp_path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a/AudioWAV/1.wav": b"RIFF" * 1000}, r"'a/AudioWAV/1\.wav' .* is no pointer of Git LFS"),
        ({"a/AudioWAV/1.wav": pointer(b"").replace("sha256", "md5")}, "is no pointer"),
        ({"a/AudioWAV/1.wav": pointer(b"") + "more"}, "is no pointer"),
        ({"a/AudioWAV/..\\1.wav": pointer(b"")}, "whose name is none of a clip"),
        ({"a/b.txt": ""}, r"has no file like '\*/AudioWAV/\*\.wav'"),
        ({"a/AudioWAV/../1.wav": pointer(b"")}, "has no file like"),
    ],
)
def test_other_members_are_refused(tmp_path, members, message):
    with pytest.raises(ValueError, match=message):
        read_pointers(write_archive(tmp_path / "a.zip", members), LARGE)


def test_damaged_archives(archive):
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(ValueError, match="is damaged or no zip archive"):
        read_pointers(archive, LARGE)


@pytest.fixture
def clips(file_server):
    """Twelve clips of a server, as pointers describe them."""
    file_server.files = {f"/{name}": content for name, content in CLIPS.items()}
    return {
        name: RemoteFile(file_server.url + name, hashlib.sha256(content).hexdigest(), len(content))
        for name, content in CLIPS.items()
    }


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.wav")}


def test_all_come_a_few_at_a_time_with_progress(file_server, clips, tmp_path, capfd):
    # Each answer waits until three are asked for.
    file_server.gate = threading.Barrier(3)
    download_all(clips, tmp_path, corpus="cremad", connections=3, verbose=1)
    assert contents(tmp_path) == CLIPS
    assert file_server.most_open == 3
    assert "cremad: 100%" in capfd.readouterr().err


def test_what_is_here_and_whole_is_not_asked_for(file_server, clips, tmp_path):
    (tmp_path / "3.wav").write_bytes(CLIPS["3.wav"])
    (tmp_path / "4.wav").write_bytes(CLIPS["3.wav"])
    download_all(clips, tmp_path, corpus="cremad")
    assert contents(tmp_path) == CLIPS
    assert sorted(path for path, _ in file_server.requests) == sorted(
        f"/{name}" for name in CLIPS if name != "3.wav"
    )


def test_a_clip_that_breaks_off_is_continued(file_server, clips, tmp_path):
    file_server.stop_after["/5.wav"] = 70_000
    download_all(clips, tmp_path, corpus="cremad")
    assert contents(tmp_path) == CLIPS
    ranges = [asked for path, asked in file_server.requests if path == "/5.wav"]
    assert ranges[0] is None and ranges[1].startswith("bytes=")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(file_server, clips, tmp_path, status):
    file_server.errors["/7.wav"] = [status, status]
    download_all(clips, tmp_path, corpus="cremad")
    assert contents(tmp_path) == CLIPS
    assert [path for path, _ in file_server.requests].count("/7.wav") == 3


def test_a_server_that_stays_busy_is_given_up(file_server, clips, tmp_path):
    file_server.errors["/7.wav"] = [503] * 9
    with pytest.raises(ConnectionError, match="503"):
        download_all(clips, tmp_path, corpus="cremad")
    asked = [path for path, _ in file_server.requests].count("/7.wav")
    assert asked == _large_files.RETRIES + 1


def test_a_clip_that_is_not_there_is_named_and_the_others_kept(file_server, clips, tmp_path):
    del file_server.files["/11.wav"]
    message = r"of 12 files of cremad are here and kept; call again.*11\.wav.*404.*Ask a friend\."
    with pytest.raises(ConnectionError, match=message):
        download_all(clips, tmp_path, corpus="cremad", by_hand="Ask a friend.", connections=1)
    assert [path for path, _ in file_server.requests].count("/11.wav") == 1
    kept = len(contents(tmp_path))
    assert kept > 0
    file_server.requests.clear()
    file_server.files["/11.wav"] = CLIPS["11.wav"]
    download_all(clips, tmp_path, corpus="cremad")
    assert len(file_server.requests) == 12 - kept
    assert contents(tmp_path) == CLIPS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff" * 100_000, r"2\.wav\.part' is corrupted or truncated: expected sha"),
        (
            pointer(CLIPS["2.wav"]).encode(),
            r"2\.wav\.part' is corrupted or truncated: expected sha",
        ),
        (CLIPS["2.wav"] * 50, r"2\.wav announces 5,000,000 bytes, more than 100,000"),
    ],
    ids=["tampered", "the pointer itself", "too large"],
)
def test_what_is_not_the_clip_is_refused(file_server, clips, tmp_path, content, message):
    file_server.files["/2.wav"] = content
    with pytest.raises(ValueError, match=message):
        download_all(clips, tmp_path, corpus="cremad")
    assert not (tmp_path / "2.wav").exists()
    assert not (tmp_path / "2.wav.part").exists()
    assert all(CLIPS[name] == content for name, content in contents(tmp_path).items())
