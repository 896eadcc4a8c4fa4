import numpy as np
import pandas as pd
import pytest

from emoest.tables.spelling import clean_name, clean_names, describe_alike, find_alike, text_codes


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("s01 ", "s01"),
        ("\ts01\n", "s01"),
        ("\N{NO-BREAK SPACE}s01", "s01"),
        ("Ann   Lee", "Ann Lee"),
        ("u\N{COMBINING DIAERESIS}", "\N{LATIN SMALL LETTER U WITH DIAERESIS}"),
        ("Angry", "Angry"),
        ("", None),
        ("   ", None),
        (1, 1),
        (None, None),
    ],
)
def test_names_are_stripped_and_composed(name, cleaned):
    assert clean_name(name) == cleaned


def test_columns_keep_index_name_and_what_is_no_text():
    column = pd.Series(["a ", None, 3, "a"], index=list("wxyz"), name="speaker", dtype=object)
    out = clean_names(column)
    assert out.tolist() == ["a", None, 3, "a"]
    assert (list(out.index), out.name) == (list("wxyz"), "speaker")
    numbers = pd.Series([1.0, np.nan])
    assert clean_names(numbers) is numbers


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (["s01", "S01"], [("s01", "S01")]),
        (["s01", "s01 "], [("s01", "s01 ")]),
        (["s01", "s1"], [("s01", "s1")]),
        (["1", "01", "001"], [("1", "01", "001")]),
        (["Ann Lee", "ann_lee", "ann-lee"], [("Ann Lee", "ann_lee", "ann-lee")]),
        (["Stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE"], [("Straße", "STRASSE")]),
        (["s1", "s10", "s01", "s010"], [("s1", "s01"), ("s10", "s010")]),
        # These are different names.
        (["s1", "s10", "s100"], []),
        (["1-1", "11", "1-10"], []),
        (["0", "00"], [("0", "00")]),
        (["surprise", "surprised"], []),
        ([1, 1.0, "1", None], []),
        ([], []),
    ],
)
def test_names_that_may_be_one(names, alike):
    assert find_alike(names) == alike


@pytest.mark.parametrize(
    ("labels", "alike"),
    [
        (["Fear", "fear", "sad"], [("Fear", "fear")]),
        (["surprise", "surprised"], [("surprise", "surprised")]),
        (
            ["pleasant_surprised", "Pleasant_surprise"],
            [("Pleasant_surprise", "pleasant_surprised")],
        ),
        (["bored", "boredom"], [("bored", "boredom")]),
        (["sad", "sadly"], []),
        (["fear", "fearful"], []),
        (["happy", "happiness"], []),
        (["class1", "class12"], []),
    ],
)
def test_labels_may_differ_by_an_ending(labels, alike):
    assert find_alike(labels, inflected=True) == alike


def test_a_message_lists_a_few():
    alike = [(f"s{i}", f"S{i}") for i in range(7)]
    assert describe_alike(alike).endswith("'s4' and 'S4' and 2 more")


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["01", "02"], True), (["0", "1"], False), (["0.5"], False), (["007", "x"], True)],
)
def test_digits_that_are_names(values, expected):
    assert text_codes(np.array(values)) is expected
