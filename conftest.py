"""For tests and doctests alike: nothing is left of another test, or of whoever runs them."""

import pytest


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory, monkeypatch):
    """Give each test a store and a weights folder of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EMOEST_CACHE", str(folder / "store"))
    monkeypatch.setenv("EMOEST_WEIGHTS", str(folder / "weights"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch):
    """Let each test be warned of what a test before it was warned of on the same line."""
    monkeypatch.setattr("emoest.utils.warn._said", set())
