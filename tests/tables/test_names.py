import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling
from emoest.evaluation import evaluate
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)
from emoest.tables.cells import object_column
from emoest.tables.frame_columns import find_frames
from emoest.tables.names import (
    Modalities,
    context_last,
    find_modalities,
    find_sidecars,
    is_context,
    is_sidecar,
)
from emoest.validity import CCAValidityFilter, ModalityImputer, ProxyFeatureGenerator


def table(*columns):
    return pd.DataFrame(np.zeros((2, len(columns))), columns=list(columns))


def test_auto_reads_the_first_token_in_order_of_appearance():
    found = find_modalities(table("text__a", "audio__b", "text__c", "speaker", "audio__session"))
    assert found.names == ["text", "audio"]
    assert found["text"].tolist() == [0, 2]
    assert found["audio"].tolist() == [1]
    assert found.context.tolist() == [3, 4]


def test_context_is_decided_by_the_last_token():
    assert is_context("speaker") and is_context("context__speaker")
    assert not is_context("speaker__f0") and not is_context(3)
    assert is_sidecar("audio__seconds") and not is_sidecar("audio__yamnet_0001")


def test_names_without_a_prefix_are_one_modality():
    assert find_modalities(table("a", "b", "speaker")).names == ["features"]
    assert find_modalities(np.zeros((2, 3)))["features"].tolist() == [0, 1, 2]


def test_bare_columns_of_media_are_modalities():
    X = pd.DataFrame({"audio": ["a.wav"], "text": ["hello"], "speaker": ["s1"]})
    assert find_modalities(X).names == ["audio", "text"]


def test_names_with_and_without_prefix_are_an_error():
    with pytest.raises(ValueError, match=r"'audio__a'.*do not: 'b', 'c'.*Rename"):
        find_modalities(table("audio__a", "b", "c"))


def test_list_takes_the_listed_token_and_its_order():
    X = table("pca__audio__a", "pca__text__b", "pca__audio__c")
    found = find_modalities(X, ["text", "audio"])
    assert found.names == ["text", "audio"]
    assert found["audio"].tolist() == [0, 2]


def test_dict_takes_names_slices_positions_and_masks():
    X = table("a", "b", "c", "d")
    found = find_modalities(
        X, {"w": ["a"], "x": slice(1, 2), "y": [-2], "z": np.array([False, False, False, True])}
    )
    assert {name: p.tolist() for name, p in found.items()} == {
        "w": [0],
        "x": [1],
        "y": [2],
        "z": [3],
    }


@pytest.mark.parametrize(
    ("modalities", "message"),
    [
        ("audio", r"modalities='audio' is not understood.*\['audio'\]"),
        (["face"], r"No column of X belongs to the modality 'face'.*'audio', 'text'"),
        (["audio"], r"belong to none of modalities=\['audio'\]: 'text__b'"),
        ({"audio": ["audio__z"]}, r"modalities\['audio'\] names columns.*'audio__z'.*X has"),
        ({"audio": [0, 1], "text": [1]}, r"'text__b' is claimed by two modalities"),
        ({"audio": [0]}, r"belong to none of modalities=\['audio'\]: 'text__b'"),
        ({"audio": [7]}, r"points at column 7, but X has 2 columns"),
        ({"audio": [0, -3]}, r"points at column -3, but X has 2 columns"),
        ({"audio": slice(5, 9)}, r"modalities\['audio'\] selects no column"),
    ],
)
def test_errors_name_the_modality_and_the_column(modalities, message):
    with pytest.raises(ValueError, match=message):
        find_modalities(table("audio__a", "text__b"), modalities)


def test_a_list_of_names_needs_column_names():
    with pytest.raises(ValueError, match="no column names"):
        find_modalities(np.zeros((2, 2)), ["audio"])


def test_modalities_is_a_mapping_that_can_be_narrowed():
    found = Modalities({"a": np.array([0]), "b": np.array([1])}, np.array([2]))
    assert dict(found.select(["b"])) == {"b": np.array([1])}
    assert found.select(["b"]).context.tolist() == [2]


def test_names_keep_their_order_and_context_goes_last():
    names = ["text__speaker", "text__b", "speaker__text", "group", "audio__a"]
    assert context_last(names).tolist() == [
        "text__b",
        "speaker__text",
        "audio__a",
        "text__speaker",
        "group",
    ]


def test_bare_frames_and_what_lies_beside_them_are_one_modality():
    X = pd.DataFrame({"yamnet_frames": [None], "seconds": [None], "speaker": ["s1"]})
    assert find_modalities(X).columns.keys() == find_frames(X).keys() == {"features"}
    assert find_modalities(X)["features"].tolist() == [0, 1]


