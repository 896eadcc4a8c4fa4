import numpy as np
import pandas as pd
import pytest

from emoest.tables.names import (
    Modalities,
    find_frames,
    find_modalities,
    is_context,
    is_sidecar,
)


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


def test_frames_and_sidecars_inside_and_outside_a_column_transformer():
    X = table("audio__yamnet_frames", "audio__seconds", "audio__speech", "face__frames", "speaker")
    found = find_frames(X)
    assert list(found) == ["audio", "face"]
    assert found["audio"].sidecars == {"seconds": 1, "speech": 2}
    assert found["face"].position == 3 and found["face"].sidecars == {}
    bare = find_frames(table("yamnet_frames", "seconds"))
    assert bare["features"].sidecars == {"seconds": 1}
    assert bare["features"].vector_names(2) == ["yamnet_0000", "yamnet_0001"]


def test_frames_by_position_when_the_names_were_lost():
    found = find_frames(pd.DataFrame(np.zeros((1, 2))))
    assert found["features"].position == 0 and found["features"].sidecars == {"seconds": 1}


def test_frames_of_a_modality_must_be_one_column():
    with pytest.raises(ValueError, match=r"'audio' needs one column of frames; X has 2"):
        find_frames(table("audio__a_frames", "audio__b_frames"))
    with pytest.raises(ValueError, match=r"'eeg' needs one column .* has none\. .*'audio'"):
        find_frames(table("audio"), ["eeg"])


@pytest.mark.parametrize(
    "modalities",
    [
        {"voice": "audio__yamnet_frames", "words": ["text"]},
        {"voice": [0, 1], "words": [2]},
        {"voice": slice(0, 2), "words": slice(2, 3)},
    ],
)
def test_frames_named_by_a_dict(modalities):
    found = find_frames(table("audio__yamnet_frames", "audio__seconds", "text"), modalities)
    assert {name: column.position for name, column in found.items()} == {"voice": 0, "words": 2}
    assert found["voice"].sidecars == {"seconds": 1} and not found["words"].sidecars


def test_a_dict_of_frames_names_one_column_each():
    X = table("audio__frames", "text__frames")
    assert list(find_frames(X, {"words": "text__frames"})) == ["words"]
    with pytest.raises(ValueError, match=r"modality 'both' needs one column of frames; X has 2"):
        find_frames(X, {"both": [0, 1]})
    with pytest.raises(ValueError, match="names columns that X does not have: 'face__frames'"):
        find_frames(X, {"face": "face__frames"})
    nameless = pd.DataFrame(np.zeros((1, 2)))
    assert find_frames(nameless, {"a": 1, "b": 0})["a"].position == 1
