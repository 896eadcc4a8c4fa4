import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from emoest.utils.memory import keep_freed_memory

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is meant")
def test_freed_arrays_are_used_again():
    run = [sys.executable, "-c", SCRIPT]
    printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    before, after = map(int, printed.split())
    assert before > 6_000, "three arrays of 8 MiB fault on 2,048 pages each"
    assert after < 200
