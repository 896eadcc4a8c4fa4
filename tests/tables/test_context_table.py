"""Context columns that reach scikit-learn's own estimators are named, in plain Pipelines too."""

import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from emoest.aggregation import WeightedAggregator
from emoest.features import AcousticFunctionals, LogMelSpectrogram
from emoest.fusion import EarlyFusionClassifier
from emoest.neural import SequenceClassifier
from emoest.normalization import SpeakerZScoreNormalizer, ZScoreNormalizer
from emoest.tables.cells import object_column
from emoest.tables.context_table import ContextTable, beside_context
from emoest.utils import with_groups
from emoest.validity import ModalityImputer

N_ROWS = 8
Y = np.tile(["a", "b"], N_ROWS // 2)
SPEAKERS = np.repeat([f"SM{i}" for i in range(4)], 2)
FUNCTIONALS = AcousticFunctionals(pooling="mean", sampling_rate=16000, cache_dir=False)
FRAMES = LogMelSpectrogram(sampling_rate=16000, cache_dir=False)


def corpus(speakers=SPEAKERS, name="speaker"):
    generator = np.random.default_rng(0)
    clips = [0.1 * generator.normal(size=8000).astype(np.float32) for _ in range(N_ROWS)]
    X = object_column(clips, pd.RangeIndex(N_ROWS), "audio").to_frame()
    return X.assign(**{name: speakers})


STEPS = {
    "vectors": [FUNCTIONALS],
    "frames, pooled": [FRAMES, WeightedAggregator()],
    "normalized": [FUNCTIONALS, ZScoreNormalizer()],
    "by speaker": [FUNCTIONALS, SpeakerZScoreNormalizer()],
    "imputed": [FUNCTIONALS, ModalityImputer()],
    "scaled": [FUNCTIONALS, StandardScaler()],
}
LAST = [
    LinearSVC(random_state=0),
    LogisticRegression(),
    RandomForestClassifier(3, random_state=0),
    MinMaxScaler(),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("last", LAST, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("steps", STEPS)
def test_a_plain_pipeline_says_which_column_is_no_number(steps, last):
    told = r"Column 'speaker' holds 'SM0' .*Pass X\[\['audio'\]\].*with_groups.*EarlyFusionClass"
    with pytest.raises(ValueError, match=told):
        make_pipeline(*STEPS[steps], last).fit(corpus(), Y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "speakers"),
    [
        ("session__group", SPEAKERS),
        ("clip__speaker", SPEAKERS.astype(object)),
        ("speaker", pd.Categorical(SPEAKERS)),
        ("speaker", pd.array(SPEAKERS, dtype="string")),
    ],
    ids=["group", "object", "category", "string"],
)
def test_other_types_and_names_of_context(name, speakers):
    with pytest.raises(ValueError, match=rf"Column '{name}' holds 'SM0' "):
        make_pipeline(FUNCTIONALS, LinearSVC(random_state=0)).fit(corpus(speakers, name), Y)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_searches_and_scores_say_it_too():
    model = make_pipeline(FUNCTIONALS, LinearSVC(random_state=0))
    with pytest.raises(ValueError, match="Column 'speaker' holds 'SM"):
        cross_val_score(model, corpus(), Y, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="Column 'speaker' holds 'SM"):
        GridSearchCV(model, {"linearsvc__C": [1.0]}, cv=2).fit(corpus(), Y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("X", "last"),
    [
        (corpus()[["audio"]], LinearSVC(random_state=0)),
        (with_groups(corpus())[["audio"]], LinearSVC(random_state=0)),
        (corpus(), EarlyFusionClassifier(LinearSVC(random_state=0))),
    ],
    ids=["without", "in the index", "early fusion"],
)
def test_what_the_message_advises_works(X, last):
    assert make_pipeline(FUNCTIONALS, last).fit(X, Y).predict(X).shape == (N_ROWS,)


@pytest.mark.filterwarnings("ignore")
def test_vectors_of_nets_are_named_too():
    frames = FRAMES.fit_transform(corpus())
    net = SequenceClassifier(max_epochs=1, hidden_size=4, device="cpu", random_state=0)
    net.fit(frames, Y)
    with pytest.raises(ValueError, match=r"Column 'speaker' holds 'SM0' "):
        LinearSVC(random_state=0).fit(net.transform(frames), Y)


def test_columns_that_are_many_are_not_listed():
    made = pd.DataFrame(np.ones((2, 9))).add_prefix("voice__")
    table = beside_context(made, pd.DataFrame({"speaker": ["SM1", "SM2"], "fold": [1, 2]}))
    with pytest.raises(ValueError, match=r"Pass X.drop\(columns=\['speaker', 'fold'\]\)"):
        np.asarray(table, dtype=float)


MADE = pd.DataFrame({"voice__a": [1.0, 2.0], "voice__b": [3.0, 4.0]}, index=[5, 7])
CONTEXT = pd.DataFrame({"speaker": ["SM1", "SM2"]}, index=[5, 7])


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.copy(),
        lambda table: table.iloc[[1]],
        lambda table: table[["voice__a"]],
        lambda table: table.drop(columns="speaker") * 2,
        lambda table: pd.concat([table, table]),
        lambda table: table.assign(more=1.0),
        lambda table: table.groupby("speaker").mean(),
        lambda table: table.merge(table, on="speaker"),
        lambda table: table.reset_index(),
        lambda table: table.astype({"voice__a": "float32"}),
    ],
)
def test_what_is_taken_of_it_is_a_plain_table(change):
    found = change(beside_context(MADE, CONTEXT))
    assert type(found) is pd.DataFrame
    assert_frame_equal(found, change(pd.concat([MADE, CONTEXT], axis=1)))


def test_it_is_a_table_as_any():
    table = beside_context(MADE, CONTEXT)
    assert type(table) is ContextTable
    again = pickle.loads(pickle.dumps(table))
    assert_frame_equal(again, table)
    plain = pd.concat([MADE, CONTEXT], axis=1)
    assert_frame_equal(plain, table)
    assert_frame_equal(table, plain)
    assert not isinstance(plain["speaker"], ContextTable)
    assert table.to_numpy().shape == np.asarray(table).shape == (2, 3)
    assert repr(table) == repr(pd.concat([MADE, CONTEXT], axis=1))
    assert beside_context(MADE, CONTEXT[[]]) is MADE


def test_names_of_dimensions_travel_on():
    made = MADE.copy()
    made.attrs["names"] = ("left", "right")
    table = beside_context(made, CONTEXT, ["audio"])
    assert table.iloc[[0]].attrs["names"] == ("left", "right")
    assert made.attrs == {"names": ("left", "right")}


def test_other_errors_stay():
    table = beside_context(MADE, CONTEXT)
    with pytest.raises(KeyError, match="nowhere"):
        table.astype({"nowhere": float})
