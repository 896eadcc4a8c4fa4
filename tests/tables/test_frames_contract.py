"""What every estimator that reads frames does with twelve kinds of table: the same."""

import importlib
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

import emoest
from emoest.aggregation import FrameAligner, StatisticsPooling, WeightedAggregator
from emoest.features import LinearDynamicSmoother, MovingAverage
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
from emoest.media.transformer import CellTransformer
from emoest.neural import (
    M3ERClassifier,
    MEmoBERTClassifier,
    MEmoBERTPretrainer,
    MFNClassifier,
    MFNRegressor,
    SequenceClassifier,
    SequenceRegressor,
    SpeechResNetClassifier,
)
from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)
from emoest.systems import make_m3er
from emoest.tables.cells import is_missing, object_column, write_frames
from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ModalityIndicator,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

N = 24
LABELS = np.array(["happy", "sad"])[np.arange(N) % 2]
VALUES = np.arange(N, dtype=float)
TRAINED = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}
NET = {"memory_dim": 4, "attention_size": 4, "update_size": 4, "gate_size": 4, "output_size": 4}
RATES = {"text": 1.0, "audio": 1.0}


def pooled(model):
    return make_pipeline(StatisticsPooling(["mean"]), model)


ALIGNER = {"FrameAligner": FrameAligner(rates=RATES)}
POOLING = {
    "StatisticsPooling": StatisticsPooling(["mean"]),
    "WeightedAggregator": WeightedAggregator("uniform"),
}
SMOOTHING = {
    "LinearDynamicSmoother": LinearDynamicSmoother(),
    "LinearDynamicSmoother-em": LinearDynamicSmoother(noise="em", max_iter=2),
    "MovingAverage": MovingAverage(window=3),
}
VALIDITY = {
    "CCAValidityFilter": CCAValidityFilter(random_state=0),
    "CCAValidityFilter-frames": CCAValidityFilter(reading="frames", random_state=0),
    "ProxyFeatureGenerator": ProxyFeatureGenerator(random_state=0),
    "ModalityImputer": ModalityImputer(),
    "ModalityDropout": ModalityDropout(random_state=0),
    "CorruptModality": CorruptModality(random_state=0),
}
ONE_MODALITY_NETS = {
    "SequenceClassifier": SequenceClassifier(hidden_size=2, **TRAINED),
    "SequenceRegressor": SequenceRegressor(hidden_size=2, **TRAINED),
    "SpeechResNetClassifier": SpeechResNetClassifier(channels=2, hidden_size=4, **TRAINED),
}
FUSION_NETS = {
    "MFNClassifier": MFNClassifier(2, **NET, **TRAINED),
    "MFNRegressor": MFNRegressor(2, **NET, **TRAINED),
    "M3ERClassifier": M3ERClassifier(2, **NET, **TRAINED),
}
ROLES = {"audio": "audio__frames", "face": "text__frames"}
"""The table's text is frames, and MEmoBERT reads words: it takes them for faces."""
SMALL_MEMOBERT = {"hidden_size": 4, "n_layers": 1, "n_heads": 1, "intermediate_size": 4}
CROSS_MODAL = {
    "MEmoBERTClassifier": MEmoBERTClassifier(
        "direct",
        **SMALL_MEMOBERT,
        **{"max_steps": 1, "validation_fraction": None, "modalities": ROLES, "random_state": 0},
    ),
    "MEmoBERTPretrainer": MEmoBERTPretrainer(
        **SMALL_MEMOBERT, max_steps=1, modalities=ROLES, random_state=0
    ),
}
"""Their own tests say what a modality is that nobody has, and what numbers are."""
SEGMENTS = {
    "SegmentClassifier": SegmentClassifier(),
    "TrialAggregatingClassifier": TrialAggregatingClassifier(LogisticRegression(), calibrate=None),
}
LATE = {
    "LateFusionClassifier": LateFusionClassifier(pooled(LogisticRegression())),
    "LateFusionRegressor": LateFusionRegressor(pooled(Ridge())),
    "MultiplicativeFusionClassifier": MultiplicativeFusionClassifier(pooled(LogisticRegression())),
    "MonteCarloFusionClassifier": MonteCarloFusionClassifier(
        pooled(LogisticRegression()), cv=2, random_state=0
    ),
}
NUMBERS = {
    "EarlyFusionClassifier": EarlyFusionClassifier(),
    "EarlyFusionRegressor": EarlyFusionRegressor(),
    "ZScoreNormalizer": ZScoreNormalizer(),
    "SampleZScoreNormalizer": SampleZScoreNormalizer(),
    "SpeakerZScoreNormalizer": SpeakerZScoreNormalizer(),
    "BlockScaler": BlockScaler(),
    "RegularizedCCA": RegularizedCCA(),
    "ModalityIndicator": ModalityIndicator(),
}
TRANSFORMERS = {**POOLING, **ALIGNER, **SMOOTHING, **VALIDITY}
NETS = {**ONE_MODALITY_NETS, **FUSION_NETS}
READERS = {**TRANSFORMERS, **NETS, **SEGMENTS, **CROSS_MODAL}
"""They open the cells themselves; late fusion hands them on."""
ONE_MODALITY = {**ONE_MODALITY_NETS, **SEGMENTS}
ALLOW_NAN = {**POOLING, **ALIGNER, **VALIDITY, **SEGMENTS}
"""Their docstrings say what single NaN in frames mean."""
EVERY = {**READERS, **LATE}


