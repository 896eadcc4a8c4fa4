import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from emoest.utils.optional import import_optional, major_version


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"YAMNet.*'h5py'.*pip install 'emoest\[keras\]'"):
        import_optional("h5py", extra="keras", purpose="YAMNet's Keras file")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "raise RuntimeError('operator torchvision::nms does not exist')",
            r"is installed and cannot be imported: RuntimeError: operator .*nms.*reinstall",
        ),
        (
            "raise OSError('libcudart.so.12')",
            r"is installed and cannot be imported: OSError: libcudart",
        ),
        (
            "from json import no_such_name",
            r"is installed and cannot be imported: ImportError: cannot import name",
        ),
        (
            "import a_package_that_nobody_has",
            r"lacks 'a_package_that_nobody_has'.*pip install 'emoest\[face\]'",
        ),
    ],
)
def test_a_broken_package_is_not_to_be_installed(code, told, tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ImportError, match=rf"Reading faces needs .*'broken_package', which {told}"
    ) as caught:
        import_optional("broken_package", extra="face", purpose="Reading faces")
    assert caught.value.__cause__ is not None


def test_a_package_that_is_there_is_returned():
    assert import_optional("json.decoder", extra="text", purpose="A test").JSONDecoder


def test_the_first_number_of_a_version():
    assert version("torch").startswith(major_version("torch") + ".")
    with pytest.raises(PackageNotFoundError):
        major_version("no-such-package")
