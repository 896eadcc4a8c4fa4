"""The system of Tan et al. 2021: each branch, the fusions, and what 48 trials can say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from emoest.datasets import load_seed4, make_face_eeg_trials, make_seed4_like
from emoest.evaluation import evaluate, uar_score
from emoest.features import BandPower, DifferentialEntropy, LinearDynamicSmoother, MovingAverage
from emoest.fusion import TrialAggregatingClassifier
from emoest.fusion._monte_carlo_rules import choose_weights, draw_weights, mix_weights
from emoest.neural import FaceCNNClassifier
from emoest.systems import (
    make_tan2021,
    make_tan2021_eeg,
    tan2021_comparison,
    tan2021_eeg_param_grid,
)
from emoest.systems.tan2021 import ALONE, EMOTIONS, FAMILIES, FUSIONS
from emoest.tables.cells import object_column


class Pixels(ClassifierMixin, BaseEstimator):
    """A quick classifier of lists of images, in place of a net."""

    def fit(self, X, y):
        self.model_ = LogisticRegression(C=0.1, max_iter=1000).fit(self.flat(X), y)
        self.classes_ = self.model_.classes_
        return self

    def flat(self, X):
        return np.stack([np.mean(cell, axis=0)[::3, ::3].ravel() / 255 for cell in X.iloc[:, 0]])

    def predict_proba(self, X):
        return self.model_.predict_proba(self.flat(X))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def quick_eeg(family="psd_movingAve"):
    """The EEG branch on trials that need no filter."""
    return make_tan2021_eeg(
        family,
        window=2.0,
        filtered=False,
        estimator=make_pipeline(StandardScaler(), LinearSVC(C=0.01)),
        trial_cv=2,
        cache_dir=None,
    )


@pytest.fixture(scope="module")
def trials():
    return make_face_eeg_trials(seconds=6, n_images=1, random_state=0, return_X_y=True)


class TestChoices:
    @pytest.mark.parametrize("fusion", [*FUSIONS, *ALONE])
    def test_every_fusion_is_made(self, fusion):
        model = make_tan2021(Pixels(), quick_eeg(), fusion=fusion, random_state=7)["fuse"]
        dropped = [name for name, each in model.estimators if each == "drop"]
        assert dropped == ([name for name in ALONE if name != fusion] if fusion in ALONE else [])
        assert model.random_state == 7
        assert getattr(model, "strategy", getattr(model, "rule", None)) in {fusion, "mean"}

    def test_defaults_are_the_net_and_the_family_that_others_use(self):
        face, eeg = (each for _, each in make_tan2021()["fuse"].estimators)
        assert (face.model, face.classes) == ("cnn4", list(EMOTIONS))
        assert [name for name, _ in eeg.steps] == ["filter", "bands", "smooth", "trials"]
        assert isinstance(eeg["bands"], DifferentialEntropy)
        assert isinstance(eeg["smooth"], LinearDynamicSmoother)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_families(self, family):
        model = make_tan2021_eeg(family)
        assert isinstance(model["bands"], DifferentialEntropy if "de" in family else BandPower)
        smooth = LinearDynamicSmoother if "LDS" in family else MovingAverage
        assert isinstance(model["smooth"], smooth)

    @pytest.mark.parametrize(
        ("make", "name"), [(make_tan2021, "fusion"), (make_tan2021_eeg, "family")]
    )
    def test_unknown_choices_are_named(self, make, name):
        with pytest.raises(ValueError, match=f"{name}='all' is unknown"):
            make(**{name: "all"})


class TestEEG:
    def test_the_families_are_a_grid(self, trials):
        X, y = trials
        grid = tan2021_eeg_param_grid(window=2.0, exponents=[-4])
        search = GridSearchCV(quick_eeg(), grid, cv=GroupKFold(2), scoring="accuracy")
        search.fit(X[["eeg"]], y, groups=X["clip__group"])
        assert len(search.cv_results_["params"]) == 4
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_rhythms_are_told_on_clips_that_were_never_seen(self, trials):
        X, y = trials
        cv = LeaveOneGroupOut()
        y_pred = cross_val_predict(quick_eeg(), X[["eeg"]], y, groups=X["clip__group"], cv=cv)
        assert uar_score(y, y_pred) > 0.4

    def test_files_of_seed4_become_a_table_of_uar(self, tmp_path):
        folder = make_seed4_like(tmp_path, n_subjects=2, seconds=8)
        with pytest.warns(UserWarning):
            X, y = load_seed4(folder, data="features", return_X_y=True)
        rows = []
        for (subject, session), part in X.groupby(["speaker", "session"]):
            target, train = y[part.index], (part["split"] == "train").to_numpy()
            model = TrialAggregatingClassifier(cv=2, random_state=0)
            y_pred = model.fit(part[train], target[train]).predict(part[~train])
            rows.append((subject, session, uar_score(target[~train], y_pred)))
        table = pd.DataFrame(rows, columns=["subject", "session", "uar"])
        assert len(table) == 6 and table["uar"].between(0, 1).all()


class TestFusion:
    def test_all_fusions_are_compared_on_the_same_folds(self, trials):
        X, y = trials
        table = tan2021_comparison(
            X,
            y,
            groups=X["clip__group"],
            cv=2,
            face=Pixels(),
            eeg=quick_eeg(),
            n_draws=200,
            inner_cv=2,
        )
        assert table.index.tolist() == [*ALONE, "mean", "product", *FUSIONS[:3]]
        assert (table["n_trials"] == 48).all()
        np.testing.assert_allclose(table["accuracy"], table["n_right"] / 48)
        np.testing.assert_allclose(table["accuracy"], table["uar"])
        assert (table["low"] < table["accuracy"]).all() and (
            table["high"] > table["accuracy"]
        ).all()
        assert (table["accuracy"] > 0.25).all()

    def test_weights_are_learned_on_clips_inside_the_training_part(self, trials, monkeypatch):
        X, y = trials
        seen, fit = [], Pixels.fit

        def spy(self, X, y):
            seen.append(set(X.index))
            return fit(self, X, y)

        monkeypatch.setattr(Pixels, "fit", spy)
        model = make_tan2021(
            Pixels(), quick_eeg(), group_column="clip__group", cv=3, n_draws=50, random_state=0
        )
        train = (X["clip__group"] != "1").to_numpy()
        model.fit(X[train], y[train])
        clips = [{index[0].rpartition("_")[2] for index in rows} for rows in seen]
        assert not any("1" in each for each in clips)
        assert sorted(map(len, clips)) == [2, 2, 2, 3]

    def test_a_missing_modality_leaves_the_other(self, trials):
        X, y = trials
        holed = X.copy()
        holed["face"] = object_column([None, *X["face"][1:]], X.index)
        holed["eeg"] = object_column([*X["eeg"][:2], None, *X["eeg"][3:]], X.index)
        model = make_tan2021(
            Pixels(), quick_eeg(), group_column="clip__group", cv=2, n_draws=50, random_state=0
        ).fit(holed, y)
        proba = model.predict_proba(holed)
        assert np.isfinite(proba).all()
        base = model["fuse"].estimators_["eeg"]
        np.testing.assert_allclose(proba[0], base.predict_proba(holed[["eeg"]][:1])[0], atol=1e-6)

    def test_a_person_with_one_clip_cannot_be_calibrated_alone(self):
        X, y = make_face_eeg_trials(
            n_people=1, n_clips=1, n_images=1, seconds=4, random_state=0, return_X_y=True
        )
        with pytest.raises(ValueError, match="cannot be calibrated"):
            quick_eeg().fit(X[["eeg"]], y)

    def test_choosing_weights_on_the_test_trials_flatters(self):
        """Two modalities that know nothing: the best of many weights seems to know something."""
        generator = np.random.RandomState(0)
        flattering, honest = [], []
        for _ in range(40):
            y = np.repeat(np.arange(4), 12)
            proba = generator.dirichlet(np.ones(4), size=(48, 2))
            present = np.ones((48, 2), dtype=bool)
            weights = draw_weights(200, 2, generator)
            right = mix_weights(weights, proba, present).argmax(axis=2) == y
            flattering.append(right.mean(axis=1).max())
            clips = np.tile(np.arange(4), 12)
            nested = 0
            for clip in range(4):
                test = clips == clip
                chosen = choose_weights(weights, right[:, ~test].mean(axis=1))
                answer = mix_weights(chosen[None], proba[test], present[test])[0].argmax(axis=1)
                nested += int((answer == y[test]).sum())
            honest.append(nested / 48)
        assert np.mean(honest) == pytest.approx(0.25, abs=0.03)
        assert np.mean(flattering) > np.mean(honest) + 0.05


@pytest.fixture(scope="module")
def fer2013(real_data):
    """Pictures of FER2013: some for training, PublicTest without copies of any of the training."""
    folder = real_data / "fer2013"
    with np.load(folder / "fer2013_dev.npz", allow_pickle=False) as file:
        names = np.array([str(name) for name in file["classes"]])
        train, labels = file["train_x"], names[file["train_y"]]
        test, truth = file["val_x"], names[file["val_y"]]
    seen = {image.tobytes() for image in train}
    with np.load(folder / "fer2013_train_rest.npz", allow_pickle=False) as file:
        seen |= {image.tobytes() for image in file["train_x"]}
    kept = [i for i, image in enumerate(test) if image.tobytes() not in seen and np.ptp(image)]
    return train, labels, test[kept], truth[kept]


@pytest.fixture(scope="module")
def face_net(fer2013):
    """A small net of a few hundred pictures: it knows a little."""
    train, labels, _, _ = fer2013
    generator = np.random.RandomState(0)
    rows = [generator.choice(np.flatnonzero(labels == name), 60, False) for name in EMOTIONS]
    rows = np.concatenate(rows)
    model = FaceCNNClassifier(
        "cnn4_small",
        image_size=24,
        classes=list(EMOTIONS),
        max_epochs=14,
        batch_size=32,
        lr=2e-3,
        augment={"rotation": 5.0, "shift": 0.05, "zoom": 0.05},
        validation_fraction=None,
        errors="missing",
        random_state=0,
    )
    return model.fit(list(train[rows]), labels[rows])


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::UserWarning")
class TestRealData:
    def test_faces_that_the_net_has_never_seen(self, fer2013, face_net):
        _, _, test, truth = fer2013
        chosen = np.flatnonzero(np.isin(truth, EMOTIONS))[::5]
        # Of four emotions; processors round otherwise, and nets of three seeds have 0.30 to 0.35.
        assert uar_score(truth[chosen], face_net.predict(list(test[chosen]))) > 0.28

    def test_mental_states_of_people_who_were_never_seen(self, real_data):
        with np.load(real_data / "eeg_mental_state" / "eeg_muse.npz") as archive:
            keys = [key for key in archive.files if not key.endswith("__t")]
            cells = [(archive[key][: 256 * 24].T, 256) for key in keys]
        X = object_column(cells, pd.Index(keys, name="recording"), "eeg").to_frame()
        X["speaker"] = [key.split("-")[0] for key in keys]
        y = np.array([key.split("-")[1] for key in keys])
        model = make_tan2021_eeg("psd_movingAve", window=2.0, trial_cv=2, random_state=0)
        y_pred = cross_val_predict(model, X, y, groups=X["speaker"], cv=LeaveOneGroupOut())
        assert set(y_pred) <= set(y) and len(y_pred) == len(keys)
        model = model.fit(X, y)
        assert model["trials"].n_trials_ == len(keys)

    def test_the_fused_system_on_real_faces(self, fer2013, face_net):
        _, _, test, truth = fer2013
        X, y = make_face_eeg_trials(
            (list(test), truth), n_images=1, seconds=6, random_state=0, return_X_y=True
        )
        model = make_tan2021(
            FrozenEstimator(face_net),
            quick_eeg(),
            group_column="clip__group",
            cv=2,
            n_draws=200,
            random_state=0,
        )
        result = evaluate(model, X, y, groups=X["clip__group"], cv=4, n_resamples=10)
        assert len(result.predictions) == 48
        assert result.table["uar"].iloc[0] > 0.25
