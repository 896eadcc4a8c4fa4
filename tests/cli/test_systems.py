"""Which Pipeline the options of a system make."""

import argparse

import pandas as pd
import pytest

from emoest._cli.systems import ENCODERS, SYSTEMS, add_system_options, make_encoder, make_system

CLASSES = pd.Series(["sad", "happy"])
SCORES = pd.Series([0.5, 1.5])
BOTH = pd.DataFrame({"audio": ["a.wav", "b.wav"], "text": ["Oh.", "Hm."], "speaker": ["s", "t"]})


def made(*options, X=BOTH, y=CLASSES):
    parser = argparse.ArgumentParser()
    add_system_options(parser)
    arguments = parser.parse_args(options, argparse.Namespace(seed=0, quiet=True))
    return make_system(arguments, X, y)


def encoders(model):
    return {name: type(encoder).__name__ for name, encoder, _ in model[0].transformers}


def test_without_a_name_all_columns_are_read():
    assert encoders(made()) == {"audio": "WhisperEmbedder", "text": "SBERTEmbedder"}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--audio", "egemaps"], {"audio": "OpenSMILEFunctionals"}),
        (["--text", "bert=my/model"], {"text": "BERTEmbedder"}),
        (
            ["--audio", "yamnet", "--text", "use"],
            {"audio": "YAMNetEmbedder", "text": "USEEmbedder"},
        ),
    ],
)
def test_what_is_named_is_what_is_read(options, found):
    assert encoders(made(*options)) == found


def test_recordings_and_boateng_leave_out_what_is_not_named():
    assert list(encoders(made("--system", "recordings"))) == ["audio", "text", "face"]
    assert list(encoders(made("--system", "recordings", "--audio", "functionals"))) == ["audio"]
    boateng = made("--system", "boateng2020", "--audio", "functionals")
    assert type(boateng[-1]).__name__ == "SegmentClassifier"
    both = made("--system", "boateng2020", "--option", "text_encoder=sbert")
    assert encoders(both) == {"audio": "Pipeline", "text": "SBERTEmbedder"}


def test_the_task_follows_the_target():
    assert type(made(y=SCORES)[-1]).__name__ == "EarlyFusionRegressor"
    assert type(made("--fusion", "late", y=SCORES)[-1]).__name__ == "LateFusionRegressor"
    assert type(made(y=pd.Series([0, 1]))[-1]).__name__ == "EarlyFusionClassifier"
    several = made(y=pd.DataFrame({"a": CLASSES, "b": CLASSES}))
    assert type(several).__name__ == "MultiTarget"
    recordings = made("--system", "recordings", y=SCORES)
    assert type(recordings[-1]).__name__ == "LateFusionRegressor"


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_is_made(name):
    assert hasattr(made("--system", name), "fit")


@pytest.mark.parametrize(
    ("modality", "name"), [(m, name) for m, known in ENCODERS.items() for name in known]
)
def test_every_encoder_is_made_and_gives_vectors(modality, name):
    encoder = make_encoder(modality, name, quiet=True)
    assert encoder.verbose == 0
    assert encoder.get_params().get("pooling", "cls") is not None


def test_a_model_is_handed_on():
    assert make_encoder("text", "sbert=/my/model").model == "/my/model"
    assert made("--set", "earlyfusionclassifier__impute=raise")[-1].impute == "raise"
