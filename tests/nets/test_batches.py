import numpy as np
import pytest
import torch

from emoest.nets.batches import BucketedBatches, FrameDataset, Scale, pad
from emoest.tables.cells import write_frames


def make_data(lengths, n_dims=2, **options):
    cells = [np.full((n, n_dims), n, dtype="float32") if n else None for n in lengths]
    return FrameDataset({"a": cells}, {"a": np.array(lengths)}, {"a": n_dims}, **options)


def test_padding_is_zero_behind_each_length():
    frames, lengths = pad([np.ones((2, 3), "float32"), None, np.ones((4, 3), "float32")], 3)
    assert frames.shape == (3, 4, 3)
    assert lengths.tolist() == [2, 0, 4]
    assert frames.sum(dim=(1, 2)).tolist() == [6.0, 0.0, 12.0]


def test_a_batch_without_any_frames_is_one_step_long():
    frames, lengths = pad([None, None], 3)
    assert frames.shape == (2, 1, 3)
    assert lengths.tolist() == [0, 0]


def test_scaling_leaves_the_padding_at_zero():
    scale = Scale(np.array([1.0, 1.0], "float32"), np.array([2.0, 2.0], "float32"))
    X, _ = make_data([1, 3], scales={"a": scale}).batch([0, 1])
    assert X["frames"]["a"][0, :, 0].tolist() == [0.0, 0.0, 0.0]
    assert X["frames"]["a"][1, :, 0].tolist() == [1.0, 1.0, 1.0]


def test_a_single_modality_travels_as_tensors_with_target_and_weight():
    data = make_data([2, 1], several=False, target=np.array([1, 0]), weight=np.array([3.0, 1.0]))
    X, (target, weight) = data.batch([1, 0])
    assert X["frames"].shape == (2, 2, 2)
    assert target.tolist() == [0, 1]
    assert weight.tolist() == [1.0, 3.0]


def test_take_keeps_everything_in_the_order_asked_for():
    data = make_data([1, 2, 3], target=np.arange(3), weight=np.ones(3), rows=["x", "y", "z"])
    taken = data.take(np.array([2, 0]))
    assert taken.rows == ["z", "x"]
    assert taken.lengths["a"].tolist() == [3, 1]
    assert taken.target.tolist() == [2, 0]
    assert len(taken) == 2


def test_training_batches_hold_every_row_once_and_change_from_epoch_to_epoch():
    data = make_data([int(n) for n in np.random.RandomState(0).randint(1, 30, 103)])
    batches = BucketedBatches(data, 8, torch.Generator().manual_seed(0))
    first, second = batches.rows(), batches.rows()
    for epoch in (first, second):
        assert sorted(row for batch in epoch for row in batch) == list(range(103))
    assert first != second
    assert BucketedBatches(data, 8, torch.Generator().manual_seed(0)).rows() == first


def test_buckets_save_padding():
    lengths = np.random.RandomState(0).randint(1, 200, 1000)
    data = make_data(lengths.tolist(), n_dims=1)

    def padded(batches):
        return sum(len(rows) * lengths[rows].max() for rows in batches) / lengths.sum()

    bucketed = BucketedBatches(data, 16, torch.Generator().manual_seed(0)).rows()
    shuffled = np.random.RandomState(1).permutation(1000)
    plain = [shuffled[i : i + 16] for i in range(0, 1000, 16)]
    assert padded(bucketed) < 1.15
    assert padded(plain) > 1.6


def test_a_last_batch_of_one_row_gets_a_second_and_no_batch_grows():
    def sizes(n_rows, batch_size):
        batches = BucketedBatches(make_data([1] * n_rows), batch_size, torch.Generator())
        rows = batches.rows()
        assert sorted(row for batch in rows for row in batch) == list(range(n_rows))
        return sorted(len(batch) for batch in rows)

    assert sizes(9, 4) == [2, 3, 4]
    assert sizes(5, 2) == [2, 3]
    assert sizes(3, 1) == [1, 1, 1]
    assert sizes(1, 4) == [1]


@pytest.mark.parametrize("generator", [None, torch.Generator().manual_seed(0)])
def test_one_long_clip_does_not_stretch_a_whole_batch(generator):
    lengths = np.array([300] * 63 + [60_000])
    cells = [np.zeros((1, 1), "float32")] * 64
    data = FrameDataset({"a": cells}, {"a": lengths}, {"a": 1})
    rows = BucketedBatches(data, 32, generator).rows()
    assert sorted(row for batch in rows for row in batch) == list(range(64))
    assert max(len(batch) * lengths[batch].max() for batch in rows) == 2 * 60_000
    assert sorted(len(batch) for batch in rows) == [2, 30, 32]
    even = FrameDataset({"a": cells}, {"a": np.full(64, 60_000)}, {"a": 1})
    assert {len(batch) for batch in BucketedBatches(even, 32, generator).rows()} == {32}


def test_what_a_crop_leaves_out_makes_no_batch_smaller():
    lengths = {"a": np.array([300] * 63 + [60_000])}
    data = FrameDataset({"a": [None] * 64}, lengths, {"a": 1}, crop=400)
    rows = BucketedBatches(data, 32, torch.Generator().manual_seed(0)).rows()
    assert {len(batch) for batch in rows} == {32}


def test_crops_are_taken_in_training_only_and_come_from_the_generator():
    cells = [np.arange(10, dtype="float32")[:, None]]
    data = FrameDataset({"a": cells}, {"a": np.array([10])}, {"a": 1}, several=False, crop=3)
    assert data.batch([0])[0]["lengths"].tolist() == [10]
    generator = torch.Generator().manual_seed(0)
    starts = set()
    for _ in range(30):
        frames = data.batch([0], generator)[0]["frames"][0, :, 0]
        assert frames.tolist() == [frames[0] + i for i in range(3)]
        starts.add(int(frames[0]))
    assert len(starts) > 4


def test_a_file_of_frames_is_checked_when_it_is_read(tmp_path):
    path = write_frames([[1.0, np.nan]], tmp_path / "a.npy")
    data = FrameDataset({"a": [path]}, {"a": np.array([1])}, {"a": 2}, rows=["clip 7"])
    with pytest.raises(ValueError, match=r"row 'clip 7', modality 'a': frame 0 of 1 holds NaN"):
        data.batch([0])


def test_absent_frames_of_a_file_go_where_no_step_needs_its_place(tmp_path):
    path = write_frames([[1.0, 2.0], [np.nan, np.nan], [3.0, 4.0]], tmp_path / "a.npy")
    nothing = write_frames([[np.nan, np.nan]], tmp_path / "b.npy")
    data = FrameDataset(
        {"a": [path, nothing]}, {"a": np.array([3, 1])}, {"a": 2}, rows=["x", "y"], several=False
    )
    assert data.batch([0])[0]["frames"].tolist() == [[[1.0, 2.0], [3.0, 4.0]]]
    assert data.batch([0])[0]["lengths"].tolist() == [2]
    data.several = True
    assert data.batch([0])[0]["frames"]["a"].isnan().any(dim=2).tolist() == [[False, True, False]]
    with pytest.raises(
        ValueError, match=r"row 'y', modality 'a': all 1 frames of the file are NaN"
    ):
        data.batch([1])
