import subprocess
import sys

import pytest

CODE = """
import torch
from torch import backends
from emoest.embeddings._precision import exact_inference

OPERATIONS = [
    backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn,
    backends.mkldnn.matmul, backends.mkldnn.conv,
]

def state():
    return [operation.fp32_precision for operation in OPERATIONS]

{setting}
before = state()
try:
    with exact_inference():
        assert set(state()) <= {{"ieee", "none"}}, state()
        assert torch.is_inference_mode_enabled()
        product = torch.ones(2, 2) @ torch.ones(2, 2)
        raise ZeroDivisionError
except ZeroDivisionError:
    assert state() == before, (before, state())
    assert not torch.is_inference_mode_enabled()
"""


@pytest.mark.parametrize(
    "setting",
    [
        "torch.set_float32_matmul_precision('medium'); backends.cudnn.allow_tf32 = True",
        "backends.fp32_precision = 'tf32'",
    ],
)
def test_full_precision_inside_and_the_setting_given_back(setting):
    command = [sys.executable, "-c", CODE.format(setting=setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
