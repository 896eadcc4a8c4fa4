import subprocess
import sys

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


SETTINGS = [
    "torch.set_float32_matmul_precision('medium'); backends.cudnn.allow_tf32 = True",
    "backends.fp32_precision = 'tf32'",
]


def test_full_precision_inside_and_the_setting_given_back():
    """Two processes, at the same time: torch refuses a mixture of its two interfaces."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE.format(setting=setting)], stderr=subprocess.PIPE, text=True
        )
        for setting in SETTINGS
    ]
    for process in running:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
