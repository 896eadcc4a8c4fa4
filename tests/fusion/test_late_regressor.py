import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from emoest.fusion import LateFusionRegressor
from emoest.utils import with_groups


def sample(n=60, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    X = pd.DataFrame(
        {
            "audio__0": y + 0.5 * rng.normal(size=n),
            "audio__1": rng.normal(size=n),
            "text__0": y + 1.0 * rng.normal(size=n),
        }
    )
    X["speaker"] = np.repeat([f"s{i}" for i in range(10)], n // 10)
    return X, y


def columns_of(name):
    return FunctionTransformer(lambda X: X.filter(like=name))


def test_mean_and_weighted_equal_voting_on_the_same_learners():
    X, y = sample()
    bases = {"audio": Ridge(), "text": KNeighborsRegressor()}
    voters = [(name, make_pipeline(columns_of(name), base)) for name, base in bases.items()]
    for rule, weights in (("mean", None), ("weighted", [1, 3])):
        late = LateFusionRegressor(list(bases.items()), rule=rule, weights=weights).fit(X, y)
        voter = VotingRegressor(voters, weights=weights).fit(X, y)
        assert_allclose(late.predict(X), voter.predict(X))


def test_missing_modalities_are_left_out_and_empty_rows_get_the_mean():
    X, y = sample()
    model = LateFusionRegressor(
        LinearRegression(), rule="weighted", weights={"text": 1, "audio": 3}
    )
    weight = np.linspace(1, 3, len(X))
    model.fit(X, y, sample_weight=weight)
    holed = X.iloc[:3].copy()
    holed.iloc[0, :2] = np.nan
    holed.iloc[1, :3] = np.nan
    with pytest.warns(
        UserWarning, match=r"1 row\(s\) have no modality .*\(row 1\) and get the training mean"
    ):
        predicted = model.predict(holed)
    text = model.estimators_["text"].predict(X[["text__0"]])[0]
    assert predicted[0] == pytest.approx(text)
    assert predicted[1] == pytest.approx(np.average(y, weights=weight))
    assert predicted[2] == pytest.approx(model.predict(X)[2])


def test_stacking_weighs_the_better_modality_more():
    X, y = sample(n=200)
    model = LateFusionRegressor(rule="stacking", random_state=0).fit(with_groups(X), y)
    assert model.grouped_ is True
    audio, text = model.final_estimator_.coef_[:2]
    assert audio > 2 * text > 0
    fresh, target = sample(n=200, seed=1)
    mean = LateFusionRegressor().fit(X, y)
    errors = [np.mean((m.predict(fresh) - target) ** 2) for m in (model, mean)]
    assert errors[0] < errors[1]


def test_stacking_takes_rows_with_holes():
    X, y = sample()
    X.loc[::4, "text__0"] = np.nan
    model = LateFusionRegressor(rule="stacking", random_state=0).fit(with_groups(X), y)
    assert np.corrcoef(model.predict(with_groups(X)), y)[0, 1] > 0.7


def test_media_reach_the_base():
    X, y = sample()
    X = X.rename(columns={"text__0": "text__w"}).assign(text__w=[str(v) for v in X["text__0"]])
    read = FunctionTransformer(lambda X: X.map(float))
    bases = [("audio", Ridge()), ("text", make_pipeline(read, Ridge()))]
    model = LateFusionRegressor(bases).fit(X, y)
    X.loc[2, "text__w"] = None
    predicted = model.predict(X)
    assert predicted[2] == pytest.approx(model.estimators_["audio"].predict(X.iloc[[2], :2])[0])


def test_nested_parameters_in_a_grid():
    X, y = sample()
    model = LateFusionRegressor([("audio", Ridge()), ("text", Ridge())])
    grid = {"audio__alpha": [1e-3, 1e3], "text": ["drop", Ridge()]}
    search = GridSearchCV(model, grid, cv=GroupKFold(3), error_score="raise")
    search.fit(X, y, groups=X["speaker"])
    assert search.best_params_["audio__alpha"] == 1e-3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rule": "weighted"}, "needs weights"),
        ({"rule": "weighted", "weights": {"audio": 0, "text": 0}}, "sum to zero"),
        ({"estimators": [("audio", Ridge())]}, "'text' of X has no estimator"),
    ],
)
def test_settings_that_do_not_fit_are_explained(params, message):
    X, y = sample()
    with pytest.raises(ValueError, match=message):
        LateFusionRegressor(**params).fit(X, y)


def test_a_target_without_values_and_two_targets_are_refused():
    X, y = sample()
    with pytest.raises(ValueError, match="MultiTarget"):
        LateFusionRegressor().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="NaN"):
        LateFusionRegressor().fit(X, np.where(y > 0, y, np.nan))


def test_no_training_row_has_any_modality():
    X, y = sample()
    X.iloc[:, :3] = np.nan
    with (
        pytest.warns(UserWarning, match="missing in every training row"),
        pytest.raises(ValueError, match="No training row has any of the modalities"),
    ):
        LateFusionRegressor().fit(X, y)
