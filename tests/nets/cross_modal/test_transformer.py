import shutil

import pytest
import torch

from emoest.nets.cross_modal.bert_checkpoint import read_bert
from emoest.nets.cross_modal.net import ClassificationNet, PretrainingNet
from emoest.nets.cross_modal.transformer import CrossModalTransformer, attend
from emoest.nets.layers.dropout import Dropout
from emoest.nets.weight_files.safetensors_io import read_safetensors
from tests.nets.cross_modal.helpers import bert_config, learn_pieces, make_batch, save_bert

SIZES = {"hidden_size": 16, "n_layers": 2, "n_heads": 4, "intermediate_size": 32}
DIMS = {"face": 3, "audio": 5}
LENGTHS = {"text": [6, 4, 5], "face": [4, 0, 2], "audio": [7, 3, 0]}


def make_net(dims=None, seed=0):
    torch.manual_seed(seed)
    with torch.no_grad():
        net = CrossModalTransformer(50, DIMS if dims is None else dims, **SIZES).eval()
        # Larger than at the start of training, so that a difference shows.
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net


@pytest.fixture(autouse=True)
def _restored_generator():
    before = torch.get_rng_state()
    yield
    torch.set_rng_state(before)


def row_of(frames, lengths, row):
    kept = {name: int(n[row]) for name, n in lengths.items()}
    one = {name: frames[name][row : row + 1, :n] for name, n in kept.items() if n}
    return one, {name: torch.tensor([n]) for name, n in kept.items() if n}


def test_padding_of_a_batch_changes_nothing():
    net = make_net()
    frames, lengths = make_batch(LENGTHS)
    with torch.no_grad():
        together = net.pool(net(frames, lengths)[0])
        for row in range(3):
            alone = net.pool(net(*row_of(frames, lengths, row))[0])
            torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=1e-5)


def test_states_stand_where_the_starts_say():
    net = make_net()
    frames, lengths = make_batch(LENGTHS)
    with torch.no_grad():
        states, starts = net(frames, lengths)
        assert states.shape[1] == 6 + 4 + 7
        assert starts["audio"].tolist() == [10, 4, 7]
        alone, _ = net(*row_of(frames, lengths, 1))
        torch.testing.assert_close(states[1, 4:7], alone[0, 4:7], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["text", "face", "audio"])
def test_the_order_within_a_modality_matters(name):
    net = make_net()
    frames, lengths = make_batch({"text": [6], "face": [4], "audio": [7]})
    shuffled = {**frames, name: frames[name].flip(1)}
    with torch.no_grad():
        assert not torch.allclose(net(frames, lengths)[0], net(shuffled, lengths)[0], atol=1e-3)


@pytest.mark.parametrize("name", ["face", "audio"])
def test_a_modality_of_length_zero_is_one_that_was_never_given(name):
    net = make_net()
    frames, lengths = make_batch({"text": [6, 5], "face": [4, 3], "audio": [7, 2]})
    none = {**lengths, name: torch.zeros(2, dtype=torch.int64)}
    less = {each: value for each, value in frames.items() if each != name}
    with torch.no_grad():
        expected = net(less, {each: lengths[each] for each in less})[0]
        found = net(frames, none)[0]
    for row, n in enumerate(sum(lengths[each] for each in less).tolist()):
        torch.testing.assert_close(found[row, :n], expected[row, :n], atol=1e-5, rtol=1e-5)


def test_audio_takes_the_second_type_of_text_when_there_are_no_faces():
    assert make_net({"audio": 5}).frames["audio"].types is None
    assert make_net().frames["audio"].types.weight.shape == (1, 16)
    assert make_net().frames["face"].types is None


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n_heads": 3}, "n_heads=3 does not divide"), ({"dims": {"eeg": 3}}, "eeg")],
)
def test_what_cannot_be_built_is_said(options, message):
    with pytest.raises(ValueError, match=message):
        CrossModalTransformer(10, **{"dims": {}, **SIZES, **options})


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_base_configuration_has_the_parameters_of_bert_base_and_the_new_layers():
    base = {"hidden_size": 768, "n_layers": 12, "n_heads": 12, "intermediate_size": 3072}
    with torch.device("meta"):
        net = PretrainingNet(30522, {"face": 342, "audio": 768}, 8, **base)
        classes = ClassificationNet(30522, {"face": 342, "audio": 768}, 4, **base)
    bert_base = 109_482_240
    embedders = sum(n + n * 768 + 768 + 2 * 768 + 512 * 768 + 2 * 768 for n in (342, 768)) + 768
    transform = 768 * 768 + 768 + 2 * 768
    word_head = transform + 30522
    regression = 2 * transform + 342 + 768
    emotions = transform + 768 * 8 + 8
    assert count(net.trunk) == bert_base + embedders
    assert count(net) == bert_base + embedders + word_head + regression + emotions
    head = 768 * 1536 + 1536 + 2 * 1536 + 1536 * 4 + 4
    assert count(classes) == bert_base + embedders + head


