"""Evaluations, searches and corpora on a cluster of Dask: two processes on this machine."""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling
from emoest.embeddings import CorpusError, embed_corpus
from emoest.evaluation import evaluate, uar_scorer
from emoest.fusion import LateFusionClassifier
from emoest.normalization import SpeakerZScoreNormalizer
from emoest.tuning import OptunaSearchCV
from tests.embeddings.corpus_stub import CountingEmbedder, computed

distributed = pytest.importorskip("distributed")

SPEAKERS = np.repeat([f"s{i}" for i in range(6)], 8)
Y = np.tile(["happy", "sad"], 24)


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def kill_after(log, n_items):
    """End the worker that computes, once there are so many items, as a power cut does.

    Return the thread that waits for it, and whom it ended.
    """
    ended = []

    def wait():
        for _ in range(400):
            if len(items := computed(log)) >= n_items:
                ended.append(int(items[-1][0]))
                os.kill(ended[0], signal.SIGKILL)
                return
            time.sleep(0.05)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread, ended


@pytest.fixture
def system(tmp_path):
    """Frames of a voice and words, pooled, normalized by speaker, fused late."""
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=(5, 3)).astype("float32") + (y == "sad") for y in Y]
    X = pd.DataFrame(
        {
            "audio": pd.Series(frames, dtype=object),
            "text": [f"{y} {i % 11}" for i, y in enumerate(Y)],
            "speaker": SPEAKERS,
        }
    )
    embed = ColumnTransformer(
        [
            ("audio", StatisticsPooling(), ["audio"]),
            ("text", CountingEmbedder(str(tmp_path / "log")), ["text"]),
        ]
    )
    fusion = LateFusionClassifier(LogisticRegression())
    model = make_pipeline(embed, SpeakerZScoreNormalizer(), fusion).set_output(transform="pandas")
    return model, X


def evaluated(system, n_jobs=None):
    model, X = system
    return evaluate(
        model, X, Y, groups=SPEAKERS, cv=3, n_jobs=n_jobs, random_state=0, n_resamples=100
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_evaluation_of_a_multimodal_pipeline_equals_the_local_one(client, system):
    local = evaluated(system)
    with joblib.parallel_config(backend="dask"):
        spread = evaluated(system, n_jobs=2)
    pd.testing.assert_frame_equal(spread.predictions, local.predictions)
    assert spread.table.equals(local.table)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_cross_validation_and_searches_of_scikit_learn_equal_the_local_ones(client, system):
    model, X = system
    indexed = X.set_index(X["speaker"].rename("group"), append=True)
    grid = {"latefusionclassifier__estimators__C": [0.1, 1.0]}
    options = {"cv": GroupKFold(3), "scoring": uar_scorer}

    def both(n_jobs=None):
        scores = cross_val_score(model, indexed, Y, groups=SPEAKERS, n_jobs=n_jobs, **options)
        search = GridSearchCV(model, grid, n_jobs=n_jobs, **options).fit(
            indexed, Y, groups=SPEAKERS
        )
        return scores.tolist(), search.cv_results_["mean_test_score"].tolist()

    local = both()
    # Dask draws from numpy's global generator to guess how large a table is.
    before = np.random.get_state()  # noqa: NPY002
    with joblib.parallel_config(backend="dask"):
        assert both(n_jobs=2) == local
    np.random.set_state(before)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_search_equals_the_local_one(client, system):
    model, X = system
    space = {"latefusionclassifier__estimators__C": FloatDistribution(0.01, 10, log=True)}
    search = OptunaSearchCV(model, space, cv=2, n_trials=3, random_state=0)
    local = search.fit(X, Y, groups=SPEAKERS).cv_results_
    with joblib.parallel_config(backend="dask"):
        spread = search.set_params(n_jobs=2).fit(X, Y, groups=SPEAKERS).cv_results_
    assert spread["params"] == local["params"]
    np.testing.assert_array_equal(spread["mean_test_score"], local["mean_test_score"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_evaluation_loses_nothing_with_a_worker(client, system):
    local = evaluated(system)
    model, _ = system
    model.set_params(columntransformer__text__delay=0.01)
    log = model.get_params()["columntransformer__text__log"]
    thread, ended = kill_after(log, len(computed(log)) + 20)
    with joblib.parallel_config(backend="dask"):
        spread = evaluated(system, n_jobs=2)
    thread.join()
    assert len(ended) == 1
    pd.testing.assert_frame_equal(spread.predictions, local.predictions)
    client.wait_for_workers(2)


@pytest.fixture
def corpus(tmp_path):
    table = pd.DataFrame({"text": [f"clip {i:04d}" for i in range(120)]})
    log = str(tmp_path / "log")
    embedder = CountingEmbedder(log, cache_dir=str(tmp_path / "store"), delay=0.01)
    expected = CountingEmbedder(log, cache_dir=False).fit(table).transform(table)
    os.unlink(log)  # noqa: PTH108
    return table, embedder, tmp_path / "out", log, expected


def test_a_corpus_with_a_killed_worker_is_embedded_once(client, corpus):
    table, embedder, out, log, expected = corpus
    thread, ended = kill_after(log, 36)
    parts = embed_corpus(table, embedder, out, rows_per_part=10)
    thread.join()
    assert parts["n_rows"].tolist() == [10] * 12
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected)
    assert len(ended) == 1
    # Only the batch that the killed worker had in hand may have been computed in vain.
    assert 120 <= len(computed(log)) <= 120 + embedder.batch_size
    assert len({item for _, item in computed(log)}) == 120
    assert parts["worker"].nunique() >= 2
    client.wait_for_workers(2)


def test_a_corpus_that_was_stopped_goes_on(client, corpus):
    table, embedder, out, log, expected = corpus
    # Slow enough that the interrupt comes long before the end, however busy the machine is.
    embedder.set_params(delay=0.05)

    def interrupt():
        while len(list(out.glob("*.parquet"))) < 3:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    # A process that was begun in the background ignores interrupts, and so do its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stop = threading.Thread(target=interrupt)
    stop.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            embed_corpus(table, embedder, out, rows_per_part=10)
    finally:
        stop.join()
        signal.signal(signal.SIGINT, before)
    written = len(list(out.glob("*.parquet")))
    assert 3 <= written < 12
    parts = embed_corpus(table, embedder, out, rows_per_part=10)
    assert (parts["seconds"] == 0).sum() >= written
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected)
    assert len({item for _, item in computed(log)}) == 120


def test_parts_that_fail_on_a_worker_are_named(client, corpus):
    table, embedder, out, _, expected = corpus
    embedder.set_params(bad="clip 0042", delay=0.0)
    with pytest.raises(CorpusError, match=r"1 of 12 part\(s\) failed: 4\. .*ValueError"):
        embed_corpus(table, embedder, out, rows_per_part=10, client=client)
    left = expected.drop(index=range(40, 50))
    pd.testing.assert_frame_equal(pd.read_parquet(out), left)


def test_a_worker_of_another_version_is_refused(client, corpus, monkeypatch):
    table, embedder, out, log, _ = corpus
    theirs = client.run(lambda: "here")

    def run(function):
        found = dict.fromkeys(theirs, function())
        return found | {list(theirs)[-1]: function() | {"numpy": "1.0.0"}}

    monkeypatch.setattr(client, "run", run)
    with pytest.raises(RuntimeError, match=r"Worker .* has numpy 1\.0\.0 \(here 2"):
        embed_corpus(table, embedder, out, client=client)
    assert computed(log) == []
