import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from emoest.media import face_detection
from emoest.media.face_detection import (
    cascade_path,
    crop,
    detection_recipe,
    face_of,
    find_faces,
)
from emoest.media.images import open_clip

pytest.importorskip("cv2")


@pytest.fixture
def scene(draw_face):
    """A gray wall with a large face at (60, 80) and a small one at (300, 400)."""
    picture = np.full((480, 640, 3), 90, dtype=np.uint8)
    picture[60:220, 80:240] = draw_face(160)
    picture[300:380, 400:480] = draw_face(80)
    return picture


def _overlap(box, expected):
    left, top = max(box[0], expected[0]), max(box[1], expected[1])
    right = min(box[0] + box[2], expected[0] + expected[2])
    bottom = min(box[1] + box[3], expected[1] + expected[3])
    common = max(0, right - left) * max(0, bottom - top)
    return common / (box[2] * box[3] + expected[2] * expected[3] - common)


def test_faces_are_found_largest_first(scene):
    boxes = find_faces(scene)
    assert len(boxes) == 2
    assert _overlap(boxes[0], (80, 60, 160, 160)) > 0.7
    assert _overlap(boxes[1], (400, 300, 80, 80)) > 0.7
    mirrored = find_faces(np.ascontiguousarray(scene[:, ::-1]))
    assert mirrored[0][2] > mirrored[1][2]


def test_a_large_picture_is_searched_at_a_smaller_size(scene):
    large = scene.repeat(4, axis=0).repeat(4, axis=1)
    boxes = find_faces(large)
    assert _overlap(boxes[0], (320, 240, 640, 640)) > 0.7


def test_no_face_in_noise_and_walls():
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    assert find_faces(noise) == []
    assert find_faces(np.zeros((1, 1, 3), dtype=np.uint8)) == []
    assert find_faces(np.zeros((3000, 2, 3), dtype=np.uint8)) == []


def test_threads_find_the_same(scene):
    expected = find_faces(scene)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find_faces, [scene] * 12)) == [expected] * 12


@pytest.mark.parametrize(
    ("box", "margin", "rows", "columns"),
    [
        ((2, 3, 4, 4), 0.0, range(3, 7), range(2, 6)),
        ((2, 3, 4, 4), 0.25, range(2, 8), range(1, 7)),
        ((2, 3, 4, 2), 0.0, range(2, 6), range(2, 6)),
        ((8, 0, 4, 4), 0.0, range(0, 4), [8, 9, 9, 9]),
        ((0, 0, 4, 4), 0.5, [0, 0, 0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 2, 3, 4, 5]),
    ],
)
def test_crop(box, margin, rows, columns):
    picture = np.arange(300, dtype=np.uint16).reshape(10, 10, 3)
    expected = picture[np.ix_(list(rows), list(columns))]
    np.testing.assert_array_equal(crop(picture, box, margin), expected)


def test_the_largest_face_is_taken(scene):
    left, top, side, _ = find_faces(scene)[0]
    for detect in ("auto", True):
        face = face_of(scene, detect, 0.0)
        np.testing.assert_array_equal(face, scene[top : top + side, left : left + side])
    assert face_of(scene, False, 0.0) is scene


def test_small_pictures_are_faces(draw_face, monkeypatch):
    searched = []
    monkeypatch.setattr(face_detection, "find_faces", lambda p: searched.append(p.shape) or [])
    rectangles = [np.random.default_rng(0).integers(0, 9, s, np.uint8) for s in [(64, 64, 3)] * 2]
    assert face_of(rectangles[0], "auto", 0.1) is rectangles[0]
    assert searched == []
    assert face_of(rectangles[0], True, 0.1) is None
    assert face_of(np.pad(rectangles[0], ((0, 1), (0, 0), (0, 0))), "auto", 0.1) is None
    assert searched == [(64, 64, 3), (65, 64, 3)]


@pytest.mark.parametrize("detect", [True, False, "auto"])
@pytest.mark.parametrize("level", [0, 200])
def test_blank_pictures_hold_no_face(detect, level):
    assert face_of(np.full((64, 64, 3), level, dtype=np.uint8), detect, 0.1) is None


def test_recipe_names_the_cascade():
    recipe = detection_recipe()
    assert recipe["cascade"] == "0f7d4527844eb514d4a4948e822da90fbb16a34a0bbbbc6adc6498747a5aafb0"


@pytest.fixture
def _no_cached_path():
    cascade_path.cache_clear()
    yield
    cascade_path.cache_clear()


@pytest.mark.usefixtures("_no_cached_path")
def test_opencv_5_has_no_cascade(monkeypatch):
    five = SimpleNamespace(__version__="5.0.0", data=SimpleNamespace(haarcascades="nowhere"))
    monkeypatch.setitem(sys.modules, "cv2", five)
    with pytest.raises(ImportError, match=r"OpenCV 5\.0\.0 .*'opencv-python-headless<5'"):
        cascade_path()


@pytest.mark.usefixtures("_no_cached_path")
def test_without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"Face detection needs .*pip install 'emoest\[face\]'"):
        find_faces(np.zeros((9, 9, 3), np.uint8))


@pytest.mark.real_data
def test_real_faces(real_data):
    """Each sampled picture of two actors shows one face, about in the middle."""
    clips = [
        (real_data / "cremad_sample" / "1001_DFA_HAP_XX.flv", (155, 75, 127, 127)),
        (
            real_data / "ravdess_av_features" / "sample_01-01-01-01-01-01-01.mp4",
            (435, 140, 390, 390),
        ),
    ]
    for path, expected in clips:
        for picture in open_clip(path, frames_per_second=2).frames():
            boxes = find_faces(picture)
            assert len(boxes) == 1
            assert _overlap(boxes[0], expected) > 0.7
