import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from emoest.embeddings import FaceEmbedder, Wav2Vec2Embedder
from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
from emoest.systems import (
    make_memobert2022,
    memobert2022_ablation,
    memobert2022_by_speaker,
    memobert2022_few_shot,
)
from emoest.systems._memobert2022_runs import ABLATIONS, _few_shot_table
from tests.neural._memobert.helpers_memobert import DIRECT, FIT, PRETRAIN, make_clips

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

TINY = {**PRETRAIN, "max_steps": 2, "log_every": 1}
SMALL = {**FIT, "max_steps": 2, "eval_every": 2}


def faces(output):
    return FaceEmbedder(output=output, frames_per_second=10.0, detect=False, errors="missing")


def paper(setting):
    return make_memobert2022(
        setting, "paper", face=faces("embedding"), face_probs=faces("probabilities"), random_state=0
    )


def test_the_papers_features_are_parameters():
    parts = {name: part for name, part, _ in paper("prompt")["embed"].transformers}
    audio = parts["audio"]
    assert isinstance(audio, Wav2Vec2Embedder)
    assert audio.model == "facebook/wav2vec2-base"
    assert (audio.step, audio.max_seconds, audio.long_audio) == (3, 10, "truncate")
    assert parts["text"] == "passthrough"
    classifier = paper("prompt")["classify"]
    assert (classifier.max_text, classifier.max_face, classifier.max_audio) == (120, 36, 64)
    # Mini-Xception has someone neutral last, the authors' DenseNet first.
    assert (classifier.no_face, classifier.normalize) == (6, None)
    dense = FaceEmbedder("densenet", weights="a.safetensors", output="probabilities")
    system = make_memobert2022(preset="paper", face=dense, face_probs=dense)
    assert (system["classify"].no_face, system["classify"].pretrainer.no_face) == (0, 0)
    pretrainer = classifier.pretrainer
    assert (pretrainer.max_text, pretrainer.max_face, pretrainer.max_audio) == (30, 36, 64)
    assert (pretrainer.word_mask, pretrainer.face_mask, pretrainer.audio_mask) == (0.15, 0.2, 0.15)
    assert (pretrainer.span, tuple(pretrainer.task_weights)) == (3, (2, 1, 1, 1))
    recommended = {n: p for n, p, _ in make_memobert2022("direct")["embed"].transformers}
    assert recommended["face"].frames_per_second == 10.0
    assert recommended["face_probs"].output == "probabilities"
    assert recommended["audio"].step == 3


def test_the_papers_training_is_parameters():
    pretrainer = paper("finetune")["classify"].pretrainer
    sizes = (pretrainer.hidden_size, pretrainer.n_layers, pretrainer.n_heads)
    assert (*sizes, pretrainer.intermediate_size) == (768, 12, 12, 3072)
    assert (pretrainer.batch_size, pretrainer.accumulate, pretrainer.lr) == (160, 4, 5e-5)
    assert (pretrainer.max_steps, pretrainer.warmup_steps) == (40_000, 4_000)
    assert (pretrainer.weight_decay, pretrainer.gradient_clip) == (0.01, 5.0)
    budgets = {s: paper(s)["classify"].max_steps for s in ("finetune", "bert_direct", "direct")}
    assert budgets == {"finetune": 1_500, "bert_direct": 2_000, "direct": 2_000}
    prompt = paper("prompt")["classify"]
    assert (prompt.lr, prompt.max_steps, prompt.warmup_steps) == (3e-5, 4_000, 100)
    assert (prompt.eval_every, prompt.patience, prompt.batch_size) == (100, 5, 32)
    assert prompt.verbalizer_scope == "vocab"
    assert paper("bert_direct")["classify"].model == "bert-base-uncased"
    direct = paper("direct")["classify"]
    assert (direct.model, direct.pretrainer) == (None, None)
    assert direct.tokenizer == "bert-base-uncased"


def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match="setting='cloze' is unknown"):
        make_memobert2022("cloze")
    with pytest.raises(ValueError, match="preset='best' is unknown"):
        make_memobert2022(preset="best")
    with pytest.raises(ValueError, match=r"weights are not public.*pass face=path"):
        make_memobert2022(preset="paper")


def test_a_system_is_cloned_with_its_seed():
    system = make_memobert2022(pretrainer=MEmoBERTPretrainer(**TINY), random_state=7)
    assert clone(system)["classify"].random_state == 7
    assert clone(system)["classify"].pretrainer.max_steps == 2


