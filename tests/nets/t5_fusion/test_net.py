import copy

import numpy as np
import pytest
import torch

from emoest.nets.t5_fusion.backbones import load_t5, make_t5, tiny_config
from emoest.nets.t5_fusion.net import IGNORED, UniversalLabelNet
from tests.nets.t5_fusion.plain_unimse import (
    CHOICES,
    DIMS,
    PREFIXES,
    plain_contrast,
    plain_fusion,
    plain_lstm,
    small_batch,
    small_net,
)

LABELS = torch.tensor([[4, 3, 8, 1], [5, 6, 9, 1], [4, 1, IGNORED, IGNORED], [7, 8, 1, IGNORED]])
CONTRAST = {"audio": 0.5, "face": 0.25}


def plain_t5(net, config=None):
    """The T5 of a net without anything around it."""
    t5 = make_t5(config or tiny_config(40)).eval()
    state = {}
    for name, value in net.t5.state_dict().items():
        if ".unit." not in name:
            parts = name.split(".")
            if len(parts) > 6 and parts[5] == "layer":
                del parts[5]
            state[".".join(parts)] = value
    t5.load_state_dict(state)
    return t5


def tokens_of(frames, lengths):
    mask = torch.arange(frames["text"].shape[1]) < lengths["text"][:, None]
    return frames["text"][..., 0].long() * mask, mask


def test_identity_leaves_the_output_of_t5_as_it_is():
    frames, lengths = small_batch()
    tokens, mask = tokens_of(frames, lengths)
    net = small_net(pmf_init="identity", crop=False, n_pmf_layers=3)
    expected = plain_t5(net)(input_ids=tokens, attention_mask=mask.long(), labels=LABELS)
    hidden, _, _ = net.encode(frames, lengths)
    valid = mask[..., None]
    torch.testing.assert_close(hidden * valid, expected.encoder_last_hidden_state * valid)
    torch.testing.assert_close(net(frames, lengths, LABELS).mean(), expected.loss)
    paper = small_net(pmf_init="paper", crop=False, n_pmf_layers=3)
    assert abs(paper(frames, lengths, LABELS).mean() - expected.loss) > 0.01


@pytest.mark.parametrize("stacks", [("encoder", "decoder"), ("encoder",), ("decoder",)])
def test_a_whole_pass_against_a_t5_with_the_equations_hooked_in(stacks):
    frames, lengths = small_batch()
    tokens, mask = tokens_of(frames, lengths)
    net = small_net(crop=False, fused_stacks=stacks)
    summaries = np.array(
        [
            np.concatenate(
                [
                    plain_lstm(
                        net.summaries[name], frames[name][i].double().numpy(), lengths[name][i]
                    )[0]
                    for name in DIMS
                ]
            )
            for i in range(4)
        ]
    )
    t5 = plain_t5(net)

    def hook_for(unit):
        def hook(module, inputs, output):
            return torch.tensor(plain_fusion(unit, output.double().numpy(), summaries)).float()

        return hook

    for stack in stacks:
        for place in (1, 2):
            unit = getattr(net.t5, stack).block[place].layer[-1].unit
            getattr(t5, stack).block[place].layer[-1].register_forward_hook(hook_for(unit))
    with torch.no_grad():
        expected = t5(input_ids=tokens, attention_mask=mask.long(), labels=LABELS)
        torch.testing.assert_close(
            net(frames, lengths, LABELS).mean(), expected.loss, atol=1e-5, rtol=1e-5
        )


def test_without_units_a_signal_changes_nothing():
    frames, lengths = small_batch()
    net = small_net(use_pmf=False)
    other = {**frames, "audio": frames["audio"] + 1}
    torch.testing.assert_close(net.embed(frames, lengths), net.embed(other, lengths))
    net = small_net()
    assert not torch.allclose(net.embed(frames, lengths), net.embed(other, lengths))


@pytest.mark.parametrize("kind", ["cosine", "printed"])
def test_the_contrastive_terms_against_loops(kind):
    frames, lengths = small_batch()
    net = small_net(contrast_weights=CONTRAST, contrast=kind, contrast_layers=2)
    net.contrast_only = True
    outputs = []
    for place in (1, 2):
        layer = net.t5.encoder.block[place].layer[-1]
        layer.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    losses = net(frames, lengths, LABELS)
    expected = np.zeros(4)
    for output, project in zip(outputs, net.anchors, strict=True):
        means = [output[i, : lengths["text"][i]].mean(dim=0) for i in range(4)]
        anchors = project(torch.stack(means)).detach().double().numpy()
        for name, weight in CONTRAST.items():
            states = np.array(
                [
                    plain_lstm(
                        net.summaries[name], frames[name][i].double().numpy(), lengths[name][i]
                    )[1]
                    for i in range(4)
                ]
            )
            others = net.others[name](torch.tensor(states).float()).detach().double().numpy()
            present = lengths[name].numpy() > 0
            expected += weight * plain_contrast(anchors, others, present, kind, 0.1)
    np.testing.assert_allclose(losses.detach(), expected, atol=1e-5)


