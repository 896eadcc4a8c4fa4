import numpy as np
import pandas as pd
import pytest
from scipy.signal import welch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from emoest.datasets import make_face_eeg_trials
from emoest.datasets._generated.face_drawings import EXPRESSIONS, Expression, draw_face
from emoest.datasets._generated.face_eeg_trials import (
    BANDS,
    CHANNELS,
    EMOTIONS,
    SAMPLING_RATE,
    public_test_faces,
    shaped_noise,
)

SHORT = {"seconds": 4, "return_X_y": True, "random_state": 0}


def test_the_shape_of_the_own_recordings():
    bunch = make_face_eeg_trials(seconds=2, random_state=0)
    X, y = bunch.data, bunch.target
    assert X.shape == (48, 4) and X.index.is_unique
    assert pd.crosstab(X["speaker"], y).to_numpy().tolist() == [[4] * 4] * 3
    assert pd.crosstab(X["clip__group"], y).to_numpy().tolist() == [[3] * 4] * 4
    assert X.index.names == ["trial", "group"]
    assert X.index.get_level_values("group").tolist() == X["speaker"].tolist()
    assert set(EMOTIONS) == {"neutral", "sad", "fear", "happy"}
    for signal, rate, channels in X["eeg"]:
        assert signal.shape == (8, 400) and signal.dtype == np.float32
        assert (rate, channels) == (SAMPLING_RATE, CHANNELS)
        assert 1 < signal.std() < 100
    for images in X["face"]:
        assert [image.shape for image in images] == [(48, 48)] * 3
        assert all(image.dtype == np.uint8 for image in images)


def test_random_state():
    first, second, other = (
        make_face_eeg_trials(n_people=1, n_clips=1, **{**SHORT, "random_state": seed})[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first["eeg"].iloc[0][0], second["eeg"].iloc[0][0])
    np.testing.assert_array_equal(first["face"].iloc[0][0], second["face"].iloc[0][0])
    assert not np.array_equal(first["eeg"].iloc[0][0], other["eeg"].iloc[0][0])
    assert not np.array_equal(first["face"].iloc[0][0], other["face"].iloc[0][0])


@pytest.mark.parametrize("band", range(5))
def test_gains_raise_their_band_alone(band):
    gains = np.zeros((2, 5))
    gains[1, band] = 1.0
    signal = shaped_noise(gains, 20_000, np.random.RandomState(0))
    frequencies, power = welch(signal, SAMPLING_RATE, nperseg=800)
    for place, (low, high) in enumerate(BANDS.values()):
        inside = (frequencies > low + 0.5) & (frequencies < high - 0.5)
        ratio = power[1, inside].sum() / power[0, inside].sum()
        assert ratio == pytest.approx(np.exp(2) if place == band else 1.0, rel=0.2)


def band_powers(X):
    rows = [np.log(welch(cell[0], SAMPLING_RATE, nperseg=400)[1][:, 2:100:4]) for cell in X["eeg"]]
    return np.stack(rows).reshape(len(X), -1)


@pytest.mark.parametrize(("effect", "low", "high"), [(0.0, 0.0, 0.45), (1.0, 0.8, 1.0)])
def test_the_effect_decides_what_eeg_tells(effect, low, high):
    X, y = make_face_eeg_trials(eeg_effect=effect, n_images=1, **SHORT)
    score = cross_val_score(
        LogisticRegression(max_iter=1000),
        band_powers(X),
        y,
        groups=X["clip__group"],
        cv=LeaveOneGroupOut(),
    ).mean()
    assert low <= score <= high


def test_persons_differ_in_eeg_only():
    X, _ = make_face_eeg_trials(person_effect=1.0, eeg_effect=0.0, n_images=1, **SHORT)
    model, cv = LogisticRegression(max_iter=1000), LeaveOneGroupOut()
    told = cross_val_score(model, band_powers(X), X["speaker"], groups=X["clip__group"], cv=cv)
    assert told.mean() > 0.9
    faces = np.stack([images[0].ravel() / 255 for images in X["face"]])
    told = cross_val_score(model, faces, X["speaker"], groups=X["clip__group"], cv=cv)
    assert told.mean() < 0.6


def test_expressions_can_be_told():
    generator = np.random.RandomState(0)
    labels = list(EXPRESSIONS) * 40
    images = [draw_face(EXPRESSIONS[label], generator, spread=0.1).ravel() for label in labels]
    model = LogisticRegression(max_iter=500).fit(np.stack(images[:80]) / 255, labels[:80])
    assert model.score(np.stack(images[80:]) / 255, labels[80:]) > 0.55


def test_a_smile_lowers_the_middle_of_the_mouth():
    still = {"spread": 0.0, "noise": 0.0}
    smiling, frowning = (
        draw_face(Expression(smile, 0.1, 0.0, 0.5), np.random.RandomState(0), **still)
        for smile in (1.0, -1.0)
    )
    lowest = [np.argmin(image[30:42, 24]) for image in (smiling, frowning)]
    assert lowest[0] > lowest[1]


class TestRealFaces:
    def images(self, n=12):
        labels = np.repeat(EMOTIONS, n)
        return [np.full((5, 5), i, np.uint8) for i in range(len(labels))], labels

    def test_each_is_taken_once_and_by_its_emotion(self):
        images, labels = self.images()
        X, y = make_face_eeg_trials((images, labels), n_images=1, **SHORT)
        used = [cells[0][0, 0] for cells in X["face"]]
        assert sorted(used) == list(range(48))
        assert [labels[i] for i in used] == y.tolist()

    def test_too_few_are_counted(self):
        images, labels = self.images(11)
        with pytest.raises(ValueError, match=r"11 images of 'neutral', and the trials need 12"):
            make_face_eeg_trials((images, labels), n_images=1, **SHORT)

    def test_copies_of_training_images_and_blank_ones_are_left_out(self, tmp_path):
        generator = np.random.RandomState(0)
        images = generator.randint(0, 256, (6, 48 * 48))
        images[3] = 7
        rows = [
            (3, 0, "Training"),
            (3, 0, "PublicTest"),
            (3, 1, "PublicTest"),
            (3, 3, "PublicTest"),
            (0, 2, "PublicTest"),
            (4, 4, "PublicTest"),
            (4, 5, "PrivateTest"),
        ]
        lines = [f"{code},{' '.join(map(str, images[i]))},{split}" for code, i, split in rows]
        (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
        faces, labels = public_test_faces(tmp_path)
        assert labels == ["happy", "sad"]
        np.testing.assert_array_equal(faces[0].ravel(), images[1])

    def test_a_folder_of_fer2013(self, tmp_path):
        generator, lines = np.random.RandomState(0), ["emotion,pixels,Usage"]
        for code in (2, 3, 4, 6):
            pixels = generator.randint(0, 256, (2, 48 * 48))
            lines += [f"{code},{' '.join(map(str, each))},PublicTest" for each in pixels]
        (tmp_path / "fer2013.csv").write_text("\n".join(lines))
        X, y = make_face_eeg_trials(tmp_path, n_people=1, n_clips=2, n_images=1, **SHORT)
        assert len(X) == 8 and y.value_counts().tolist() == [2] * 4
