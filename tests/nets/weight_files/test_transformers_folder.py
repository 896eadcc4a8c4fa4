import pytest

from emoest.nets.weight_files.transformers_folder import loading, text_version


def test_version_of_what_is_not_installed_names_the_extra():
    assert text_version("scikit-learn", "A test") == "1"
    with pytest.raises(ImportError, match=r"A test needs .*pip install 'emoest\[text\]'"):
        text_version("no_such_package", "A test")


def test_loading_is_quiet_and_gives_the_settings_back(tmp_path, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with loading(tmp_path):
        logging.get_logger("transformers").warning("not to be seen")
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    assert "not to be seen" not in capfd.readouterr().err
