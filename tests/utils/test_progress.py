import io
import sys

import pytest

from emoest.utils.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


Notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})


@pytest.mark.parametrize(
    ("stream", "verbose", "shown"),
    [
        (io.StringIO, None, False),
        (io.StringIO, 1, True),
        (Terminal, None, True),
        (Terminal, 0, False),
        (Notebook, None, True),
        (Notebook, 0, False),
    ],
)
def test_progress_is_shown_where_a_person_waits(monkeypatch, stream, verbose, shown):
    monkeypatch.setattr(sys, "stderr", stream())
    with progress(2, "folds", verbose) as bar:
        assert bar.disable is not shown


@pytest.mark.parametrize(("stream", "left"), [(Terminal, False), (Notebook, True)])
def test_a_notebook_keeps_the_full_bar_instead_of_an_empty_line(monkeypatch, stream, left):
    monkeypatch.setattr(sys, "stderr", stream())
    with progress(2, "folds", 1) as bar:
        bar.update(2)
    last = sys.stderr.getvalue().rstrip("\n").split("\r")[-1]
    assert ("2/2" in last) is left
