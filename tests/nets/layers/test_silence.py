"""Loud frames, and what is left when the silence around them is cut."""

import pytest
import torch

from emoest.nets.layers.pooling import StatisticsPoolingLayer
from emoest.nets.layers.silence import coarser, loud_frames, trim_silence


def spectra(*energies, n_mels=3):
    """Padded spectra whose frames have these energies, with numbers behind their ends."""
    lengths = torch.tensor([len(row) for row in energies])
    frames = torch.full((len(energies), int(lengths.max()) + 2, n_mels), 1e3)
    for i, row in enumerate(energies):
        frames[i, : len(row)] = torch.tensor(row, dtype=torch.float32)[:, None]
    return frames, lengths


@pytest.mark.parametrize(
    ("energy", "first", "n_left", "loud"),
    [
        ([0, 0, 5, 0, 6, 0], 2, 3, [True, False, True]),
        ([9, 0, 0], 0, 1, [True]),
        ([0, 0, 9], 2, 1, [True]),
        ([2, 2, 2], 0, 3, [True, True, True]),
        ([2 + 1e-5, 2, 2], 0, 3, [True, True, True]),
        ([-7], 0, 1, [True]),
        ([], 0, 0, []),
    ],
    ids=["pause inside", "at the start", "at the end", "silence", "rounding", "one", "none"],
)
def test_ends_are_cut_and_pauses_are_marked(energy, first, n_left, loud):
    # A longer row beside it, so that its padding is there to be taken for a voice.
    frames, lengths = spectra([float(e) for e in energy], [0.0, 4.0] * 5)
    kept, left, marks = trim_silence(frames, lengths)
    assert left.tolist() == [n_left, 9]
    assert torch.equal(kept[0, :n_left], frames[0, first : first + n_left])
    assert not kept[0, n_left:].any() and not marks[0, n_left:].any()
    assert marks[0, :n_left].tolist() == loud
    assert loud_frames(frames, lengths)[0, first : first + n_left].tolist() == loud


def test_marks_become_coarser_as_lengths_do():
    marks = torch.zeros(1, 21, dtype=torch.bool)
    marks[0, 8] = True
    assert coarser(marks, 8).tolist() == [[False, True, False]]
    assert coarser(marks, 32).shape == (1, 1)


def test_only_marked_frames_are_pooled():
    frames = torch.randn(2, 6, 3)
    kept = torch.tensor([[True, False, True, True, False, True], [True] * 6])
    pooled = StatisticsPoolingLayer()(frames, torch.tensor([5, 3]), kept)
    alone = StatisticsPoolingLayer()(frames[:1, [0, 2, 3]], torch.tensor([3]))
    torch.testing.assert_close(pooled[:1], alone)
    torch.testing.assert_close(pooled[1:], StatisticsPoolingLayer()(frames[1:, :3], lengths(3)))
    one = torch.zeros(1, 6, dtype=torch.bool)
    assert not StatisticsPoolingLayer()(frames[:1], lengths(6), one).any()
    one[0, 2] = True
    vector = StatisticsPoolingLayer()(frames[:1], lengths(6), one)[0]
    assert torch.equal(vector, torch.cat([frames[0, 2], torch.zeros(3)]))


def lengths(n):
    return torch.tensor([n])
