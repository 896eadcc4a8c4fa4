import numpy as np
import pytest
import torch

from emoest.embeddings import FaceEmbedder, unload_models
from emoest.nets import densenet, xception
from emoest.nets.weight_files.safetensors_io import save_net


def _spread(net):
    """Random weights whose outputs differ from face to face."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
    return net


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = _spread(xception.MiniXception())
    return save_net(net, tmp_path_factory.mktemp("face") / "x.safetensors")


@pytest.fixture(scope="module")
def dense_weights(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = _spread(densenet.FaceDenseNet())
    return save_net(net, tmp_path_factory.mktemp("face") / "d.safetensors")


@pytest.fixture
def wall(draw_face):
    """A picture with a face to the left, and one without."""
    empty = np.full((200, 320, 3), 90, dtype=np.uint8)
    with_face = empty.copy()
    with_face[20:180, 40:200] = draw_face(160)
    empty[::2, ::3] = 100
    return with_face, empty


@pytest.fixture
def video(tmp_path, wall):
    """Three seconds: a face in the first and the last."""
    from tests.embeddings._face.pictures import write_video

    with_face, empty = wall
    return write_video(tmp_path / "a.mp4", [with_face] * 10 + [empty] * 10 + [with_face] * 10)


@pytest.fixture
def sentinel(monkeypatch):
    """Answers with the mean level of a face, and counts what it sees."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.anchor = torch.nn.Parameter(torch.zeros(1))
            self.batches = []

        def forward(self, faces):
            self.batches.append(len(faces))
            level = faces.mean(dim=(1, 2))[:, None]
            return level.expand(-1, 128), level.expand(-1, 7)

    model = Model()
    monkeypatch.setattr(FaceEmbedder, "_load", lambda self, path, device: model)
    unload_models()
    return model
