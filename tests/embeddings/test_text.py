import sys

import pytest

import emoest.embeddings
from emoest.embeddings._text import loading, major_version


def test_the_room_lists_its_classes():
    assert set(emoest.embeddings.__all__) <= set(dir(emoest.embeddings))
    assert emoest.embeddings.SBERTEmbedder.__name__ == "SBERTEmbedder"
    with pytest.raises(AttributeError, match="no attribute 'BertEmbedder'"):
        _ = emoest.embeddings.BertEmbedder


def test_the_room_loads_neither_torch_nor_transformers():
    import subprocess

    code = (
        "import sys, emoest.embeddings as room\n"
        "room.BERTEmbedder(), room.SBERTEmbedder()\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_major_version_of_what_is_not_installed_names_the_extra(monkeypatch):
    assert major_version("scikit-learn", "A test") == "1"
    with pytest.raises(ImportError, match=r"A test needs .*pip install 'emoest\[text\]'"):
        major_version("no_such_package", "A test")


def test_loading_is_quiet_and_gives_the_settings_back(tmp_path, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with loading(tmp_path):
        logging.get_logger("transformers").warning("not to be seen")
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    assert "not to be seen" not in capfd.readouterr().err
