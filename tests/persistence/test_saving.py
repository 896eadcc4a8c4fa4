"""A file holds the model whole, says what it needs, and is written whole or not at all."""

import resource
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from emoest.embeddings import FaceEmbedder
from emoest.evaluation import uar_scorer
from emoest.fusion import (
    EarlyFusionClassifier,
    EarlyFusionRegressor,
    LateFusionClassifier,
    LateFusionRegressor,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
    SegmentClassifier,
    TrialAggregatingClassifier,
)
from emoest.multioutput import MultiTarget
from emoest.nets.weight_files.safetensors_io import save_net
from emoest.nets.xception import MiniXception
from emoest.neural import FaceCNNClassifier, MFNClassifier, SequenceClassifier, SequenceRegressor
from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)
from emoest.persistence import load_system, read_record, save_system
from emoest.tuning import OptunaSearchCV
from emoest.utils import with_groups
from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ModalityIndicator,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

pytest.importorskip("skops.io")

NET = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}


def after(transformer):
    return make_pipeline(transformer, EarlyFusionClassifier(LogisticRegression()))


CLASSIFIERS = [
    EarlyFusionClassifier(),
    LateFusionClassifier(LogisticRegression(), rule="stacking", cv=3, random_state=0),
    LateFusionClassifier(LogisticRegression(), calibrate="sigmoid", cv=3, random_state=0),
    MultiplicativeFusionClassifier(LogisticRegression(), reweight="liu", cv=3, random_state=0),
    MonteCarloFusionClassifier(LogisticRegression(), n_draws=20, cv=3, random_state=0),
    MFNClassifier(8, memory_dim=8, **NET),
    *map(
        after,
        [
            ZScoreNormalizer(),
            SpeakerZScoreNormalizer(),
            SampleZScoreNormalizer(),
            BlockScaler(),
            RegularizedCCA(),
            CCAValidityFilter(),
            CorruptModality(random_state=0),
            ModalityDropout(random_state=0),
            ModalityImputer(),
            ModalityIndicator(),
            make_pipeline(CCAValidityFilter(), ProxyFeatureGenerator(random_state=0)),
            ProxyFeatureGenerator(method="ridge"),
        ],
    ),
    GridSearchCV(
        EarlyFusionClassifier(LogisticRegression()),
        {"estimator__C": [0.1, 1.0]},
        scoring=uar_scorer,
        cv=StratifiedGroupKFold(2),
    ),
]
REGRESSORS = [EarlyFusionRegressor(Ridge()), LateFusionRegressor(rule="stacking", cv=3)]
ONE_MODALITY = [
    SegmentClassifier(vote="mean_proba"),
    TrialAggregatingClassifier(LogisticRegression(), calibrate=None),
    SequenceClassifier(hidden_size=4, **NET),
    SequenceRegressor("gru", hidden_size=4, **NET),
]


def table():
    draws = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    names = [f"{name}__{i}" for name in ("audio", "text") for i in range(3)]
    values = draws.normal(size=(60, 6)) + y[:, None]
    values[::7, 3:] = np.nan
    X = pd.DataFrame(values, columns=names)
    X["speaker"] = np.repeat([f"s{i}" for i in range(10)], 6)
    return with_groups(X), y


def outputs(model, X):
    return np.asarray((getattr(model, "predict_proba", None) or model.predict)(X))


