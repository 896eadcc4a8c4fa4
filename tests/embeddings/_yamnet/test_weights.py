import hashlib
from pathlib import Path

import pytest

from emoest.embeddings import YAMNetEmbedder, unload_models
from emoest.files.catalogue import WEIGHTS, Url, Weights
from emoest.nets.weight_files.safetensors_io import save_net
from emoest.nets.yamnet import YAMNet
from tests.embeddings._yamnet.clips import RATE, noise, table


def _pin(monkeypatch, name, path, url="http://127.0.0.1:9/pinned.safetensors"):
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    size = Path(path).stat().st_size
    entry = Weights(name, Url(url), digest, size, "BSD-3-Clause", 1024, "this test")
    monkeypatch.setitem(WEIGHTS, name, entry)
    return entry


def test_fit_fetches_nothing_and_transform_says_what_is_missing(weights, monkeypatch):
    unload_models()
    entry = _pin(monkeypatch, "pinned", weights)
    embedder = YAMNetEmbedder("pinned").fit(table([None]))
    assert embedder.weights_digest_ == entry.sha256
    assert embedder.transform(table([None]))["yamnet_frames"][0] is None
    with pytest.raises(FileNotFoundError) as caught:
        embedder.transform(table([(noise(1.0), RATE)]))
    for part in (entry.address, "'pinned.safetensors'", "EMOEST_WEIGHTS", "relocate_weights"):
        assert part in str(caught.value)


def test_stored_items_need_no_weights(weights, monkeypatch, sentinel):
    X = table([(noise(1.0), RATE)])
    YAMNetEmbedder(weights).fit_transform(X)
    unload_models()
    sentinel.batches.clear()
    _pin(monkeypatch, "pinned", weights)
    out = YAMNetEmbedder("pinned").fit_transform(X)
    assert out["yamnet_frames"][0].shape == (2, 1024)
    assert sentinel.batches == []


def test_damaged_weights(weights, tmp_path, monkeypatch):
    unload_models()
    X = table([(noise(1.0), RATE)])
    path = tmp_path / "cut.safetensors"
    path.write_bytes(Path(weights).read_bytes()[:-100])
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=rf"cut\.safetensors.*truncated.*sha256 is {found}"):
        YAMNetEmbedder(path).fit_transform(X)
    entry = _pin(monkeypatch, "pinned", weights)
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    path.rename(tmp_path / entry.file_name)
    with pytest.raises(FileNotFoundError, match="corrupted or truncated") as caught:
        YAMNetEmbedder("pinned").fit_transform(X)
    for part in (entry.sha256, found, str(tmp_path / entry.file_name)):
        assert part in str(caught.value)


def test_unknown_weights():
    with pytest.raises(ValueError, match=r"'yamnte' is neither the path of a file nor.*yamnet"):
        YAMNetEmbedder("yamnte").fit(table([None]))
    with pytest.raises(ValueError, match=r"model='yamnet-classes' is no YAMNet"):
        YAMNetEmbedder("yamnet-classes").fit(table([None]))


def test_weights_are_found_by_their_name_in_the_folder_of_the_environment(weights, monkeypatch):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(weights.parent))
    by_name = YAMNetEmbedder("random.safetensors").fit(table([None]))
    assert by_name.weights_digest_ == YAMNetEmbedder(weights).fit(table([None])).weights_digest_


def test_a_net_of_other_classes_is_refused(tmp_path):
    path = save_net(YAMNet(n_classes=4), tmp_path / "four.safetensors")
    with pytest.raises(ValueError, match=r"four\.safetensors.*4 classes.*takes the 521"):
        YAMNetEmbedder(path).fit_transform(table([(noise(1.0), RATE)]))


def test_class_names_stand_beside_the_weights(tmp_path):
    lines = ["index,mid,display_name", *(f'{i},/m/{i},"sound, {i}"' for i in range(521))]
    (tmp_path / "yamnet_class_map.csv").write_text("\r\n".join(lines))
    names = YAMNetEmbedder(tmp_path / "yamnet.h5").class_names()
    assert len(names) == 521
    assert names[0] == "sound, 0"
    (tmp_path / "yamnet_class_map.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(ValueError, match=r"yamnet_class_map\.csv.*does not name 521"):
        YAMNetEmbedder(tmp_path / "yamnet.h5").class_names()


def test_class_names_of_fetched_weights_are_not_taken_from_the_working_folder(
    tmp_path, monkeypatch
):
    (tmp_path / "yamnet_class_map.csv").write_text("display_name\nwrong")
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(
        "emoest.embeddings._yamnet.find_weights",
        lambda name, **kwargs: asked.append(name) or tmp_path / "yamnet_class_map.csv",
    )
    with pytest.raises(ValueError, match="does not name 521"):
        YAMNetEmbedder("yamnet").class_names()
    assert asked == ["yamnet-classes"]