def of(estimators):
    """Parameters of a test, by name."""
    return pytest.mark.parametrize("estimator", estimators.values(), ids=estimators.keys())


def make(one=False, seed=0):
    """Time-aligned frames of two modalities that share a factor, under row names."""
    rng = np.random.RandomState(seed)
    index = pd.Index([f"r{i}" for i in range(N)])
    cells = {"audio__frames": [], "text__frames": []}
    for i in range(N):
        factor = rng.normal(size=(3 + i % 3, 1)) + (i % 2)
        cells["audio__frames"].append((factor + rng.normal(size=(len(factor), 3))).astype("f4"))
        cells["text__frames"].append((factor + rng.normal(size=(len(factor), 2))).astype("f4"))
    columns = [object_column(column, index, name) for name, column in cells.items()]
    return pd.concat(columns[:1] if one else columns, axis=1)


def table_for(estimator):
    return make(one=any(type(estimator) is type(known) for known in ONE_MODALITY.values()))


def with_cell(X, column, row, cell):
    cells = list(X[column])
    cells[row] = cell
    return X.assign(**{column: object_column(cells, X.index)})


def target(estimator):
    return VALUES if is_regressor(estimator) else LABELS


def fit(estimator, X):
    return clone(estimator).fit(X, target(estimator)[: len(X)])


def output(model, X):
    if hasattr(model, "transform") and not hasattr(model, "predict"):
        return model.transform(X)
    name = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    return pd.DataFrame(getattr(model, name)(X), index=X.index)


def assert_works(estimator, X):
    out = output(fit(estimator, X), X)
    assert out.index.equals(X.index)
    return out


def assert_same(left, right):
    assert list(left.columns) == list(right.columns)
    for name in left.columns:
        for one, other in zip(left[name], right[name], strict=True):
            assert is_missing(one) == is_missing(other)
            if not is_missing(one):
                assert_allclose(_read(one), _read(other), atol=1e-6)


def _read(cell):
    return np.load(cell) if isinstance(cell, str) else np.asarray(cell, dtype=float)


def messages(act):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return " | ".join(str(each.message) for each in caught)


# 1. arrays in cells
@of(EVERY)
def test_frames_are_read(estimator):
    assert_works(estimator, table_for(estimator))


# 2. paths of .npy files
@of(EVERY)
def test_files_of_frames_are_the_same_frames(estimator, tmp_path):
    X = table_for(estimator)
    paths = {
        name: [write_frames(cell, tmp_path / f"{name}{i}.npy") for i, cell in enumerate(X[name])]
        for name in X.columns
    }
    assert_same(assert_works(estimator, pd.DataFrame(paths, X.index)), assert_works(estimator, X))


# 3. paths of media, 4. texts
@of(READERS)
@pytest.mark.parametrize("cell", ["a.wav", "I am fine."])
def test_media_are_refused_with_their_row_and_column(estimator, cell):
    X = table_for(estimator)
    message = r"row 'r3', column 'audio__frames'.*pooling=None makes frames"
    with pytest.raises(ValueError, match=message):
        assert_works(estimator, with_cell(X, "audio__frames", 3, cell))


# 5. missing cells
@of(EVERY)
@pytest.mark.parametrize("cell", [None, np.nan, pd.NA])
def test_missing_cells_are_missing_modalities(estimator, cell):
    X = table_for(estimator)
    holed = with_cell(X, "audio__frames", 4, cell)
    assert_same(
        assert_works(estimator, holed),
        assert_works(estimator, with_cell(X, "audio__frames", 4, None)),
    )


# 6. cells without frames
@of(EVERY)
def test_no_frames_are_a_missing_modality(estimator):
    X = table_for(estimator)
    out = assert_works(estimator, with_cell(X, "audio__frames", 4, np.zeros((0, 3), "f4")))
    missing = assert_works(estimator, with_cell(X, "audio__frames", 4, None))
    if not any(type(estimator) is type(known) for known in SMOOTHING.values()):
        kept = [i for i in range(N) if i != 4]
        assert_same(out.iloc[kept], missing.iloc[kept])