@pytest.mark.parametrize("prefix", ["bert.", ""])
def test_a_bert_computes_what_transformers_computes(tmp_path, prefix):
    transformers = pytest.importorskip("transformers")
    pieces = learn_pieces()
    save_bert(tmp_path, pieces, prefix=prefix, head=bool(prefix))
    weights = read_bert(tmp_path, bert_config(), pieces)
    net = CrossModalTransformer(pieces.vocab_size, {}, dropout=0.0, **weights.sizes).eval()
    state = {n.removeprefix("trunk."): v for n, v in weights.state.items() if "trunk" in n}
    assert net.load_state_dict(state, strict=True)
    reference = transformers.BertModel.from_pretrained(tmp_path, local_files_only=True).eval()
    frames, lengths = make_batch({"text": [6, 4]}, pieces.vocab_size)
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    with torch.no_grad():
        states, _ = net(frames, lengths)
        expected = reference(input_ids=frames["text"][..., 0].long(), attention_mask=mask)
        torch.testing.assert_close(net.pool(states), expected.pooler_output, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            states[1, :4], expected.last_hidden_state[1, :4], atol=1e-5, rtol=1e-4
        )


def test_the_words_that_a_bert_expects_are_the_words_of_its_own_head(tmp_path):
    transformers = pytest.importorskip("transformers")
    pieces = learn_pieces()
    save_bert(tmp_path, pieces)
    net = PretrainingNet(
        pieces.vocab_size, {}, dropout=0.0, **read_bert(tmp_path, bert_config(), pieces).sizes
    ).eval()
    read_bert(tmp_path, bert_config(), pieces).load_into(net)
    reference = transformers.BertForMaskedLM.from_pretrained(tmp_path, local_files_only=True)
    frames, lengths = make_batch({"text": [6]}, pieces.vocab_size)
    with torch.no_grad():
        states, _ = net.trunk(frames, lengths)
        logits = net.word_head(states, net.trunk.text.words.weight)
        expected = reference.eval()(input_ids=frames["text"][..., 0].long()).logits
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)


def test_old_names_of_normalization_are_read(tmp_path):
    from safetensors.torch import save_file

    pieces = learn_pieces()
    state = save_bert(tmp_path, pieces)
    # Tensors may be views of their file, so the old names go into another one.
    before = shutil.copytree(tmp_path, tmp_path / "before")
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in state.items()
    }
    expected = read_bert(tmp_path, bert_config(), pieces).state
    save_file(old, str(before / "model.safetensors"))
    found = read_bert(before, bert_config(), pieces).state
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "roberta"}, "another architecture .model_type='roberta'"),
        ({"hidden_act": "relu"}, "hidden_act='relu'"),
        ({"num_hidden_layers": 3}, "lacks 'encoder.layer.2.attention"),
    ],
)
def test_another_architecture_is_said(tmp_path, changes, message):
    pieces = learn_pieces()
    save_bert(tmp_path, pieces)
    with pytest.raises(ValueError, match=message):
        read_bert(tmp_path, bert_config(**changes), pieces)
    assert read_safetensors(tmp_path / "model.safetensors")


@pytest.mark.parametrize("masked", [True, False])
def test_dropout_of_attention_drops_and_keeps_the_mean(masked):
    torch.manual_seed(0)
    parts = [torch.randn(2, 3, 5, 4) for _ in range(3)]
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])[:, None, None] if masked else None
    # A rate this small keeps every weight.
    kept = attend(*parts, mask, Dropout(1e-9).train())
    expected = attend(*parts, mask, Dropout(0.5).eval())
    torch.testing.assert_close(kept, expected, atol=1e-5, rtol=1e-5)
    drawn = torch.stack([attend(*parts, mask, Dropout(0.5).train()) for _ in range(4000)])
    assert not torch.equal(drawn[0], drawn[1])
    torch.testing.assert_close(drawn.mean(dim=0), expected, atol=0.1, rtol=0.0)