CELLS = {
    "paths": ["a.npy", None],
    "frames": [None, np.zeros((2, 3))],
    "audio with its rate": [(np.zeros(9), 8000), None],
    "chunks": [["a.wav", "b.wav"], None],
    "nothing": [None, None],
}


def column_of(cells, name):
    return object_column(cells, pd.RangeIndex(len(cells)), name)


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS.keys())
@pytest.mark.parametrize("name", ["speech", "seconds", "weights"])
def test_a_bare_column_called_as_an_auxiliary_one_is_a_modality(name, cells):
    X = pd.concat([column_of(cells, name), column_of(["hi", "ho"], "text")], axis=1)
    assert find_sidecars(X) == frozenset()
    assert find_modalities(X).names == [name, "text"]
    assert list(find_frames(X)) == [name, "text"]


@pytest.mark.parametrize("name", ["speech", "seconds", "weights"])
def test_a_bare_column_beside_frames_describes_them(name):
    frames = [np.zeros((2, 3)), None]
    beside = column_of([np.ones(2), None], name)
    X = pd.concat([column_of(frames, "yamnet_frames"), beside], axis=1)
    assert find_sidecars(X) == {1}
    assert find_modalities(X).names == ["features"]
    assert find_frames(X)["features"].sidecars == {name: 1}
    # Whose frames these numbers describe is not known, but they are no frames themselves.
    assert list(find_frames(X.rename(columns={"yamnet_frames": "audio"}))) == ["audio"]


def test_frames_called_speech_reach_every_step():
    rng = np.random.default_rng(0)
    y = np.tile(["high", "low"], 12)
    X = pd.concat(
        [
            column_of([rng.normal(size=(3, 2)) + (label == "low") for label in y], name)
            for name in ("speech", "text")
        ],
        axis=1,
    )
    pooled = StatisticsPooling(["mean"]).fit(X)
    assert [c.split("__")[0] for c in pooled.transform(X)] == ["speech"] * 2 + ["text"] * 2
    late = LateFusionClassifier(make_pipeline(StatisticsPooling(["mean"]), LogisticRegression()))
    assert late.fit(X, y).modalities_ == ["speech", "text"]
    assert list(ModalityImputer().fit_transform(X)) == ["speech", "text"]


LABELS = np.tile(["high", "low"], 12)


def refused(use):
    def refuse(X):
        with pytest.raises(ValueError, match=r"Column 'text' holds|no column of frames"):
            use(X)

    return refuse


WIDE = {
    "find_modalities": find_modalities,
    "frames wanted, numbers found": refused(lambda X: StatisticsPooling().fit(X)),
    "EarlyFusionClassifier": EarlyFusionClassifier(),
    "LateFusionClassifier": LateFusionClassifier(),
    "ZScoreNormalizer": ZScoreNormalizer(),
    "SpeakerZScoreNormalizer": SpeakerZScoreNormalizer(group_column="speaker"),
    "SampleZScoreNormalizer": SampleZScoreNormalizer(),
    "BlockScaler": BlockScaler(),
    "CCAValidityFilter": CCAValidityFilter(group_column="speaker"),
    "ProxyFeatureGenerator": ProxyFeatureGenerator(group_column="speaker"),
    "ModalityImputer": ModalityImputer(),
    "a text among numbers": refused(
        lambda X: EarlyFusionClassifier().fit(X.assign(text="a text"), LABELS)
    ),
    "evaluate": lambda X: evaluate(
        EarlyFusionClassifier(), X, LABELS, group_column="speaker", cv=3, n_resamples=10
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("use", WIDE.values(), ids=WIDE.keys())
@pytest.mark.parametrize("prefix", ["audio__", ""], ids=["named", "unnamed"])
def test_types_of_columns_are_looked_up_once_however_many_there_are(monkeypatch, use, prefix):
    """DataFrame.dtypes makes a Series of all columns: one look a column is quadratic."""
    looks = []
    look = pd.DataFrame.dtypes.fget
    monkeypatch.setattr(
        pd.DataFrame, "dtypes", property(lambda frame: looks.append(1) or look(frame))
    )

    def count(n_columns):
        values = np.random.default_rng(0).normal(size=(24, n_columns))
        X = pd.DataFrame(values, columns=[f"{prefix}f{i}" for i in range(n_columns)])
        X["speaker"] = np.repeat([f"s{i}" for i in range(6)], 4)
        looks.clear()
        if hasattr(use, "fit"):
            model = clone(use).fit(X, LABELS)
            (model.predict if hasattr(model, "predict") else model.transform)(X)
        else:
            use(X)
        return len(looks)

    assert count(60) == count(6)
