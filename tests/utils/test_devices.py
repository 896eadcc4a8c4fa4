import os
import platform
import subprocess
import sys

import pytest

from emoest.utils.devices import resolve_device

SCRIPT = """
import resource
import numpy as np
from emoest.utils.devices import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        arrays = [np.ones(2**20) for _ in range(3)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
keep_freed_memory()
faults()
print(first, faults())
"""


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:1") == "cuda:1"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert resolve_device("auto") == "cpu"


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "is no device of torch"), ("cuda", "torch finds no CUDA device")],
)
def test_a_device_that_is_not_there_is_named(monkeypatch, device, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match=message):
        resolve_device(device)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is meant")
def test_freed_arrays_are_used_again():
    run = [sys.executable, "-c", SCRIPT]
    # Dask leaves a setting of the allocator to the processes that follow.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    printed = subprocess.run(run, check=True, capture_output=True, text=True, env=env).stdout
    before, after = map(int, printed.split())
    assert before > 6_000, "three arrays of 8 MiB fault on 2,048 pages each"
    assert after < 200
