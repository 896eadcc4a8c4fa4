import pytest
import soundfile

from emoest.datasets import make_iemocap_like, make_msp_improv_like
from emoest.datasets._generated.like_speech_corpora import _spread


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.mark.parametrize("make", [make_iemocap_like, make_msp_improv_like])
def test_folders_are_the_same_each_time_and_can_be_played(tmp_path, make):
    first, second = (make(tmp_path / name, scale=0.005) for name in "ab")
    assert contents(first) == contents(second)
    sounds = sorted(first.rglob("*.wav"))
    assert len(sounds) >= 24
    info = soundfile.info(sounds[0])
    assert (info.samplerate, info.channels, info.frames) == (16000, 1, 320)


def test_codes_are_spread_by_their_counts_and_none_is_lost():
    codes = _spread({"a": 100, "b": 50, "c": 1}, 0.1)
    assert {code: codes.count(code) for code in "abc"} == {"a": 10, "b": 5, "c": 1}
    assert codes[:3] != ["a", "a", "a"]


@pytest.mark.parametrize("scale", [0, 1.5])
def test_shares_outside_zero_to_one_are_errors(tmp_path, scale):
    with pytest.raises(ValueError, match="'scale' parameter"):
        make_iemocap_like(tmp_path, scale=scale)
