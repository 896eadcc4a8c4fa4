import pytest
import torch

from emoest.nets.image_cnn import LAYOUTS, ImageCNN


def n_trained(net):
    return sum(parameter.numel() for parameter in net.parameters())


def n_counted(net):
    """Trained parameters, running means and variances."""
    return n_trained(net) + sum(b.numel() for b in net.buffers() if b.is_floating_point())


@pytest.mark.parametrize(
    ("layout", "trained", "counted"),
    [("cnn4", 4_474_759, 4_478_727), ("cnn4_small", 301_735, 302_759)],
)
def test_parameter_counts(layout, trained, counted):
    net = ImageCNN(7, layout=layout)
    assert (n_trained(net), n_counted(net)) == (trained, counted)


def test_counts_follow_from_the_layout():
    widths, size, n_in, expected = LAYOUTS["cnn4_small"], 32, 3, 0
    for n_out, kernel in zip(widths.channels, widths.kernels, strict=True):
        expected += n_in * n_out * kernel**2 + 3 * n_out
        n_in = n_out
    n_in *= (size // 16) ** 2
    for n_out in widths.hidden:
        expected += n_in * n_out + 3 * n_out
        n_in = n_out
    net = ImageCNN(4, layout="cnn4_small", size=size, n_channels=3)
    assert n_trained(net) == expected + n_in * 4 + 4
    assert net.n_units == n_in


def test_maps_halve_four_times():
    x, shapes = torch.zeros(2, 1, 48, 48), []
    net = ImageCNN(7).eval()
    for layer in net.convolutions:
        x = layer(x)
        if isinstance(layer, torch.nn.MaxPool2d):
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 24, 24), (128, 12, 12), (512, 6, 6), (512, 3, 3)]
    vectors, logits = net(torch.zeros(2, 1, 48, 48))
    assert (tuple(vectors.shape), tuple(logits.shape)) == ((2, 512), (2, 7))


def test_results_do_not_depend_on_the_batch():
    net = ImageCNN(7, layout="cnn4_small").eval()
    images = torch.rand(5, 1, 48, 48)
    together = net(images)[1]
    alone = torch.cat([net(image[None])[1] for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_images", [1, 3])
def test_any_batch_trains_every_parameter(n_images):
    net = ImageCNN(7, layout="cnn4_small").train()
    net(torch.rand(n_images, 1, 48, 48))[1].square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("size", [8, 15])
def test_images_that_are_too_small_are_named(size):
    with pytest.raises(ValueError, match=f"{size} x {size} pixels are too small .* at least 16"):
        ImageCNN(7, size=size)
