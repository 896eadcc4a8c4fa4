"""A pipeline, and a search of one of its settings."""

from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.tuning import OptunaSearchCV

SPACE = {"logisticregression__C": FloatDistribution(1e-3, 10, log=True)}


def pipeline():
    return make_pipeline(StandardScaler(), LogisticRegression())


def search(estimator=None, space=SPACE, **options):
    options = {"cv": 3, "n_trials": 4, "random_state": 0} | options
    return OptunaSearchCV(pipeline() if estimator is None else estimator, space, **options)
