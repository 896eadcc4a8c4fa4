import pytest
import torch

from emoest.nets.image_classifier import GRAY_SCALES, GRAY_SIZES, ImageClassifier, resize_images

pytest.importorskip("transformers")

TINY_VIT = {
    "model_type": "vit",
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": 16,
    "patch_size": 8,
    "num_channels": 3,
}
TINY_RESNET = {
    "model_type": "resnet",
    "embedding_size": 8,
    "hidden_sizes": [8, 16],
    "depths": [1, 1],
    "layer_type": "basic",
    "num_channels": 3,
}


def pixels(n, net, seed=0):
    n_dims = net.shape[0] * net.shape[1] ** 2
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, n_dims), generator=generator).float()


def make(model, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ImageClassifier(5, model, **settings)


NETS = [
    *((name, {"size": size}) for name, size in GRAY_SIZES.items()),
    ("mini_xception", {"size": 48}),
    ("transformers", {"size": 24, "n_channels": 3, "config": TINY_VIT}),
    ("transformers", {"size": 32, "n_channels": 3, "config": TINY_RESNET}),
    ("transformers", {"size": 32, "n_channels": 1, "config": TINY_RESNET}),
]


@pytest.mark.parametrize(("model", "settings"), NETS)
def test_every_net_classifies_embeds_and_trains(model, settings):
    net = make(model, **settings)
    rows, lengths = pixels(3, net), torch.ones(3, dtype=torch.int64)
    net.eval()
    logits = net(rows, lengths)
    assert logits.shape == (3, 5) and net.embed(rows, lengths).shape == (3, net.n_units)
    torch.testing.assert_close(logits.exp().sum(dim=1), torch.ones(3))
    alone = torch.cat([net(row[None], lengths[:1]) for row in rows])
    torch.testing.assert_close(alone, logits, atol=1e-4, rtol=1e-4)
    net.train()(rows, lengths)[:, 0].sum().backward()
    assert net.net.head.weight.grad is not None if hasattr(net.net, "head") else True


def test_images_change_in_training_only():
    net = make("cnn4_small", augment="strong", dropout=0.0)
    rows, lengths = pixels(4, net), torch.ones(4, dtype=torch.int64)
    net.eval()
    assert torch.equal(net(rows, lengths), net(rows, lengths))
    plain = make("cnn4_small", dropout=0.0)
    assert torch.equal(net(rows, lengths), plain.eval()(rows, lengths))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        changed = net.train()(rows, lengths)
    assert not torch.allclose(changed, plain.train()(rows, lengths))


def test_a_frozen_encoder_stays_as_it_is():
    net = make("transformers", size=32, n_channels=3, config=TINY_RESNET, frozen=True).train()
    before = {name: value.clone() for name, value in net.net.encoder.state_dict().items()}
    net(pixels(4, net), torch.ones(4, dtype=torch.int64))[:, 0].sum().backward()
    assert all(torch.equal(before[name], v) for name, v in net.net.encoder.state_dict().items())
    trained = [name for name, value in net.named_parameters() if value.grad is not None]
    assert trained == ["net.head.weight", "net.head.bias"]


def test_the_state_of_an_encoder_holds_no_scale():
    net = make("transformers", size=24, n_channels=3, config=TINY_VIT, scale=[[0.1] * 3, [0.2] * 3])
    assert not [name for name in net.state_dict() if name.endswith((".mean", ".std"))]
    assert net.net.mean.flatten().tolist() == pytest.approx([0.1] * 3)


@pytest.mark.parametrize("model", GRAY_SIZES)
def test_gray_values_are_scaled_as_is_said(model):
    net = make(model, size=GRAY_SIZES[model]).eval()
    same = make(model, size=GRAY_SIZES[model], scale=[*GRAY_SCALES[model]]).eval()
    mean, std = GRAY_SCALES[model]
    darker = make(model, size=GRAY_SIZES[model], scale=[mean / 2, std / 2]).eval()
    rows, lengths = pixels(3, net), torch.ones(3, dtype=torch.int64)
    assert torch.equal(net(rows, lengths), same(rows, lengths))
    torch.testing.assert_close(darker(rows / 2, lengths), net(rows, lengths), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("model", GRAY_SIZES)
@pytest.mark.parametrize(
    "scale", [[0.0, 0.0], [0.0, -1.0], [float("nan"), 1.0], [0.0, float("inf")]]
)
def test_a_scale_of_gray_values_is_finite_and_positive(model, scale):
    with pytest.raises(ValueError, match="a mean and a deviation above 0"):
        ImageClassifier(3, model, size=GRAY_SIZES[model], scale=scale)


def test_resizing_averages_and_leaves_what_fits():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert resize_images(image, 4) is image
    assert float(resize_images(image, 2).mean()) == pytest.approx(7.5)
    assert resize_images(image, (2, 8)).shape == (1, 1, 2, 8)
