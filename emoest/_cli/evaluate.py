"""`emoest evaluate`: a system on a corpus, by speakers that it was not trained on."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emoest._cli.data import add_data_options, load_samples
from emoest._cli.shared import add_command, check_writable, note, records, show, whole
from emoest._cli.systems import add_system_options, make_system

_MORE = """\
Every sample is predicted by a model that was trained on other speakers; the score is UAR (mean
recall of the classes) with an interval from resampling speakers, or CCC for numbers. Embeddings are
kept in the store, so an interrupted run goes on where it was, and the next one embeds nothing.
"""
_EXAMPLE = """\
emoest evaluate --corpus ravdess --folder corpora/ravdess --audio whisper --report out.html
emoest evaluate --system boateng2020 --corpus ravdess --audio egemaps
emoest evaluate --table mine.csv --target emotion --json | jq '.table[0].uar'
emoest evaluate --system recordings --table videos.csv --save runs/videos"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "evaluate",
        _evaluate,
        about="score a system on speakers that it was not trained on",
        more=_MORE,
        example=_EXAMPLE,
    )
    add_data_options(parser)
    add_system_options(parser)
    group = parser.add_argument_group("folds and results")
    group.add_argument(
        "--folds",
        default="5",
        help="number of folds, 'loso', or the column of official folds (default 5)",
    )
    group.add_argument("--seed", type=whole(0), default=0, help="of folds and models (default 0)")
    group.add_argument("--jobs", type=int, default=1, help="folds at a time (default 1)")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    group.add_argument(
        "--report",
        type=Path,
        action="append",
        default=[],
        help="write a report: .html, .md (a model card) or .tex (the table); may be repeated",
    )
    group.add_argument("--save", type=Path, help="folder for 'emoest compare'")
    group.add_argument("--model", type=Path, help="fit all samples and save the system there")
    group.add_argument("--name", help="of the system, in reports (default: --system)")


def _evaluate(arguments: argparse.Namespace) -> None:
    from emoest.evaluation import EvaluationError, EvaluationInterrupted, evaluate

    for path in arguments.report:
        if path.suffix not in _WRITERS:
            arguments.parser.error(f"--report ends in {', '.join(_WRITERS)}, not {path.suffix!r}.")
    check_writable(*arguments.report, arguments.save, arguments.model)
    samples = load_samples(arguments)
    model = make_system(arguments, samples.X, samples.y)
    name = arguments.name or arguments.system
    embed_first(model, samples.X)
    try:
        result = evaluate(
            {name: model},
            samples.X,
            samples.y,
            cv=int(arguments.folds) if arguments.folds.isdigit() else arguments.folds,
            n_jobs=arguments.jobs,
            random_state=arguments.seed,
            verbose=0 if arguments.quiet else 1,
        )
    except (EvaluationInterrupted, EvaluationError) as stop:
        if stop.partial is not None:
            _write(arguments, stop.partial, samples.name, done=False)
        if isinstance(stop, KeyboardInterrupt):
            raise KeyboardInterrupt(_kept(arguments, stop.partial)) from stop
        raise
    _write(arguments, result, samples.name)
    if arguments.model is not None:
        _save_model(arguments, model, samples, result)


def _kept(arguments: argparse.Namespace, partial: Any) -> str:
    """Say what an interrupt left, and where."""
    place = [] if arguments.save is None else [f" and in {str(_place(arguments.save, False))!r}"]
    done = 0 if partial is None else len(partial.folds)
    scores = f" The scores of {done} fold(s) are above{''.join(place)}." if done else ""
    return f"Embeddings are kept in the store, so the same command goes on.{scores}"


def embed_first(model: Any, X: Any) -> None:
    """Embed all samples with a progress bar, so that the folds find them in the store."""
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer

    inner = getattr(model, "estimator", model)
    first = inner.steps[0][1] if hasattr(inner, "steps") else None
    if isinstance(first, ColumnTransformer):
        clone(first).fit_transform(X)


def _html(result: Any, path: Path, about: str) -> None:
    result.to_html(path, note=about)


_WRITERS = {
    ".html": _html,
    ".md": lambda result, path, about: result.to_model_card(path),
    ".tex": lambda result, path, about: result.to_latex(path),
}


def _write(arguments: argparse.Namespace, result: Any, name: str, *, done: bool = True) -> None:
    """Write reports, the folder and the scores; what is not complete goes beside the places."""
    about = f"{name}." if done else f"{name}. NOT COMPLETE: some folds are missing."
    for path in arguments.report:
        _WRITERS[path.suffix](result, _place(path, done), about)
    if arguments.save is not None:
        result.save(_place(arguments.save, done))
    value = {
        "system": arguments.name or arguments.system,
        "samples": name,
        "complete": done,
        "table": records(result.table),
        "folds": records(result.folds),
        "protocol": asdict(result.protocol),
    }
    text = result.summary() if done else f"NOT COMPLETE\n{result.summary()}"
    show(arguments, value, text)
    wanted = [*arguments.report, *([] if arguments.save is None else [arguments.save])]
    places = [_place(path, done) for path in wanted]
    if places and not arguments.json:
        print("\nWritten: " + ", ".join(map(str, places)))


def _place(path: Path, done: bool) -> Path:
    return path if done else path.with_name(f"{path.stem}-incomplete{path.suffix}")


def _save_model(arguments: argparse.Namespace, model: Any, samples: Any, result: Any) -> None:
    from emoest.persistence import save_system

    try:
        save_system(model.fit(samples.X, samples.y), arguments.model, card=result.to_model_card())
    except TypeError as error:
        raise ValueError(str(error)) from error
    note(arguments, f"Fitted on all samples and saved: {arguments.model}")
