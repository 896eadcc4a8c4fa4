import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

from emoest.evaluation import uar_scorer
from emoest.neural import M3ERClassifier
from emoest.systems import m3er_ablation, make_m3er
from emoest.tables.cells import is_missing, object_column
from emoest.utils import with_groups
from emoest.validity import CorruptModality

NAMES = ("audio", "text", "face")
COLUMNS = [f"{name}__frames" for name in NAMES]


def quick(max_epochs=15, **options):
    return M3ERClassifier(max_epochs=max_epochs, lr=0.01, validation_fraction=None, **options)


def make(n_samples=120, n_speakers=12, seed=0, names=NAMES):
    """Ragged sequences that show six shared factors; the first two carry the label."""
    rng = np.random.default_rng(seed)
    mixes = np.random.default_rng(9).normal(size=(len(names), 6, 8))
    labels = np.arange(n_samples) % 2
    cells = {name: [] for name in names}
    for label in labels:
        steps = rng.normal(size=6) + 0.7 * rng.normal(size=(rng.integers(3, 7), 6))
        steps[:, :2] += 2.0 * label - 1.0
        for frames, mix in zip(cells.values(), mixes, strict=True):
            noise = 0.3 * rng.normal(size=(len(steps), 8))
            frames.append((steps @ mix + noise).astype("float32"))
    index = pd.Index([f"r{i}" for i in range(n_samples)], name="clip")
    X = pd.concat([object_column(c, index, f"{n}__frames") for n, c in cells.items()], axis=1)
    X["speaker"] = [f"s{i // 2 % n_speakers}" for i in range(n_samples)]
    return with_groups(X), pd.Series(np.array(["sad", "happy"])[labels], index=index)


def set_cell(X, row, name, cell):
    cells = list(X[f"{name}__frames"])
    cells[row] = cell
    return X.assign(**{f"{name}__frames": object_column(cells, X.index)})


@pytest.fixture(scope="module")
def data():
    return make()


@pytest.fixture(scope="module")
def fitted(data):
    return make_m3er(classifier=quick(), random_state=0).fit(*data)


def test_what_the_presets_are():
    sound, paper = make_m3er(), make_m3er("paper")
    assert [name for name, _ in sound.steps] == ["impute", "check", "proxy", "classify"]
    assert [type(s) for _, s in sound.steps] == [type(s) for _, s in paper.steps]
    assert sound["check"].agreement == "weighted_cosine"
    assert (paper["check"].n_components, paper["check"].shrinkage) == (100, 0.0)
    assert paper["check"].threshold == 0.3
    assert (sound["proxy"].when, paper["proxy"].when) == ("always", "predict")
    assert sound["classify"].detach_weights
    assert not paper["classify"].detach_weights
    assert make_m3er("paper", loss="m3er")["classify"].detach_weights
    assert make_m3er(loss="cross_entropy")["classify"].loss == "cross_entropy"


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match="preset='best' is unknown; choose one of recommended"):
        make_m3er("best")
    with pytest.raises(ValueError, match="loss='mse' is unknown; choose one of cross_entropy, liu"):
        make_m3er(loss="mse")


def test_random_state_reaches_every_step():
    model = make_m3er(classifier=quick(random_state=5), random_state=3)
    assert {model[n].random_state for n in ("check", "proxy", "classify")} == {3}
    assert make_m3er(classifier=quick(random_state=5))["classify"].random_state == 5


def test_the_docstring_says_what_it_is():
    text = make_m3er.__doc__
    for word in ("reconstruction", "code is not available", "Not known", "patent 11830291"):
        assert word in text


def test_a_wrong_modality_is_found_regenerated_and_classified(data, fitted):
    X, y = data
    assert fitted["check"].modalities_ == list(NAMES)
    assert fitted["check"].grouped_ and fitted["proxy"].grouped_
    assert fitted["proxy"].reading_ == "frames"
    wrong = set_cell(X, 0, "audio", -3 * X["audio__frames"].iloc[0])
    rejected = fitted[:2].transform(wrong)
    assert is_missing(rejected["audio__frames"].iloc[0])
    assert list(rejected) == list(X) and rejected.index.equals(X.index)
    filled = fitted[:3].transform(wrong)
    assert filled["audio__frames"].iloc[0].shape == X["audio__frames"].iloc[0].shape
    assert not filled[COLUMNS].map(is_missing).any(axis=None)
    assert fitted.predict_proba(wrong).shape == (120, 2)
    assert (fitted.predict(X) == y).mean() > 0.9


