import pickle

import numpy as np
import pandas as pd
import pytest

from emoest.utils import with_groups
from emoest.validity import ProxyFeatureGenerator

DIMS = {"audio": 6, "text": 5, "face": 4}


@pytest.fixture
def X(rng):
    z = rng.normal(size=(200, 3))
    columns = {}
    for name, d in DIMS.items():
        block = z @ rng.normal(size=(3, d)) + 0.1 * rng.normal(size=(200, d)) + 5
        columns.update({f"{name}__{i}": block[:, i] * 10**i for i in range(d)})
    return pd.DataFrame(columns, index=[f"r{i}" for i in range(200)])


def of(X, name):
    return [c for c in X if c.startswith(name)]


def groups_of(X):
    return np.arange(len(X)) % 20


def without(X, rows, *names):
    X = X.copy()
    for name in names:
        X.loc[rows, of(X, name)] = np.nan
    return X


def error(truth, filled, X):
    return (((truth - filled) / X.std()) ** 2).mean(axis=None)


@pytest.mark.parametrize("method", ["local_linear", "affine", "ridge", "ols", "mean"])
def test_missing_modalities_are_regenerated(X, method):
    train, rows = X.iloc[:150], X.index[150:]
    proxy = ProxyFeatureGenerator(method=method, ridge=0.01, random_state=0)
    proxy.fit(train, groups=groups_of(train))
    filled = proxy.transform(without(X.loc[rows], rows, "text"))
    pd.testing.assert_frame_equal(
        filled.drop(columns=of(X, "text")), X.loc[rows].drop(columns=of(X, "text"))
    )
    limit = 0.5 if method == "mean" else 0.1
    assert error(X.loc[rows, of(X, "text")], filled[of(X, "text")], X[of(X, "text")]) < limit
    assert proxy.r2_["audio to text"] > 1 - limit
    assert set(proxy.r2_) == {f"{s} to {t}" for s in DIMS for t in DIMS if s != t}


def test_several_sources_are_averaged(X):
    train, rows = X.iloc[:150], X.index[150:]
    proxy = ProxyFeatureGenerator(random_state=0).fit(train, groups=groups_of(train))
    test = X.loc[rows]
    both = proxy.transform(without(test, rows, "text"))[of(X, "text")]
    one = proxy.transform(without(test, rows, "text", "face"))[of(X, "text")]
    other = proxy.transform(without(test, rows, "text", "audio"))[of(X, "text")]
    np.testing.assert_allclose(both, (one + other) / 2, rtol=1e-9)


def test_weighted_sources_count_by_their_r2(X, rng):
    train = X.copy()
    train[of(X, "face")] = rng.normal(size=(200, 4))
    rows = X.index[:3]
    proxy = ProxyFeatureGenerator(combine="weighted", method="ridge", random_state=0)
    proxy.fit(train, groups=groups_of(train))
    assert proxy.r2_["face to text"] < 0.05 < 0.9 < proxy.r2_["audio to text"]
    both = proxy.transform(without(train, rows, "text")).loc[rows, of(X, "text")]
    with pytest.warns(UserWarning, match="3 of 200 samples have no modality that tells"):
        audio = proxy.transform(without(train, rows, "text", "face")).loc[rows, of(X, "text")]
    assert error(both, audio, X[of(X, "text")]) < 1e-3


def test_weighted_sources_that_explain_nothing_give_the_mean(X, rng):
    noise = pd.DataFrame(rng.normal(size=X.shape), columns=X.columns, index=X.index)
    proxy = ProxyFeatureGenerator(combine="weighted", random_state=0)
    proxy.fit(noise, groups=groups_of(X))
    assert max(proxy.r2_.values()) < 0
    with pytest.warns(UserWarning, match="get its training mean"):
        filled = proxy.transform(without(noise, ["r3"], "face"))
    np.testing.assert_allclose(filled.loc["r3", of(X, "face")], noise[of(X, "face")].mean())


def test_r2_is_held_out_by_speaker(X):
    groups = groups_of(X)
    explicit = ProxyFeatureGenerator(random_state=0).fit(X, groups=groups)
    indexed = ProxyFeatureGenerator(random_state=0).fit(
        with_groups(X.assign(speaker=groups)).drop(columns="speaker")
    )
    assert explicit.r2_ == indexed.r2_
    assert explicit.grouped_
    overfit = ProxyFeatureGenerator(method="ols", random_state=0)
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 15)), columns=X.columns)
    overfit.fit(noise, groups=np.arange(30) % 10)
    assert max(overfit.r2_.values()) < 0.1


def test_training_rows_that_miss_a_modality_are_no_reference(X):
    holed = without(X, X.index[:40], "face")
    proxy = ProxyFeatureGenerator(random_state=0).fit(holed, groups=groups_of(X))
    assert proxy.n_reference_["audio to face"] == 160
    assert proxy.n_reference_["audio to text"] == 200
    filled = proxy.transform(holed)
    assert filled.notna().all(axis=None)
    truth = X.loc[X.index[:40], of(X, "face")]
    assert error(truth, filled.loc[X.index[:40], of(X, "face")], X[of(X, "face")]) < 0.2


