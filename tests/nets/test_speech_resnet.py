"""ResNet34 with statistics pooling."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from emoest.nets.speech_resnet import BLOCKS, EmotionHead, ResNetTrunk, SpeechResNet

LAYOUTS = ("speaker", "imagenet")


@pytest.fixture(autouse=True)
def _generator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def shifted(net):
    """Give every batch normalization shifts, scales and running statistics of its own."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, std=0.5)
            nn.init.normal_(module.running_mean, std=0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net


def small_net(layout="speaker", **settings):
    return shifted(SpeechResNet(24, 4, layout=layout, channels=4, hidden_size=16, **settings))


def ragged(lengths=(37, 5, 64, 1), n_mels=24, extra=0):
    """Spectra with NaN behind their ends."""
    lengths = torch.tensor(lengths)
    frames = torch.randn(len(lengths), int(lengths.max()) + extra, n_mels)
    behind = torch.arange(frames.shape[1]) >= lengths[:, None]
    return frames.masked_fill(behind[:, :, None], torch.nan), lengths


def n_parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


def plain_trunk(trunk, frames):
    """The trunk on one clip without padding, written out with torch's functions."""
    state = trunk.state_dict()

    def conv(maps, name, stride=1):
        kernel = state[f"{name}.weight"]
        return functional.conv2d(maps, kernel, stride=stride, padding=kernel.shape[3] // 2)

    def norm(maps, name):
        keys = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(maps, *(state[f"{name}.{key}"] for key in keys))

    wide = trunk.layout == "imagenet"
    maps = norm(conv(frames.T[None, None], "conv1", 2 if wide else 1), "bn1").relu()
    maps = functional.max_pool2d(maps, 3, 2, 1) if wide else maps
    for i, n_blocks in enumerate(BLOCKS):
        for j in range(n_blocks):
            name, stride = f"layer{i + 1}.{j}", 2 if i and not j else 1
            out = norm(conv(maps, f"{name}.conv1", stride), f"{name}.bn1").relu()
            out = norm(conv(out, f"{name}.conv2"), f"{name}.bn2")
            if stride == 2:
                maps = norm(conv(maps, f"{name}.shortcut.0", 2), f"{name}.shortcut.1")
            maps = (out + maps).relu()
    return maps[0].flatten(0, 1).T


@pytest.mark.parametrize(
    ("layout", "n_mels", "expected"), [("speaker", 80, 5_323_360), ("imagenet", 80, 21_278_400)]
)
def test_trunk_has_the_parameters_of_the_published_nets(layout, n_mels, expected):
    with torch.device("meta"):
        assert n_parameters(ResNetTrunk(n_mels, layout)) == expected


@pytest.mark.parametrize("n_mels", [80, 64, 40])
def test_pooled_vector_has_the_published_size(n_mels):
    with torch.device("meta"):
        net = SpeechResNet(n_mels, 4)
    assert net.head.linear.in_features == 64 * n_mels


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_mels", [1, 7, 24])
def test_rows_are_what_a_plain_net_gives_them_alone(layout, n_mels):
    trunk = shifted(ResNetTrunk(n_mels, layout, channels=4)).eval()
    frames, lengths = ragged(n_mels=n_mels)
    with torch.inference_mode():
        out, left = trunk(frames, lengths)
        for row, n in enumerate(lengths.tolist()):
            alone = plain_trunk(trunk, frames[row, :n])
            assert left[row] == len(alone)
            assert alone.shape[1] == trunk.n_dims
            torch.testing.assert_close(out[row, : left[row]], alone, rtol=1e-5, atol=1e-5)
            assert out[row, left[row] :].abs().sum() == 0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("extra", [1, 8, 64])
def test_padding_never_changes_logits(layout, extra):
    net = small_net(layout).eval()
    frames, lengths = ragged()
    more = functional.pad(frames, (0, 0, 0, extra), value=torch.nan)
    with torch.inference_mode():
        logits = net(frames, lengths)
        torch.testing.assert_close(net(more, lengths), logits, rtol=0, atol=1e-5)
        for row, n in enumerate(lengths.tolist()):
            alone = net(frames[row : row + 1, :n], lengths[row : row + 1])
            torch.testing.assert_close(alone[0], logits[row], rtol=0, atol=1e-5)
    assert logits.std(dim=0).min() > 1e-3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_padding_never_changes_what_is_learned(layout):
    net = small_net(layout, dropout=0.0).train()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    frames, lengths = ragged()
    found = []
    for extra in (0, 64):
        net.load_state_dict(state)
        net.zero_grad()
        more = functional.pad(frames, (0, 0, 0, extra))
        functional.cross_entropy(net(more, lengths), torch.arange(4)).backward()
        gradients = torch.cat([p.grad.flatten() for p in net.parameters()])
        found.append((gradients, net.trunk.layer1[0].bn1.running_var.clone()))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert found[0][0].isfinite().all()
    assert found[0][0].abs().max() > 1e-3


def test_a_row_without_frames_is_answered_and_disturbs_nobody():
    net = small_net().eval()
    frames, lengths = ragged((9, 0))
    logits = net(frames, lengths)
    torch.testing.assert_close(logits[:1], net(frames[:1], lengths[:1]), rtol=0, atol=1e-5)
    torch.testing.assert_close(logits[1], net.head(torch.zeros(1, 2 * net.trunk.n_dims))[0])
    net.train()(frames, lengths).sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 24), (3, 1, 5), (1, 2, 80)])
