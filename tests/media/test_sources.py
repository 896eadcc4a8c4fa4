import numpy as np
import pytest

from emoest.media.audio import read_audio
from emoest.media.eeg import read_eeg
from emoest.media.images import read_image
from emoest.media.sources import name_file, split_fragment


def test_a_mark_without_a_number_belongs_to_the_name():
    assert split_fragment("a#t=.wav") == ("a#t=.wav", 0.0, None)


def test_an_item_is_called_what_its_caller_calls_it():
    assert name_file("a.npy", "EEG item") == "EEG file 'a.npy'"
    assert name_file("a.npy", "row 3, item 1 of the list, EEG item") == (
        "row 3, item 1 of the list, EEG item (file 'a.npy')"
    )


@pytest.mark.parametrize(
    ("read", "name"), [(read_audio, "a.wav"), (read_eeg, "a.npy"), (read_image, "a.png")]
)
def test_all_readers_say_alike_that_a_file_is_not_there(tmp_path, read, name):
    with pytest.raises(FileNotFoundError, match=rf"^row 3 \(file '.*{name}'\): the file is not"):
        read(tmp_path / name, name="row 3")
    with pytest.raises(FileNotFoundError, match=rf"^\w+ file '.*{name}': the file is not there"):
        read(tmp_path / name)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), "16000"])
def test_a_rate_that_is_passed_is_checked_like_that_of_a_tuple(rate):
    for read in (read_audio, read_eeg):
        with pytest.raises(ValueError, match="the rate must be a positive number of Hz, found"):
            read(np.zeros((20, 20)), sampling_rate=rate)