# 7. frames of another encoder in one row
@of(READERS)
def test_another_width_is_named(estimator):
    X = table_for(estimator)
    wide = with_cell(X, "audio__frames", 3, np.ones((3, 7), "f4"))
    with pytest.raises(ValueError, match=r"row 'r3', column 'audio__frames'.*\b7 dimensions"):
        assert_works(estimator, wide)
    with pytest.raises(ValueError, match=r"row 'r3', column 'audio__frames'.*\b7 dimensions"):
        output(fit(estimator, X), wide)


# 8. a modality that no training row has
@of(TRANSFORMERS)
def test_a_modality_without_frames_gives_no_columns(estimator):
    X = make()
    silent = X.assign(text__frames=object_column([None] * N, X.index))
    if isinstance(estimator, FrameAligner):
        estimator = FrameAligner("audio", rates=RATES)
    models = []
    told = messages(lambda: models.append(fit(estimator, silent)))
    assert "No training row has the modality 'text'" in told
    for later in (silent, X):
        out = output(models[0], later)
        assert not [name for name in out.columns if "text" in name]
        assert len(out.columns)
        assert list(models[0].get_feature_names_out()) == list(out.columns)
    assert_same(output(models[0], X), output(models[0], silent))


@of({**NETS, **LATE, **SEGMENTS})
def test_a_modality_without_frames_is_left_out_of_predictions(estimator):
    X = make()
    silent = X.assign(text__frames=object_column([None] * N, X.index))
    models = []
    told = messages(lambda: models.append(fit(estimator, silent)))
    assert re.search("No training row has the modality 'text'|'text' is missing in every", told)
    assert_same(output(models[0], X), output(models[0], silent))


@of({**READERS})
def test_no_frames_at_all_are_said(estimator):
    X = table_for(estimator)
    silent = X.assign(**{name: object_column([None] * N, X.index) for name in X.columns})
    if any(type(estimator) is type(known) for known in POOLING.values()):
        told = messages(lambda: assert_works(estimator, silent))
        assert "No training row has the modality 'audio'" in told
        return
    with pytest.raises(ValueError, match=r"of the 24 rows of X has frames|nothing to learn"):
        fit(estimator, silent)


# 9. frames that are NaN throughout
@of(EVERY)
def test_a_frame_of_nan_is_absent(estimator):
    X = table_for(estimator)
    holed = X["audio__frames"].iloc[3].copy()
    holed[1] = np.nan
    assert_works(estimator, with_cell(X, "audio__frames", 3, holed))
    gone = with_cell(X, "audio__frames", 3, np.full((3, 3), np.nan, "f4"))
    assert_works(estimator, gone)


@of(ONE_MODALITY)
def test_absent_frames_change_nothing_where_time_does_not_matter_between_modalities(estimator):
    X = table_for(estimator)
    cell = X["audio__frames"].iloc[3]
    holed = np.insert(cell, 1, np.nan, axis=0)
    assert_same(
        assert_works(estimator, with_cell(X, "audio__frames", 3, holed)), assert_works(estimator, X)
    )


@of(SMOOTHING)
def test_absent_frames_stay_where_they_are_when_others_are_smoothed(estimator):
    X = table_for(estimator)
    holed = np.insert(X["audio__frames"].iloc[3], 1, np.nan, axis=0)
    out = assert_works(estimator, with_cell(X, "audio__frames", 3, holed))["audio__frames"].iloc[3]
    assert np.isnan(out[1]).all()
    expected = assert_works(estimator, X)["audio__frames"].iloc[3]
    assert_allclose(np.delete(out, 1, axis=0), expected, atol=1e-6)


# 10. single NaN in frames
@of(READERS)
def test_single_nan_are_named_unless_a_class_says_what_they_mean(estimator):
    X = table_for(estimator)
    holed = X["audio__frames"].iloc[3].copy()
    holed[1, 2] = np.nan
    X = with_cell(X, "audio__frames", 3, holed)
    if any(type(estimator) is type(known) for known in ALLOW_NAN.values()):
        assert_works(estimator, X)
        return
    with pytest.raises(ValueError, match=r"row 'r3', column 'audio__frames': frame 1 .*NaN"):
        assert_works(estimator, X)


# 11. frames beside numbers
@of({**POOLING, **ALIGNER, **SMOOTHING})
def test_transformers_of_frames_pass_numbers_through(estimator):
    X = make().assign(audio__length=np.arange(N, dtype=float), face__smile=1.0, speaker="s1")
    out = assert_works(estimator, X)
    assert out["audio__length"].tolist() == X["audio__length"].tolist()
    assert (out["face__smile"] == 1.0).all()
    assert out.columns[-1] == "speaker"


