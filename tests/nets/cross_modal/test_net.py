import numpy as np
import pytest
import torch

from emoest.nets.cross_modal.clips import PROBS, MaskingRule, mask_batch
from emoest.nets.cross_modal.net import TASKS, PretrainingNet, PromptNet, WordLoss
from tests.nets.cross_modal.helpers import make_batch

SIZES = {"hidden_size": 16, "n_layers": 1, "n_heads": 2, "intermediate_size": 32, "dropout": 0.0}
RULE = MaskingRule(mask_id=4, first_id=5, vocab_size=50)
LENGTHS = {"text": [6, 4, 5], "face": [16, 0, 2], "audio": [21, 3, 0]}


@pytest.fixture(autouse=True)
def _seeded():
    before = torch.get_rng_state()
    torch.manual_seed(0)
    yield
    torch.set_rng_state(before)


def clips(lengths=None):
    frames, counts = make_batch(LENGTHS if lengths is None else lengths)
    if "face" in frames:
        frames[PROBS] = frames["face"].softmax(dim=2)
        counts[PROBS] = counts["face"]
    return frames, counts


def inputs_of(task, seed=0):
    return mask_batch(task, *clips(), RULE, np.random.default_rng(seed))


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_a_loss_with_a_gradient(task):
    net = PretrainingNet(50, {"face": 3, "audio": 5}, 3, **SIZES)
    loss = net(task, **inputs_of(task))
    loss.backward()
    assert torch.isfinite(loss)
    assert net.trunk.layers[0].inner.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("task", "name"), [("mvfr", "face"), ("mafr", "audio")])
def test_the_tied_projection_gets_gradient_through_the_head(task, name):
    net = PretrainingNet(50, {"face": 3, "audio": 5}, 3, **SIZES)
    embedder = net.trunk.frames[name]
    # The embedder itself lets no gradient through, so what arrives comes from the head.
    embedder.inner_norm.requires_grad_(False)
    embedder.inner_norm.weight.zero_()
    net(task, **inputs_of(task)).backward()
    assert embedder.project.weight.grad.abs().sum() > 0


def test_the_tied_word_table_gets_gradient_of_words_that_are_not_in_the_text():
    net = PretrainingNet(50, {}, **SIZES)
    frames, lengths = make_batch({"text": [6, 4]}, vocab_size=20)
    net("wwmlm", **mask_batch("wwmlm", frames, lengths, RULE, np.random.default_rng(1))).backward()
    assert net.trunk.text.words.weight.grad[45].abs().sum() > 0


def test_losses_are_means_over_steps_and_dimensions():
    net = PretrainingNet(50, {"face": 3, "audio": 5}, 3, **SIZES).eval()
    inputs = inputs_of("mvfr")
    with torch.no_grad():
        states, starts = net.trunk(inputs["frames"], inputs["lengths"], {"face": inputs["hidden"]})
        rows, steps = inputs["selected"].nonzero(as_tuple=True)
        chosen = states[rows, starts["face"][rows] + steps]
        transformed = net.regression["face"].transform(chosen)
        weight, bias = net.trunk.frames["face"].project.weight, net.regression["face"].bias
        expected = ((transformed @ weight + bias - inputs["target"]) ** 2).mean()
        torch.testing.assert_close(net("mvfr", **inputs), expected)
        emotions = inputs_of("mvfc_kl")
        states, starts = net.trunk(
            emotions["frames"], emotions["lengths"], {"face": emotions["hidden"]}
        )
        rows, steps = emotions["selected"].nonzero(as_tuple=True)
        log_p = net.emotion_head(states[rows, starts["face"][rows] + steps]).log_softmax(1)
        q = emotions["target"]
        expected = (q * (q.log() - log_p)).sum() / (len(q) * 3)
        torch.testing.assert_close(net("mvfc_kl", **emotions), expected)


@pytest.mark.parametrize("task", TASKS)
def test_only_the_modality_of_the_task_is_masked(task):
    frames, lengths = clips()
    before = {name: value.clone() for name, value in frames.items()}
    inputs = mask_batch(task, frames, lengths, RULE, np.random.default_rng(0))
    assert set(inputs["frames"]) == {"text", "face", "audio"}
    for name, value in inputs["frames"].items():
        assert torch.equal(frames[name], before[name])
        assert torch.equal(value, before[name]) == (name != TASKS[task])
    counts = inputs["selected"].sum(dim=1)
    assert ((counts > 0) == (lengths[TASKS[task]] > 0)).all()
    assert len(inputs["target"]) == counts.sum()


def test_targets_are_what_was_there_before_it_was_masked():
    frames, _ = clips()
    for task, name in TASKS.items():
        inputs = inputs_of(task)
        source = frames[PROBS] if task == "mvfc_kl" else frames[name]
        target = source[inputs["selected"]]
        assert torch.equal(inputs["target"], target[:, 0].long() if name == "text" else target)


def test_a_batch_without_the_modality_has_no_task():
    frames, lengths = clips({"text": [6], "face": [0], "audio": [0]})
    for task in ("mafr", "mvfr", "mvfc_kl"):
        assert mask_batch(task, frames, lengths, RULE, np.random.default_rng(0)) is None
    frames, lengths = clips({"text": [2], "face": [3], "audio": [2]})
    assert mask_batch("wwmlm", frames, lengths, RULE, np.random.default_rng(0)) is None


def test_faces_without_distributions_take_no_part_in_their_task():
    frames, lengths = clips({"text": [4, 4], "face": [5, 5], "audio": [2, 2]})
    lengths[PROBS] = torch.tensor([5, 0])
    inputs = mask_batch("mvfc_kl", frames, lengths, RULE, np.random.default_rng(0))
    assert inputs["selected"].any(dim=1).tolist() == [True, False]


def make_prompt(scope):
    torch.manual_seed(0)
    return PromptNet(50, {"audio": 5}, [6, 7, 8], 4, scope, **SIZES).eval()


def prompt_batch():
    frames, lengths = make_batch({"text": [6, 4], "audio": [3, 0]})
    frames["text"][0, 4, 0] = frames["text"][1, 1, 0] = 4
    return frames, lengths


def test_the_word_at_the_mask_is_asked_for_among_the_label_words():
    frames, lengths = prompt_batch()
    with torch.no_grad():
        labels, vocab = (make_prompt(scope)(frames, lengths) for scope in ("labels", "vocab"))
    assert labels.shape == vocab.shape == (2, 3)
    torch.testing.assert_close(labels.softmax(1), vocab.softmax(1))
    # Among all pieces the label words have less than the whole probability.
    assert (vocab.exp().sum(dim=1) < 1).all()


def test_the_loss_over_the_vocabulary_is_the_cross_entropy_of_all_pieces():
    net = make_prompt("vocab")
    frames, lengths = prompt_batch()
    with torch.no_grad():
        states, starts = net.trunk(frames, lengths)
        logits = net.word_head(states[[0, 1], [4, 1]], net.trunk.text.words.weight)
        target = torch.tensor([2, 0])
        expected = torch.nn.functional.cross_entropy(logits, torch.tensor([8, 6]), reduction="none")
        torch.testing.assert_close(WordLoss()(net(frames, lengths), target), expected)
    assert starts["text"].tolist() == [0, 0]
