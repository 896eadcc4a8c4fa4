import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from emoest.evaluation import EvaluationInterrupted, ablation_table, evaluate
from emoest.fusion import LateFusionClassifier
from emoest.neural import SequenceClassifier
from emoest.tuning import OptunaSearchCV

TWO = {"a": slice(0, 1), "b": slice(1, None)}
FITS = []


class CtrlC(Callback):
    """Press Ctrl-C in the first epoch of fits from number `after` on."""

    def __init__(self, after=0):
        self.after = after

    def on_train_begin(self, net, **kwargs):
        FITS.append(net)

    def on_epoch_end(self, net, **kwargs):
        if len(FITS) > self.after:
            raise KeyboardInterrupt


def net(after=0):
    return SequenceClassifier(
        hidden_size=4, max_epochs=2, validation_fraction=None, callbacks=[CtrlC(after)]
    )


def rows():
    FITS.clear()
    return (
        np.random.default_rng(0).normal(size=(24, 3)),
        np.tile([0, 1], 12),
        np.repeat(range(6), 4),
    )


MANY = {
    "cross_val_score": lambda X, y, g: cross_val_score(net(), X, y, groups=g),
    "grid search": lambda X, y, g: GridSearchCV(net(), {"lr": [0.1, 0.2]}).fit(X, y),
    "optuna": lambda X, y, g: OptunaSearchCV(net(), {"lr": [0.1, 0.2]}, cv=2).fit(X, y, groups=g),
    "evaluate": lambda X, y, g: evaluate(net(), X, y, groups=g),
    "evaluate, in a pipeline": lambda X, y, g: evaluate(
        make_pipeline(StandardScaler(), net()), X, y, groups=g
    ),
    "ablations": lambda X, y, g: ablation_table(
        LateFusionClassifier(net(), modalities=TWO), X, y, groups=g, modalities=TWO
    ),
    "late fusion": lambda X, y, g: LateFusionClassifier(net(), modalities=TWO).fit(X, y),
    "voting": lambda X, y, g: VotingClassifier([("a", net()), ("b", net())]).fit(X, y),
    "calibration": lambda X, y, g: CalibratedClassifierCV(net(), cv=2).fit(X, y),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("call", MANY.values(), ids=MANY)
def test_an_interrupt_ends_all_that_a_fit_is_a_part_of(call):
    data = rows()
    with pytest.raises(KeyboardInterrupt):
        call(*data)
    assert len(FITS) == 1


def test_an_evaluation_keeps_what_was_done():
    X, y, groups = rows()
    with pytest.raises(EvaluationInterrupted, match="after 2 of 3 folds") as stop:
        evaluate(net(after=2), X, y, groups=groups, cv=3, random_state=0)
    assert stop.value.partial.predictions["fold"].unique().tolist() == [1, 2]


def test_a_search_keeps_what_was_done():
    X, y, groups = rows()
    search = OptunaSearchCV(net(after=2), {"lr": [0.1, 0.2]}, cv=2, n_trials=3, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y, groups=groups)
    assert len(search.cv_results_["params"]) == 1
    assert search.best_params_ == search.cv_results_["params"][0]


@pytest.mark.parametrize("model", [net(), make_pipeline(StandardScaler(), net())])
def test_alone_a_fit_keeps_its_best_weights(model):
    X, y, _ = rows()
    with pytest.warns(UserWarning, match="interrupted"):
        assert model.fit(X, y).predict(X).shape == (24,)
