import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression

from emoest.evaluation import EvaluationResult, evaluate
from emoest.evaluation._protocols.fingerprint import corpus_digest

N = 24
SPEAKERS = np.repeat(np.arange(12), 2)


def data(y):
    X = pd.DataFrame({"audio__a": np.random.default_rng(0).normal(size=N)})
    return X, np.tile(y, N // len(y))


TEXTS = data(["<b>sad</b>", 'glad, "very"\n\x07', "null"])
RESULTS = {
    "texts": ({"a": LogisticRegression(), "b,": DummyClassifier()}, *TEXTS),
    "numbers": (DummyClassifier(), *data([1, 2])),
    "truth values": (DummyClassifier(), *data([True, False])),
    "continuous": (DummyRegressor(), *data([0.5, 1.0, 2.0])),
    "targets": (
        DummyClassifier(),
        data([0])[0],
        pd.DataFrame({"joy": np.tile([0, 1], 12), 7: np.tile([0, 1, 1], 8)}),
    ),
    "an index of pairs": (
        DummyClassifier(),
        TEXTS[0].set_axis(pd.MultiIndex.from_product([list("abcd"), range(6)])),
        TEXTS[1],
    ),
    "runs": (DummyClassifier(strategy="stratified"), *TEXTS),
}


@pytest.mark.parametrize("engine", ["parquet", "csv"])
@pytest.mark.parametrize(("model", "X", "y"), RESULTS.values(), ids=RESULTS)
def test_what_is_loaded_is_what_was_saved(model, X, y, engine, tmp_path, monkeypatch, request):
    if engine == "csv":
        monkeypatch.setattr("emoest.evaluation._report.saving.find_spec", lambda name: None)
    else:
        pytest.importorskip("pyarrow")
    seeds = [1, 2] if "runs" in request.node.name else None
    result = evaluate(
        model, X, y, groups=SPEAKERS, cv=3, n_resamples=50, random_state=0, seeds=seeds
    )
    result.save(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / f"predictions.{engine}").exists()
    loaded = EvaluationResult.load(tmp_path / "new" / "folder")
    assert loaded.protocol == result.protocol
    pd.testing.assert_frame_equal(loaded.table, result.table, check_dtype=False)
    assert loaded.summary() == result.summary()
    assert loaded.to_html() == result.to_html()
    pd.testing.assert_frame_equal(loaded.comparison, result.comparison, check_dtype=False)


def test_results_carry_versions_and_a_digest_of_the_samples():
    X, y = TEXTS
    result = evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=3, random_state=0)
    assert {"python", "emoest", "numpy", "scikit-learn"} <= set(result.protocol.versions)
    assert result.protocol.digest[:16] in result.summary()
    others = [
        corpus_digest(X, y, SPEAKERS),
        corpus_digest(X + 1e-9, y, SPEAKERS),
        corpus_digest(X.rename(columns=str.upper), y, SPEAKERS),
        corpus_digest(X, y[::-1], SPEAKERS),
        corpus_digest(X, y, SPEAKERS + 1),
        corpus_digest(X, y, None),
    ]
    assert len(set(others)) == len(others)


def test_files_count_by_their_bytes(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"1")
    X = pd.DataFrame({"audio": [str(path)]})
    first = corpus_digest(X, ["a"], None)
    path.write_bytes(b"2")
    assert corpus_digest(X, ["a"], None) != first
    assert corpus_digest(X + "#t=0,1", ["a"], None) != corpus_digest(X, ["a"], None)


def cut(path):
    pd.read_parquet(path).iloc[:10].to_parquet(path)


def one_column_less(path):
    pd.read_parquet(path).drop(columns="y_pred").to_parquet(path)


BROKEN = {
    "fewer rows": (cut, r"holds 10 predictions, but .*protocol\.json says 24"),
    "half a file": (lambda path: path.write_bytes(path.read_bytes()[:200]), "cannot be read as"),
    "no column of predictions": (one_column_less, "cannot be read as .* 'y_pred'"),
    "no file": (lambda path: path.unlink(), "is missing"),
}


@pytest.mark.parametrize(("broken", "message"), BROKEN.values(), ids=BROKEN)
def test_predictions_that_are_not_those_saved_are_refused(broken, message, tmp_path):
    pytest.importorskip("pyarrow")
    evaluate(DummyClassifier(), *TEXTS, groups=SPEAKERS, cv=3, random_state=0).save(tmp_path)
    path = tmp_path / "predictions.parquet"
    broken(path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        EvaluationResult.load(tmp_path)
    assert str(path) in str(caught.value)
    assert "evaluate and save again" in str(caught.value)


def test_what_is_no_result_is_refused(tmp_path):
    result = evaluate(DummyClassifier(), *TEXTS, groups=SPEAKERS, cv=3, random_state=0)
    result.save(tmp_path)
    path = tmp_path / "protocol.json"
    text = json.loads(path.read_text(encoding="utf-8"))
    with pytest.raises(FileNotFoundError):
        EvaluationResult.load(tmp_path / "nothing")
    path.write_text(json.dumps(text | {"format": 99}), encoding="utf-8")
    with pytest.raises(ValueError, match="another version of emoest"):
        EvaluationResult.load(tmp_path)
    less = {name: value for name, value in text["protocol"].items() if name != "task"}
    path.write_text(json.dumps(text | {"protocol": less}), encoding="utf-8")
    with pytest.raises(ValueError, match="lacks 'task'"):
        EvaluationResult.load(tmp_path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"is not what EvaluationResult\.save writes"):
        EvaluationResult.load(tmp_path)
