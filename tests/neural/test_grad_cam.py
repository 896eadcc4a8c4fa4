import sys

import numpy as np
import pytest
import torch

from emoest.nets.image_classifier import ImageClassifier
from emoest.nets.image_cnn import LAYOUTS
from emoest.neural import FaceCNNClassifier, grad_cam, plot_grad_cam
from emoest.neural._grad_cam import _heat
from tests.neural.test_image_cnn import make_faces, small


@pytest.fixture(scope="module")
def model():
    return small(max_epochs=6, augment=None, image_size=32).fit(*make_faces(32, size=32))


def make_blobs(n_rows=48, size=32, seed=0):
    """Noise; in every other image something bright stands somewhere."""
    generator = np.random.RandomState(seed)
    images = generator.randint(0, 80, (n_rows, size, size))
    places = generator.randint(0, size - 8, (n_rows, 2))
    for image, (row, column) in list(zip(images, places, strict=True))[::2]:
        image[row : row + 8, column : column + 8] += 160
    return list(images.astype(np.uint8)), ["blob", "none"] * (n_rows // 2), places


def test_what_tells_the_class_is_the_warmest():
    images, y, _ = make_blobs()
    model = small(max_epochs=8, augment=None, image_size=32).fit(images, y)
    images, y, places = make_blobs(16, seed=1)
    assert model.score(images, y) >= 0.9
    inside, outside = [], []
    for (heat,), (row, column) in zip(
        grad_cam(model, images[::2], "blob"), places[::2], strict=True
    ):
        inside.append(heat[row : row + 8, column : column + 8].mean())
        outside.append(heat.mean())
    assert np.mean(inside) > 1.5 * np.mean(outside)


def test_maps_are_weighted_by_their_mean_slope_and_cut_at_zero():
    maps = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 3.0]]]])
    slopes = torch.stack([torch.full((2, 2), 2.0), torch.full((2, 2), -1.0)])[None]
    assert _heat(maps, slopes, 2).tolist() == [[[1.0, 0.0], [0.0, 0.0]]]
    assert _heat(maps, -slopes, 2).tolist() == [[[0.0, 0.0], [0.0, 1.0]]]
    assert _heat(maps, 0 * slopes, 2).tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_heat_has_the_size_of_the_images(model):
    X, _ = make_faces(3, size=32)
    cells = [X["face"][0], None, [X["face"][1], X["face"][2]]]
    with pytest.warns(UserWarning, match="no frames"):
        heat = grad_cam(model, cells)
    assert heat[1] is None
    assert heat[0].shape == (1, 32, 32) and heat[2].shape == (2, 32, 32)
    assert all(each.min() >= 0 and each.max() <= 1 for each in heat if each is not None)


def test_the_model_stays_as_it_is(model):
    X, _ = make_faces(4, size=32)
    before = model.predict_proba(X)
    grad_cam(model, X, "sad")
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert not any(module._forward_hooks for module in model.net_.module_.modules())


def test_unknown_classes_and_nets_without_maps_are_refused(model):
    X, y = make_faces(4)
    with pytest.raises(ValueError, match="target='glad' is no class of the net"):
        grad_cam(model, X, "glad")
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="last map of convolutions"):
        grad_cam(small("vit").fit(X, y), X)


@pytest.mark.parametrize("name", ["mini_xception"])
def test_other_nets_have_maps_too(name):
    X, y = make_faces(4)
    heat = grad_cam(FaceCNNClassifier(name, max_epochs=1, validation_fraction=None).fit(X, y), X)
    assert all(each.shape == (1, 64, 64) for each in heat)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_maps_are_the_finest_of_the_last_channels_and_not_negative(layout):
    net = ImageClassifier(7, layout).eval()
    seen = []
    hook = net.maps_layer.register_forward_hook(lambda *call: seen.append(call[2].clone()))
    with torch.inference_mode(), hook:
        net(torch.rand(2, 1, 48 * 48), torch.tensor([1, 1]))
    side = 48 >> (len(LAYOUTS[layout].channels) - 1)
    assert seen[0].shape == (2, LAYOUTS[layout].channels[-1], side, side)
    assert seen[0].min() == 0


def test_a_plot_has_an_axis_for_each_image(model):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    X, _ = make_faces(2, size=32)
    axes = plot_grad_cam(model, X, "sad")
    assert [ax.get_title() for ax in axes] == ["sad", "sad"]
    assert all(len(ax.images) == 2 for ax in axes)
    with pytest.raises(ValueError, match="1 axes were given for 2 samples"):
        plot_grad_cam(model, X, axes=axes[:1])
    plt.close("all")


def test_missing_matplotlib_names_the_extra(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot_grad_cam needs .*emoest\[plot\]"):
        plot_grad_cam(model, make_faces(2)[0])
