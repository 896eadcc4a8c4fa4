"""Every public name says what it is, takes and returns, and estimators show how they are used."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate
from sklearn.base import BaseEstimator

LIST = Path(__file__).with_name("public_api.txt")
NAMES = [
    re.match(r"[\w.]+", line).group() for line in LIST.read_text(encoding="utf-8").splitlines()
]
CONSTANTS = {"media.SEED_CHANNELS"}
FAULTS = {
    *("GL03", "GL06", "GL07", "GL08"),  # blank lines, sections that are unknown or out of order
    *("SS01", "SS02", "SS03", "SS04"),  # a summary of one sentence
    *("PR01", "PR02", "PR03", "PR04", "PR07"),  # parameters: all, no others, in order, explained
    *("RT01", "YD01"),  # what is returned
}
WITHOUT_EXAMPLE = {
    "datasets.load_mosi_features": "a layout of many arrays, which its tests write",
    "persistence.load_system": "stands with save_system",
    "systems.memobert2022_ablation": "trains for minutes",
    "systems.memobert2022_by_speaker": "trains for minutes",
    "systems.memobert2022_few_shot": "trains for minutes",
}


def value_of(name):
    room, *path = name.split(".")
    value = importlib.import_module(f"emoest.{room}")
    for part in path:
        value = getattr(value, part)
    return value


def pointed(docstring):
    """Parameters that are explained where the docstring points: "See `Class`."."""
    parameters = NumpyDocString(inspect.cleandoc(docstring))["Parameters"]
    lines = {
        name.strip(): " ".join(description)
        for names, _, description in parameters
        for name in names.split(",")
    }
    return {name for name, text in lines.items() if re.match(r"See `\w+`[.;]", text)}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CONSTANTS])
def test_every_public_name_is_explained(name):
    elsewhere = pointed(value_of(name).__doc__ or "")
    found = [
        message
        for code, message in validate(f"emoest.{name}")["errors"]
        if code in FAULTS
        and not (code == "PR04" and any(f'"{parameter}"' in message for parameter in elsewhere))
    ]
    assert not found


def examples(value):
    parsed = doctest.DocTestParser().get_examples(value.__doc__ or "")
    return [example for example in parsed if not example.options.get(doctest.SKIP)]


def shown():
    """Estimators and functions; results, records and warnings are made by others."""
    for name in NAMES:
        if name.count(".") == 1:
            value = value_of(name)
            if inspect.isfunction(value) or (
                inspect.isclass(value) and (hasattr(value, "fit") or hasattr(value, "split"))
            ):
                yield name


@pytest.mark.parametrize("name", list(shown()))
def test_estimators_and_functions_have_an_example_that_runs(name):
    if name.startswith("datasets.fetch_"):
        assert ">>> " in value_of(name).__doc__
    else:
        assert bool(examples(value_of(name))) != (name in WITHOUT_EXAMPLE)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in NAMES
        if inspect.isclass(value_of(name)) and issubclass(value_of(name), BaseEstimator)
    ],
)
def test_estimators_say_what_they_learn(name):
    documented = NumpyDocString(inspect.cleandoc(value_of(name).__doc__))
    learned = [part for names, *_ in documented["Attributes"] for part in names.split(",")]
    assert learned
    assert all(part.strip().endswith("_") for part in learned), learned
