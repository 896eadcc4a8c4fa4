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
