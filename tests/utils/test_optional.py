import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from emoest.utils.optional import import_optional, major_version


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"YAMNet.*'h5py'.*pip install 'emoest\[keras\]'"):
        import_optional("h5py", extra="keras", purpose="YAMNet's Keras file")


def test_a_package_that_is_there_is_returned():
    assert import_optional("json.decoder", extra="text", purpose="A test").JSONDecoder


def test_the_first_number_of_a_version():
    assert version("torch").startswith(major_version("torch") + ".")
    with pytest.raises(PackageNotFoundError):
        major_version("no-such-package")
