"""The space of a search: what a trial chooses from."""

import difflib
import re
from collections.abc import Mapping
from numbers import Real
from typing import Any

from sklearn.base import clone

from emoest.utils.messages import listed, short_repr


def check_space(space: Any, estimator: Any) -> None:
    """Check that a space names parameters of the estimator, each with something to choose from."""
    if callable(space):
        return
    if not space:
        raise ValueError("space is empty: name at least one parameter to search.")
    from optuna.distributions import BaseDistribution

    known = estimator.get_params()
    for name, choices in space.items():
        if not isinstance(choices, BaseDistribution | list | tuple) or choices in ([], ()):
            raise ValueError(
                f"space[{name!r}] must be an Optuna distribution or a list of choices, got "
                f"{choices!r}."
            )
        if _is_range(choices):
            low, high = choices
            kind = "Int" if isinstance(low, int) and isinstance(high, int) else "Float"
            raise ValueError(
                f"space[{name!r}] is {choices!r}, which may be a range or two choices. Write "
                f"optuna.distributions.{kind}Distribution({low}, {high}) for all between (log=True "
                f"for powers), or [{low}, {high}] for these two."
            )
        # A parameter of a step that the space replaces may belong to the other step.
        replaced = any(name.startswith(f"{other}__") for other in space)
        if name not in known and not replaced:
            close = difflib.get_close_matches(name, known, n=3)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ValueError(
                f"space names {name!r}, which is not a parameter of the estimator.{hint}"
            )


def _is_range(choices: Any) -> bool:
    return (
        isinstance(choices, tuple)
        and len(choices) == 2
        and all(isinstance(each, Real) and not isinstance(each, bool) for each in choices)
    )


def suggest_params(trial: Any, space: Any) -> dict[str, Any]:
    """Let a trial choose each parameter; a finished trial returns what it chose.

    Examples
    --------
    >>> from optuna.trial import FixedTrial
    >>> suggest_params(FixedTrial({"C": 2.0}), {"C": [1.0, 2.0]})
    {'C': 2.0}
    """
    if callable(space):
        return dict(space(trial))
    return {name: suggest(trial, name, choices) for name, choices in space.items()}


def chosen_params(trial: Any, space: Any) -> dict[str, Any]:
    """Return what a finished trial chose, also where the space itself failed in it."""
    try:
        return suggest_params(trial, space)
    except Exception:
        return dict(trial.params)


def suggest(trial: Any, name: str, choices: Any) -> Any:
    """Let a trial choose one parameter; estimators are stored by position and name.

    Examples
    --------
    >>> from optuna.trial import FixedTrial
    >>> suggest(FixedTrial({"C": 2.0}), "C", [1.0, 2.0])
    2.0
    >>> suggest(FixedTrial({"C": "1: range(0, 3)"}), "C", [range(2), range(3)])
    range(0, 3)
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(choices, FloatDistribution | IntDistribution):
        real = isinstance(choices, FloatDistribution)
        choose = trial.suggest_float if real else trial.suggest_int
        return choose(name, choices.low, choices.high, step=choices.step, log=choices.log)
    if isinstance(choices, CategoricalDistribution):
        choices = choices.choices
    if all(isinstance(choice, str | int | float | bool | None) for choice in choices):
        return trial.suggest_categorical(name, choices)
    labels = _labels(choices)
    return choices[labels.index(trial.suggest_categorical(name, labels))]


def asked_params(asked: Any, space: Any) -> dict[str, Any]:
    """Convert parameters that a user wants to be tried to what a trial stores.

    Raises
    ------
    ValueError
        If a name is not in the space, or the space does not hold the value.

    Examples
    --------
    >>> asked_params({"C": range(3)}, {"C": [range(2), range(3)]})
    {'C': '1: range(0, 3)'}
    """
    if callable(space):
        # What such a space may suggest is known to it alone.
        return dict(asked)
    return {name: _asked(name, value, space) for name, value in asked.items()}


def _asked(name: str, value: Any, space: Mapping[str, Any]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if name not in space:
        raise ValueError(
            f"enqueue names {name!r}, which is not in the space: {listed(space, quoted=True)}."
        )
    choices = space[name]
    if isinstance(choices, FloatDistribution | IntDistribution):
        if isinstance(value, Real) and choices.low <= value <= choices.high:
            return value
        raise ValueError(
            f"enqueue asks for {name}={value!r}, which is not between {choices.low} and "
            f"{choices.high}."
        )
    if isinstance(choices, CategoricalDistribution):
        choices = choices.choices
    found = [
        i for i, choice in enumerate(choices) if choice is value or repr(choice) == repr(value)
    ]
    if not found:
        raise ValueError(
            f"enqueue asks for {name}={short_repr(value)}, which is none of the choices."
        )
    if all(isinstance(choice, str | int | float | bool | None) for choice in choices):
        return choices[found[0]]
    return _labels(choices)[found[0]]


def _labels(choices: Any) -> list[str]:
    return [f"{i}: {_label(choice)}" for i, choice in enumerate(choices)]


def cloned(params: Mapping[str, Any]) -> dict[str, Any]:
    """Copy parameter values, so that no trial fits an estimator that another one holds.

    Examples
    --------
    >>> cloned({"C": 1.0})
    {'C': 1.0}
    """
    return {name: clone(value, safe=False) for name, value in params.items()}


def without_addresses(text: str) -> str:
    """Leave the addresses of objects out, which differ in each process: a study is to be resumed.

    Examples
    --------
    >>> without_addresses("<function f at 0x7f00>")
    '<function f>'
    """
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _label(choice: Any) -> str:
    text = without_addresses(" ".join(repr(choice).split()))
    return text if len(text) <= 80 else f"{text[:77]}..."
