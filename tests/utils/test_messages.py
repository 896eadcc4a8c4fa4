import numpy as np
import pytest

from emoest.utils.messages import listed


@pytest.mark.parametrize(
    ("names", "options", "text"),
    [
        ([], {}, ""),
        (["a"], {}, "a"),
        (["a", "b", "c"], {"most": 3}, "a, b, c"),
        (["a", "b", "c", "d"], {"most": 3}, "a, b, c and 1 more"),
        (range(7), {}, "0, 1, 2, 3, 4 and 2 more"),
        (["a", 1], {"quoted": True}, "'a', 1"),
        (np.array([3, 4]), {"quoted": True}, "3, 4"),
        (np.array(["x", "y"], dtype=object), {"quoted": True, "most": 1}, "'x' and 1 more"),
        ((name for name in "abc"), {"most": 2, "separator": "; "}, "a; b and 1 more"),
    ],
)
def test_names_are_listed(names, options, text):
    assert listed(names, **options) == text
