import re
import warnings

import pandas as pd
import pytest

from emoest.datasets import UnlabeledRowsWarning
from emoest.datasets._reading.rows import handle_unlabeled, match_labels, read_lines


def test_read_lines_drops_a_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert read_lines(path) == ["one", "two"]


def test_read_lines_names_file_line_and_bytes_of_another_encoding(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nwell\nf\xfcr\n")
    with pytest.raises(ValueError, match=r"Line 3 of .*a\.txt' is not utf-8: .*xfcr.*cp1252"):
        read_lines(path)


@pytest.fixture
def frame():
    return pd.DataFrame({"a": ["x", None, "y"], "b": [1.0, 2.0, None]})


def test_unlabeled_rows_are_kept_and_counted_unless_told_otherwise(frame):
    with pytest.warns(UnlabeledRowsWarning, match=r"Mine: 2 of 3 rows have no label \(a, b\)"):
        kept, n_unlabeled = handle_unlabeled(frame, ["a", "b"], drop=False, corpus="Mine")
    assert (len(kept), n_unlabeled) == (3, 2)
    with pytest.warns(UnlabeledRowsWarning, match="1 of 3 rows had no label .* were dropped"):
        kept, n_unlabeled = handle_unlabeled(frame, ["a"], drop=True, corpus="Mine")
    assert kept.index.tolist() == [0, 2]
    assert n_unlabeled == 1


def test_nothing_is_said_where_every_row_has_a_label(frame):
    with warnings.catch_warnings(action="error"):
        kept, n_unlabeled = handle_unlabeled(frame.head(1), ["a", "b"], drop=True, corpus="Mine")
    assert (len(kept), n_unlabeled) == (1, 0)


PATTERN = re.compile(r"\[(?P<turn>\w+) (?P<code>\w+)\]")
OPTIONS = {"start": "[", "corpus": "Mine", "form": "[turn code]"}


def test_labels_are_matched_and_other_lines_passed_over(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("% comment\n[u1 sad]\n\nrater: sad\n[u2 glad]\n")
    matches = list(match_labels(path, PATTERN, ("sad", "glad"), **OPTIONS))
    assert [(match["turn"], match["code"]) for match in matches] == [("u1", "sad"), ("u2", "glad")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[u1]", r"Line 2 of .*a\.txt' is not a label of Mine: '\[u1\]'. Expected '\[turn code\]'"),
        ("[u1 dull]", r"Line 2 of .*, turn u1, has the unknown emotion code 'dull'; known are sad"),
    ],
)
def test_bad_labels_name_their_line(tmp_path, line, message):
    path = tmp_path / "a.txt"
    path.write_text(f"% comment\n{line}\n")
    with pytest.raises(ValueError, match=message):
        list(match_labels(path, PATTERN, ["sad"], **OPTIONS))
