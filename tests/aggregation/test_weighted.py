import pickle

import numpy as np
import pandas as pd
import pytest

from emoest.aggregation import WeightedAggregator, peak_end_weights, weighted_sum
from emoest.tables.cells import object_column


def table(frames, **beside):
    index = pd.Index([f"r{i}" for i in range(len(frames))])
    columns = {"audio__frames": frames, **{f"audio__{k}": v for k, v in beside.items()}}
    return pd.DataFrame({k: object_column(v, index) for k, v in columns.items()})


CHUNKS = np.array([[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])


def test_duration_and_order():
    X = table([CHUNKS[:2], CHUNKS[1::-1]], seconds=[[1.0, 9.0], [9.0, 1.0]])
    Z = WeightedAggregator().fit_transform(X)
    np.testing.assert_allclose(Z, [[0.1, 0.9], [0.1, 0.9]], rtol=1e-12)


def test_equal_durations_are_the_mean():
    X = table([CHUNKS], seconds=[np.full(3, 0.3)])
    np.testing.assert_allclose(WeightedAggregator().fit_transform(X), [[2, 2]])
    np.testing.assert_allclose(WeightedAggregator("uniform").fit_transform(X), [[2, 2]])


def test_duration_without_seconds_is_said_and_uniform():
    X = table([CHUNKS])
    with pytest.warns(UserWarning, match=r"no column 'seconds' beside \['audio__frames'\]"):
        Z = WeightedAggregator().fit_transform(X)
    np.testing.assert_allclose(Z, [[2, 2]])


def test_speech_and_the_users_own_weights():
    X = table([CHUNKS], seconds=[[1, 1, 1]], speech=[[0.0, 0.2, 0.6]], weights=[[1, 0, 0]])
    np.testing.assert_allclose(WeightedAggregator("speech").fit_transform(X), [[3.75, 4]])
    np.testing.assert_allclose(WeightedAggregator("weights").fit_transform(X), [[1, 0]])
    assert list(WeightedAggregator("weights").fit_transform(X)) == ["audio__0000", "audio__0001"]


def test_a_rule_without_its_column_is_an_error():
    with pytest.raises(ValueError, match=r"'speech' needs a column .*YAMNetEmbedder\(speech=True"):
        WeightedAggregator("speech").fit(table([CHUNKS]))
    with pytest.raises(ValueError, match=r"'loud' is neither a rule .* nor a column of X, which"):
        WeightedAggregator("loud").fit(table([CHUNKS]))


def test_a_named_column():
    X = table([CHUNKS], energy=[[0, 1, 1]]).assign(text__frames=0)
    X["text__frames"] = object_column([CHUNKS], X.index)
    X["text__energy"] = object_column([[1, 0, 0]], X.index)
    each = WeightedAggregator("energy").fit_transform(X)
    assert list(each) == ["audio__0000", "audio__0001", "text__0000", "text__0001"]
    np.testing.assert_allclose(each, [[2.5, 3, 1, 0]])
    one = WeightedAggregator("audio__energy").fit_transform(X.drop(columns="text__energy"))
    np.testing.assert_allclose(one, [[2.5, 3, 2.5, 3]])
    with pytest.raises(ValueError, match=r"needs a column of that name beside \['text__frames'\]"):
        both = X.drop(columns="text__energy").rename(columns={"audio__energy": "audio__x__energy"})
        WeightedAggregator("energy").fit(both)


def test_peak_and_end():
    np.testing.assert_array_equal(peak_end_weights(CHUNKS), [0, 0, 1])
    np.testing.assert_array_equal(peak_end_weights(CHUNKS[::-1]), [0.5, 0, 0.5])
    np.testing.assert_array_equal(peak_end_weights(CHUNKS[:2]), [0.5, 0.5])
    np.testing.assert_array_equal(peak_end_weights(CHUNKS[:1]), [1])
    gaps = np.array([[np.nan, np.nan], [1, 0], [0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(peak_end_weights(gaps), [0, 0.5, 0.5, 0])
    Z = WeightedAggregator("peak_end").fit_transform(table([CHUNKS[::-1]]))
    np.testing.assert_allclose(Z, [[3, 2.5]])


def first_only(frames):
    return np.arange(len(frames)) == 0


def test_a_callable_and_its_pickle():
    aggregator = WeightedAggregator(first_only)
    X = table([CHUNKS, CHUNKS[1:]])
    Z = aggregator.fit_transform(X)
    np.testing.assert_array_equal(Z, [[1, 0], [0, 1]])
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(aggregator)).transform(X), Z)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"row 'r1', column 'audio__seconds': 2 weights for 3 frames of 'audio__fram"),
        ([1.0, -1.0, 1.0], r"row 'r1', .* must be finite and not negative, found \[1.0, -1.0"),
        ([1.0, np.nan, 1.0], r"row 'r1', .* must be finite"),
        ("long", r"row 'r1', column 'audio__seconds': the weights are not numbers"),
        ([[1.0, 1.0, 1.0]], r"an array of shape \(1, 3\) as weights for 3 frames"),
    ],
)
def test_bad_weights_name_row_and_column(weights, message):
    X = table([CHUNKS, CHUNKS], seconds=[[1, 1, 1], weights])
    with pytest.raises(ValueError, match=message):
        WeightedAggregator().fit_transform(X)


def test_bad_weights_of_a_callable():
    with pytest.raises(ValueError, match=r"'r0', column 'audio__frames' \(weights of the callab"):
        WeightedAggregator(lambda frames: [1.0]).fit_transform(table([CHUNKS]))


@pytest.mark.parametrize(
    ("weights", "message"), [([0, 0, 0], "all weights are zero"), (None, "weights are missing")]
)
def test_weights_that_say_nothing_are_said_and_uniform(weights, message):
    X = table([CHUNKS, CHUNKS], seconds=[weights, [0, 0, 1]])
    with pytest.warns(UserWarning, match=rf"row 'r0', column 'audio__seconds': .*{message}"):
        Z = WeightedAggregator().fit_transform(X)
    np.testing.assert_allclose(Z, [[2, 2], [5, 5]])


def test_many_notes_become_one_warning():
    X = table([CHUNKS] * 9, seconds=[[0, 0, 0]] * 9)
    with pytest.warns(UserWarning, match=r"'r4'.* and 4 more\.$") as caught:
        WeightedAggregator().fit_transform(X)
    assert len(caught) == 1


def test_weights_sum_to_one_whatever_their_scale():
    ones = np.ones((7, 2), dtype="float32")
    for scale in (1e-30, 1.0, 1e30):
        weights = scale * np.random.RandomState(0).uniform(size=7)
        np.testing.assert_allclose(weighted_sum(ones, weights), [1, 1], rtol=1e-14)


def test_nan_in_frames_is_left_out():
    frames = np.array([[1, np.nan, np.nan], [3, 4, np.nan]])
    np.testing.assert_array_equal(weighted_sum(frames, np.array([1, 1])), [2, 4, np.nan])
    np.testing.assert_array_equal(weighted_sum(frames, np.array([1, 0])), [1, np.nan, np.nan])


def test_subsets_and_refit():
    generator = np.random.RandomState(0)
    frames = [generator.normal(size=(3, 4)) for _ in range(6)]
    X = table(frames, seconds=[generator.uniform(size=3) for _ in frames])
    aggregator = WeightedAggregator().fit(X.iloc[[5]])
    parts = pd.concat([aggregator.transform(X.iloc[[i]]) for i in range(6)])
    pd.testing.assert_frame_equal(parts, WeightedAggregator().fit_transform(X))
    pd.testing.assert_frame_equal(aggregator.fit(X).transform(X), parts)
