import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from emoest.utils import NotSpeakerIndependentWarning, with_groups
from emoest.validity import CCAValidityFilter, ModalityImputer, ProxyFeatureGenerator
from tests.validity.block_tables import NAMES, of, speakers, to_frame


def test_in_a_pipeline_under_cross_validation(three):
    train, _ = three
    y = np.where(train["audio__00"] > train["audio__00"].median(), "happy", "sad")
    X = with_groups(train.assign(speaker=speakers(train)))
    for fill in (ModalityImputer(), ProxyFeatureGenerator(random_state=0)):
        model = make_pipeline(
            CCAValidityFilter(random_state=0), fill, LogisticRegression(max_iter=500)
        )
        X_features = X.drop(columns="speaker")
        scores = cross_validate(
            model, X_features, y, groups=X["speaker"], cv=GroupKFold(4), error_score="raise"
        )["test_score"]
        assert scores.mean() > 0.8
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search = GridSearchCV(
                model,
                {"ccavalidityfilter__alpha": [0.01, 0.2]},
                cv=GroupKFold(2),
                error_score="raise",
            ).fit(X_features, y, groups=X["speaker"])
        assert len(search.cv_results_["mean_test_score"]) == 2


def test_groups_are_routed_when_routing_is_on(three):
    train, _ = three
    y = np.arange(300) % 2
    with config_context(enable_metadata_routing=True):
        model = make_pipeline(
            CCAValidityFilter(random_state=0),
            ProxyFeatureGenerator(random_state=0),
            LogisticRegression(max_iter=500),
        ).fit(train, y, groups=speakers(train))
    assert model[0].grouped_
    assert model[1].grouped_


def test_the_way_a_system_is_written_with_two_modalities(two):
    from emoest.fusion import EarlyFusionClassifier

    train, _ = two
    y = np.where(train["audio__00"] + train["text__00"] > 0, "happy", "sad")
    X = with_groups(train.assign(speaker=speakers(train)))
    model = make_pipeline(
        CCAValidityFilter(random_state=0),
        ProxyFeatureGenerator(random_state=0),
        EarlyFusionClassifier(SVC(kernel="linear", C=0.1, random_state=0)),
    ).set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotSpeakerIndependentWarning)
        scores = cross_validate(
            model,
            X,
            y,
            groups=X["speaker"],
            cv=GroupKFold(4),
            scoring="recall_macro",
            error_score="raise",
            return_estimator=True,
        )
    assert scores["test_score"].mean() > 0.85
    for fitted in scores["estimator"]:
        check, proxies, fusion = (step for _, step in fitted.steps)
        assert check.modalities_ == proxies.modalities_ == ["audio", "text"]
        assert check.grouped_ and proxies.grouped_
        assert check.pairs_ == [("audio", "text")]
        shown = X.copy()
        shown.iloc[0, :30] = 0.0
        rejected = check.transform(shown)
        assert rejected.filter(like="audio").iloc[0].isna().all()
        assert rejected.filter(like="text").iloc[0].notna().all()
        filled = proxies.transform(rejected)
        assert filled.drop(columns="speaker").notna().all(axis=None)
        assert list(filled) == [*train, "speaker"]
        assert list(fusion.classes_) == ["happy", "sad"]


def test_filter_and_proxies_keep_what_a_useless_modality_costs():
    from emoest.fusion import EarlyFusionClassifier
    from emoest.validity import CorruptModality

    rng = np.random.default_rng(3)
    factors = rng.normal(size=(900, 10))
    blocks = [
        factors @ rng.normal(size=(10, 40))
        + rng.normal(size=(900, 15)) @ rng.normal(size=(15, 40))
        + rng.normal(size=(900, 40))
        for _ in NAMES
    ]
    X, y = to_frame(blocks), (factors[:, :2].sum(axis=1) > 0).astype(int)
    train, test = X.iloc[:600], X.iloc[600:]
    broken = CorruptModality("audio", kind="permute", random_state=0)
    broken = broken.fit(train).transform(test)
    accuracy = {}
    for name, steps in {
        "plain": [],
        "imputer": [CCAValidityFilter(random_state=0), ModalityImputer(partial=False)],
        "proxies": [CCAValidityFilter(random_state=0), ProxyFeatureGenerator(random_state=0)],
    }.items():
        model = make_pipeline(*steps, EarlyFusionClassifier(LogisticRegression(max_iter=500)))
        model = model.set_output(transform="pandas")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotSpeakerIndependentWarning)
            model.fit(train, y[:600])
        accuracy[name] = model.score(test, y[600:]), model.score(broken, y[600:])
    assert accuracy["proxies"][1] > accuracy["plain"][1] + 0.05
    assert accuracy["imputer"][1] > accuracy["plain"][1] + 0.01
    assert accuracy["proxies"][0] > accuracy["plain"][0] - 0.03


@pytest.mark.real_data
def test_real_features_with_missing_values(real_data):
    folder = real_data / "ravdess_av_features"
    meta = ["file", "emotion", "intensity", "actor", "gender"]
    tables = []
    for name, file in (("audio", "audio_summary.csv"), ("face", "video_summary.csv")):
        table = pd.read_csv(folder / file)
        table.index = table["file"].str.rpartition(".")[0].str.slice(3)
        actors = table["actor"]
        tables.append(table.drop(columns=meta).add_prefix(f"{name}__"))
    X = tables[0].join(tables[1])
    assert X.isna().sum().sum() > 100
    groups = actors.loc[X.index].to_numpy()
    check = CCAValidityFilter(random_state=0).fit(X, groups=groups)
    assert check.pairs_ == [("audio", "face")]
    assert 0.6 < check.separations_["audio ~ face"] < 0.9
    assert check.correlations_["audio ~ face"].max() > 0.5
    output = check.transform(X)
    kept = check.predict_validity(X)
    assert kept.mean().min() > 0.9
    rows = kept.all(axis=1)
    pd.testing.assert_frame_equal(output[rows], X[rows])
    filled = (
        ProxyFeatureGenerator(random_state=0)
        .fit(X, groups=groups)
        .transform(X.assign(**dict.fromkeys(of(X, "audio"), np.nan)))
    )
    assert filled.notna().all(axis=None)
