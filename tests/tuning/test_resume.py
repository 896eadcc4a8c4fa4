"""Searches that are killed, interrupted, or shared by several processes."""

import signal
import subprocess
import sys

import numpy as np
import optuna
import pytest
from sklearn.base import clone

from emoest.tuning._storage import open_storage
from emoest.tuning._study import fail_abandoned
from emoest.utils.processes import process_runs, this_process
from tests.tuning.rows import SPACE, Threshold, fit, search

WORK = """
import sys, time
from tests.tuning.rows import fit, search

def after(study, trial):
    print(trial.number, flush=True)
    time.sleep(0.02)

fit(search(storage=sys.argv[1], n_trials=int(sys.argv[2]), cv=2, callbacks=[after]))
"""
FILES = ["study.db", "study.journal"]


def start(storage, n_trials):
    command = [sys.executable, "-c", WORK, storage, str(n_trials)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def trials_of(storage):
    storage = open_storage(storage)
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage).get_trials()


@pytest.fixture(scope="module")
def whole():
    return fit(search(n_trials=40, cv=2))


@pytest.mark.parametrize("file", FILES)
def test_a_search_that_is_killed_at_half_ends_with_forty(file, tmp_path, whole):
    storage = str(tmp_path / file)
    with start(storage, 40) as process:
        for _ in range(20):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    at_half = sum(trial.state.name == "COMPLETE" for trial in trials_of(storage))
    assert 20 <= at_half < 40
    Threshold.fits = 0
    resumed = fit(search(storage=storage, n_trials=40, cv=2))
    assert Threshold.fits == (40 - at_half) * 2 + 1
    complete = resumed.trials_[resumed.trials_["state"] == "COMPLETE"]
    assert len(complete) == len(resumed.cv_results_["params"]) == 40
    assert complete["worker"].nunique() == 2
    assert not (resumed.trials_["state"] == "RUNNING").any()
    for column in ("params_threshold", "value"):
        assert complete[column].tolist() == whole.trials_[column].tolist()
    assert resumed.best_params_ == whole.best_params_


def test_two_processes_share_one_journal(tmp_path):
    storage = str(tmp_path / "study.journal")
    processes = [start(storage, 24) for _ in range(2)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    trials = trials_of(storage)
    assert len(trials) in {24, 25}
    drawn = [trial.params["threshold"] for trial in trials]
    assert len(set(drawn)) == len(drawn)
    shares = np.unique([trial.user_attrs["worker"] for trial in trials], return_counts=True)[1]
    assert len(shares) == 2


def running_trial(storage, worker, **asked):
    fit(search(storage=storage, n_trials=1, study_name="mine"))
    study = optuna.load_study(study_name="mine", storage=open_storage(storage))
    if asked:
        study.enqueue_trial(asked)
    trial = study.ask(SPACE)
    if worker is not None:
        trial.set_user_attr("worker", worker)
    return study, trial.number


@pytest.mark.parametrize("file", FILES)
def test_a_trial_of_a_process_that_has_ended_is_done_again(file, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = this_process().split()[0]
    _, number = running_trial(tmp_path / file, f"{host} {gone.pid} x y", threshold=0.75)
    resumed = fit(search(storage=tmp_path / file, n_trials=2, study_name="mine"))
    assert resumed.trials_["state"].tolist() == ["COMPLETE", "FAIL", "COMPLETE"]
    assert resumed.trials_["params_threshold"].tolist()[1:] == [0.75, 0.75]
    assert number == 1


@pytest.mark.parametrize(
    "worker",
    [f"{this_process()} left", "elsewhere 1 2 3", None],
    ids=["this", "elsewhere", "unknown"],
)
def test_only_trials_that_nobody_runs_are_ended(worker, tmp_path, monkeypatch):
    monkeypatch.setattr("emoest.tuning._study._NAMELESS_SECONDS", 0.1)
    study, number = running_trial(tmp_path / "study.journal", worker)
    left = worker is None or "left" in worker
    assert fail_abandoned(study) == left
    state = study.get_trials()[number].state.name
    assert state == ("FAIL" if left else "RUNNING")
    assert fail_abandoned(study) == 0


def test_trials_that_another_worker_begins_meanwhile_are_left(tmp_path, monkeypatch):
    """A worker names each trial a moment after it begins it."""
    study, number = running_trial(tmp_path / "study.journal", None)
    begun = []

    def begin_another(seconds):
        for trial in begun:
            trial.set_user_attr("worker", f"{this_process()} other")
        begun.append(study.ask(SPACE))

    monkeypatch.setattr("emoest.tuning._study._NAMELESS_SECONDS", 0.1)
    monkeypatch.setattr("emoest.tuning._study._running", {f"{this_process()} other"})
    monkeypatch.setattr("emoest.tuning._study.time.sleep", begin_another)
    assert fail_abandoned(study) == 1
    states = {trial.number: trial.state.name for trial in study.get_trials()}
    assert states[number] == "FAIL"
    assert begun
    assert all(states[trial.number] == "RUNNING" for trial in begun)


def test_processes_are_told_apart():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host, own, start = this_process().split()
    try:
        other = f"{host} {process.pid}"
        assert process_runs(this_process())
        # The number of a process that has ended is given to another one.
        assert process_runs(f"{other} {start}") is False
    finally:
        process.kill()
        process.wait()
    assert process_runs(f"{host} {process.pid} {start}") is False
    assert process_runs(f"other-{host} {own} {start}") is None


def test_a_line_that_was_cut_short_is_taken_out(tmp_path):
    file = tmp_path / "study.journal"
    first = fit(search(storage=file, n_trials=2))
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines()[-1][:15])
    again = fit(search(storage=file, n_trials=3))
    assert again.trials_["value"].tolist()[:2] == first.trials_["value"].tolist()
    assert len(again.trials_) == 3


def test_a_file_of_another_kind_is_left_as_it_is(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("no line break at the end")
    with pytest.raises(OSError, match="It is no journal of Optuna"):
        fit(search(storage=file))
    assert file.read_text() == "no line break at the end"


def test_an_interrupt_in_a_stored_search_keeps_the_trials_before(tmp_path):
    storage = tmp_path / "study.db"

    def stop(study, trial):
        if trial.number == 2:
            raise KeyboardInterrupt

    model = search(storage=storage, n_trials=6, callbacks=[stop])
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    assert len(model.cv_results_["params"]) == 3
    resumed = fit(clone(model).set_params(callbacks=None))
    assert len(resumed.trials_) == 6
    assert resumed.trials_["value"].tolist()[:3] == model.trials_["value"].tolist()
