"""Frames, numbers and dialogues of UniMSE's estimators."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, cross_val_predict

from emoest.tables.cells import object_column, write_frames
from tests.neural._unimse.unimse_tables import classifier, make_emotions, make_scores

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


class TestModalities:
    def test_audio_and_video_matter_only_where_they_are_used(self):
        X, y = make_emotions(8)
        other = X.assign(audio__frames=object_column([c + 3 for c in X["audio__frames"]], X.index))
        for settings, names in (
            ({}, ["text", "audio", "face"]),
            ({"use_audio": False}, ["text", "face"]),
            ({"use_video": False, "use_audio": False}, ["text"]),
        ):
            model = classifier(**settings).fit(X, y)
            assert model.modalities_ == names
            same = np.allclose(model.predict_proba(X), model.predict_proba(other), atol=1e-7)
            assert same == ("audio" not in names)
        model = classifier(use_pmf=False).fit(X, y)
        np.testing.assert_allclose(model.predict_proba(X), model.predict_proba(other), atol=1e-7)

    def test_missing_signals_texts_and_columns(self):
        X, y = make_emotions(8)
        holed = X.copy()
        holed["audio__frames"] = object_column([None, *X["audio__frames"][1:]], X.index)
        holed["text"] = object_column([X["text"][0], None, *X["text"][2:]], X.index)
        model = classifier().fit(holed, y)
        assert np.isfinite(model.predict_proba(holed)).all()
        lost = pd.DataFrame({name: [None] for name in X}, index=[9], dtype=object)
        with pytest.warns(UserWarning, match="no frames in any modality"):
            proba = model.predict_proba(pd.concat([X, lost]))
        np.testing.assert_allclose(proba[-1], model.class_prior_, atol=1e-6)

    def test_an_auxiliary_corpus_brings_a_signal_that_the_other_lacks(self):
        X, y = make_emotions(8, signals=False)
        scored, scores = make_scores(8, signals=True)
        model = classifier().fit(X, y, aux=(scored, scores))
        assert model.modalities_ == ["text", "audio", "face"]
        assert list(model.feature_names_in_) == ["text"]
        assert model.predict_proba(X).shape == (8, 2)

    def test_files_and_numbers(self, tmp_path):
        X, y = make_emotions(8)
        paths = [write_frames(c, tmp_path / f"{i}.npy") for i, c in enumerate(X["audio__frames"])]
        expected = classifier().fit(X, y).predict_proba(X)
        files = X.assign(audio__frames=paths)
        np.testing.assert_allclose(classifier().fit(files, y).predict_proba(files), expected)
        numbers = X[["text"]].assign(audio__f0=np.arange(8.0), audio__f1=1.0, face__smile=0.5)
        model = classifier().fit(numbers, y)
        assert model.n_dims_ == {"text": 2, "audio": 2, "face": 1}

    def test_long_signals_are_cut_or_thinned(self):
        X, y = make_emotions(8)
        model = classifier(max_audio=2, max_video=2).fit(X, y)
        cells = {"audio__frames": [], "face__frames": []}
        for _, row in X.iterrows():
            cells["audio__frames"].append(row["audio__frames"][:2])
            cells["face__frames"].append(row["face__frames"][[0, -1]])
        short = X.assign(**{n: object_column(c, X.index) for n, c in cells.items()})
        np.testing.assert_allclose(model.predict_proba(short), model.predict_proba(X), atol=1e-6)

    def test_media_that_nobody_reads_are_named(self):
        X, y = make_emotions(8)
        for other in ("video__frames", "video"):
            renamed = X.rename(columns={"face__frames": other})
            with pytest.warns(UserWarning, match=f"no column of .* 'face', .* column '{other}'"):
                classifier().fit(renamed, y)
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                classifier(use_video=False).fit(renamed, y)
                classifier(video="video").fit(renamed, y)
                classifier().fit(X.assign(mood="fine"), y)
            assert not any("nobody reads" in str(each.message) for each in said)

    def test_other_names(self):
        X, y = make_emotions(8)
        renamed = X.rename(columns={"text": "words", "audio__frames": "voice__frames"})
        model = classifier(text="words", audio="voice").fit(renamed, y)
        assert model.modalities_ == ["text", "voice", "face"]


class TestDialogues:
    def test_neighbors_are_read_and_others_are_not(self):
        X, y = make_emotions(8, signals=False)
        X["dialogue"] = ["a"] * 4 + ["b"] * 4
        model = classifier(context_mode="plain").fit(X, y)
        changed = X.copy()
        changed.loc[3, "text"] = "something awful awful"
        before, after = model.predict_proba(X), model.predict_proba(changed)
        differs = ~np.isclose(before, after, atol=1e-7).all(axis=1)
        assert differs.tolist() == [False, True, True, True] + [False] * 4
        alone = classifier(context_before=0, context_after=0).fit(X, y)
        differs = ~np.isclose(alone.predict_proba(X), alone.predict_proba(changed), atol=1e-7).all(
            1
        )
        assert differs.tolist() == [False] * 3 + [True] + [False] * 4

    def test_a_corpus_without_dialogues(self):
        X, y = make_emotions(8, signals=False)
        message = r"dialogue_column='dialogue' is no column of X.*without dialogues is read"
        with pytest.raises(ValueError, match=message):
            classifier(dialogue_column="dialogue").fit(X, y)
        within = X.assign(dialogue="a")
        model = classifier(dialogue_column="dialogue").fit(within, y, aux=make_scores(8))
        with pytest.raises(ValueError, match=message):
            model._read_part(X, reset=False, must=True, main=False)

    def test_dialogues_are_kept_together_when_samples_are_held_out(self):
        X, y = make_emotions(20, signals=False)
        X["dialogue"] = np.repeat([*"abcde"], 4)
        model = classifier(validation_fraction=0.2).fit(X, y)
        assert model.grouped_
        assert len(model.history_) == 1 and "valid_loss" in model.history_[0]

    def test_cross_validation_by_dialogue(self):
        X, y = make_emotions(12, signals=False)
        X["dialogue"] = np.repeat([*"abcd"], 3)
        predicted = cross_val_predict(classifier(), X, y, groups=X["dialogue"], cv=GroupKFold(2))
        assert set(predicted) <= {"joy", "sadness"}
