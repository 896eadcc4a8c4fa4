import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real corpora and weights; missing data skip a test, and fail it in CI."""
    folder = os.environ.get("EMOEST_TEST_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = (
        f"EMOEST_TEST_DATA={folder!r} is not a folder"
        if folder
        else "EMOEST_TEST_DATA is not set: it names the folder of real corpora and weights"
    )
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory, monkeypatch):
    """Give each test a store and a weights folder of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EMOEST_CACHE", str(folder / "store"))
    monkeypatch.setenv("EMOEST_WEIGHTS", str(folder / "weights"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _global_generator_untouched():
    """No test, and so no estimator, may move numpy's global generator."""
    before = np.random.get_state()  # noqa: NPY002
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert before[2] == after[2]
    np.testing.assert_array_equal(before[1], after[1])
