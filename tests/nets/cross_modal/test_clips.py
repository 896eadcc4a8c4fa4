import numpy as np
import torch

from emoest.nets.batches import BucketedBatches
from emoest.nets.cross_modal.clips import CONDITIONS, ClipDataset

PROMPT = np.array([[2, -1], [9, 0], [4, -1], [3, -1]], dtype="float32")


def make_clips(n=12, **options):
    text = [np.insert(PROMPT, 1, [[7, 0]] * (1 + i % 3), axis=0) for i in range(n)]
    face = [np.ones((5 + i, 3), "float32") for i in range(n)]
    audio = [None if i % 4 == 3 else np.ones((9 - i % 3, 2), "float32") for i in range(n)]
    cells = {"text": text, "face": face, "audio": audio}
    lengths = {
        name: np.array([0 if cell is None else len(cell) for cell in column])
        for name, column in cells.items()
    }
    dims = {"text": 2, "face": 3, "audio": 2}
    return ClipDataset(cells, lengths, dims, blank=PROMPT, **options)


def test_the_first_frames_are_kept_up_to_the_limit():
    data = make_clips(limits={"face": 6, "audio": 8})
    X, _ = data.batch([0, 1, 2, 3])
    assert X["lengths"]["face"].tolist() == [5, 6, 6, 6]
    assert X["lengths"]["audio"].tolist() == [8, 8, 7, 0]
    assert data.longest.tolist()[0] == len(data.cells["text"][0]) + 5 + 8


def test_a_row_without_text_has_the_blank_one():
    data = make_clips(2)
    data.cells["text"][1] = None
    data.lengths["text"][1] = 0
    X, _ = data.batch([0, 1])
    assert X["lengths"]["text"].tolist() == [5, 4]
    assert torch.equal(X["frames"]["text"][1, :4], torch.from_numpy(PROMPT))


def test_training_sees_each_of_the_seven_conditions_and_prediction_none():
    data = make_clips(120, augment=True)
    X, _ = data.batch(range(120), torch.Generator().manual_seed(0))
    seen = set()
    for row in range(120):
        kept = {name for name in ("face", "audio") if X["lengths"][name][row]}
        prompt = int(X["lengths"]["text"][row]) == len(PROMPT)
        if prompt:
            assert torch.equal(X["frames"]["text"][row, : len(PROMPT)], torch.from_numpy(PROMPT))
        seen.add(tuple(sorted(kept | (set() if prompt else {"text"}))))
    assert seen == {tuple(sorted(condition)) for condition in CONDITIONS}
    plain, _ = data.batch(range(120))
    assert plain["lengths"]["face"].tolist() == data.lengths["face"].tolist()


def test_no_row_is_left_without_anything_that_it_has():
    data = make_clips(80, augment=True)
    silent = np.arange(3, 80, 4)
    for seed in range(3):
        X, _ = data.batch(silent.tolist(), torch.Generator().manual_seed(seed))
        empty = (X["lengths"]["face"] == 0) & (X["lengths"]["text"] == len(PROMPT))
        assert not empty.any()


def test_buckets_go_by_the_whole_sequence():
    data = make_clips(limits={"face": 100})
    rows = [row for batch in BucketedBatches(data, 4).rows() for row in batch]
    assert data.longest[rows].tolist() == sorted(data.longest.tolist())
