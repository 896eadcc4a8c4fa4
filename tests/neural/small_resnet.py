"""A small ResNet of spectra, and the weights of a trunk for it."""

import torch

from emoest.nets.speech_resnet import ResNetTrunk
from emoest.neural import SpeechResNetClassifier, TrunkWeights

SMALL = {
    "channels": 2,
    "hidden_size": 8,
    "lr": 0.02,
    "max_epochs": 3,
    "validation_fraction": None,
    "random_state": 0,
}


def small(**settings):
    return SpeechResNetClassifier(**{**SMALL, **settings})


def make_trunk(channels=2, n_mels=8, speakers=("s1", "s2"), seed=5):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trunk = ResNetTrunk(n_mels, channels=channels)
        for value in trunk.buffers():
            if value.is_floating_point():
                torch.nn.init.uniform_(value, 0.5, 1.5)
    return TrunkWeights.of(trunk, speakers=speakers)
