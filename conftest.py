"""For tests and doctests alike: nobody's own store or weights are read or written."""

import pytest


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory, monkeypatch):
    """Give each test a store and a weights folder of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EMOEST_CACHE", str(folder / "store"))
    monkeypatch.setenv("EMOEST_WEIGHTS", str(folder / "weights"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
