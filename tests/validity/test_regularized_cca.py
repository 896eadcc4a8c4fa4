import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from emoest.validity import RegularizedCCA, canonical_correlations


@pytest.fixture
def X(generate, rng):
    (audio, text), _ = generate(120, (6, 5), rng, shared=2, private=2)
    frame = pd.DataFrame(
        np.hstack([audio, text]),
        columns=[f"audio__{i}" for i in range(6)] + [f"text__{i}" for i in range(5)],
        index=[f"r{i}" for i in range(120)],
    )
    frame.insert(3, "speaker", [f"s{i % 7}" for i in range(120)])
    return frame


def test_scores_correlate_as_stated(X):
    cca = RegularizedCCA(n_components=2, shrinkage=0.0).fit(X)
    scores = cca.transform(X)
    assert list(scores) == [
        *(f"{m}__cca_000{i}" for m in ("audio", "text") for i in (0, 1)),
        "speaker",
    ]
    assert list(cca.get_feature_names_out()) == list(scores)
    assert scores.index.equals(X.index)
    assert scores["speaker"].equals(X["speaker"])
    expected = canonical_correlations(X.filter(like="audio"), X.filter(like="text"))
    np.testing.assert_allclose(cca.correlations_, expected[:2], atol=1e-10)
    rho = np.corrcoef(scores["audio__cca_0001"], scores["text__cca_0001"])[0, 1]
    assert rho == pytest.approx(cca.correlations_[1])


def test_missing_rows_take_no_part_and_stay_missing(X):
    fitted = RegularizedCCA(n_components=2).fit(X.iloc[10:])
    holed = X.copy()
    holed.loc[holed.index[:10], [c for c in X if c.startswith("text")]] = np.nan
    cca = RegularizedCCA(n_components=2).fit(holed)
    assert cca.n_samples_ == 110
    scores = cca.transform(holed)
    assert scores.iloc[:10].filter(like="text").isna().all(axis=None)
    assert scores.filter(like="audio").notna().all(axis=None)
    pd.testing.assert_frame_equal(scores.iloc[10:], fitted.transform(X).iloc[10:])


def test_single_missing_values_count_as_the_mean(X):
    holed = X.copy()
    holed.iloc[0, 0] = np.nan
    cca = RegularizedCCA(n_components=1).fit(X)
    filled = X.copy()
    filled.iloc[0, 0] = X.iloc[:, 0].mean()
    np.testing.assert_allclose(
        cca.transform(holed)["audio__cca_0000"], cca.transform(filled)["audio__cca_0000"]
    )


def test_one_modality_passes_through_with_a_warning(X):
    audio = X.filter(regex="audio|speaker")
    with pytest.warns(UserWarning, match=r"one modality \(\['audio'\]\), and CCA needs two"):
        cca = RegularizedCCA().fit(audio)
    pd.testing.assert_frame_equal(
        cca.transform(audio), audio[[c for c in audio if "__" in c] + ["speaker"]]
    )


def test_bad_input_is_named(X):
    numbers = X.drop(columns="speaker")
    with pytest.raises(ValueError, match=r"takes two modalities; X has \['audio', 'text', 'face'"):
        RegularizedCCA().fit(numbers.assign(face__0=1.0))
    with pytest.raises(ValueError, match="modality 'text' is constant"):
        RegularizedCCA().fit(pd.concat([numbers.iloc[:, :6], numbers.iloc[:, 6:] * 0], axis=1))
    gone = numbers.copy()
    gone.iloc[2:, 6:] = np.nan
    with pytest.raises(ValueError, match="Only 2 samples have both 'audio' and 'text'"):
        RegularizedCCA().fit(gone)
    with pytest.raises(ValueError, match=r"a modality 'audio' of 6 features.*shrinkage"):
        RegularizedCCA(shrinkage=0).fit(numbers.iloc[:7])


def test_attributes_and_pickle(X):
    cca = RegularizedCCA().fit(X)
    assert cca.n_components_ == 5
    assert cca.solver_ == {"audio": "cholesky", "text": "cholesky"}
    assert cca.weights_["audio"].shape == (6, 5)
    assert 0 < cca.noise_floor_ < 1
    again = pickle.loads(pickle.dumps(cca))
    pd.testing.assert_frame_equal(again.transform(X), clone(cca).fit_transform(X))


def test_constant_columns_have_no_weight(X):
    cca = RegularizedCCA().fit(X.assign(audio__0=2.0))
    assert not cca.weights_["audio"][0].any()
    assert np.isinf(cca.scales_["audio"][0])


@pytest.mark.parametrize(
    ("n_samples", "widths", "message"),
    [
        (20, (10, 10), "is 1 whatever the blocks hold"),
        (40, (10, 10), "is high also between unrelated blocks"),
        (41, (10, 10), None),
        (100, (10, 39), None),
    ],
)
def test_too_few_samples_without_shrinkage_are_said(n_samples, widths, message):
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(n_samples, width)) for width in widths)
    model = RegularizedCCA(shrinkage=0, modalities={"a": slice(0, widths[0]), "b": slice(10, None)})
    for call in (
        lambda: model.fit(np.hstack([X, Y])),
        lambda: canonical_correlations(X, Y, shrinkage=0),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [message in str(each.message) for each in caught] == ([True] if message else [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(shrinkage=0.1).fit(np.hstack([X, Y]))
