import numpy as np
import pytest

from emoest.embeddings._speech.pieces import cut_pieces


def spans(signal):
    """Runs of samples that are not zero."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], signal != 0, [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def pieces(signal, size=20, block=7):
    blocks = [signal[i : i + block] for i in range(0, len(signal), block)]
    return list(cut_pieces(blocks, size, spans))


def test_a_short_recording_is_one_piece():
    (found,) = pieces(np.ones(20, dtype=np.float32))
    assert found[0] == 0
    assert len(found[1]) == 20
    assert found[2] == [(0, 20)]


@pytest.mark.parametrize("block", [1, 7, 100])
@pytest.mark.parametrize(
    ("speech", "starts"),
    [
        ([(0, 14), (18, 45)], [0, 16, 36]),
        ([(0, 45)], [0, 20, 40]),
        ([(0, 4), (8, 45)], [0, 20, 40]),
        ([], [0, 10, 20, 30]),
        ([(0, 11), (13, 16), (18, 30)], [0, 17, 33]),
    ],
    ids=["pause", "none", "early", "silence", "last"],
)
def test_long_recordings_are_cut_in_pauses(speech, starts, block):
    signal = np.zeros(45, dtype=np.float32)
    for start, stop in speech:
        signal[start:stop] = 1
    found = pieces(signal, block=block)
    assert [start for start, *_ in found] == starts
    np.testing.assert_array_equal(np.concatenate([part for _, part, _ in found]), signal)
    assert all(len(part) <= 20 for _, part, _ in found)
    assert all(where == spans(part) for _, part, where in found)