def test_every_ablation_runs_on_the_same_folds():
    X, y = make_clips(24)
    table = memobert2022_ablation(
        X,
        y,
        cv=2,
        pretrainer=MEmoBERTPretrainer(**TINY),
        classifier=MEmoBERTClassifier(**SMALL),
        seeds=[0],
        n_resamples=50,
    )
    assert table.index.get_level_values("variant").tolist() == list(ABLATIONS)
    assert table.loc["all", "gain"].isna().all()
    gains = table["uar"] - table.loc["all", "uar"].item()
    np.testing.assert_allclose(table["gain"].iloc[:-1], gains.iloc[:-1], atol=1e-9)
    with pytest.raises(ValueError, match="variants='itm' is unknown"):
        memobert2022_ablation(X, y, variants=["itm"])


def test_few_labels_see_a_pre_training_on_all_training_rows(monkeypatch):
    X, y = make_clips(36)
    seen = {"pretrain": [], "fit": []}
    for cls, name in ((MEmoBERTPretrainer, "pretrain"), (MEmoBERTClassifier, "fit")):
        fit = cls.fit

        def spied(self, X, y=None, *args, fit=fit, name=name, **kwargs):
            seen[name].append(len(X))
            return fit(self, X, y, *args, **kwargs)

        monkeypatch.setattr(cls, "fit", spied)
    from sklearn.model_selection import GroupKFold

    table = memobert2022_few_shot(
        X,
        y,
        cv=GroupKFold(2),
        fractions=(0.3, 0.6),
        settings=("prompt", "direct"),
        pretrainer=MEmoBERTPretrainer(**TINY),
        classifier=MEmoBERTClassifier(**{**DIRECT, **SMALL}),
        seeds=[0, 1],
        n_resamples=50,
    )
    assert seen["pretrain"] == [18] * 4
    assert sorted(set(seen["fit"])) == [5, 10]
    assert table.index.tolist() == [
        (setting, fraction) for fraction in (0.3, 0.6) for setting in ("prompt", "direct")
    ]


def test_seeds_are_averaged_and_their_spread_is_said():
    about = {"setting": "prompt", "fraction": 0.1, "group": list("aabb")}
    truth = ["happy", "sad"] * 2
    predictions = pd.concat(
        [
            pd.DataFrame({**about, "seed": 0, "truth": truth, "predicted": truth}),
            pd.DataFrame({**about, "seed": 1, "truth": truth, "predicted": "sad"}),
        ]
    )
    row = _few_shot_table(predictions, 100).loc[("prompt", 0.1)]
    # All right, then one of two classes: pooled, three quarters in whatever group is drawn.
    assert row.tolist() == pytest.approx([0.75, 0.75, 0.75, np.std([1.0, 0.5], ddof=1)])


def test_each_speaker_is_predicted_and_the_partner_stops_the_training(monkeypatch):
    X, y = make_clips(36, speakers=4)
    X = X.assign(session=[{"s0": "1", "s1": "1"}.get(s, "2") for _, s in X.index])
    calls = []
    fit = MEmoBERTClassifier.fit

    def spied(self, X, y, sample_weight=None, groups=None):
        calls.append((sorted(set(groups)), self.validation_groups))
        return fit(self, X, y, sample_weight, groups)

    monkeypatch.setattr(MEmoBERTClassifier, "fit", spied)
    model = MEmoBERTClassifier("direct", **{**DIRECT, "max_steps": 2, "eval_every": 1})
    predictions = memobert2022_by_speaker(model, X, y, groups=X.index.get_level_values("group"))
    assert calls == [
        (["s1", "s2", "s3"], ["s1"]),
        (["s0", "s2", "s3"], ["s0"]),
        (["s0", "s1", "s3"], ["s3"]),
        (["s0", "s1", "s2"], ["s2"]),
    ]
    assert sorted(predictions.index) == sorted(X.index)
    assert predictions["truth"].tolist() == pd.Series(y, X.index)[predictions.index].tolist()
    speakers = X.index.get_level_values("group")
    first = predictions[predictions["fold"] == 0]
    alone = clone(model).set_params(validation_groups=["s1"])
    others = speakers != "s0"
    alone.fit(X[others], y[others], groups=speakers[others])
    assert first["predicted"].tolist() == alone.predict(X[~others]).tolist()


