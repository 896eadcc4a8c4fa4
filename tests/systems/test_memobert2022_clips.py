"""Unlabeled clips of a film: subtitles, and the face that speaks."""

import numpy as np
import pandas as pd
import pytest

from emoest.embeddings import FaceEmbedder
from emoest.systems import TrackedFace, choose_active_speaker, clips_from_subtitles
from emoest.systems._memobert2022_speakers import (
    read_tracked_faces,
    tracks_between,
    voice_activity,
)

SRT = """\ufeff1
00:00:01,000 --> 00:00:02,500
<i>Is it you,</i>
Zoë?

2
00:00:03,000 --> 00:00:03,400
No.

3
00:00:04,000 --> 00:00:06,000
♪ ... ♪

4
01:00:05.5 --> 01:00:07.25
{\\an8}Yes: "I am"!
"""


def test_a_subtitle_with_words_and_a_second_is_a_clip(tmp_path):
    (tmp_path / "a.srt").write_text(SRT, encoding="utf-8")
    clips = clips_from_subtitles("films/a.mp4", tmp_path / "a.srt")
    assert clips["text"].tolist() == ["Is it you, Zo ?", 'Yes: "I am"!']
    assert clips["audio"].tolist() == [
        "films/a.mp4#t=1.000,2.500",
        "films/a.mp4#t=3605.500,3607.250",
    ]
    assert (clips["audio"] == clips["face"]).all()
    assert clips.index.is_unique
    assert len(clips_from_subtitles("a.mp4", tmp_path / "a.srt", min_seconds=0.2)) == 3


@pytest.mark.parametrize("content", ["", "Not subtitles", SRT.split("3\n00", maxsplit=1)[0][60:]])
def test_subtitles_without_a_clip_are_said(tmp_path, content):
    (tmp_path / "a.srt").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds \d subtitle\(s\), none of which"):
        clips_from_subtitles("a.mp4", tmp_path / "a.srt")
    with pytest.raises(FileNotFoundError, match="no subtitles at"):
        clips_from_subtitles("a.mp4", tmp_path / "b.srt")


def track(opening, n=20, confidence=0.9):
    """A face whose mouth opens by so many pixels in every other image."""
    points = np.zeros((n, 68, 2))
    points[:, 62, 1], points[:, 51, 1], points[:, 64, 0] = 3.0, 0.0, 20.0
    points[:, 66, 1] = 3.0 + opening * (np.arange(n) % 2)
    return TrackedFace(np.arange(n), points, np.full(n, confidence))


VOICE = np.ones(200, dtype=bool)


def test_who_moves_the_mouth_while_there_is_a_voice_speaks():
    still, small, wide = track(0), track(4.5), track(9)
    wide_half = TrackedFace(wide.frames[:12], wide.landmarks[:12], wide.confidence[:12])
    assert choose_active_speaker([still, wide], VOICE) == 1
    assert choose_active_speaker([small, wide_half], VOICE) == 0
    assert choose_active_speaker([still], VOICE) is None
    assert choose_active_speaker([wide], ~VOICE) is None
    assert choose_active_speaker([track(9, confidence=0.5)], VOICE) is None


def test_images_that_are_far_apart_are_no_movement():
    face = track(9)
    sparse = TrackedFace(face.frames * 3, face.landmarks, face.confidence)
    assert choose_active_speaker([sparse], VOICE) is None


def test_silence_has_no_voice():
    assert not voice_activity(np.zeros(16000), 16000).any()
    assert len(voice_activity(np.zeros(100), 16000)) == 0


WHOLE = "1\n00:00:00,000 --> 00:00:02,000\nLeft.\n\n2\n00:00:02,000 --> 00:00:04,000\nRight.\n"
LEFT, RIGHT = np.array([30.0, 40.0]), np.array([110.0, 40.0])
RED, BLUE = (200, 0, 0), (0, 0, 200)


def points_of(center, opening, size=20.0):
    """68 points around a center, their mouth open by so many pixels."""
    points = center + size * np.stack([np.cos(np.arange(68.0)), np.sin(np.arange(68.0))], axis=1)
    x, y = center
    for number, place in {51: (x, y), 62: (x, y + 3), 66: (x, y + 3 + opening)}.items():
        points[number] = place
    points[60], points[64] = (x - 8, y + 3), (x + 8, y + 3)
    return points


def tracker_lines(rate=10, seconds=4.0, confidence=0.9, silent=()):
    """Rows of OpenFace: the left face speaks first, then the right one."""
    rows = []
    for k in range(round(rate * seconds)):
        time = k / rate
        for number, center in enumerate((LEFT, RIGHT)):
            speaks = number == int(time >= seconds / 2) and number not in silent
            points = points_of(center, 9 * (round(time * 10) % 2) if speaks else 0)
            places = {f"x_{i}": x for i, (x, _) in enumerate(points)}
            places |= {f"y_{i}": y for i, (_, y) in enumerate(points)}
            rows.append(
                {"frame": k + 1, "face_id": number, "timestamp": time, "confidence": confidence}
                | {"success": 1}
                | places
            )
    return pd.DataFrame(rows)


