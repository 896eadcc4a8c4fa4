"""Several processes on one storage."""

import numpy as np
import optuna
import pytest
from joblib import Parallel, delayed
from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression
from sqlalchemy.exc import OperationalError

from emoest.evaluation import evaluate
from emoest.tuning import OptunaSearchCV
from emoest.tuning._folds import Rows
from emoest.tuning._storage import open_storage
from emoest.tuning._study import check_study, describe_study

X = np.random.default_rng(0).normal(size=(24, 2))
Y, SPEAKERS = np.tile([0, 1], 12), np.repeat(range(12), 2)


def search(storage, n_trials=4):
    space = {"C": FloatDistribution(0.1, 10)}
    options = {"cv": 2, "n_trials": n_trials, "storage": storage, "random_state": 0}
    return OptunaSearchCV(LogisticRegression(), space, **options)


def fit(storage):
    search(storage, n_trials=8).fit(X, Y, groups=SPEAKERS)


def test_trials_are_counted_over_workers_and_differ(tmp_path):
    storage = f"sqlite:///{tmp_path}/new.db"
    Parallel(n_jobs=2)(delayed(fit)(storage) for _ in range(2))
    study = optuna.load_study(study_name=None, storage=storage)
    drawn = [trial.params["C"] for trial in study.get_trials()]
    assert len(drawn) in {8, 9}
    assert len(set(drawn)) == len(drawn)


class OvertakenStudy:
    """A study that another worker begins after so many looks at it."""

    study_name = "overtaken"

    def __init__(self, n_looks, identity):
        self.study, self.n_looks, self.identity = optuna.create_study(), n_looks, identity

    def seen(self, found):
        self.n_looks -= 1
        if self.n_looks == 0:
            self.study.set_user_attr("emoest", self.identity)
            self.study.ask()
        return found

    @property
    def user_attrs(self):
        return self.seen(self.study.user_attrs)

    def get_trials(self, deepcopy):
        return self.seen(self.study.get_trials(deepcopy=deepcopy))


@pytest.mark.parametrize("n_looks", [1, 2])
def test_a_study_that_another_worker_begins_meanwhile_is_one_of_this_search(n_looks):
    identity = {"samples": "ab"}
    study = OvertakenStudy(n_looks, identity)
    check_study(study, identity)
    assert len(study.study.trials) == 1


def test_what_a_study_is_of_is_written_before_all_else():
    written = []

    class Study:
        user_attrs = {}

        def set_user_attr(self, name, value):
            written.append(name)

    rows = Rows(X, Y, SPEAKERS, None, [], 0)
    describe_study(Study(), LogisticRegression(), rows, {"samples": "ab"}, ["uar"])
    assert written[0] == "emoest"


def test_folds_at_a_time_make_one_new_storage(tmp_path):
    found = [
        evaluate(search(storage), X, Y, groups=SPEAKERS, cv=3, n_jobs=2, random_state=0).predictions
        for storage in (f"sqlite:///{tmp_path}/new.db", None)
    ]
    assert found[0].equals(found[1])


@pytest.mark.parametrize("n_failures", [1, 3])
def test_tables_that_another_process_makes_are_waited_for(monkeypatch, tmp_path, n_failures):
    made, right = [], optuna.storages.RDBStorage

    def make(*args, **kwargs):
        made.append(args)
        if len(made) <= n_failures:
            raise OperationalError("CREATE TABLE studies", {}, Exception("table already exists"))
        return right(*args, **kwargs)

    monkeypatch.setattr(optuna.storages, "RDBStorage", make)
    monkeypatch.setattr("emoest.tuning._storage.time.sleep", lambda seconds: None)
    assert isinstance(open_storage(f"sqlite:///{tmp_path}/new.db"), right)
    assert len(made) == n_failures + 1


def test_a_storage_that_is_broken_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("emoest.tuning._storage.time.sleep", lambda seconds: None)
    (tmp_path / "text.db").write_text("no database at all" * 100)
    with pytest.raises(Exception, match="not a database"):
        open_storage(f"sqlite:///{tmp_path}/text.db")


class GrowingStudy:
    """A study to which another worker adds a trial whenever this one looks."""

    def __init__(self, study):
        self.study = study

    def __getattr__(self, name):
        trial = self.study.ask({"C": FloatDistribution(0.1, 10)})
        self.study.tell(trial, 0.5)
        return getattr(self.study, name)


def test_results_are_of_one_moment():
    """Another worker may add trials between the first look at the study and the last."""
    model = search(None).fit(X, Y, groups=SPEAKERS)
    model.study_ = GrowingStudy(model.study_)
    model._set_results(["score"])
    assert len(model.trials_) > 4
    assert len(model.trials_) == len(model.cv_results_["params"])