def test_weights_that_saw_a_speaker_do_not_predict_them():
    X, y = make_clips(36, speakers=4)
    X = X.assign(session=[{"s0": "1", "s1": "1"}.get(s, "2") for _, s in X.index])
    groups = X.index.get_level_values("group")
    weights = MEmoBERTPretrainer(**TINY).fit(X[groups == "s2"].drop(columns="session")).export()
    model = MEmoBERTClassifier(model=weights, **SMALL)
    said = r"MEmoBERTWeights\) was trained on groups .*fold 3 of 4: 's2'"
    for each in (model, Pipeline([("classify", model)])):
        with pytest.raises(ValueError, match=said):
            memobert2022_by_speaker(each, X, y, groups=groups)
    with pytest.raises(ValueError, match=r"was trained on groups .*'s2'"):
        memobert2022_few_shot(X, y, cv=2, pretrainer=MEmoBERTPretrainer(weights, **TINY), seeds=[0])


@pytest.fixture
def _made(monkeypatch):
    """Models of an ablation, which are made and not trained."""
    from emoest.systems import _memobert2022_runs as runs

    made = []
    monkeypatch.setattr(runs, "evaluate_variants", lambda each, *_, **__: made.extend(each))
    monkeypatch.setattr(runs, "variant_table", lambda *args: None)
    return made


@pytest.mark.parametrize("begins", [None, "bert-base-uncased"])
def test_variants_differ_in_the_pre_training_alone(_made, begins):
    sizes = {"hidden_size": 24, "n_layers": 3, "n_heads": 3, "intermediate_size": 40}
    others = {"vocab_size": 77, "tokenizer": "a", "normalize": None}
    pretrainer = MEmoBERTPretrainer(begins, random_state=5, **sizes, **others)
    X, y = make_clips(6)
    memobert2022_ablation(X, y, pretrainer=pretrainer, seeds=[3, 4])
    for models, seed in zip(_made, (3, 4), strict=True):
        assert {model.random_state for model in models.values()} == {seed}
        without = models["('no pre-training',)"]
        assert (without.pretrainer, without.model) == (None, begins)
        for name, value in {**sizes, **others}.items():
            assert getattr(without, name) == value
        trained = [model.pretrainer for model in models.values() if model is not without]
        assert {each.random_state for each in trained} == {seed}
    assert pretrainer.random_state == 5


def test_few_labels_without_pre_training_have_a_net_of_the_same_sizes(monkeypatch):
    X, y = make_clips(24)
    sizes, fit = [], MEmoBERTClassifier.fit

    def spied(self, *args, **kwargs):
        fitted = fit(self, *args, **kwargs)
        sizes.append([fitted.module_params_[n] for n in ("hidden_size", "n_layers", "n_heads")])
        return fitted

    monkeypatch.setattr(MEmoBERTClassifier, "fit", spied)
    options = {"cv": 2, "fractions": (0.5,), "settings": ("finetune", "direct"), "seeds": [0]}
    memobert2022_few_shot(
        X,
        y,
        pretrainer=MEmoBERTPretrainer(**TINY),
        classifier=MEmoBERTClassifier(**SMALL),
        n_resamples=20,
        **options,
    )
    assert sizes == [[16, 1, 2]] * 4


@pytest.mark.real_data
def test_real_videos_go_from_the_file_to_a_prediction(real_data, tmp_path):
    pytest.importorskip("cv2")
    folder = real_data / "cremad_sample"
    moods = ["ANG", "SAD"]
    X = pd.DataFrame(
        {
            "text": ["Don't forget a jacket."] * 2,
            "audio": [str(folder / f"1001_DFA_{mood}_XX.wav") for mood in moods],
            "face": [str(folder / f"1001_DFA_{mood}_XX.flv") for mood in moods],
        }
    )
    y = np.array(["anger", "sad"])
    system = make_memobert2022("prompt", pretrainer=MEmoBERTPretrainer(**TINY), random_state=0)
    system.set_params(
        embed__audio__cache_dir=tmp_path,
        embed__face__cache_dir=tmp_path,
        embed__face_probs__cache_dir=tmp_path,
        embed__face__frames_per_second=3,
        embed__face_probs__frames_per_second=3,
        classify__max_steps=2,
        classify__validation_fraction=None,
    )
    system.fit(X, y)
    assert system["classify"].modalities_ == ["text", "face", "audio"]
    assert system["classify"].n_dims_ == {"text": 2, "face": 128, "audio": 512}
    np.testing.assert_allclose(system.predict_proba(X).sum(axis=1), 1.0, rtol=1e-5)
