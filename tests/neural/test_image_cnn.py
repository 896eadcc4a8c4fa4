import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_predict

from emoest.neural import FaceCNNClassifier
from emoest.tables.cells import object_column
from emoest.testing import cell_estimator_checks
from tests.image_processors import pil_processor
from tests.neural.helpers import assert_same_state, state_of

SMALL = {
    "image_size": 16,
    "lr": 0.01,
    "max_epochs": 1,
    "batch_size": 8,
    "validation_fraction": None,
    "random_state": 0,
}


def small(model="cnn4_small", **settings):
    return FaceCNNClassifier(model, **{**SMALL, **settings})


def name_of(check):
    return check.__name__


def make_faces(n_rows=16, classes=("happy", "sad"), seed=0, size=20):
    """Gray images whose upper half is bright in some classes, the lower half in others."""
    generator = np.random.RandomState(seed)
    cells, y = [], np.array(classes)[np.arange(n_rows) % len(classes)]
    for label in y:
        image = generator.randint(0, 120, (size, size))
        part = list(classes).index(label) * size // len(classes)
        image[part : part + size // len(classes)] += 120
        cells.append(image.astype(np.uint8))
    return object_column(cells, pd.RangeIndex(n_rows), "face").to_frame(), y


@pytest.mark.parametrize("check", cell_estimator_checks(small(lr=1e-3)), ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_media_hold(check):
    check(small(lr=1e-3), *make_faces(8))


def test_classes_are_learned():
    net = small(max_epochs=6, augment={"shift": 0.05, "rotation": 5.0})
    assert net.fit(*make_faces(32)).score(*make_faces(32, seed=1)) >= 0.9


def test_mini_xception_learns():
    history = small("mini_xception", max_epochs=3).fit(*make_faces(16)).history_
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_images_of_any_kind_go_in(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    generator = np.random.default_rng(0)
    images = [
        generator.integers(0, 256, shape, dtype=np.uint8)
        for shape in ((20, 20), (48, 33), (30, 60, 3), (9, 7, 3))
    ]
    path = tmp_path / "face.png"
    pillow.fromarray(images[2]).save(path)
    cells = [*images, str(path), [images[0], images[1]], images[0].astype(np.uint16) * 257, None]
    X = object_column(cells, pd.RangeIndex(8), "face").to_frame()
    with pytest.warns(UserWarning, match="left out: 7"):
        model = small().fit(X, ["a", "b"] * 4)
    proba = model.predict_proba(X.iloc[:7])
    np.testing.assert_allclose(proba[4], proba[2], atol=1e-6)
    np.testing.assert_allclose(proba[5], proba[:2].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(proba[6], proba[0], atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(list(X["face"])[:7]), proba)
    with pytest.warns(UserWarning, match="1 row"):
        np.testing.assert_allclose(model.predict_proba(X)[7], model.class_prior_, atol=1e-6)


def test_a_video_is_the_average_of_its_images(tmp_path):
    pytest.importorskip("av")
    from emoest.media import open_clip
    from tests.media.videos import write_video

    video = write_video(tmp_path / "clip.mp4", grid=20)
    images = list(open_clip(video, frames_per_second=1.0).frames())
    model = small(detect=False, frames_per_second=1.0).fit(*make_faces(8))
    single = model.predict_proba(images)
    assert len(images) > 1
    np.testing.assert_allclose(model.predict_proba([video])[0], single.mean(axis=0), atol=1e-5)


def test_the_largest_face_is_cut_out():
    pytest.importorskip("cv2")
    from tests.media.faces import draw_face

    scene = np.full((300, 400, 3), 90, dtype=np.uint8)
    scene[60:220, 80:240] = draw_face(160)
    model = small(margin=0.0).fit(*make_faces(8))
    (found,) = model._read([scene], reset=False).cells["face"]
    whole = model.set_params(detect=False)._read([scene], reset=False).cells["face"][0]
    assert found.shape == whole.shape == (1, 256) and not np.array_equal(found, whole)


class TestBadInput:
    @pytest.mark.parametrize(
        ("cell", "message"),
        [
            (np.full((20, 20), 7, np.uint8), r"row 1, column 'face'.* blank"),
            (np.zeros((0, 0), np.uint8), r"row 1, column 'face'.*is not an image"),
            (np.zeros((4, 4), np.float64), "images are uint8"),
            ("missing.png", "missing.png"),
            ([np.eye(20, dtype=np.uint8), 3], r"item 1 of the list"),
        ],
    )
    def test_what_cannot_be_read_is_named_or_missing(self, cell, message):
        X, y = make_faces(8)
        X.at[1, "face"] = cell
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            small().fit(X, y)
        model = small(errors="missing")
        with pytest.warns(UserWarning, match="1 of 8 cells could not be read"):
            model.fit(X, y)
        assert model.predict_proba(X.drop(index=1)).shape == (7, 2)

    def test_numbers_texts_and_two_columns_are_refused(self):
        X, y = make_faces(8)
        with pytest.raises(ValueError, match="one cell of media a row"):
            small().fit(np.zeros((8, 4)), y)
        with pytest.raises(ValueError, match="takes one column of files"):
            small().fit(X.assign(other=X["face"]), y)
        with pytest.raises(ValueError, match="nothing to learn from"):
            small().fit([None] * 4, ["a", "b"] * 2)

    def test_images_too_small_for_the_net(self):
        with pytest.raises(ValueError, match="too small for cnn4_small"):
            small(image_size=8).fit(*make_faces(8))


class TestClasses:
    CLASSES = ("anger", "happy", "neutral", "sad")

    def test_the_head_of_all_classes_is_renormalized(self):
        X, y = make_faces(24, self.CLASSES)
        every = small().fit(X, y)
        some = small(classes=["sad", "happy"]).fit(X, y)
        assert_same_state(state_of(every), state_of(some))
        assert some.classes_.tolist() == ["happy", "sad"]
        assert some.net_classes_.tolist() == list(self.CLASSES)
        proba = every.predict_proba(X)[:, [1, 3]]
        expected = proba / proba.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(some.predict_proba(X), expected, atol=1e-5)
        assert set(some.predict(X)) <= {"happy", "sad"}
        np.testing.assert_allclose(some.class_prior_, [0.5, 0.5])

    def test_a_head_of_the_chosen_classes_sees_no_other_row(self):
        X, y = make_faces(24, self.CLASSES)
        chosen = np.isin(y, ["happy", "sad"])
        alone = small().fit(X[chosen], y[chosen])
        model = small(classes=["happy", "sad"], head="chosen").fit(X, y)
        assert_same_state(state_of(alone), state_of(model))
        assert model.net_classes_.tolist() == model.classes_.tolist() == ["happy", "sad"]
        np.testing.assert_allclose(model.class_prior_, [0.5, 0.5])

    @pytest.mark.parametrize("classes", [["sad", "glad"], ["sad"]])
    def test_classes_that_are_not_there_are_named(self, classes):
        with pytest.raises(ValueError, match="two or more classes of y"):
            small(classes=classes).fit(*make_faces(16, self.CLASSES))

    @pytest.mark.parametrize("head", ["all", "chosen"])
    def test_training_goes_on_and_pickles_and_weights_keep_them(self, head, tmp_path):
        X, y = make_faces(16, self.CLASSES)
        model = small(classes=["happy", "sad"], head=head, warm_start=True).fit(X, y)
        first = model.predict_proba(X)
        restored = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(restored.predict_proba(X), first)
        model.save_weights(tmp_path / "net.safetensors")
        loaded = small().load_weights(tmp_path / "net.safetensors")
        np.testing.assert_array_equal(loaded.predict_proba(X), first)
        assert loaded.classes_.tolist() == ["happy", "sad"]
        assert not np.array_equal(model.fit(X, y).predict_proba(X), first)
        assert model.classes_.tolist() == ["happy", "sad"]


def test_class_weights_reach_the_loss():
    X, y = make_faces(16)
    plain, heavy = (small(class_weight=w).fit(X, y) for w in (None, {"happy": 1, "sad": 50}))
    assert heavy.class_prior_[1] > 0.9
    with pytest.raises(AssertionError):
        assert_same_state(state_of(plain), state_of(heavy))


def test_the_same_seed_gives_the_same_weights_and_another_other_changes():
    X, y = make_faces(8)
    first, second = (state_of(small(augment="strong").fit(X, y)) for _ in "12")
    assert_same_state(first, second)
    other = state_of(small(augment=None).fit(X, y))
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_searches_and_a_frozen_net_inside_work():
    X, y = make_faces(16)
    search = GridSearchCV(small(), {"augment": [None, "standard"], "lr": [0.01]}, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 2
    frozen = FrozenEstimator(search.best_estimator_)
    predicted = cross_val_predict(frozen, X, y, cv=2)
    np.testing.assert_array_equal(predicted, search.best_estimator_.predict(X))
    assert clone(small()).get_params()["model"] == "cnn4_small"


def save_encoder(folder, kind):
    transformers = pytest.importorskip("transformers")
    if kind == "vit":
        config = transformers.ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            image_size=16,
            patch_size=8,
        )
        net = transformers.ViTForImageClassification(config)
        processor = pil_processor("ViTImageProcessor", image_mean=[0.1] * 3)
    else:
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
        )
        net = transformers.ResNetModel(config)
        processor = pil_processor("ConvNextImageProcessor", image_mean=[0.1] * 3)
    net.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


class TestPretrained:
    @pytest.mark.parametrize("kind", ["vit", "resnet"])
    def test_a_head_is_trained_on_a_frozen_encoder(self, kind, tmp_path):
        folder = save_encoder(tmp_path / kind, kind)
        X, y = make_faces(8)
        size = 16 if kind == "vit" else 32
        model = small(folder, finetune="head", image_size=None if kind == "vit" else size)
        model.fit(X, y)
        module = model.net_.module_
        assert module.shape == (3, size, size)
        assert module.net.mean.flatten().tolist() == pytest.approx([0.1] * 3)
        from safetensors.torch import load_file

        saved = load_file(folder / "model.safetensors")
        prefix = "vit." if kind == "vit" else ""
        state = module.net.encoder.state_dict()
        compared = [name for name in state if prefix + name in saved]
        assert len(compared) > 5
        assert all(torch.equal(state[name], saved[prefix + name]) for name in compared)
        dumped, proba = pickle.dumps(model), model.predict_proba(X)
        for file in folder.iterdir():
            file.unlink()
        np.testing.assert_array_equal(pickle.loads(dumped).predict_proba(X), proba)

    def test_all_is_trained_by_default(self, tmp_path):
        folder = save_encoder(tmp_path / "resnet", "resnet")
        frozen, tuned = (
            state_of(small(folder, finetune=part, image_size=32).fit(*make_faces(8)))
            for part in ("head", "all")
        )
        name = "net.encoder.embedder.embedder.convolution.weight"
        assert not torch.equal(frozen[name], tuned[name])

    def test_a_folder_of_something_else_is_refused(self, tmp_path):
        transformers = pytest.importorskip("transformers")
        config = transformers.BertConfig(
            vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1
        )
        transformers.BertModel(config).save_pretrained(tmp_path)
        with pytest.raises(ValueError, match="holds no encoder of images"):
            small(tmp_path).fit(*make_faces(8))

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            small(tmp_path / "nothing").fit(*make_faces(8))


def test_a_fresh_encoder_keeps_its_image_size():
    pytest.importorskip("transformers")
    model = small("vit").fit(*make_faces(4))
    assert model.module_params_["config"]["image_size"] == 16
    assert model.predict_proba(make_faces(4)[0]).shape == (4, 2)
