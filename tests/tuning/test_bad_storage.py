"""Storages that are locked, full, of another study, of another kind, of other versions."""

import resource
import sqlite3
from contextlib import contextmanager

import optuna
import pytest

from emoest.evaluation import evaluate
from emoest.tuning import StudyStorageError
from emoest.tuning._storage import open_storage
from tests.tuning.rows import SPACE, SPEAKERS, Threshold, X, Y, fit, search


@contextmanager
def full_disk(largest):
    """No file grows beyond `largest` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("file", ["study.db", "study.journal"])
def test_on_a_full_disk_what_was_done_is_kept(file, tmp_path):
    path = tmp_path / file
    fit(search(storage=path, n_trials=2))
    model = search(storage=path, n_trials=40)
    with full_disk(path.stat().st_size + 4000), pytest.raises(StudyStorageError) as stop:
        fit(model)
    assert file in str(stop.value)
    assert "Make room" in str(stop.value)
    kept = len(model.cv_results_["params"])
    assert 2 <= kept < 40
    Threshold.fits = 0
    resumed = fit(search(storage=path, n_trials=kept + 2))
    assert Threshold.fits == 2 * 4 + 1
    assert resumed.trials_["value"].dropna().tolist()[:kept] == (
        model.trials_["value"].dropna().tolist()
    )


def test_a_locked_data_base_is_waited_for_and_then_named(tmp_path, monkeypatch):
    monkeypatch.setattr("emoest.tuning._storage._LOCK_SECONDS", 0.1)
    path = tmp_path / "study.db"
    fit(search(storage=path, n_trials=1))
    other = sqlite3.connect(path)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StudyStorageError, match=r"locked.*Another program holds it"):
            fit(search(storage=path, n_trials=2))
    finally:
        other.close()
    assert len(fit(search(storage=path, n_trials=2)).trials_) == 2


def test_an_estimators_own_error_is_not_one_of_the_storage(tmp_path):
    class Fails(Threshold):
        def fit(self, X, y):
            raise OSError("no such file: clip.wav")

    with pytest.raises(OSError, match=r"^no such file: clip.wav$"):
        fit(search(Fails(), error_score="raise", storage=tmp_path / "study.journal"))


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"cv": 2}, "folds"),
        ({"random_state": 1}, "folds, random_state"),
        ({"scoring": "accuracy"}, "scoring"),
        ({"space": SPACE | {"threshold": [0.0]}}, "space"),
        ({"estimator": Threshold(0.5)}, "estimator"),
    ],
)
def test_a_name_of_another_search_is_refused_with_what_differs(other, differs, tmp_path):
    options = {"storage": tmp_path / "study.journal", "study_name": "mine", "n_trials": 1}
    assert fit(search(**options)).study_.study_name == "mine"
    with pytest.raises(ValueError, match=f"is of another search: {differs} differ"):
        fit(search(**options | other))
    with pytest.raises(
        ValueError, match="is of another search: samples, target, groups, folds differ"
    ):
        search(**options).fit(X[:24], Y[:24], groups=SPEAKERS[:24])
    assert len(fit(search(**options | {"n_trials": 2})).trials_) == 2


def test_a_study_that_is_no_search_of_ours_is_refused(tmp_path):
    path = tmp_path / "study.journal"
    study = optuna.create_study(storage=open_storage(path), study_name="theirs")
    study.optimize(lambda trial: trial.suggest_float("threshold", -2, 2), n_trials=1)
    with pytest.raises(ValueError, match="'theirs' has trials that OptunaSearchCV did not make"):
        fit(search(storage=path, study_name="theirs"))
    assert len(fit(search(storage=path, n_trials=2)).trials_) == 2


def test_names_tell_the_model_and_outer_folds_have_one_each(tmp_path):
    storage = open_storage(tmp_path / "study.journal")
    evaluate(search(n_trials=1, cv=2, storage=storage), X, Y, groups=SPEAKERS, cv=2)
    names = optuna.get_all_study_names(storage)
    assert len(names) == 2
    assert all(name.startswith("Threshold-") for name in names)


def test_other_versions_are_named_once_the_search_goes_on(tmp_path):
    options = {"storage": tmp_path / "study.journal", "study_name": "mine"}
    study = fit(search(n_trials=1, **options)).study_
    study.set_user_attr("versions", study.user_attrs["versions"] | {"scikit-learn": "0.1"})
    with pytest.warns(UserWarning, match=r"'mine' was begun with scikit-learn 0\.1 \(now 1\."):
        assert len(fit(search(n_trials=2, **options)).trials_) == 2


@pytest.mark.parametrize("file", ["study.db", "study.journal"])
def test_a_folder_that_is_not_there_is_named(file, tmp_path, monkeypatch):
    monkeypatch.setattr("emoest.tuning._storage.time.sleep", lambda seconds: None)
    with pytest.raises(StudyStorageError, match=r"none.*Its folder is not there"):
        fit(search(storage=tmp_path / "none" / file))


def test_a_server_is_told_that_a_trial_still_runs(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        optuna.storages, "RDBStorage", lambda url, **options: asked.update({url: options})
    )
    open_storage("postgresql://host/studies")
    open_storage("sqlite:///study.db")
    assert asked["postgresql://host/studies"] == {"heartbeat_interval": 60}
    assert "heartbeat_interval" not in asked["sqlite:///study.db"]