def test_new_speakers_under_cross_validation(data):
    X, y = data
    model = make_m3er(classifier=quick(), random_state=0)
    scores = cross_val_score(
        model, X, y, groups=X["speaker"], cv=GroupKFold(3), scoring=uar_scorer, error_score="raise"
    )
    assert scores.mean() > 0.8


def test_check_and_proxies_keep_what_a_useless_modality_costs(data):
    X, y = data
    test, truth = make(200, seed=1)
    kinds = {"network alone": {"check": False, "proxies": False}, "check + proxies": {}}
    loss = {}
    for name, options in kinds.items():
        model = make_m3er(classifier=quick(), random_state=0, **options).fit(X, y)
        uar = [uar_scorer(model, test, truth)]
        for modality in NAMES:
            corrupt = CorruptModality(modality, kind="permute", random_state=0).fit(X)
            uar.append(uar_scorer(model, corrupt.transform(test), truth))
        loss[name] = uar[0] - np.mean(uar[1:])
    assert loss["network alone"] > 0.02
    assert loss["check + proxies"] < loss["network alone"] - 0.01


def test_numbers_with_holes_and_missing_blocks():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(120, 4))
    X = pd.DataFrame(
        {f"{n}__{i}": shared[:, i] + 0.3 * rng.normal(size=120) for n in NAMES for i in range(4)}
    ).assign(speaker=[f"s{i % 12}" for i in range(120)])
    y = np.where(shared[:, 0] > 0, "happy", "sad")
    X.loc[3, "audio__1"] = np.nan
    X.loc[5, [f"text__{i}" for i in range(4)]] = np.nan
    model = make_m3er(classifier=quick(), random_state=0).fit(with_groups(X), y)
    assert (model.predict(with_groups(X)) == y).mean() > 0.8
    filled = model[:3].transform(with_groups(X))
    assert filled.notna().all(axis=None)
    without = make_m3er(classifier=quick(), proxies=False, random_state=0).fit(with_groups(X), y)
    assert without[:-1].transform(with_groups(X)).iloc[5].filter(like="text").isna().all()
    assert (without.predict(with_groups(X)) == y).mean() > 0.8


def test_clone_pickle_and_grid_search(data, fitted):
    X, y = data
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again.predict_proba(X), fitted.predict_proba(X), atol=1e-6)
    search = GridSearchCV(
        clone(fitted).set_params(classify__max_epochs=1),
        {"check__alpha": [0.01, 0.1], "proxy__method": ["ridge"]},
        cv=GroupKFold(2),
        error_score="raise",
    ).fit(X, y, groups=X["speaker"])
    assert len(search.cv_results_["params"]) == 2


def test_a_sample_with_nothing_gets_the_prior(data, fitted):
    X, _ = data
    empty = X.iloc[:4].copy()
    for name in NAMES:
        empty = set_cell(empty, 2, name, None)
    with pytest.warns(UserWarning, match=r"have no frames|no modality"):
        proba = fitted.predict_proba(empty)
    np.testing.assert_allclose(proba[2], fitted["classify"].class_prior_, atol=1e-6)
    np.testing.assert_allclose(proba[[0, 1, 3]], fitted.predict_proba(X.iloc[[0, 1, 3]]), atol=1e-5)


def test_empty_cells_and_missing_values_inside(data, fitted):
    X, y = data
    holed = X["audio__frames"].iloc[1].copy()
    holed[0, 2], holed[1] = np.nan, np.nan
    odd = set_cell(set_cell(X, 0, "text", np.empty((0, 8))), 1, "audio", holed)
    filled = fitted[:3].transform(odd)
    assert len(filled["text__frames"].iloc[0]) == len(X["audio__frames"].iloc[0])
    assert np.isfinite(filled["audio__frames"].iloc[1]).all()
    assert (fitted.predict(odd)[:2] == y[:2]).all()
    plain = make_m3er(check=False, proxies=False, classifier=quick(max_epochs=1), random_state=0)
    # Missing values inside a frame are filled by the first step; a frame that is all NaN is absent.
    before, after = (plain.fit(X, y).predict_proba(each) for each in (X, odd))
    assert np.isfinite(after).all()
    np.testing.assert_allclose(after[2:], before[2:], atol=1e-5)
    with pytest.raises(ValueError, match=r"r1.*audio"):
        plain["classify"].predict(odd)


