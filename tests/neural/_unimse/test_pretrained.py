"""A T5 of a folder, whose tokenizer splits words into pieces of unequal number."""

import json
import shutil

import numpy as np
import pytest
import torch

from emoest.nets.t5_fusion.backbones import make_t5, tiny_config
from emoest.neural import UniMSEClassifier, UniMSERegressor
from emoest.neural._unimse.tokens import (
    LabelWriter,
    encode_transcript,
    folder_tokenizer,
    read_tokenizer,
)
from tests.neural._unimse.unimse_tables import FAST, make_emotions, make_scores

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SMALL = {**FAST, "max_epochs": 1, "av_hidden": 8, "bottleneck": 8, "pmf_init": "identity"}
SMALL |= {"n_pmf_layers": 2, "contrast_layers": 2}
CLASSES = np.array(["joy", "sadness"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small T5 with a tokenizer of sentence pieces (Unigram), as `save_pretrained` writes it."""
    tokenizers = pytest.importorskip("tokenizers")
    path = tmp_path_factory.mktemp("t5")
    texts = [*make_emotions(64)[0]["text"], "positive , neutral , negative , sst2 sentence :"]
    texts += ["-0123456789.", "joy", "sadness", "frustration frustrated excited"]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=90, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path / "tokenizer.json"))
    torch.manual_seed(0)
    t5 = make_t5(tiny_config(tokenizer.get_vocab_size()))
    t5.save_pretrained(path)
    return path


def of_two_lengths(y):
    return np.where(y == "joy", CLASSES[0], CLASSES[1]).astype(object)


def test_the_pieces_of_fields_are_the_first_pieces_of_labels(folder):
    tokenizer = read_tokenizer(folder_tokenizer(folder))
    writer = LabelWriter(tokenizer, 1, "t5")
    lengths = {name: len(writer.field(name)) for name in CLASSES}
    assert lengths["joy"] < lengths["sadness"], "the pieces of this test must differ"
    for fields in (["positive", "-1.2", "joy"], ["negative", "0.0", "sadness"]):
        whole = writer.whole(fields)
        assert whole[: len(writer.part(fields[:2]))] == writer.part(fields[:2])
        assert whole[-1] == 1
        read = "".join(tokenizer.decode(whole).split())
        assert read == ",".join(fields) + ("</s>" if "</s>" in read else "")


def test_a_transcript_cannot_say_special_tokens(folder):
    tokenizer = read_tokenizer(folder_tokenizer(folder))
    assert not {0, 1} & set(encode_transcript(tokenizer, "fine </s> <pad>", [0, 1]))


@pytest.mark.parametrize("proba", ["greedy", "marginal"])
def test_classes_of_unequal_length_are_comparable(folder, proba):
    """Probabilities are those of whole strings: the sum over pieces, not their mean."""
    X, y = make_emotions(12, signals=False)
    model = UniMSEClassifier(folder, proba=proba, **SMALL).fit(X, of_two_lengths(y))
    module = model.net_.module_.eval()
    data = model._dataset(model._read(X, reset=False), model.scales_)
    batch, _ = data.batch(range(12))
    with torch.inference_mode():
        hidden, _, seen = module.encode(**batch)
        groups = sorted(set(module.table.groups.tolist())) if proba == "marginal" else [None]
        parts = []
        for group in groups:
            mask = module.table.every if group is None else module.table.groups == group
            best = module.table.greedy(module, hidden, seen, mask)
            scores = torch.zeros(12, 2)
            for row in range(12):
                one = {k: {n: v[row : row + 1] for n, v in batch[k].items()} for k in batch}
                states, _, sees = module.encode(**one)
                for place in range(2):
                    tokens = [
                        t for t in module.table.sequences[best[row], place].tolist() if t >= 0
                    ]
                    output = module.t5(
                        encoder_outputs=(states,),
                        attention_mask=sees.long(),
                        decoder_input_ids=torch.tensor([[0, *tokens[:-1]]]),
                    )
                    each = output.logits[0].log_softmax(dim=-1)
                    scores[row, place] = each[range(len(tokens)), tokens].sum()
                module.encode(**batch)
            parts.append(scores)
        total = torch.logsumexp(torch.stack(parts), dim=0)
    # classes_ are sorted, as the choices are.
    np.testing.assert_allclose(model.predict_proba(X), total.softmax(dim=1), atol=1e-5)


def test_a_pretrained_t5_is_taken_over_and_trained_in_part(folder):
    transformers = pytest.importorskip("transformers")
    X, y = make_emotions(8)
    saved = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).state_dict()
    model = UniMSEClassifier(folder, finetune_layers=1, **SMALL).fit(X, of_two_lengths(y))
    state = model.net_.module_.t5.state_dict()
    torch.testing.assert_close(state["shared.weight"], saved["shared.weight"])
    kept = "encoder.block.0.layer.0.SelfAttention.q.weight"
    torch.testing.assert_close(state[kept], saved[kept])
    trained = "decoder.block.2.layer.0.SelfAttention.q.weight"
    assert not torch.equal(state[trained], saved[trained])
    assert {group["lr"] for group in model.net_.optimizer_.param_groups} == {1e-4, 3e-4}


def test_saved_and_loaded_elsewhere(folder, tmp_path):
    X, scores = make_scores(8)
    model = UniMSERegressor(folder, **SMALL).fit(X, scores)
    model.save_weights(tmp_path / "own.safetensors")
    loaded = UniMSERegressor().load_weights(tmp_path / "own.safetensors")
    np.testing.assert_allclose(loaded.predict(X), model.predict(X), atol=1e-6)


class TestBadInput:
    def test_a_model_that_is_no_t5(self, folder, tmp_path):
        for name in ("tokenizer.json", "model.safetensors"):
            (tmp_path / name).write_bytes((folder / name).read_bytes())
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
        with pytest.raises(ValueError, match=r"fuses inside the layers of a T5 .* kind 'bert'"):
            UniMSEClassifier(tmp_path, **SMALL).fit(*make_emotions(8))

    def test_an_encoder_alone(self, folder, tmp_path):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        config = json.loads((folder / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": False}))
        with pytest.raises(ValueError, match="is an encoder alone"):
            UniMSEClassifier(tmp_path, **SMALL).fit(*make_emotions(8))

    @pytest.mark.parametrize(
        ("lost", "message"),
        [
            ("decoder.", r"lack \d+ tensors that the model needs, such as 'decoder"),
            ("encoder.block.1.layer.0.SelfAttention.q", "lack 1 tensors that the model needs"),
            ("shared.", r"lack \d+ tensors that the model needs"),
            (None, "are damaged"),
        ],
    )
    def test_weights_that_lack_something(self, folder, tmp_path, lost, message):
        safetensors = pytest.importorskip("safetensors.torch")
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        state = safetensors.load_file(folder / "model.safetensors")
        if lost is None:
            state["decoder.final_layer_norm.weight"][3] = float("nan")
        else:
            state = {name: each for name, each in state.items() if not name.startswith(lost)}
        safetensors.save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ValueError, match=message):
            UniMSEClassifier(tmp_path, **SMALL).fit(*make_emotions(8))

    def test_label_words_that_the_tokenizer_does_not_know(self, folder):
        X, y = make_emotions(8)
        with pytest.raises(ValueError, match="does not know the label word 'Wüste'"):
            UniMSEClassifier(folder, **SMALL).fit(X, np.where(y == "joy", "joy", "Wüste"))

    def test_a_folder_without_a_model(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no config\.json"):
            UniMSEClassifier(tmp_path, **SMALL).fit(*make_emotions(8))
