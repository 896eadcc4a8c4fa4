import numpy as np
import pytest

from emoest.nets.cross_modal.masking import ZEROED, mask_frames, mask_spans, mask_words

RULE = {"mask_id": 4, "first_id": 5, "vocab_size": 1000}


def rate_of(n_frames, ratio, span=3, n=4000):
    generator = np.random.default_rng(0)
    masks = [mask_spans(n_frames, generator, ratio=ratio, span=span) for _ in range(n)]
    return 100 * np.mean([mask.selected.mean() for mask in masks])


@pytest.mark.parametrize(
    ("n_frames", "ratio", "expected"),
    [
        *[(36, 0.2, 14.8), (20, 0.2, 14.0), (10, 0.2, 10.0)],
        *[(64, 0.15, 12.4), (36, 0.15, 7.8), (20, 0.15, 14.0)],
    ],
)
def test_spans_cover_the_proportion_that_was_simulated(n_frames, ratio, expected):
    assert abs(rate_of(n_frames, ratio) - expected) < 1.0


def test_the_last_two_frames_are_never_in_a_span():
    generator = np.random.default_rng(1)
    masks = [mask_spans(36, generator, ratio=0.2) for _ in range(500)]
    spans = [mask for mask in masks if mask.selected.sum() > 1]
    assert not any(mask.selected[-2:].any() for mask in spans)
    assert any(mask.selected[-3] for mask in spans)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5, 14, 36])
@pytest.mark.parametrize("ratio", [0.01, 0.2, 1.0])
def test_at_least_one_frame_is_predicted_whatever_the_length(n_frames, ratio):
    generator = np.random.default_rng(2)
    for _ in range(20):
        mask = mask_spans(n_frames, generator, ratio=ratio)
        assert mask.selected.any()
        assert mask.source.max() < n_frames
        assert not mask.hidden[~mask.selected].any()


def test_of_ten_sequences_eight_are_zeros_one_is_swapped_and_one_loses_a_frame():
    generator = np.random.default_rng(3)
    masks = [mask_spans(36, generator, ratio=0.2) for _ in range(3000)]
    swapped = np.mean([not mask.hidden.any() for mask in masks])
    single = np.mean([mask.selected.sum() == 1 for mask in masks])
    assert abs(swapped - 0.1) < 0.02
    assert abs(single - 0.1) < 0.02


def test_what_is_seen_are_zeros_or_frames_of_elsewhere():
    frames = np.arange(1, 37, dtype="float32")[:, None]
    generator = np.random.default_rng(4)
    for _ in range(50):
        mask = mask_spans(36, generator, ratio=0.2)
        seen = mask.apply(frames)
        assert (seen[~mask.selected] == frames[~mask.selected]).all()
        assert (seen[mask.hidden] == 0).all()
        others = mask.selected & ~mask.hidden
        assert (seen[others] == frames[mask.source[others]]).all()
    assert frames[0, 0] == 1.0


def test_single_frames_are_hidden_with_their_probability():
    generator = np.random.default_rng(5)
    masks = [mask_frames(40, generator, probability=0.15) for _ in range(1000)]
    assert abs(np.mean([mask.selected.mean() for mask in masks]) - 0.15) < 0.01
    assert all((mask.source == ZEROED).tolist() == mask.selected.tolist() for mask in masks)


WORDS = np.array([-1, 0, 1, 1, 1, 2, 3, 3, -1])
IDS = np.array([2, 10, 11, 12, 13, 14, 15, 16, 3])


def draws(n=2000, **options):
    generator = np.random.default_rng(6)
    return [mask_words(IDS, WORDS, generator, **{**RULE, **options}) for _ in range(n)]


def test_all_or_none_of_the_pieces_of_a_word_are_predicted():
    for seen, selected in draws(300):
        for word in range(4):
            pieces = selected[word == WORDS]
            assert pieces.all() or not pieces.any()
            masked = seen[word == WORDS] == RULE["mask_id"]
            assert masked.all() or not masked.any()
        assert selected.any()
        assert not selected[[0, -1]].any()
        assert (seen[~selected] == IDS[~selected]).all()


def test_pieces_are_chosen_alone_when_asked_for():
    parts = [selected[2:5] for _, selected in draws(300, whole=False)]
    assert any(part.any() and not part.all() for part in parts)


def test_of_ten_words_eight_are_masked_one_replaced_and_one_kept():
    found = draws(probability=1.0)
    masked = np.mean([(seen[1:-1] == 4).mean() for seen, _ in found])
    kept = np.mean([(seen[1:-1] == IDS[1:-1]).mean() for seen, _ in found])
    assert abs(masked - 0.8) < 0.02
    assert abs(kept - 0.1) < 0.02
    assert all(selected[1:-1].all() for _, selected in found)
    replaced = {i for seen, _ in found for i in seen.tolist()} - {4, *IDS.tolist()}
    assert min(replaced) >= RULE["first_id"]
    assert max(replaced) < RULE["vocab_size"]


def test_words_are_chosen_with_the_probability_and_one_at_least():
    words = np.arange(40)
    generator = np.random.default_rng(7)
    rates = [mask_words(words, words, generator, **RULE)[1].mean() for _ in range(500)]
    assert abs(np.mean(rates) - 0.15) < 0.01
    assert all(s.sum() >= 1 for _, s in draws(50, probability=0.0))


def test_a_text_of_special_pieces_has_nothing_to_hide():
    seen, selected = mask_words(
        np.array([2, 3]), np.array([-1, -1]), np.random.default_rng(0), **RULE
    )
    assert seen.tolist() == [2, 3]
    assert not selected.any()