def test_modalities_of_several_clocks_are_stretched_on_request(data):
    X, y = data
    slow = object_column([np.repeat(c, 2, axis=0) for c in X["face__frames"]], X.index)
    X = set_cell(X.assign(face__frames=slow), 0, "face", None)
    model = make_m3er(classifier=quick(resample="linear"), random_state=0).fit(X, y)
    assert model["proxy"].reading_ == "mean"
    assert not is_missing(model[:3].transform(X)["face__frames"].iloc[0])
    assert (model.predict(X) == y).mean() > 0.9


def test_one_modality_warns_and_works():
    X, y = make(60, names=("text",))
    model = make_m3er(classifier=quick(), random_state=0)
    with pytest.warns(UserWarning, match="found one modality"):
        model.fit(X, y)
    assert (model.predict(X) == y).mean() > 0.8


def test_bad_input_is_named(data):
    X, y = data
    model = make_m3er(classifier=quick(), random_state=0)
    with pytest.raises(ValueError, match="one class"):
        clone(model).fit(X, ["happy"] * len(X))
    short = set_cell(X, 7, "text", X["text__frames"].iloc[7][:-1])
    for unchecked in (True, False):
        plain = make_m3er(classifier=quick(), check=unchecked, proxies=unchecked, random_state=0)
        with pytest.raises(ValueError, match=r"r7.*(text|numbers of frames)"):
            plain.fit(X, y).predict(short)
    infinite = np.full_like(X["face__frames"].iloc[4], np.inf)
    with pytest.raises(ValueError, match=r"r4.*'face__frames': frame 0 of 4 holds infinite values"):
        clone(model).fit(set_cell(X, 4, "face", infinite), y)


def test_the_ablation_is_a_table_with_intervals(data):
    X, y = data
    table = m3er_ablation(
        X,
        y,
        cv=2,
        losses=["cross_entropy", "m3er"],
        checks=[True, False],
        proxies=[True],
        classifier=quick(max_epochs=2),
        corrupt=CorruptModality("audio", kind="permute"),
        seeds=(0, 1),
        n_resamples=200,
    )
    assert table.index.names == ["loss", "check", "proxies"]
    assert table.index.tolist() == [
        ("cross_entropy", True, True),
        ("cross_entropy", False, True),
        ("m3er", True, True),
        ("m3er", False, True),
    ]
    assert (table["uar_low"] <= table["uar"]).all() and (table["uar"] <= table["uar_high"]).all()
    assert table["gain"].isna().tolist() == [False, False, False, True]
    np.testing.assert_allclose(table["gain"].iloc[:3], (table["uar"] - table["uar"].iloc[3])[:3])
    with pytest.raises(ValueError, match="seeds is empty"):
        m3er_ablation(X, y, seeds=())


@pytest.mark.real_data
def test_real_sequences_that_lack_text_in_training(real_data):
    from emoest.datasets import load_mfn_sequences

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, y = load_mfn_sequences(real_data / "mfn_sequences", "mmmo", return_X_y=True)
        X, part, y = X.drop(columns="split"), X["split"], y > 3
        train, test = (part != "test").to_numpy(), (part == "test").to_numpy()
        assert X[train]["text__frames"].map(is_missing).sum() == 220
        model = make_m3er(classifier=quick(), random_state=0)
        model.set_params(classify__max_epochs=2).fit(X[train], y[train])
        assert model.predict(X[test]).shape == (80,)
        cells = object_column([None] * len(X), X.index)
        without = model[:-1].transform(X.assign(text__frames=cells)[test])
        assert not without["text__frames"].map(is_missing).any()
        never = (part == "train").to_numpy()
        assert X[never]["text__frames"].map(is_missing).all()
        assert model.fit(X[never], y[never]).predict(X[test]).shape == (80,)
        assert model["classify"].modalities_ == ["audio", "face"]