@pytest.fixture
def film(tmp_path):
    """Four seconds, a red face on the left and a blue one on the right, with a voice."""
    av = pytest.importorskip("av")
    image = np.zeros((80, 144, 3), dtype=np.uint8)
    image[:, :72], image[:, 72:] = RED, BLUE
    sound = (0.3 * np.sin(np.arange(64000) / 5)).astype(np.float32)[None]
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.height, stream.width, stream.pix_fmt = 80, 144, "yuv420p"
        voice = container.add_stream("aac", rate=16000)
        for _ in range(80):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
        frame = av.AudioFrame.from_ndarray(sound, "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(voice.encode(frame))
        container.mux(voice.encode())
    (tmp_path / "film.srt").write_text(WHOLE)
    return path


def written(folder, table, blank=""):
    path = folder / "faces.csv"
    lines = [f",{blank}".join(map(str, table.columns))]
    lines += [f",{blank}".join(map(str, row)) for row in table.itertuples(index=False)]
    path.write_text("\n".join(lines))
    return path


def is_colored(image, color):
    return np.abs(image.reshape(-1, 3).mean(axis=0) - color).max() < 40


@pytest.mark.parametrize(("rate", "blank"), [(10, ""), (20, " "), (25, "")])
def test_the_face_that_speaks_is_cut_out_of_the_film(film, rate, blank):
    faces = written(film.parent, tracker_lines(rate), blank)
    clips = clips_from_subtitles(film, film.with_suffix(".srt"), faces=faces)
    assert clips.columns.tolist() == ["text", "audio", "face"]
    assert clips["text"].tolist() == ["Left.", "Right."]
    for images, color in zip(clips["face"], (RED, BLUE), strict=True):
        assert 18 <= len(images) <= 20
        assert all(is_colored(image, color) for image in images)
        # Two radii of 20 pixels and the margin around them.
        assert {image.shape for image in images} == {(48, 48, 3)}
    plain = clips_from_subtitles(film, film.with_suffix(".srt"))
    assert plain["audio"].tolist() == clips["audio"].tolist()


def test_a_clip_in_which_nobody_who_is_seen_speaks_is_left_out(film):
    faces = written(film.parent, tracker_lines(silent=(1,)))
    clips = clips_from_subtitles(film, film.with_suffix(".srt"), faces=faces)
    assert clips["text"].tolist() == ["Left."]
    for lines in (tracker_lines(silent=(0, 1)), tracker_lines(confidence=0.4)):
        faces = written(film.parent, lines)
        with pytest.raises(ValueError, match=r"In none of the 2 clip\(s\) somebody speaks"):
            clips_from_subtitles(film, film.with_suffix(".srt"), faces=faces)


def test_large_faces_are_made_small_enough_not_to_be_looked_through(film):
    lines = tracker_lines()
    for axis, scale in (("x", 1.6), ("y", 2.0)):
        names = [f"{axis}_{i}" for i in range(68)]
        center = lines[names].mean(axis=1).to_numpy()[:, None]
        lines[names] = center + scale * (lines[names].to_numpy() - center)
    clips = clips_from_subtitles(
        film, film.with_suffix(".srt"), faces=written(film.parent, lines), verbose=0
    )
    shapes = {image.shape for images in clips["face"] for image in images}
    assert shapes == {(64, 64, 3)}
    assert {image.dtype for images in clips["face"] for image in images} == {np.dtype(np.uint8)}


def test_faces_of_speakers_are_embedded_with_their_times(film):
    pytest.importorskip("cv2")
    faces = written(film.parent, tracker_lines())
    clips = clips_from_subtitles(film, film.with_suffix(".srt"), faces=faces)
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3)).astype(np.uint8)
    clips["face"] = [[np.maximum(image, noise) for image in images] for images in clips["face"]]
    embedder = FaceEmbedder(frames_per_second=10.0, cache_dir=False)
    frames = embedder.fit_transform(clips[["face"]])
    assert [len(cell) for cell in frames.iloc[:, 0]] == [len(cell) for cell in clips["face"]]
    assert frames["seconds"].iloc[0].sum() == pytest.approx(0.1 * len(clips["face"].iloc[0]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop(columns="face_id"), r"lacks 1 column\(s\).*'face_id'.*FaceLandmarkVid"),
        (lambda t: t.drop(columns=["x_3", "y_9"]), r"lacks 2 column\(s\) of tracked faces, 'x_3'"),
        (lambda t: t.assign(timestamp="soon"), r"Line 2 of .* holds something that is no number"),
        (lambda t: t.assign(x_5=[1.0] * 7 + ["?"] + [1.0] * (len(t) - 8)), "Line 9 of"),
    ],
)
def test_tables_that_are_no_tracked_faces(tmp_path, change, told):
    path = written(tmp_path, change(tracker_lines()))
    with pytest.raises(ValueError, match=told):
        read_tracked_faces(str(path))
    (tmp_path / "a.srt").write_text(WHOLE)
    with pytest.raises(ValueError, match=told):
        clips_from_subtitles("film.mp4", tmp_path / "a.srt", faces=path)
    with pytest.raises(FileNotFoundError, match="no tracked faces at"):
        clips_from_subtitles("film.mp4", tmp_path / "a.srt", faces=tmp_path / "nowhere.csv")


@pytest.mark.parametrize("rate", [10, 25, 30])
def test_tracks_are_those_of_ten_images_a_second(rate):
    tracks = tracks_between(tracker_lines(rate), 1.0, 3.0)
    assert [track.frames.tolist() for track in tracks] == [list(range(20))] * 2
    assert tracks[0].landmarks.shape == (20, 68, 2)
    assert np.allclose(tracks[1].landmarks[:, 62], RIGHT + np.array([0, 3]))
