import pickle

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold, cross_validate

from emoest.evaluation import (
    ccc_score,
    ccc_scorer,
    macro_f1_scorer,
    pearson_scorer,
    uar_score,
    uar_scorer,
)
from emoest.evaluation._scorers import find_scorer


def test_scorers_work_in_cross_validate_and_pickle():
    rng = np.random.default_rng(0)
    X, y, groups = rng.normal(size=(40, 2)), np.tile(["a", "b"], 20), np.repeat(np.arange(8), 5)
    scorer = pickle.loads(pickle.dumps(uar_scorer))
    cv = GroupKFold(4)
    scores = cross_validate(LogisticRegression(), X, y, groups=groups, cv=cv, scoring=scorer)
    expected = [
        uar_score(y[test], LogisticRegression().fit(X[train], y[train]).predict(X[test]))
        for train, test in cv.split(X, y, groups)
    ]
    assert scores["test_score"].tolist() == expected
    ridge = Ridge().fit(X, X[:, 0])
    assert ccc_scorer(ridge, X, X[:, 0]) == ccc_score(X[:, 0], ridge.predict(X))


def test_a_name_or_a_scorer_is_taken():
    model = LogisticRegression()
    scorers = {
        "uar": uar_scorer,
        "macro_f1": macro_f1_scorer,
        "ccc": ccc_scorer,
        "pearson": pearson_scorer,
    }
    for name, scorer in scorers.items():
        assert find_scorer(model, name) is scorer
        assert find_scorer(model, scorer) is scorer
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["a", "b", "b", "a"])
    model.fit(X, y)
    accuracy = accuracy_score(y, model.predict(X))
    assert find_scorer(model, "accuracy")(model, X, y) == accuracy
    assert find_scorer(model, None)(model, X, y) == accuracy
    with pytest.raises(ValueError, match=r"scoring='uac' is unknown. It is one of 'uar', 'macro"):
        find_scorer(model, "uac")
