import pytest

from emoest.datasets._generated.missing import missing_fractions


def test_one_number_is_for_all_and_a_dict_by_name():
    assert missing_fractions(0.25, ("audio", "text")) == {"audio": 0.25, "text": 0.25}
    assert missing_fractions({"text": 1}, ("audio", "text")) == {"audio": 0.0, "text": 1.0}


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"face": 0.1}, "names 'face'; the modalities are audio, text"),
        ({"text": 1.1}, r"missing\['text'\] must be a fraction from 0 to 1, found 1.1"),
        ({"text": "half"}, "found 'half'"),
    ],
)
def test_bad_fractions_are_named(missing, message):
    with pytest.raises(ValueError, match=message):
        missing_fractions(missing, ("audio", "text"))
