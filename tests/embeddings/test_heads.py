"""Fine-tuned heads and the mean of layers, for text and for speech, against transformers alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from emoest.embeddings import BERTEmbedder, Wav2Vec2Embedder
from emoest.nets.weight_files.transformers_folder import read_head
from emoest.testing import cell_estimator_checks

RATE = 16_000
EMOTIONS = {0: "Happy", 1: "very sad", 2: "anger"}
TEXTS = ["the war was long.", "a", "my mother, happy!", "bread and song", "old friend", "home"]
KINDS = {
    "softmax": {},
    "sigmoid": {"problem_type": "multi_label_classification"},
    "identity": {"problem_type": "regression"},
}


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory, tiny_bert):
    """Folders of small classifiers of random weights by medium and kind of head."""
    import shutil

    from transformers import AutoConfig, BertForSequenceClassification

    root, made = tmp_path_factory.mktemp("classifiers"), {}

    def save(medium, kind):
        folder = root / f"{medium}-{kind}"
        settings = {"id2label": EMOTIONS, "label2id": {v: k for k, v in EMOTIONS.items()}}
        settings.update(KINDS[kind])
        with torch.random.fork_rng():
            torch.manual_seed(1)
            if medium == "text":
                shutil.copytree(tiny_bert, folder)
                config = AutoConfig.from_pretrained(tiny_bert, **settings)
                BertForSequenceClassification(config).save_pretrained(folder)
            else:
                _speech_classifier(folder, settings)
        return folder

    def folder_of(medium, kind="softmax"):
        if (medium, kind) not in made:
            made[medium, kind] = save(medium, kind)
        return made[medium, kind]

    return folder_of


def _speech_classifier(folder, settings):
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    config = Wav2Vec2Config(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_conv_pos_embedding_groups=2,
        conv_dim=[8] * 7,
        classifier_proj_size=8,
        initializer_range=0.5,
        **settings,
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)


def sound(seconds, seed):
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    envelope = 1 + np.sin(2 * np.pi * (2 + seed) * np.arange(n) / RATE)
    return (0.1 * rng.normal(size=n) * envelope).astype(np.float32)


def clips():
    return [(sound(0.2 + 0.07 * i, i), RATE) for i in range(6)]


def embedder_of(medium, folder, **settings):
    kind = BERTEmbedder if medium == "text" else Wav2Vec2Embedder
    return kind(folder, output="probabilities", cache_dir=False, **settings)


def cells_of(medium):
    return TEXTS if medium == "text" else clips()


def reference(medium, folder, cell):
    """The logits of one cell, by transformers alone."""
    import transformers

    if medium == "text":
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        net = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        values = tokenizer(cell, return_tensors="pt")
    else:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
        net = transformers.AutoModelForAudioClassification.from_pretrained(folder).eval()
        values = extractor(cell[0], sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        return net(**values).logits[0]


MEAN = {"pooling": "mean"}


@pytest.mark.parametrize("medium", ["text", "speech"])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_transformers(classifiers, medium, kind):
    folder = classifiers(medium, kind)
    embedder = embedder_of(medium, folder, **MEAN)
    found = embedder.fit_transform(cells_of(medium))
    stem = {"text": "bert", "speech": "wav2vec2"}[medium] + "_probabilities"
    assert list(found.columns) == [f"{stem}_{name}" for name in ("happy", "very_sad", "anger")]
    assert embedder.class_names() == list(EMOTIONS.values())
    activate = {
        "softmax": lambda x: x.softmax(-1),
        "sigmoid": torch.sigmoid,
        "identity": torch.clone,
    }
    for cell, row in zip(cells_of(medium), found.to_numpy(), strict=True):
        expected = activate[kind](reference(medium, folder, cell)).numpy()
        np.testing.assert_allclose(row, expected, atol=2e-5)
    if kind == "softmax":
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("medium", ["text", "speech"])
def test_cell_estimator_checks(classifiers, medium):
    cells = pd.Series([*cells_of(medium), *cells_of(medium)[:2]], dtype=object)
    cells.index = [f"row_{i}" for i in range(8)]
    X = cells.to_frame("text" if medium == "text" else "audio")
    embedder = embedder_of(medium, classifiers(medium), **MEAN)
    for check in cell_estimator_checks(embedder):
        check(embedder_of(medium, classifiers(medium), **MEAN), X, None)


def test_a_long_clip_gives_one_frame_a_window(classifiers):
    embedder = embedder_of("speech", classifiers("speech"), max_seconds=1, step=3)
    found = embedder.fit_transform([(sound(2.6, 0), RATE)])
    frames = found["wav2vec2_probabilities_frames"][0]
    assert frames.shape == (4, 3)
    np.testing.assert_allclose(frames.sum(axis=1), 1.0, atol=1e-5)
    assert found["seconds"][0].sum() == pytest.approx(2.6, rel=1e-5)


def test_a_long_text_gives_the_mean_of_its_windows(classifiers):
    text = "the happy dog was not calm " * 20
    folder = classifiers("text")
    frames = embedder_of("text", folder, pooling=None, chunks="concat").fit_transform([text])
    windows = frames["bert_probabilities_frames"][0]
    assert len(windows) > 1
    # "cls", the default, is of hidden states; here it means the mean.
    pooled = embedder_of("text", folder).fit_transform([text]).to_numpy()[0]
    np.testing.assert_allclose(pooled, windows.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("medium", ["text", "speech"])
def test_hidden_states_and_outputs_of_one_file_do_not_meet(classifiers, medium):
    folder = classifiers(medium)
    cells = cells_of(medium)[:2]
    settings = {**MEAN, "cache_dir": None}
    probabilities = embedder_of(medium, folder).set_params(**settings)
    states = embedder_of(medium, folder).set_params(output="embedding", **settings)
    assert probabilities.fit_transform(cells).shape == (2, 3)
    assert states.fit_transform(cells).shape == (2, 16)
    assert probabilities.transform(cells).shape == (2, 3)
    with pytest.raises(ValueError, match=r"no names.*output='probabilities'"):
        states.class_names()


def test_an_encoder_has_no_probabilities(tiny_bert):
    with pytest.raises(ValueError, match=r"no head .*BertModel.*Choose output='embedding'"):
        BERTEmbedder(tiny_bert, output="probabilities").fit(TEXTS)


@pytest.mark.parametrize(
    ("config", "names", "kind"),
    [
        ({"id2label": {"10": "b", "9": "a"}}, ("a", "b"), "softmax"),
        ({}, ("LABEL_0", "LABEL_1"), "softmax"),
        ({"id2label": {"0": "valence"}}, ("valence",), "identity"),
        (
            {"id2label": {"0": "x"}, "problem_type": "single_label_classification"},
            ("x",),
            "softmax",
        ),
    ],
)
def test_what_a_configuration_says_of_a_head(config, names, kind):
    full = {"architectures": ["BertForSequenceClassification"], **config}
    assert read_head(full, "SequenceClassification", "m") == (names, kind)


def test_names_that_would_be_one_are_numbered():
    config = {"architectures": ["XForSequenceClassification"], "id2label": {"0": "a!", "1": "A"}}
    head = read_head(config, "SequenceClassification", "m")
    assert head.columns("bert") == ["bert_0000", "bert_0001"]


@pytest.mark.parametrize("pooling", ["cls", "mean", None])
def test_the_mean_of_the_layers_of_a_text(tiny_bert, pooling):
    from transformers import AutoModel, AutoTokenizer

    text = "the old house was calm."
    encoded = AutoTokenizer.from_pretrained(tiny_bert)(text, return_tensors="pt")
    with torch.inference_mode():
        net = AutoModel.from_pretrained(tiny_bert).eval()
        states = net(**encoded, output_hidden_states=True).hidden_states
    expected = (sum(states) / len(states))[0].numpy()
    found = BERTEmbedder(tiny_bert, layer="mean", pooling=pooling).fit_transform([text])
    if pooling is None:
        np.testing.assert_allclose(found.iloc[0, 0], expected[1:-1], atol=1e-5)
    else:
        vector = expected[0] if pooling == "cls" else expected[1:-1].mean(axis=0)
        np.testing.assert_allclose(found.to_numpy()[0], vector, atol=1e-5)
    with pytest.raises(ValueError, match="'layer' parameter of BERTEmbedder"):
        BERTEmbedder(tiny_bert, layer="all").fit([text])
