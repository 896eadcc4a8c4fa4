"""The system of Padi et al. 2021 and its ablation."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.metrics import accuracy_score

from emoest.datasets import load_ravdess
from emoest.evaluation import uar_score
from emoest.features import LogMelSpectrogram
from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier
from emoest.systems import make_padi2021, padi2021_ablation
from emoest.systems.padi2021 import ablation_figures
from emoest.tables.cells import object_column
from emoest.tables.groups import with_groups

SMALL = SpeechResNetClassifier(
    channels=2, hidden_size=8, max_epochs=1, validation_fraction=None, random_state=0
)
QUICK = SpeakerPretrainer(max_epochs=1)


def make_rows(n_rows=16):
    noise = np.random.default_rng(0)
    cells = [noise.normal(n % 2, size=(9 + n, 8)).astype("float32") for n in range(n_rows)]
    X = object_column(cells, range(n_rows), "audio__frames").to_frame()
    return X, np.array(["calm", "angry"] * (n_rows // 2)), np.arange(n_rows) // 4


class TestSystem:
    def test_choices_reach_the_network(self):
        assert make_padi2021()[-1].pretrain == "speakers"
        assert make_padi2021()[-1].specaugment == "SM"
        assert make_padi2021(QUICK, classifier=SMALL)[-1].pretrain.max_epochs == 1
        scratch = make_padi2021(None, False, classifier=SMALL, random_state=7)[-1]
        assert (scratch.pretrain, scratch.model, scratch.specaugment) == (None, "speaker", None)
        assert (scratch.channels, scratch.random_state) == (2, 7)
        assert make_padi2021("trunk.safetensors", "SS")[-1].model == "trunk.safetensors"
        assert make_padi2021(masks="SS")[-1].specaugment == "SS"
        assert SMALL.random_state == 0

    @pytest.mark.parametrize("start", [{"pretrain": "speakers"}, {"model": "trunk.safetensors"}])
    def test_a_start_that_the_network_has_of_its_own_is_refused(self, start):
        for transfer in (None, "speakers"):
            with pytest.raises(ValueError, match=r"for transfer= to say"):
                make_padi2021(transfer, classifier=SpeechResNetClassifier(**start))
        assert make_padi2021(classifier=SpeechResNetClassifier("imagenet"))[-1].model == "imagenet"

    def test_what_is_no_transfer_and_no_policy_is_refused(self):
        for layout in ("speaker", "imagenet"):
            with pytest.raises(ValueError, match=f"transfer='{layout}' names a fresh backbone"):
                make_padi2021(layout)
        with pytest.raises(ValueError, match="Mask policy 'XX' is unknown"):
            make_padi2021(masks="XX")

    def test_files_of_any_rate_and_length_go_in(self, tmp_path):
        noise, paths = np.random.default_rng(0), []
        for i, rate in enumerate([8000, 16000, 22050, 48000] * 2):
            paths.append(str(tmp_path / f"{i}.wav"))
            soundfile.write(paths[-1], 0.1 * noise.normal(size=rate // 4 + 100 * i), rate)
        X = pd.DataFrame({"audio": paths, "speaker": ["s1", "s2", "s3", "s4"] * 2})
        X.loc[7, "audio"] = None
        features = LogMelSpectrogram(n_mels=24, cache_dir=False)
        model = make_padi2021(QUICK, features=features, classifier=SMALL)
        with pytest.warns(UserWarning, match="left out: .7, 's4'"):
            model.fit(with_groups(X), ["calm"] * 4 + ["angry"] * 4)
        assert (model[-1].modalities_, model[-1].n_dims_) == (["audio"], 24)
        with pytest.warns(UserWarning, match="no frames"):
            assert model.predict(X).shape == (8,)

    @pytest.mark.real_data
    def test_real_clips_go_in(self, real_data):
        X, y = load_ravdess(real_data / "ravdess", return_X_y=True)
        rows = np.flatnonzero(X["speaker"].isin(X["speaker"].unique()[:4]))[::15]
        features = LogMelSpectrogram(n_mels=24, step=0.04, window=0.05, cache_dir=False)
        model = make_padi2021(QUICK, features=features, classifier=SMALL)
        model.fit(X.iloc[rows], y.iloc[rows])
        assert set(model.predict(X.iloc[rows])) <= set(y)


class TestAblation:
    def test_four_variants_see_the_same_folds(self, monkeypatch):
        X, y, groups = make_rows()
        fitted, fit = [], SpeechResNetClassifier.fit

        def spy(self, X, y, *args, **kwargs):
            fitted.append((self.random_state, self.pretrain is not None, self.specaugment, len(X)))
            return fit(self, X, y, *args, **kwargs)

        monkeypatch.setattr(SpeechResNetClassifier, "fit", spy)
        settings = {"features": "passthrough", "classifier": SMALL, "n_resamples": 50}
        table = padi2021_ablation(
            X, y, groups=groups, cv=2, seeds=(3, 4), transfer=QUICK, masks="LB", **settings
        )
        assert table.index.tolist() == [(a, b) for a in (False, True) for b in (False, True)]
        assert len(set(fitted)) == 8
        assert len(fitted) == 16
        assert {specaugment for _, _, specaugment, _ in fitted} == {None, "LB"}
        assert table.notna().all(axis=None)
        assert (table["ua_low"] <= table["ua"]).all()
        assert (table["ua"] <= table["ua_high"]).all()

    def test_figures_are_pooled_over_seeds(self):
        generator = np.random.RandomState(0)
        labels = np.array(["sad", "calm", "calm"])
        rows = pd.DataFrame(
            {
                "transfer": True,
                "masks": False,
                "seed": np.repeat([0, 1], 60),
                "group": np.tile(np.arange(6), 20),
                "y": labels[np.tile(np.arange(60) % 3, 2)],
                "y_pred": labels[generator.randint(3, size=120)],
            }
        )
        row = ablation_figures(rows, n_resamples=200).loc[(True, False)]
        assert row["ua"] == pytest.approx(uar_score(rows["y"], rows["y_pred"]))
        assert row["wa"] == pytest.approx(accuracy_score(rows["y"], rows["y_pred"]))
        by_seed = [uar_score(part["y"], part["y_pred"]) for _, part in rows.groupby("seed")]
        assert row["ua_seed_std"] == pytest.approx(np.std(by_seed, ddof=1))
        for name in ("ua", "wa"):
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]

    def test_nothing_to_compare_is_an_error(self):
        X, y, _ = make_rows()
        with pytest.raises(ValueError, match="seeds is empty"):
            padi2021_ablation(X, y, seeds=())
        with pytest.raises(ValueError, match="nothing to compare"):
            padi2021_ablation(X, y, transfer=None)

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"groups": None}, "Nothing names the speakers"),
            ({"groups": None, "transfer": "trunk.safetensors"}, "Nothing names the speakers"),
            ({"transfer": "speaker"}, "names a fresh backbone"),
            ({"masks": "XX"}, "'XX' is unknown"),
        ],
    )
    def test_what_is_wrong_is_said_before_anything_is_trained(self, monkeypatch, wrong, words):
        X, y, groups = make_rows()
        monkeypatch.setattr(SpeechResNetClassifier, "fit", lambda *_, **__: pytest.fail("trained"))
        settings = {"groups": groups, "features": "passthrough", "classifier": SMALL, **wrong}
        with pytest.raises(ValueError, match=words):
            padi2021_ablation(X, y, **settings)
