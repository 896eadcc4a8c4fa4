"""Models given as objects: the vectors of their folders, keys by content, and what is refused."""

import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from emoest import embeddings
from emoest.embeddings import (
    BERTEmbedder,
    FaceEmbedder,
    SBERTEmbedder,
    SpeakerEmbedder,
    SpeechTranscriber,
    Wav2Vec2Embedder,
    WhisperEmbedder,
    YAMNetEmbedder,
)
from emoest.embeddings._model_cache import unload_models
from tests.image_processors import pil_processor

transformers = pytest.importorskip("transformers")
pytest.importorskip("sentence_transformers")

TEXTS = ["the dog was happy", "my mother and the rain", None]
AUDIO = [(np.random.default_rng(0).normal(size=8000).astype(np.float32), 16000), None]
FACES = [np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)]


def _sbert(folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def _bert(folder):
    return transformers.BertModel.from_pretrained(folder)


def _tokenizer(folder):
    return transformers.AutoTokenizer.from_pretrained(folder)


def _pipeline(folder):
    return transformers.pipeline(
        "feature-extraction", model=_bert(folder), tokenizer=_tokenizer(folder), device="cpu"
    )


@pytest.fixture(scope="module")
def folders(tiny_bert, tmp_path_factory):
    """A folder for each kind of embedder."""
    root = tmp_path_factory.mktemp("models")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
        heads = {"num_attention_heads": 2, "initializer_range": 0.3}
        speech = transformers.Wav2Vec2Config(
            **sizes, **heads, conv_dim=[8] * 7, num_conv_pos_embedding_groups=2
        )
        transformers.Wav2Vec2Model(speech).save_pretrained(root / "speech")
        transformers.Wav2Vec2FeatureExtractor().save_pretrained(root / "speech")
        whisper = transformers.WhisperConfig(
            d_model=16,
            **{f"{part}_{name}": 2 for part in ("encoder", "decoder") for name in ("layers",)},
            **{f"{part}_attention_heads": 2 for part in ("encoder", "decoder")},
            encoder_ffn_dim=24,
            init_std=0.3,
        )
        transformers.WhisperForConditionalGeneration(whisper).save_pretrained(root / "whisper")
        image = transformers.ViTConfig(**sizes, **heads, image_size=32, patch_size=8)
        transformers.ViTModel(image).save_pretrained(root / "face")
        size = {"height": 32, "width": 32}
        pil_processor("ViTImageProcessor", size=size).save_pretrained(root / "face")
    return {"text": tiny_bert, "speech": root / "speech", "whisper": root / "whisper"} | {
        "face": root / "face"
    }


def _speech_pair(folder):
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    return transformers.AutoModel.from_pretrained(folder), extractor


def _face_pair(folder):
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    return transformers.AutoModel.from_pretrained(folder), processor


WAYS = {
    "SentenceTransformer": (SBERTEmbedder, "text", _sbert, TEXTS),
    "sentences of a pair": (
        SBERTEmbedder,
        "text",
        lambda folder: (_bert(folder), _tokenizer(folder)),
        TEXTS,
    ),
    "AutoModel by its name_or_path": (BERTEmbedder, "text", _bert, TEXTS),
    "AutoModel and tokenizer": (
        BERTEmbedder,
        "text",
        lambda folder: (_bert(folder), _tokenizer(folder)),
        TEXTS,
    ),
    "pipeline": (BERTEmbedder, "text", _pipeline, TEXTS),
    "states of a SentenceTransformer": (BERTEmbedder, "text", _sbert, TEXTS),
    "wav2vec 2.0 by its name_or_path": (
        Wav2Vec2Embedder,
        "speech",
        transformers.AutoModel.from_pretrained,
        AUDIO,
    ),
    "wav2vec 2.0 and extractor": (Wav2Vec2Embedder, "speech", _speech_pair, AUDIO),
    "Whisper": (
        WhisperEmbedder,
        "whisper",
        transformers.WhisperModel.from_pretrained,
        AUDIO,
    ),
    "Whisper that transcribes": (
        WhisperEmbedder,
        "whisper",
        transformers.WhisperForConditionalGeneration.from_pretrained,
        AUDIO,
    ),
    "ViT by its name_or_path": (
        FaceEmbedder,
        "face",
        transformers.AutoModel.from_pretrained,
        FACES,
    ),
    "ViT and processor": (FaceEmbedder, "face", _face_pair, FACES),
}


@pytest.fixture(params=WAYS)
def way(request, folders):
    """An embedder class, the folder of its model, how to load it as an object, and cells."""
    embedder, kind, load, cells = WAYS[request.param]
    return embedder, folders[kind], load, cells


def _net(model):
    model = model[0] if isinstance(model, tuple) else model
    return model if hasattr(model, "state_dict") else model.model


def _values(table):
    return [None if cell is None else np.asarray(cell) for cell in table.iloc[:, 0]]


def _same(first, second):
    for a, b in zip(_values(first), _values(second), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6) if b is not None else _is_none(a)


def _is_none(value):
    assert value is None


def test_an_object_gives_what_its_folder_gives(way):
    embedder, folder, load, cells = way
    kept = {"pooling": "mean"} if embedder is not SBERTEmbedder else {}
    by_folder = embedder(str(folder), **kept).fit_transform(cells)
    by_object = embedder(load(folder), **kept).fit_transform(cells)
    assert list(by_object.columns) == list(by_folder.columns)
    np.testing.assert_allclose(by_object, by_folder, atol=1e-6)
    assert by_folder.iloc[0].std() > 0


def test_the_object_stays_what_it_was(way):
    embedder, folder, load, cells = way
    model = load(folder)
    net = _net(model).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    modules = [name for name, _ in net.named_modules()]
    embedder(model, cache_dir=False).fit_transform(cells)
    assert net.training
    assert [name for name, _ in net.named_modules()] == modules
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert list(before) == list(net.state_dict())


def test_clones_and_pickles_know_their_entries_again(way, monkeypatch):
    embedder, folder, load, cells = way
    first = embedder(load(folder))
    expected = first.fit_transform(cells)
    unload_models()
    monkeypatch.setattr(embedder, "_load", lambda *args: pytest.fail("embedded again"))
    copies = [clone(first).fit(cells), pickle.loads(pickle.dumps(first)), embedder(load(folder))]
    for copy in copies:
        assert copy.fit(cells).weights_digest_ == first.weights_digest_
        _same(copy.transform(cells), expected)


def test_other_weights_have_another_key(way):
    embedder, folder, load, cells = way
    model = load(folder)
    first = embedder(model).fit(cells)
    one = first.transform(cells)
    with torch.no_grad():
        for parameter in _net(model).parameters():
            parameter.mul_(1.5)
    second = embedder(model).fit(cells)
    assert second.weights_digest_ != first.weights_digest_
    assert not np.allclose(_values(one)[0], _values(second.transform(cells))[0])


def test_a_net_that_is_trained_on_after_fit(tiny_bert):
    """What is loaded stays as it was at `fit`; what is not loaded yet raises."""
    model = _bert(tiny_bert), _tokenizer(tiny_bert)
    embedder = BERTEmbedder(model, cache_dir=False)
    before = embedder.fit_transform(TEXTS)
    with torch.no_grad():
        model[0].embeddings.word_embeddings.weight.mul_(2)
    np.testing.assert_array_equal(embedder.transform(TEXTS), before)
    unload_models()
    with pytest.raises(RuntimeError, match=r"BertModel in memory was changed after `fit`"):
        embedder.transform(TEXTS)
    assert not np.allclose(embedder.fit_transform(TEXTS).iloc[0], before.iloc[0])


def test_nothing_of_it_stays_on_the_disk(tiny_bert, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    BERTEmbedder(_bert(tiny_bert), cache_dir=False).fit_transform(TEXTS)
    assert list(tmp_path.iterdir()) == []


def test_bars_and_verbosity_are_as_before(tiny_bert, capsys):
    BERTEmbedder(_bert(tiny_bert), cache_dir=False).fit(TEXTS)
    capsys.readouterr()
    BERTEmbedder((_bert(tiny_bert), _tokenizer(tiny_bert)), cache_dir=False).fit(TEXTS)
    assert "Writing model" not in capsys.readouterr().err
    assert transformers.utils.logging.is_progress_bar_enabled()


def test_a_head_in_memory_gives_probabilities(tiny_bert):
    config = transformers.AutoConfig.from_pretrained(tiny_bert, id2label={0: "sad", 1: "happy"})
    model = transformers.BertForSequenceClassification(config)
    embedder = BERTEmbedder((model, _tokenizer(tiny_bert)), output="probabilities", pooling="mean")
    found = embedder.fit_transform(TEXTS)
    assert list(found.columns) == ["bert_probabilities_sad", "bert_probabilities_happy"]
    np.testing.assert_allclose(found.iloc[:2].sum(axis=1), 1, atol=1e-5)


class _Adapted(nn.Module):
    def merge_and_unload(self):
        return self

    def save_pretrained(self, folder):
        raise AssertionError("saved without its base")


class _Around(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.module = inner


def _nameless(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    config._name_or_path = ""
    return transformers.BertModel(config)


def _moved(folder):
    model = _nameless(folder)
    model.config._name_or_path = model.name_or_path = "no/such-model"
    return model


def _big_tokenizer(folder):
    tokenizer = _tokenizer(folder)
    tokenizer.add_tokens([f"word{i}" for i in range(5)])
    return tokenizer


REFUSED = {
    "no tokenizer": (
        BERTEmbedder,
        _nameless,
        r"BertModel in memory without its tokenizer, and it names none on this machine. Pass "
        r"model=\(model, tokenizer\), with tokenizer = AutoTokenizer.from_pretrained\(name\)",
    ),
    "origin that is not here": (
        BERTEmbedder,
        _moved,
        r"'no/such-model', from which it was loaded, holds none on this machine.*\(model, token",
    ),
    "no feature extractor": (
        Wav2Vec2Embedder,
        _nameless,
        r"without its feature_extractor.*Pass model=\(model, feature_extractor\)",
    ),
    "no image processor": (
        FaceEmbedder,
        _nameless,
        r"without its image_processor.*AutoImageProcessor",
    ),
    "a class": (
        BERTEmbedder,
        lambda folder: transformers.BertModel,
        r"model is the class BertModel. Pass .*BertModel.from_pretrained\(name\)",
    ),
    "an adapter": (
        BERTEmbedder,
        lambda folder: _Adapted(),
        r"_Adapted, a model with an adapter.*model=\(model.merge_and_unload\(\), tokenizer\)",
    ),
    "an adapter of Whisper": (
        WhisperEmbedder,
        lambda folder: _Adapted(),
        r"model=model.merge_and_unload\(\)\.$",
    ),
    "a model for several devices": (
        SBERTEmbedder,
        lambda folder: nn.DataParallel(_bert(folder)),
        r"DataParallel around a model. Pass model.module",
    ),
    "any net": (BERTEmbedder, lambda folder: nn.Linear(2, 2), "Linear, which is no model of tr"),
    "the pair the other way round": (
        BERTEmbedder,
        lambda folder: (_tokenizer(folder), _bert(folder)),
        r"in this order. Pass model=\(model, tokenizer\)",
    ),
    "three things": (
        BERTEmbedder,
        lambda folder: (_bert(folder), _tokenizer(folder), 3),
        r"no pair of a model and its tokenizer",
    ),
    "two names": (SBERTEmbedder, lambda folder: ("a", "b"), "no pair of a model"),
    "a name instead of the tokenizer": (
        BERTEmbedder,
        lambda folder: (_bert(folder), "bert-base-german-cased"),
        r"stands a str, which is no tokenizer of transformers. Pass model=\(model, tokenizer\)",
    ),
    "another tokenizer": (
        BERTEmbedder,
        lambda folder: (_bert(folder), _big_tokenizer(folder)),
        r"knows 102 tokens and the BertModel in memory 98, so they do not belong together",
    ),
    "text for Whisper": (WhisperEmbedder, _bert, "'BertModel in memory.*is not the config.*Whisp"),
    "sentences for faces": (FaceEmbedder, _sbert, "'SentenceTransformer in memory' holds no enco"),
    "text for wav2vec 2.0": (
        Wav2Vec2Embedder,
        lambda folder: (_bert(folder), transformers.Wav2Vec2FeatureExtractor()),
        "'BertModel in memory' is no encoder of raw audio",
    ),
    "YAMNet": (YAMNetEmbedder, _bert, "BertModel in memory, and YAMNetEmbedder reads its net from"),
    "speakers": (SpeakerEmbedder, _bert, "and SpeakerEmbedder reads its net from a file"),
    "transcripts": (SpeechTranscriber, _bert, "and SpeechTranscriber reads its net from a file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_the_right_spelling(case, tiny_bert):
    embedder, make, said = REFUSED[case]
    cells = TEXTS if embedder in (BERTEmbedder, SBERTEmbedder) else AUDIO
    with pytest.raises((ValueError, TypeError), match=f"(?s){said}") as caught:
        embedder(make(tiny_bert)).fit(cells)
    assert not re.search(r"/tmp/tmp", str(caught.value))


def test_what_has_no_weights_is_no_model():
    with pytest.raises(ValueError, match="The 'model' parameter of BERTEmbedder must be"):
        BERTEmbedder(SimpleNamespace(generate=len)).fit(TEXTS)


def test_every_embedder_has_a_row():
    taking = {
        name
        for name in embeddings.__all__
        if getattr(getattr(embeddings, name), "_companion", None) is not None
    }
    assert taking == {embedder.__name__ for embedder, *_ in WAYS.values()}
