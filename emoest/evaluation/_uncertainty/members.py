"""What a model does not know: the spread of an ensemble, or of a net with dropout left on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import entropy
from sklearn.base import is_classifier
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.utils.validation import check_is_fitted

from emoest.utils._sklearn import num_samples
from emoest.utils.seeds import RandomState, isolated_generators, resolve_seed, spawn_seeds
from emoest.utils.typing import Floats

_ENSEMBLES = (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)


def predict_uncertainty(
    model: Any, X: Any, *, n_samples: int = 30, random_state: RandomState = None
) -> pd.DataFrame:
    """Predict each sample by all members of an ensemble, and say how far they are apart.

    Parameters
    ----------
    model : estimator or sequence of estimators
        Fitted: several models (of several seeds or folds), a forest, bagging or voting of
        scikit-learn, or a net of emoest with dropout, which is left on. A Pipeline may end in one,
        a search may have found one.
    X : DataFrame or array-like of shape (n_samples, ...)
        The samples.
    n_samples : int, default=30
        How often a net is run, each time with other units dropped.
    random_state : int, RandomState instance or None, default=None
        Draws the units that are dropped.

    Returns
    -------
    table : DataFrame
        On the index of `X`. Of classifiers: ``label`` and ``proba``, the most probable class of the
        mean over members; ``entropy`` of that mean, from 0 to 1 (uniform over the classes); its
        part ``of_data``, the mean entropy of the members; and the rest, ``of_model`` (mutual
        information): how much members disagree. Of regressors: ``mean`` and ``std`` (ddof=1).

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If the model is neither of these, a net has no dropout, a classifier gives no probabilities,
        or several models are of different kinds or classes.

    Notes
    -----
    Dropout left on is a rough approximation of a posterior (Gal and Ghahramani 2016); neither it
    nor an ensemble knows of samples unlike any it was trained on. Check against held-out errors,
    for example by `abstention_curve`.

    References
    ----------
    Y. Gal, Z. Ghahramani (2016). Dropout as a Bayesian approximation. ICML.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = [[0.0], [0.1], [0.9], [1.0]], ["sad", "sad", "glad", "glad"]
    >>> forest = RandomForestClassifier(random_state=0).fit(X, y)
    >>> table = predict_uncertainty(forest, [[0.0], [0.5]])
    >>> bool(table["of_model"].iloc[0] < table["of_model"].iloc[1])
    True
    """
    if n_samples < 2:
        raise ValueError(f"n_samples must be at least 2, got {n_samples}.")
    index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(num_samples(X))
    outputs, classes = member_outputs(model, X, n_samples, resolve_seed(random_state))
    members = np.stack(outputs)
    if len(members) < 2:
        raise ValueError("One member has no spread: give at least two models.")
    if classes is None:
        spread = {"mean": members.mean(axis=0), "std": members.std(axis=0, ddof=1)}
        return pd.DataFrame(spread, index=index)
    return pd.DataFrame(_entropies(members, classes), index=index)


def _entropies(members: Floats, classes: npt.NDArray[Any]) -> dict[str, Any]:
    """Divide the entropy of the mean into that of the members, and their disagreement."""
    mean = members.mean(axis=0)
    unit = np.log(max(2, len(classes)))
    whole = entropy(mean, axis=1) / unit
    of_data = entropy(members, axis=2).mean(axis=0) / unit
    best = mean.argmax(axis=1)
    return {
        "label": classes[best],
        "proba": mean[np.arange(len(mean)), best],
        "entropy": whole,
        "of_data": of_data,
        "of_model": np.maximum(0.0, whole - of_data),
    }


def member_outputs(
    model: Any, X: Any, n_samples: int, seed: int
) -> tuple[list[Floats], npt.NDArray[Any] | None]:
    """Predict by each member: probabilities and classes, or values and None."""
    if isinstance(model, Sequence | np.ndarray):
        return _outputs_of_several(list(model), X)
    if hasattr(model, "fit"):
        check_is_fitted(model)
    if hasattr(model, "best_estimator_"):
        return member_outputs(model.best_estimator_, X, n_samples, seed)
    if hasattr(model, "steps"):
        for _, step in model.steps[:-1]:
            X = X if step in (None, "passthrough") else step.transform(X)
        return member_outputs(model.steps[-1][1], X, n_samples, seed)
    if isinstance(model, _ENSEMBLES):
        return _outputs_of_ensemble(model, X)
    if hasattr(getattr(model, "net_", None), "module_"):
        return _outputs_of_net(model, X, n_samples, seed)
    raise ValueError(
        f"{type(model).__name__} has no members: give a list of fitted models, a forest, bagging "
        "or voting of scikit-learn, or a net of emoest with dropout."
    )


def _predict(model: Any, X: Any) -> Floats:
    if not is_classifier(model):
        return np.asarray(model.predict(X), dtype=np.float64)
    if not hasattr(model, "predict_proba"):
        raise ValueError(f"{type(model).__name__} gives no probabilities (predict_proba).")
    return np.asarray(model.predict_proba(X), dtype=np.float64)


def _outputs_of_several(models: list[Any], X: Any) -> tuple[list[Floats], npt.NDArray[Any] | None]:
    if not models:
        raise ValueError("model is an empty list: give at least two fitted models.")
    kinds = {is_classifier(model) for model in models}
    if len(kinds) > 1:
        raise ValueError("Some models are classifiers and some are not.")
    outputs = [_predict(model, X) for model in models]
    if kinds == {False}:
        return outputs, None
    classes = np.unique(np.concatenate([np.asarray(model.classes_) for model in models]))
    placed = [
        _placed(output, np.searchsorted(classes, model.classes_), len(classes))
        for model, output in zip(models, outputs, strict=True)
    ]
    return placed, classes


def _placed(proba: Floats, columns: Any, n_classes: int) -> Floats:
    """Put probabilities at their classes; classes that a member does not know have none."""
    placed = np.zeros((len(proba), n_classes))
    placed[:, columns] = proba
    return placed


def _outputs_of_ensemble(model: Any, X: Any) -> tuple[list[Floats], npt.NDArray[Any] | None]:
    columns = getattr(model, "estimators_features_", [None] * len(model.estimators_))
    # Their members were fitted on plain arrays, and on numbers of the classes.
    plain = not isinstance(model, VotingClassifier | VotingRegressor)
    values = np.asarray(X) if plain else X
    outputs = []
    for member, some in zip(model.estimators_, columns, strict=True):
        output = _predict(member, values if some is None else values[:, some])
        if is_classifier(model):
            places = np.asarray(member.classes_).astype(int)
            output = _placed(output, places, len(model.classes_))
        outputs.append(output)
    return outputs, np.asarray(model.classes_) if is_classifier(model) else None


def _outputs_of_net(
    model: Any, X: Any, n_samples: int, seed: int
) -> tuple[list[Floats], npt.NDArray[Any] | None]:
    outputs = []
    with _dropout_left_on(model.net_.module_) as calls:
        for each in spawn_seeds(seed, n_samples):
            with isolated_generators(each):
                outputs.append(_predict(model, X))
    if not calls or all(np.array_equal(outputs[0], other) for other in outputs[1:]):
        raise ValueError(
            f"Nothing was dropped in {n_samples} runs of {type(model).__name__}: its net has no "
            "layers of dropout, or their rate is 0. Set dropout=, or give several models."
        )
    return outputs, np.asarray(model.classes_) if is_classifier(model) else None


@contextmanager
def _dropout_left_on(module: Any) -> Iterator[list[Any]]:
    """Put layers of dropout into training whenever they are called, and yield those called."""
    calls: list[Any] = []

    def switch_on(layer: Any, _: Any) -> None:
        layer.training = True
        calls.append(layer)

    layers = [each for each in module.modules() if "Dropout" in type(each).__name__]
    handles = [each.register_forward_pre_hook(switch_on) for each in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
        module.eval()
