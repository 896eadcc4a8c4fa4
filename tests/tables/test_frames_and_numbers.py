"""The last two of the twelve kinds of table: frames beside numbers, and numbers alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge

from emoest.normalization import SpeakerZScoreNormalizer
from emoest.tables.cells import object_column
from tests.tables.frame_readers import (
    ALIGNER,
    LATE,
    NETS,
    NUMBERS,
    ONE_MODALITY,
    POOLING,
    SEGMENTS,
    SMOOTHING,
    VALIDITY,
    N,
    assert_same,
    assert_works,
    fit,
    make,
    of,
    pooled,
    table_for,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


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
