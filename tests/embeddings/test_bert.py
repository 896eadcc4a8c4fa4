import json
import pickle
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from emoest.embeddings import BERTEmbedder, unload_models
from emoest.testing import assert_same_cells, cell_estimator_checks

LONG = " ".join(["the happy dog was not calm", "my house", "a very long story and so"] * 9)
TEXTS = ["the war was long.", "a", LONG, "my mother, happy!", "Zürich", LONG[: len(LONG) // 2]]


def table(texts=None):
    texts = texts or [*TEXTS, "bread and song", "old friend"]
    return pd.DataFrame({"text": texts}, index=[f"story_{i}" for i in range(len(texts))])


@pytest.fixture
def reference(tiny_bert):
    """Hidden states of one text or of token numbers, computed by transformers alone."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(tiny_bert))
    net = AutoModel.from_pretrained(str(tiny_bert)).eval()

    def states(text, layer=-1):
        if isinstance(text, str):
            encoded = tokenizer(text, return_tensors="pt", truncation=True, max_length=64)
        else:
            encoded = {"input_ids": torch.from_numpy(text)[None]}
        with torch.no_grad():
            output = net(**encoded, output_hidden_states=True)
        return output.hidden_states[layer][0].numpy()

    return states


@pytest.mark.parametrize("pooling", ["cls", None])
def test_cell_estimator_checks(tiny_bert, pooling):
    for check in cell_estimator_checks(BERTEmbedder(tiny_bert, pooling=pooling)):
        check(BERTEmbedder(tiny_bert, pooling=pooling), table(), None)


@pytest.mark.parametrize("layer", [-1, 0, 1, 2, -3])
def test_short_texts_equal_transformers(tiny_bert, reference, layer):
    text = "the old house was calm."
    states = reference(text, layer)
    expected = {
        "cls": states[0],
        "mean": states[1:-1].mean(axis=0),
        "max": states[1:-1].max(axis=0),
    }
    for pooling, vector in expected.items():
        got = BERTEmbedder(tiny_bert, pooling=pooling, layer=layer).fit_transform([text, LONG])
        np.testing.assert_allclose(got.to_numpy()[0], vector, atol=1e-5)
    frames = BERTEmbedder(tiny_bert, pooling=None, layer=layer).fit_transform([text, LONG])
    np.testing.assert_allclose(frames["bert_frames"][0], states[1:-1], atol=1e-5)


def test_the_layers_differ(tiny_bert):
    vectors = [BERTEmbedder(tiny_bert, layer=i).fit_transform(["a dog"]) for i in range(3)]
    assert np.abs(vectors[1] - vectors[2]).to_numpy().max() > 1e-2
    pd.testing.assert_frame_equal(
        BERTEmbedder(tiny_bert, layer=-1).fit_transform(["a dog"]), vectors[2]
    )


def test_a_long_text_is_cut_or_seen_through_windows(tiny_bert, reference):
    cut = BERTEmbedder(tiny_bert, long_text="truncate").fit_transform([LONG])
    np.testing.assert_allclose(cut.to_numpy()[0], reference(LONG)[0], atol=1e-5)
    frames = BERTEmbedder(tiny_bert, pooling=None).fit_transform([LONG])["bert_frames"][0]
    n_tokens = len(frames)
    assert n_tokens > 62
    np.testing.assert_allclose(frames[:62], reference(LONG)[1:-1], atol=1e-5)
    mean = BERTEmbedder(tiny_bert, pooling="mean").fit_transform([LONG]).to_numpy()[0]
    np.testing.assert_allclose(mean, frames.mean(axis=0), atol=1e-5)
    largest = BERTEmbedder(tiny_bert, pooling="max").fit_transform([LONG]).to_numpy()[0]
    np.testing.assert_allclose(largest, frames.max(axis=0), atol=1e-5)


def test_cls_averages_the_vectors_of_the_windows(tiny_bert, reference):
    from emoest.embeddings._token_windows import cut_windows

    embedder = BERTEmbedder(tiny_bert, max_length=32)
    got = embedder.fit_transform([LONG]).to_numpy()[0]
    tokenizer = embedder._model().tokenizer
    windows = cut_windows(tokenizer, LONG, 32, "window")
    assert len(windows) > 2
    expected = np.mean([reference(window.ids)[0] for window in windows], axis=0)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["cls", "mean", None])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_order_and_batch_size_change_nothing(tiny_bert, pooling, batch_size):
    X = table([*TEXTS, *(" ".join(LONG.split()[:n]) for n in range(1, 40))])
    whole = BERTEmbedder(tiny_bert, pooling=pooling, cache_dir=False).fit_transform(X)
    order = np.random.RandomState(batch_size).permutation(len(X))
    embedder = BERTEmbedder(tiny_bert, pooling=pooling, cache_dir=False, batch_size=batch_size)
    assert_same_cells(embedder.fit_transform(X.iloc[order]), whole.iloc[order])


def test_batches_stay_within_the_budget_of_tokens(tiny_bert, monkeypatch):
    sizes = []
    hidden = BERTEmbedder._hidden

    def watched(self, model, windows):
        sizes.append((len(windows), max(len(window.ids) for window in windows)))
        return hidden(self, model, windows)

    monkeypatch.setattr(BERTEmbedder, "_hidden", watched)
    texts = [" ".join(LONG.split()[:n]) for n in range(1, 90)]
    BERTEmbedder(tiny_bert, batch_size=2, cache_dir=False).fit_transform(texts)
    assert all(n * longest <= 128 for n, longest in sizes)
    assert max(n for n, _ in sizes) > 8


def count_windows(monkeypatch):
    seen = []
    hidden = BERTEmbedder._hidden

    def watched(self, model, windows):
        seen.extend(windows)
        return hidden(self, model, windows)

    monkeypatch.setattr(BERTEmbedder, "_hidden", watched)
    return seen


def test_five_folds_embed_each_text_once(tiny_bert, monkeypatch):
    seen = count_windows(monkeypatch)
    texts = [f"story {i} was {'happy' if i % 2 else 'sad'}" for i in range(100)]
    model = make_pipeline(BERTEmbedder(tiny_bert), LogisticRegression())
    cross_val_predict(model, texts, np.arange(100) % 2, cv=KFold(5), n_jobs=1)
    assert len(seen) == 100


def test_each_setting_is_a_recipe_of_its_own(tiny_bert, monkeypatch):
    seen = count_windows(monkeypatch)
    settings = [
        {},
        {"pooling": "mean"},
        {"pooling": None},
        {"layer": 1},
        {"max_length": 32},
        {"long_text": "truncate"},
    ]
    for kwargs in settings * 2:
        BERTEmbedder(tiny_bert, **kwargs).fit_transform(["a dog"])
    assert len(seen) == len(settings)
    BERTEmbedder(tiny_bert, layer=2, max_length=64, batch_size=3).fit_transform(["a dog"])
    assert len(seen) == len(settings)


def test_a_list_of_texts(tiny_bert):
    one, two = "a dog", "the long war was sad"
    single = BERTEmbedder(tiny_bert).fit_transform([one, two]).to_numpy()
    pooled = BERTEmbedder(tiny_bert).fit_transform([[one, two]]).to_numpy()
    np.testing.assert_allclose(pooled[0], single.mean(axis=0), atol=1e-6)
    frames = BERTEmbedder(tiny_bert, pooling=None).fit_transform([[one, two]])
    assert frames["bert_frames"][0].shape == (2, 16)
    every = BERTEmbedder(tiny_bert, pooling=None, chunks="concat").fit_transform([[one, two]])
    assert every["bert_frames"][0].shape[0] > 5


def test_768_dimensions(bert_768):
    output = BERTEmbedder(bert_768).fit_transform(table())
    assert output.shape == (8, 768)
    assert output.columns[-1] == "bert_0767"
    assert output.notna().all(axis=None)


def test_a_pickle_is_small_and_gives_the_same(bert_768):
    embedder = BERTEmbedder(bert_768, cache_dir=False)
    expected = embedder.fit_transform(TEXTS)
    data = pickle.dumps(embedder)
    assert len(data) < 10_000
    unload_models()
    assert_same_cells(pickle.loads(data).transform(TEXTS), expected)


def test_a_missing_package_names_the_extra(tiny_bert, monkeypatch):
    embedder = BERTEmbedder(tiny_bert).fit(["a"])
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"BERTEmbedder needs .*pip install 'emoest\[text\]'"):
        embedder.transform(["a"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", 7], r"row 1: expected a text \(str\), found int 7"),
        (["a", "\u200b"], "row 1: the text has no token that the encoder knows"),
    ],
)
def test_bad_texts(tiny_bert, texts, message):
    with pytest.raises(ValueError, match=message):
        BERTEmbedder(tiny_bert).fit_transform(texts)
    with pytest.warns(UserWarning, match="1 of 2 cells"):
        output = BERTEmbedder(tiny_bert, errors="missing").fit_transform(texts)
    assert output.isna().all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"layer": 3}, "layer=3 is out of range: .* has 2 layers"),
        ({"layer": -4}, "layer=-4 is out of range"),
        ({"pooling": "sum"}, "'pooling' parameter of BERTEmbedder"),
        ({"model": "./nowhere"}, "There is no folder './nowhere'"),
    ],
)
def test_bad_parameters(tiny_bert, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        BERTEmbedder(**{"model": tiny_bert, **kwargs}).fit(["a"])


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def test_truncated_weights_are_named(tiny_bert, tmp_path):
    folder = copy_of(tiny_bert, tmp_path)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights in '.*copy' are corrupted or truncated"):
        BERTEmbedder(folder).fit_transform(["a"])


def test_weights_changed_after_fit_are_refused(tiny_bert, make_bert, tmp_path):
    folder = copy_of(tiny_bert, tmp_path)
    embedder = BERTEmbedder(folder, cache_dir=False).fit(["a"])
    make_bert(folder, hidden_size=16, n_layers=2, seed=1)
    with pytest.raises(FileNotFoundError, match="holds other weights or is corrupted"):
        embedder.transform(["a"])


def test_weights_that_lack_tensors_are_said(tiny_bert, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = copy_of(tiny_bert, tmp_path)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if "layer.1.output.dense.weight" in name)
    del tensors[name]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lack 1 tensors that the model needs, such as"):
        BERTEmbedder(folder).fit_transform(["a"])


def test_half_precision_weights_compute_in_float32(tiny_bert, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = copy_of(tiny_bert, tmp_path)
    tensors = load_file(folder / "model.safetensors")
    halved = {name: tensor.astype(np.float16) for name, tensor in tensors.items()}
    save_file(halved, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float16"}))
    got = BERTEmbedder(folder).fit_transform(["a dog"])
    assert got.dtypes.unique().tolist() == [np.float32]
    assert np.abs(got.to_numpy() - got.to_numpy().astype(np.float16)).max() > 0


def test_an_encoder_decoder_is_refused(tiny_bert, tmp_path):
    folder = copy_of(tiny_bert, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": True}))
    with pytest.raises(ValueError, match="choose an encoder"):
        BERTEmbedder(folder).fit(["a"])
    (folder / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="has none of hidden_size"):
        BERTEmbedder(folder).fit(["a"])
