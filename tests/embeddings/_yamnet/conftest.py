import pytest
import soundfile
import torch

from emoest.embeddings import YAMNetEmbedder, unload_models
from emoest.nets.weight_files.safetensors_io import save_net
from emoest.nets.yamnet import YAMNet
from tests.embeddings._yamnet.clips import RATE, noise


class _SentinelNet(torch.nn.Module):
    """Answers with the mean level of each patch in every dimension, and counts what it sees."""

    def __init__(self):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.batches = []

    def forward(self, patches):
        self.batches.append(len(patches))
        level = patches.mean(dim=(1, 2))[:, None]
        return level.expand(-1, 1024), torch.sigmoid(level).expand(-1, 521)


@pytest.fixture
def sentinel(monkeypatch):
    """The sentinel net in the place of every YAMNet that is loaded."""
    net = _SentinelNet()
    unload_models()
    monkeypatch.setattr(YAMNetEmbedder, "_load", lambda self, path, device: net)
    yield net
    unload_models()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights whose outputs differ from patch to patch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = YAMNet()
        with torch.no_grad():
            for block in net.blocks:
                block.conv.weight.mul_((6 * block.conv.weight[0].numel()) ** 0.5)
                block.conv.weight.div_(block.conv.weight[0].numel() ** 0.5)
    return save_net(net, tmp_path_factory.mktemp("weights") / "random.safetensors")


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(3.0), RATE, subtype="FLOAT")
    return path
