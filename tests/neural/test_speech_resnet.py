import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from optuna.distributions import FloatDistribution
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from skorch.callbacks import Callback

from emoest.nets.layers.spec_augment import POLICIES
from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier
from emoest.tables.cells import object_column
from emoest.tables.groups import NotSpeakerIndependentWarning
from emoest.testing import cell_estimator_checks
from emoest.tuning import OptunaSearchCV
from tests.neural.helpers import assert_same_state, falling_rate, make_frames, make_voices, state_of
from tests.neural.small_resnet import make_trunk, small


def name_of(value):
    return getattr(value, "__name__", None) or "resnet"


# After fewer epochs the running statistics are so far off that rounding alone is 1e-5.
CHECKED = small(max_epochs=4)


@pytest.mark.parametrize("check", cell_estimator_checks(CHECKED), ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_frames_hold(check):
    check(CHECKED, *make_frames(n_rows=12))


@pytest.mark.parametrize("trunk", ["speaker", "imagenet"])
def test_classes_are_learned(trunk):
    settings = {"channels": 4, "hidden_size": 32, "lr": 0.01, "max_epochs": 6, "batch_size": 16}
    model = small(model=trunk, **settings, callbacks=[falling_rate(6)]).fit(*make_voices(128))
    assert model.score(*make_voices(seed=1)) >= 0.85
    assert model.net_.module_.trunk.layout == trunk


def test_a_batch_of_one_gives_what_buckets_give(spectra):
    X, y = spectra
    model = small().fit(X, y)
    bucketed = model.predict_proba(X)
    np.testing.assert_allclose(model.set_params(batch_size=1).predict_proba(X), bucketed, atol=1e-5)
    vectors = model.transform(X)
    alone = pd.concat([model.transform(X.iloc[i : i + 1]) for i in range(len(X))])
    assert np.abs(vectors - alone).max().max() <= 1e-5 * max(1, np.abs(vectors).max().max())


def test_the_same_seed_gives_the_same_weights_and_touches_no_generator(spectra):
    X, y = spectra
    before = torch.random.get_rng_state()
    X = X.droplevel("group").set_index(pd.Index(list("abcd") * 6, name="group"), append=True)
    states = [state_of(small(pretrain=SpeakerPretrainer(max_epochs=1)).fit(X, y)) for _ in "12"]
    assert_same_state(*states)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_pickle_and_a_clone_keep_everything(spectra):
    X, y = spectra
    model = small(model=make_trunk(), finetune=2).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert restored.net_.module_.n_trained == 2
    assert clone(model).model is model.model


def test_a_fitted_model_needs_the_file_of_its_trunk_no_more(spectra, tmp_path):
    X, y = spectra
    path = tmp_path / "trunk.safetensors"
    make_trunk().save(path)
    model = small(model=path, channels=None).fit(X, y)
    model.save_weights(tmp_path / "model.safetensors")
    expected, dumped = model.predict_proba(X), pickle.dumps(model)
    path.unlink()
    restored = pickle.loads(dumped)
    np.testing.assert_array_equal(restored.predict_proba(X), expected)
    loaded = small(model=path).load_weights(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    assert restored.seen_groups_ == [f"s{i}" for i in range(8)]
    assert "trunk.safetensors" in restored._repr_html_()


def test_saved_weights_are_loaded(spectra, tmp_path):
    X, y = spectra
    model = small(specaugment={**vars(POLICIES["mild"])}).fit(X, y)
    model.save_weights(tmp_path / "model.safetensors")
    loaded = SpeechResNetClassifier().load_weights(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_grid_search_works(spectra):
    X, y = spectra
    grid = {"lr": [1e-3, 1e-2], "specaugment": [None, "SS"]}
    search = GridSearchCV(small(max_epochs=1), grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.slow
def test_jobs_of_their_own_give_the_same(spectra):
    X, y = spectra
    model = small(model=make_trunk(), max_epochs=1)
    proba = [cross_val_predict(model, X, y, cv=2, n_jobs=n, method="predict_proba") for n in (1, 2)]
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-5)


def test_optuna_works(spectra):
    X, y = spectra
    space = {"lr": FloatDistribution(1e-3, 1e-1, log=True), "specaugment": [None, "SS"]}
    search = OptunaSearchCV(small(max_epochs=1), space, cv=2, n_trials=2, random_state=0).fit(X, y)
    assert set(search.best_params_) == set(space)


REMEDIES = {
    "perturb": {"speed": 0.2, "noise": (0.0, 20.0)},
    "silence": "gate",
    "scale_statistics": True,
    "batch_statistics": "fresh",
    "average_epochs": 2,
}


KINDS = ["digital silence", "hiss of a recorder", "0.1 s", "one frame", "ten minutes"]


def clip(kind):
    """Log-mel frames of 8 bands, 100 a second."""
    voice = np.random.default_rng(0).normal(size=(60_000, 8)).astype("float32")
    return {
        "digital silence": np.zeros((150, 8), "float32"),
        "hiss of a recorder": 0.01 * voice[:150],
        "0.1 s": voice[:8],
        "one frame": voice[:1],
        "ten minutes": voice,
    }[kind]


class TestBadInput:
    @pytest.mark.parametrize("silence", ["keep", "trim", "gate"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_odd_clips_are_answered_and_disturb_nobody(self, spectra, kind, silence):
        model = small(channels=1, silence=silence).fit(*spectra)
        cells = [clip(kind), clip("ten minutes")[:70]]
        X = object_column(cells, [0, 1], "audio__frames").to_frame()
        proba = model.predict_proba(X)
        assert np.isfinite(proba).all()
        alone = [model.predict_proba(X.iloc[[i]])[0] for i in range(2)]
        np.testing.assert_allclose(proba, alone, atol=1e-5)

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ten minutes"])
    def test_odd_clips_are_learned_from(self, spectra, kind):
        X, y = spectra
        odd = object_column([clip(kind)] * 3 + list(X["audio__frames"][3:]), X.index)
        model = small(**REMEDIES).fit(odd.rename("audio__frames").to_frame(), y)
        assert np.isfinite(model.predict_proba(X)).all()

    def test_a_fold_of_one_speaker_trains_without_early_stopping(self, spectra):
        X, y = spectra
        model = small(validation_fraction=0.25, **REMEDIES)
        with pytest.warns(UserWarning, match=r"Early stopping is off.*24 rows, 1 group"):
            model.fit(X, y, groups=["ann"] * 24)
        assert model.n_iter_ == 3 and model.seen_groups_ == ["ann"]
        assert np.isfinite(model.predict_proba(X)).all()

    def test_a_rate_that_diverges_keeps_the_best_weights(self, spectra):
        states = []

        class Raise(Callback):
            def on_epoch_end(self, net, **kwargs):
                states.append({n: v.clone() for n, v in net.module_.state_dict().items()})
                if len(net.history) == 2:
                    net.optimizer_.param_groups[0]["lr"] = 1e38

        model = small(max_epochs=9, validation_fraction=0.25, **REMEDIES, callbacks=[Raise()])
        with pytest.warns(UserWarning, match=r"NaN or infinite in epoch 3; .*Lower lr"):
            model.fit(*spectra)
        best = max(model.history_, key=lambda row: (row["valid_uar"], -row["valid_loss"]))
        assert_same_state(state_of(model), states[int(best["epoch"]) - 1])

    def test_batches_of_one(self, spectra):
        model = small(batch_size=1, max_epochs=1).fit(*spectra)
        assert np.isfinite(model.predict_proba(spectra[0])).all()

    def test_labels_that_were_never_seen_count_as_wrong(self, spectra):
        X, y = spectra
        model = small().fit(X, y)
        assert model.score(X, ["fearful"] * len(X)) == 0

    def test_another_number_of_bands_at_prediction(self, spectra):
        model = small().fit(*spectra)
        with pytest.raises(ValueError, match="dimensions"):
            model.predict(make_frames(n_rows=4, n_dims=5)[0])

    def test_a_loss_that_is_not_finite(self, spectra):
        with pytest.raises(ValueError, match="NaN or infinite in the first epoch"):
            small(lr=1e38).fit(*spectra)

    def test_out_of_memory_names_the_batch_and_what_to_lower(self, spectra, monkeypatch):
        def forward(self, frames, lengths):
            raise torch.OutOfMemoryError("no memory")

        monkeypatch.setattr(SpeechResNetClassifier._module_class, "forward", forward)
        with pytest.raises(MemoryError, match=r"batch of 24 row\(s\).*Lower batch_size"):
            small().fit(*spectra)

    def test_no_groups_are_warned_about(self, spectra):
        X, y = spectra
        model = small(validation_fraction=0.25, max_epochs=1)
        with pytest.warns(NotSpeakerIndependentWarning):
            model.fit(X.droplevel("group"), y)

    @pytest.mark.parametrize(
        "wrong",
        [{"finetune": 5}, {"finetune": "stem"}, {"specaugment": "XX"}, {"pretrain": "emotions"}],
    )
    def test_wrong_settings_are_refused(self, spectra, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            small(**wrong).fit(*spectra)