def test_short_clips_and_batches_of_one_can_be_learned_from(layout, shape):
    n_rows, n_frames, n_mels = shape
    net = SpeechResNet(n_mels, 3, layout=layout, channels=2, hidden_size=4).train()
    logits = net(torch.randn(shape), torch.full((n_rows,), n_frames))
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_silence_gives_finite_logits():
    net = small_net().eval()
    assert net(torch.zeros(1, 50, 24), torch.tensor([50])).isfinite().all()


def test_masks_are_drawn_in_training_only():
    net, plain = small_net(specaugment="SS", dropout=0.0), small_net(dropout=0.0)
    plain.load_state_dict(net.state_dict())
    frames, lengths = torch.randn(8, 60, 24), torch.full((8,), 60)
    torch.testing.assert_close(net.eval()(frames, lengths), plain.eval()(frames, lengths))
    assert (net.train()(frames, lengths) - plain.train()(frames, lengths)).abs().max() > 1e-3


@pytest.mark.parametrize("n_trained", [None, 0, 1, 4])
def test_what_is_frozen_neither_learns_nor_counts(n_trained):
    net = small_net(n_trained=n_trained).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    frames, lengths = ragged()
    functional.cross_entropy(net(frames, lengths), torch.arange(4)).backward()
    optimizer.step()
    changed = {
        name.partition(".")[2].partition(".")[0] if name.startswith("trunk") else "head"
        for name, value in net.state_dict().items()
        if not torch.equal(value, before[name])
    }
    stages = ["layer1", "layer2", "layer3", "layer4"]
    expected = {"head"} | set(stages[4 - n_trained :] if n_trained is not None else stages)
    assert changed == (expected | {"conv1", "bn1"} if n_trained is None else expected)


def test_embed_is_the_vector_before_the_last_layer():
    net = small_net().eval()
    frames, lengths = ragged()
    vectors = net.embed(frames, lengths)
    assert vectors.shape == (4, net.n_units)
    torch.testing.assert_close(net.head.out(vectors), net(frames, lengths))


def test_half_precision_stays_close():
    net = small_net().eval()
    frames, lengths = ragged()
    logits = net(frames, lengths)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = net(frames, lengths).float()
        net.train()(frames, lengths).float().sum().backward()
    assert (half - logits).abs().max() < 0.1 * logits.abs().max()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_head_drops_units_in_training():
    head = EmotionHead(6, 2, hidden_size=50, dropout=0.5).train()
    vectors = torch.randn(8, 6)
    assert not torch.equal(head(vectors), head(vectors))
    assert torch.equal(head.eval()(vectors), head(vectors))


def test_unknown_layout_is_named():
    with pytest.raises(ValueError, match="layout='resnet'"):
        ResNetTrunk(80, "resnet")
