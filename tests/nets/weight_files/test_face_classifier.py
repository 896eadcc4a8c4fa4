import json

import pytest
import torch

from emoest.nets.image_classifier import GRAY_SIZES, ImageClassifier
from emoest.nets.weight_files.face_classifier import read_face_classifier
from emoest.nets.weight_files.safetensors_io import write_safetensors


def write(path, model="cnn4_small", classes=("a", "b", "c"), **learned):
    """Write a file as FaceCNNClassifier does, of a net that learned nothing."""
    params = {"n_outputs": 3, "model": model, "size": 32, "n_channels": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ImageClassifier(**params).eval()
    known, chosen = ({"values": list(each), "dtype": "<U1"} for each in ("abc", classes))
    said = {"module_params_": params, "net_classes_": known, "classes_": chosen, **learned}
    metadata = {"class": "FaceCNNClassifier", "learned": json.dumps(said)}
    state = {**net.state_dict(), "column_means/face": torch.zeros(32**2)}
    write_safetensors({name: value.clone() for name, value in state.items()}, path, metadata)
    return net


def pixels():
    return torch.randint(0, 256, (4, 32**2), generator=torch.Generator().manual_seed(0)).float()


@pytest.mark.parametrize("model", GRAY_SIZES)
def test_the_net_of_a_file_is_that_which_was_written(tmp_path, model):
    net = write(tmp_path / "a.safetensors", model, _seen_groups=["s1", 2])
    file = read_face_classifier(tmp_path / "a.safetensors")
    assert (file.classes, file.places) == (("a", "b", "c"), (0, 1, 2))
    assert (file.n_units, file.seen_groups) == (net.n_units, ("s1", 2))
    loaded = file.load(tmp_path / "a.safetensors")
    with torch.no_grad():
        expected, found = net.classify(pixels()), loaded.classify(pixels())
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert not loaded.training
    assert next(iter(loaded.parameters())).dtype == torch.float32


@pytest.mark.parametrize(("classes", "places"), [("bc", (1, 2)), ("ca", (2, 0)), ("b", (1,))])
def test_probabilities_are_those_of_the_chosen_classes(tmp_path, classes, places):
    write(tmp_path / "a.safetensors", classes=classes)
    file = read_face_classifier(tmp_path / "a.safetensors")
    assert (file.classes, file.places) == (tuple(classes), places)
    logits = torch.tensor([[0.1, 0.2, 0.7]]).log()
    odds = torch.tensor([[0.1, 0.2, 0.7]])[:, list(places)]
    torch.testing.assert_close(file.probabilities(logits), odds / odds.sum())


def test_a_default_of_double_precision_changes_nothing(tmp_path):
    write(tmp_path / "a.safetensors")
    file = read_face_classifier(tmp_path / "a.safetensors")
    torch.set_default_dtype(torch.float64)
    try:
        net = file.load(tmp_path / "a.safetensors")
    finally:
        torch.set_default_dtype(torch.float32)
    assert {value.dtype for value in net.parameters()} == {torch.float32}
