import numpy as np
import pytest


@pytest.fixture(scope="session")
def yamnet_file(tmp_path_factory):
    """A YAMNet with random weights, saved as its own safetensors file."""
    import torch

    from emoest.nets.weight_files.safetensors_io import save_net
    from emoest.nets.yamnet import YAMNet
    from emoest.utils.seeds import torch_seed

    path = tmp_path_factory.mktemp("yamnet") / "yamnet.safetensors"
    with torch_seed(0):
        net = YAMNet()
        for parameter in net.parameters():
            if parameter.ndim > 1:
                torch.nn.init.kaiming_normal_(parameter)
    save_net(net, path)
    return path


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def _one_store_for_all(shared_store, monkeypatch):
    """Systems are slow to embed for; here they share a store, as a user's runs do."""
    monkeypatch.setenv("EMOEST_CACHE", str(shared_store))


@pytest.fixture(scope="session")
def stories(tmp_path_factory):
    """A small corpus of stories: 18 speakers, three stories each."""
    from emoest.datasets import make_stories

    folder = tmp_path_factory.mktemp("stories")
    X, y = make_stories(
        folder,
        n_speakers=18,
        target=["arousal", "valence"],
        chunk_seconds=1.5,
        missing={"text": 0.1},
        random_state=3,
        return_X_y=True,
    )
    assert len(X) == 54 and X["text"].isna().any()
    assert np.unique(X["speaker"]).size == 18
    return X, y
