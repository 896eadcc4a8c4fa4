import warnings

import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning, UnlabeledRowsWarning
from emoest.datasets._reading.rows import handle_unlabeled, read_lines, report_gaps


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


def test_nothing_is_said_where_nothing_is_missing(frame):
    with warnings.catch_warnings(action="error"):
        kept, n_unlabeled = handle_unlabeled(frame.head(1), ["a", "b"], drop=True, corpus="Mine")
        assert report_gaps({"files": []}, corpus="Mine", folder="x", strict=True) == []
    assert (len(kept), n_unlabeled) == (1, 0)


def test_gaps_are_one_warning_or_an_error():
    gaps = {"sound files": ["a", "b", "c", "d"], "texts": ["t"], "videos": []}
    expected = r"missing are 4 sound files \(a, b, c, d\); 1 texts \(t\)"
    with pytest.warns(IncompleteCorpusWarning, match=expected) as caught:
        assert report_gaps(gaps, corpus="M", folder="x", strict=False) == [*"abcd", "t"]
    assert len(caught) == 1
    with pytest.raises(FileNotFoundError, match=expected):
        report_gaps(gaps, corpus="M", folder="x", strict=True)