def test_a_training_row_does_not_see_its_own_target(X):
    target = X.copy()
    target.iloc[0, X.columns.get_indexer(of(X, "text"))] += 1e6
    proxy = ProxyFeatureGenerator(method="mean", n_neighbors=5, random_state=0)
    proxy.fit(target, groups=groups_of(X))
    filled = proxy.transform(without(target, ["r0"], "text")).loc["r0", of(X, "text")]
    assert (filled < 1e5 + X[of(X, "text")].max()).all()


def test_samples_with_nothing_get_the_training_mean_with_a_warning(X):
    proxy = ProxyFeatureGenerator(random_state=0).fit(X, groups=groups_of(X))
    with pytest.warns(UserWarning, match="1 of 200 samples have no modality that tells"):
        filled = proxy.transform(without(X, ["r7"], *DIMS))
    np.testing.assert_allclose(filled.loc["r7"], X.mean())


def test_a_modality_never_seen_with_another_gets_its_mean(X):
    gone = without(X, X.index, "face")
    with pytest.warns(UserWarning, match=r"No training sample has \['face'\] together"):
        proxy = ProxyFeatureGenerator(random_state=0).fit(gone, groups=groups_of(X))
    assert np.isnan(list(proxy.r2_.values())).sum() == 0
    with pytest.warns(UserWarning, match="get its training mean"):
        assert (proxy.transform(gone)[of(X, "face")] == 0).all(axis=None)


def test_single_missing_values_stay_and_count_as_the_mean(X):
    proxy = ProxyFeatureGenerator(random_state=0).fit(X, groups=groups_of(X))
    shown = without(X.iloc[:5], "r0", "text")
    shown.loc["r0", "audio__2"] = np.nan
    filled = proxy.transform(shown)
    assert np.isnan(filled.loc["r0", "audio__2"])
    mean = shown.copy()
    mean.loc["r0", "audio__2"] = X["audio__2"].mean()
    np.testing.assert_allclose(
        filled.loc["r0", of(X, "text")].astype(float),
        proxy.transform(mean).loc["r0", of(X, "text")].astype(float),
    )


def test_constant_columns_are_filled_with_their_value(X):
    X = X.assign(text__0=3.0)
    proxy = ProxyFeatureGenerator(random_state=0).fit(X, groups=groups_of(X))
    assert proxy.transform(without(X, ["r1"], "text")).loc["r1", "text__0"] == 3.0


def test_clip(X):
    far = without(X, X.index, "text")
    far[of(X, "audio")] *= 100
    proxy = ProxyFeatureGenerator(clip=(0.01, 0.99), method="ridge", random_state=0)
    filled = proxy.fit(X, groups=groups_of(X)).transform(far)[of(X, "text")]
    assert (filled <= X[of(X, "text")].quantile(0.99) + 1e-9).all(axis=None)
    assert (filled >= X[of(X, "text")].quantile(0.01) - 1e-9).all(axis=None)
    with pytest.raises(ValueError, match="two increasing quantiles"):
        ProxyFeatureGenerator(clip=(0.9, 0.1)).fit(X)


def test_reference_is_cut_and_context_passes(X):
    proxy = ProxyFeatureGenerator(max_reference=50, random_state=0)
    mixed = X.assign(speaker="s")[["speaker", *X.columns]]
    proxy.fit(mixed, groups=groups_of(X))
    assert set(proxy.n_reference_.values()) == {50}
    assert list(proxy.transform(mixed)) == [*X.columns, "speaker"]
    assert list(proxy.get_feature_names_out()) == [*X.columns, "speaker"]


def test_much_memory_is_said(X, monkeypatch):
    monkeypatch.setattr("emoest.validity._proxy_generator._MUCH_MEMORY", 1000)
    with pytest.warns(UserWarning, match="keeps 200 reference samples of 15 columns"):
        ProxyFeatureGenerator(random_state=0).fit(X, groups=groups_of(X))


def test_one_modality_passes_through(X):
    audio = X[of(X, "audio")]
    with pytest.warns(UserWarning, match="nothing else can regenerate"):
        proxy = ProxyFeatureGenerator().fit(audio)
    pd.testing.assert_frame_equal(proxy.transform(audio), audio)


def test_refit_pickle_and_row_order(X):
    holed = without(X, X.index[::3], "face")
    proxy = ProxyFeatureGenerator(random_state=0).fit(holed, groups=groups_of(X))
    expected = proxy.transform(holed)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(proxy)).transform(holed), expected)
    proxy.fit(holed.iloc[:90], groups=groups_of(X)[:90]).fit(holed, groups=groups_of(X))
    shuffled = holed.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(proxy.transform(shuffled), expected.loc[shuffled.index])


def test_proxies_at_prediction_only(X):
    holed = without(X, X.index[:50], "face")
    proxy = ProxyFeatureGenerator(when="predict", random_state=0)
    pd.testing.assert_frame_equal(proxy.fit_transform(holed, groups=groups_of(X)), holed)
    assert proxy.transform(holed).notna().all(axis=None)
    always = ProxyFeatureGenerator(random_state=0).fit_transform(holed, groups=groups_of(X))
    assert always.notna().all(axis=None)