def test_the_projections_of_the_contrast_receive_gradient():
    frames, lengths = small_batch()
    net = small_net(contrast_weights=CONTRAST, finetune_layers=2).train()
    net(frames, lengths, LABELS).mean().backward()
    projections = [*net.anchors.parameters(), *net.others.parameters()]
    assert len(projections) == 2 * (3 + 2)
    assert all(each.requires_grad and each.grad.abs().sum() > 0 for each in projections)
    # The contrast is of training alone: a validation loss is that of the labels.
    net.eval()
    torch.manual_seed(0)
    assert torch.equal(
        net(frames, lengths, LABELS), small_loss_without_contrast(net, frames, lengths)
    )


def small_loss_without_contrast(net, frames, lengths):
    other = copy.deepcopy(net)
    other.weights = {}
    return other(frames, lengths, LABELS)


@pytest.mark.parametrize("trained", [0, 1, 2, "all"])
def test_only_the_last_layers_are_trained(trained):
    net = small_net(finetune_layers=trained)
    for stack in (net.t5.encoder, net.t5.decoder):
        for place, block in enumerate(stack.block):
            expected = trained == "all" or 3 - place <= trained
            for name, parameter in block.named_parameters():
                assert parameter.requires_grad == (expected or ".unit." in name), name
    assert net.t5.shared.weight.requires_grad == (trained == "all")
    assert all(parameter.requires_grad for parameter in net.summaries.parameters())


@pytest.mark.parametrize("crop", [True, False])
def test_the_decoder_sees_the_utterance_itself_or_all(crop):
    frames, lengths = small_batch()
    frames["text"][2, :, 1] = 0
    net = small_net(crop=crop)
    _, mask, seen = net.encode(frames, lengths)
    expected = mask.clone()
    if crop:
        expected[[0, 1, 3]] &= frames["text"][[0, 1, 3], :, 1] > 0
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("method", ["embed", "greedy_scores", "marginal_scores"])
def test_padding_and_other_rows_change_nothing(method):
    frames, lengths = small_batch()
    net = small_net()
    whole = getattr(net, method)(frames, lengths)
    for row in range(4):
        n = {name: max(1, int(length[row])) for name, length in lengths.items()}
        alone = getattr(net, method)(
            {name: frames[name][row : row + 1, : n[name]] for name in n},
            {name: length[row : row + 1] for name, length in lengths.items()},
        )
        torch.testing.assert_close(alone[0], whole[row], atol=1e-5, rtol=1e-5)


def test_a_text_alone_and_one_signal():
    for dims in ({}, {"face": 4}):
        frames, lengths = small_batch(dims=dims)
        assert small_net(dims).greedy_scores(frames, lengths).shape == (4, len(CHOICES))


def test_a_copy_is_a_net_of_its_own():
    frames, lengths = small_batch()
    net = small_net()
    twin = copy.deepcopy(net)
    before = net.embed(frames, lengths)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    torch.testing.assert_close(net.embed(frames, lengths), before)
    assert not torch.allclose(twin.embed(frames, lengths), before)


@pytest.mark.parametrize("kind", ["mt5", "t5-gated"])
def test_relatives_of_t5(kind):
    config = {**tiny_config(40), "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    config["model_type"] = kind.removesuffix("-gated")
    frames, lengths = small_batch()
    torch.manual_seed(0)
    net = UniversalLabelNet(config, DIMS, PREFIXES, CHOICES, pmf_init="identity", crop=False).eval()
    torch.manual_seed(1)
    other = make_t5(config).eval()
    load_t5(net.t5, other.state_dict())
    tokens, mask = tokens_of(frames, lengths)
    expected = other(input_ids=tokens, attention_mask=mask.long(), labels=LABELS).loss
    torch.testing.assert_close(net(frames, lengths, LABELS).mean(), expected)


class TestBadInput:
    @pytest.mark.parametrize("kind", ["bert", "bart", "gpt2", None])
    def test_what_is_no_t5(self, kind):
        with pytest.raises(ValueError, match=rf"layers of a T5 .* is of the kind {kind!r}"):
            make_t5({"model_type": kind})

    @pytest.mark.parametrize("name", ["n_pmf_layers", "contrast_layers"])
    def test_more_layers_than_there_are(self, name):
        with pytest.raises(ValueError, match=f"{name}=4 is more than the 3 layers"):
            small_net(**{name: 4})

    def test_weights_of_another_t5(self):
        net = small_net()
        state = make_t5({**tiny_config(40), "num_layers": 2}).state_dict()
        with pytest.raises(ValueError, match=r"not those of this T5: they lack encoder.block.2"):
            load_t5(net.t5, state)