def kept(model, path):
    """Save and load, where every warning is an error: no type is unknown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_system(model, path)
        return load_system(path)


@pytest.mark.parametrize(
    "model", [*CLASSIFIERS, *REGRESSORS], ids=lambda model: " ".join(repr(model).split())[:60]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_loaded_model_predicts_the_same(model, tmp_path):
    X, y = table()
    if isinstance(model, GridSearchCV):
        fitted = clone(model).fit(X, y, groups=X["speaker"])
    else:
        fitted = clone(model).fit(X, y)
    loaded = kept(fitted, tmp_path / "model.skops")
    np.testing.assert_array_equal(outputs(loaded, X), outputs(fitted, X))
    assert repr(loaded) == repr(fitted)


@pytest.mark.parametrize("model", ONE_MODALITY, ids=lambda model: type(model).__name__)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_loaded_model_of_one_modality_predicts_the_same(model, tmp_path):
    X, y = table()
    X = X.filter(like="audio")
    fitted = clone(model).fit(X, y)
    loaded = kept(fitted, tmp_path / "model.skops")
    np.testing.assert_allclose(outputs(loaded, X), outputs(fitted, X), rtol=0, atol=0)


def test_several_targets_and_searches_for_each(tmp_path):
    X, y = table()
    X = X.drop(columns="speaker")
    targets = pd.DataFrame({"one": y, "other": np.where(y, "low", "high")}, index=X.index)
    fitted = MultiTarget(EarlyFusionClassifier(LogisticRegression())).fit(X, targets)
    loaded = kept(fitted, tmp_path / "model.skops")
    pd.testing.assert_frame_equal(loaded.predict(X), fitted.predict(X))


def test_a_pretrained_backbone_goes_with_the_model_it_is_a_parameter_of(tmp_path):
    import torch

    from emoest.nets.speech_resnet import ResNetTrunk
    from emoest.neural import SpeechResNetClassifier, TrunkWeights
    from emoest.tables.cells import object_column

    with torch.random.fork_rng():
        backbone = TrunkWeights.of(ResNetTrunk(8, channels=1), speakers=["a", 2])
    draws = np.random.RandomState(0)
    cells = [draws.randn(20, 8).astype("float32") for _ in range(6)]
    X = pd.DataFrame({"audio__frames": object_column(cells, range(6))})
    model = SpeechResNetClassifier(model=backbone, channels=1, hidden_size=8, **NET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model.fit(X, ["sad", "glad"] * 3)
    loaded = kept(fitted, tmp_path / "resnet.skops")
    np.testing.assert_array_equal(outputs(loaded, X), outputs(fitted, X))
    assert loaded.model.seen_groups_ == ["a", 2]
    for name, value in backbone.state.items():
        assert torch.equal(loaded.model.state[name], value)


def test_the_record_says_what_it_is(tmp_path):
    X, y = table()
    fitted = EarlyFusionClassifier(LogisticRegression()).fit(X, np.where(y, "glad", "sad"))
    save_system(fitted, tmp_path / "a" / "model.skops", card="# Mine\n\nFor one study.")
    record = read_record(tmp_path / "a" / "model.skops")
    assert record.kind == "EarlyFusionClassifier"
    assert record.columns == list(X.columns)
    assert record.classes == ["glad", "sad"] and record.n_groups == 10
    assert record.weights == [] and record.untrusted == []
    assert {"python", "emoest", "scikit-learn", "numpy"} <= set(record.versions)
    assert record.card.startswith("# Mine\n\nFor one study.\n\n# A saved `EarlyFusionClassifier`")
    for words in ("no pretrained weights", "`scikit-learn`", "Not to be used for", "load_system"):
        assert words in record.card, words


def test_skops_itself_reads_the_file(tmp_path):
    import skops.io

    fitted = LogisticRegression().fit([[0.0], [1.0]], ["sad", "glad"])
    save_system(fitted, tmp_path / "model.skops")
    assert skops.io.load(tmp_path / "model.skops").predict([[1.0]]).tolist() == ["glad"]


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        (LogisticRegression(), NotFittedError, "not fitted"),
        (
            make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression()),
            (TypeError, UserWarning),
            "<lambda>|lambda",
        ),
        (
            OptunaSearchCV(LogisticRegression(), {"C": [1.0]}, n_trials=1, cv=2, random_state=0),
            TypeError,
            "save its best_estimator_",
        ),
    ],
    ids=["not fitted", "lambda", "search"],
)
@pytest.mark.filterwarnings("ignore:.*speaker-independent")
def test_what_cannot_be_saved_says_so(model, error, said, tmp_path):
    X, y = table()
    if error is not NotFittedError:
        model.fit(X.drop(columns="speaker").fillna(0.0), y)
    with warnings.catch_warnings(), pytest.raises(error, match=said):
        warnings.simplefilter("error", UserWarning)
        save_system(model, tmp_path / "model.skops")
    assert not (tmp_path / "model.skops").exists()


FULL = """
import resource, sys
from sklearn.linear_model import LogisticRegression
from emoest.persistence import save_system
model = LogisticRegression().fit([[0.0], [1.0]], ["sad", "glad"])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    save_system(model, sys.argv[1])
except OSError as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(b"before")
    answer = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.startswith("OSError"), answer.stdout
    assert f"{str(path)!r} could not be written" in answer.stdout
    assert "what was there is unchanged" in answer.stdout
    assert path.read_bytes() == b"before"
    assert [each.name for each in Path(tmp_path).iterdir()] == ["model.skops"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_without_skops_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    fitted = LogisticRegression().fit([[0.0], [1.0]], ["sad", "glad"])
    with pytest.raises(ImportError, match=r"emoest\[keep\]"):
        save_system(fitted, tmp_path / "model.skops")
    with pytest.raises(ImportError, match=r"emoest\[keep\]"):
        load_system(tmp_path / "model.skops")


def test_a_net_in_memory_is_refused_with_the_way_to_save_it(tiny_bert, tmp_path):
    transformers = pytest.importorskip("transformers")
    from emoest.embeddings import BERTEmbedder

    net = transformers.BertModel.from_pretrained(tiny_bert)
    model = make_pipeline(BERTEmbedder(net), LogisticRegression()).fit(["a dog", "a war"], [0, 1])
    with pytest.raises(TypeError, match=r"given a BertModel in memory.*BERTEmbedder\(model='my-m"):
        save_system(model, tmp_path / "model.skops")
    save_system(
        model.set_params(bertembedder__model=str(tiny_bert)).fit(["a", "b"], [0, 1]),
        tmp_path / "m.skops",
    )


@pytest.mark.parametrize("kind", ["trained here", "bare"])
def test_nets_for_faces_go_by_their_file(kind, tmp_path):
    faces = list(np.random.default_rng(0).integers(0, 256, (8, 24, 24), dtype=np.uint8))
    labels = ["calm", "glad"] * 4
    path = tmp_path / "faces.safetensors"
    if kind == "bare":
        embedder = FaceEmbedder(weights=save_net(MiniXception(), path), detect=False)
    else:
        FaceCNNClassifier("cnn4_small", detect=False, **NET).fit(faces, labels).save_weights(path)
        embedder = FaceEmbedder(path, detect=False)
    model = make_pipeline(embedder.set_params(pooling="mean"), LogisticRegression())
    model.fit(faces, labels)
    save_system(model, tmp_path / "a.skops")
    loaded = load_system(tmp_path / "a.skops")
    np.testing.assert_array_equal(loaded.predict_proba(faces), model.predict_proba(faces))
    (weights,) = read_record(tmp_path / "a.skops").weights
    assert (weights["encoder"], weights["name"]) == ("FaceEmbedder", str(path))
