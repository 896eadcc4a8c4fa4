import importlib
import subprocess
import sys

import pytest

LAZY = ["embeddings", "files", "media", "utils"]


@pytest.mark.parametrize("room", LAZY)
def test_each_public_name_is_found_where_the_table_says(room):
    module = importlib.import_module(f"emoest.{room}")
    assert dir(module) == module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("room", LAZY)
def test_an_unknown_name_is_an_attribute_error_that_names_the_package(room):
    module = importlib.import_module(f"emoest.{room}")
    with pytest.raises(AttributeError, match=rf"'emoest\.{room}' has no attribute 'nothing'"):
        _ = module.nothing


def test_the_nets_read_batches_without_scikit_learn():
    code = "import emoest.nets.batches, sys; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