@of({**VALIDITY, **NETS, **SEGMENTS})
def test_frames_beside_numbers_raise_one_sentence(estimator):
    X = table_for(estimator)
    message = r"X mixes frames \(column 'audio__frames'\) with numbers"
    for name in ("audio__length", "face__smile"):
        with pytest.raises(ValueError, match=message):
            fit(estimator, X.assign(**{name: np.arange(N, dtype=float)}))


@of(ONE_MODALITY)
def test_numbers_of_modalities_that_are_not_asked_for_do_not_matter(estimator):
    X = table_for(estimator)
    chosen = clone(estimator).set_params(modalities=["audio"])
    assert_same(
        assert_works(chosen, X.assign(face__smile=np.arange(N, dtype=float))),
        assert_works(chosen, X),
    )


@of(LATE)
def test_late_fusion_gives_each_base_its_own_columns(estimator):
    X = make(one=True).assign(face__smile=np.arange(N, dtype=float))
    plain = Ridge() if is_regressor(estimator) else LogisticRegression()
    pairs = [("audio", pooled(plain)), ("face", plain)]
    assert_works(clone(estimator).set_params(estimators=pairs), X)


# 12. tables of numbers
@of({**POOLING, **ALIGNER, **SMOOTHING})
def test_numbers_are_not_frames(estimator):
    X = pd.DataFrame({"audio__f0": np.arange(N, dtype=float), "text__w": 1.0})
    with pytest.raises(ValueError, match="X has no column of frames"):
        fit(estimator, X)


@of({**VALIDITY, **NETS, **SEGMENTS})
def test_numbers_are_one_frame_a_row(estimator):
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.normal(size=(N, 2)), columns=["audio__f0", "audio__f1"])
    if len(table_for(estimator).columns) > 1:
        X["text__w"] = rng.normal(size=N)
    assert_works(estimator, X)


# and what estimators of numbers say to frames, paths and texts
@of(NUMBERS)
@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (list(make()["audio__frames"]), r"audio__frames.*StatisticsPooling.*WeightedAggregator"),
        (["a.npy"] * N, r"audio__frames.*StatisticsPooling.*WeightedAggregator.*pooling='mean'"),
        (["a.wav"] * N, r"audio__frames.*[Ee]mbed"),
        (["I am fine."] * N, r"audio__frames.*[Ee]mbed"),
    ],
)
def test_estimators_of_numbers_say_what_comes_first(estimator, cells, message):
    frames = object_column(cells, pd.RangeIndex(N), "audio__frames").to_frame()
    beside = frames.assign(text__w=np.arange(N, dtype=float), speaker=["s1", "s2"] * (N // 2))
    for X in (frames, beside):
        if isinstance(estimator, SpeakerZScoreNormalizer) and X is frames:
            continue
        with pytest.raises(ValueError, match=message):
            fit(estimator, X)


@of({"proxies=False": M3ERClassifier(2, **NET, **TRAINED)})
def test_a_net_without_proxies_takes_what_the_filter_leaves(estimator):
    X = make()
    shuffled = [np.roll(cell, 1, axis=0) * (-1) ** i for i, cell in enumerate(X["text__frames"])]
    model = make_m3er(proxies=False, classifier=estimator, random_state=0)
    model.set_params(check__reading="frames", check__fallback="none", check__threshold=0.5)
    model.fit(X, LABELS)
    test = X.assign(text__frames=object_column(shuffled, X.index))
    checked = model[:-1].transform(test)["text__frames"]
    assert any(cell is not None and np.isnan(cell).any() for cell in checked)
    assert np.isfinite(model.predict_proba(test)).all()


NO_FRAMES = {
    "EEGFilter": "reads and gives media",
    "EEGNetClassifier": "reads EEG",
    "FaceCNNClassifier": "reads images",
    "MultiTarget": "hands X on to one copy of its estimator a target",
    "OptunaSearchCV": "hands X on to its estimator",
    "SpeakerPretrainer": "reads as SpeechResNetClassifier; its labels are speakers",
    "UniMSEClassifier": "needs a column of texts; tests/neural/_unimse asks the same",
    "UniMSERegressor": "as UniMSEClassifier",
    "UniversalLabeler": "completes labels",
}
"""What is not asked about frames, and why. Readers of media are checked by emoest.testing."""


def test_every_public_estimator_is_asked_or_says_why_not():
    asked = {type(estimator).__name__ for estimator in [*EVERY.values(), *NUMBERS.values()]}
    known = asked | set(NO_FRAMES)
    for room in emoest._SUBMODULES:
        module = importlib.import_module(f"emoest.{room}")
        for name in getattr(module, "__all__", ()):
            each = getattr(module, name)
            if not isinstance(each, type) or not issubclass(each, BaseEstimator):
                continue
            assert name in known or issubclass(each, CellTransformer), f"{name} of {room}"
            assert name not in NO_FRAMES or name not in asked
