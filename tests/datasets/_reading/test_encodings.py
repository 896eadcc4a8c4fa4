import pytest

from emoest.datasets._reading.encodings import fix_encoding

MEANT = "It\N{RIGHT SINGLE QUOTATION MARK}s… “fine” \N{EN DASH} née €5"


@pytest.mark.parametrize(
    ("content", "n_fixed"),
    [
        pytest.param(MEANT.encode(), 0, id="utf-8"),
        pytest.param(b"\xef\xbb\xbf" + MEANT.encode(), 0, id="byte order mark"),
        pytest.param(MEANT.encode("cp1252"), 7, id="windows-1252"),
        pytest.param(
            MEANT.replace("é", "e")
            .encode("cp1252")
            .decode("latin-1")
            .replace("nee", "née")
            .encode(),
            6,
            id="control characters",
        ),
        pytest.param(
            "".join(
                bytes([b]).decode("cp1252") if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(b)
                for b in MEANT.encode()
            ).encode(),
            7,
            id="read as windows-1252 and saved again",
        ),
    ],
)
def test_accidents_are_fixed(content, n_fixed):
    fixed = fix_encoding(content, name="a.csv")
    assert fixed.text == MEANT
    assert fixed.n_fixed == n_fixed
    assert fixed.lost_lines == ()


def test_good_bytes_beside_bad_ones_stay():
    fixed = fix_encoding("née".encode() + b" he\x92s", name="a.csv")
    assert fixed.text == "née he\N{RIGHT SINGLE QUOTATION MARK}s"
    assert fixed.n_fixed == 1


def test_lost_characters_are_named_by_line():
    fixed = fix_encoding("ok\nhe\N{REPLACEMENT CHARACTER}s\nok\n".encode(), name="a.csv")
    assert fixed.lost_lines == (2,)
    assert fixed.n_fixed == 0


@pytest.mark.parametrize("content", ["abc".encode("utf-16"), b"ab\x00c"])
def test_no_text_is_refused(content):
    with pytest.raises(ValueError, match=r"a\.csv is no text in UTF-8.*Save it as UTF-8"):
        fix_encoding(content, name="a.csv")
