"""`emoest tune`: a search over the parameters of a system, that can be stopped and gone on with."""

import argparse
from pathlib import Path
from typing import Any

from emoest._cli.data import add_data_options, load_samples
from emoest._cli.shared import add_command, check_writable, note, records, show, whole
from emoest._cli.systems import add_system_options, make_space, make_system

_MORE = """\
Parameters are those of the Pipeline, as for --set. A range is LOW:HIGH, of whole numbers if both
are such; ':log' makes it logarithmic. Choices are divided by '|'. With --storage every trial is
kept as it ends: the same command goes on after Ctrl-C or a crash, and several at once share it.
"""
_EXAMPLE = """\
emoest tune --system boateng2020 --corpus ravdess --audio functionals \\
    --param segmentclassifier__estimator__classifier__C=1e-5:1:log --storage sqlite:///mine.db"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "tune",
        _tune,
        about="search the parameters of a system by speaker-independent cross-validation",
        more=_MORE,
        example=_EXAMPLE,
    )
    add_data_options(parser)
    add_system_options(parser)
    group = parser.add_argument_group("search")
    group.add_argument(
        "--param",
        action="append",
        type=space_of,
        default=[],
        metavar="NAME=RANGE",
        help="a parameter and its range (LOW:HIGH, LOW:HIGH:log) or choices (a|b|c); repeated "
        "(default: the ready search space of a named --system)",
    )
    group.add_argument("--trials", type=whole(1), default=20, help="trials in all (default 20)")
    group.add_argument("--storage", help="where trials are kept, for example sqlite:///mine.db")
    group.add_argument("--study-name", help="of the study in the storage")
    group.add_argument("--folds", type=whole(2), default=5, help="number of folds (default 5)")
    group.add_argument("--seed", type=whole(0), default=0, help="of folds and trials (default 0)")
    group.add_argument("--jobs", type=int, default=1, help="folds at a time (default 1)")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    group.add_argument("--model", type=Path, help="save the best system, fitted on all samples")


def space_of(text: str) -> tuple[str, Any]:
    """Read ``NAME=RANGE``: a pair of numbers and their kind, or a list of choices.

    Examples
    --------
    >>> space_of("C=0.01:10:log"), space_of("n=2:8"), space_of("kernel=rbf|linear")
    (('C', (0.01, 10.0, True)), ('n', (2, 8, False)), ('kernel', ['rbf', 'linear']))
    """
    name, sign, values = text.partition("=")
    if not sign or not name or not values:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=RANGE.")
    low, colon, rest = values.partition(":")
    if not colon:
        return name, [_literal(each) for each in values.split("|")]
    high, _, kind = rest.partition(":")
    ends = [_literal(low), _literal(high)]
    numbers = all(isinstance(each, int | float) for each in ends)
    if not numbers or kind not in ("", "log") or not ends[0] < ends[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=LOW:HIGH or NAME=LOW:HIGH:log.")
    if not all(isinstance(each, int) for each in ends):
        ends = [float(each) for each in ends]
    if kind == "log" and ends[0] <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: a logarithmic range begins above 0.")
    return name, (*ends, kind == "log")


def _literal(text: str) -> Any:
    from emoest._cli.shared import assignment

    return assignment(f"value={text}")[1]


def _distribution(values: Any) -> Any:
    from optuna.distributions import FloatDistribution, IntDistribution

    if isinstance(values, list):
        return values
    low, high, log = values
    kind = IntDistribution if isinstance(low, int) else FloatDistribution
    return kind(low, high, log=log)


def _tune(arguments: argparse.Namespace) -> None:
    from emoest._cli.evaluate import embed_first
    from emoest.tuning import OptunaSearchCV

    check_writable(arguments.model)
    samples = load_samples(arguments)
    model = make_system(arguments, samples.X, samples.y)
    space = {name: _distribution(values) for name, values in arguments.param}
    space = space or make_space(arguments, samples.X, model)
    known = model.get_params()
    unknown = [name for name in space if name not in known]
    if unknown:
        from emoest.utils.messages import near_names

        meant = near_names(unknown[0], known) or "'emoest evaluate' prints the Pipeline."
        raise ValueError(f"The system has no parameter {unknown[0]!r}. {meant}")
    embed_first(model, samples.X)
    search = OptunaSearchCV(
        model,
        space,
        cv=arguments.folds,
        scoring="ccc" if samples.y.dtype.kind == "f" else "uar",
        n_trials=arguments.trials,
        storage=arguments.storage,
        study_name=arguments.study_name,
        refit=arguments.model is not None,
        n_jobs=arguments.jobs,
        random_state=arguments.seed,
        verbose=0 if arguments.quiet else 1,
    )
    try:
        search.fit(samples.X, samples.y)
    except KeyboardInterrupt as stop:
        if hasattr(search, "best_params_"):
            _show(arguments, search, done=False)
        kept = "with the same --storage the search goes on"
        lost = "with a --storage the search could go on"
        told = f"Embeddings are kept; {lost if arguments.storage is None else kept}."
        raise KeyboardInterrupt(told) from stop
    _show(arguments, search)
    if arguments.model is not None:
        _save(arguments, search)


def _show(arguments: argparse.Namespace, search: Any, *, done: bool = True) -> None:
    trials = search.trials_
    value = {
        "complete": done,
        "best_params": search.best_params_,
        "best_score": search.best_score_,
        "trials": records(trials),
    }
    lines = [] if done else ["NOT COMPLETE"]
    lines += [f"{name} = {chosen}" for name, chosen in search.best_params_.items()]
    lines.append(f"best of {len(trials)} trials: {search.best_score_:.3f}")
    lines.append("(chosen on these folds; 'emoest evaluate --set' says what it gives on others)")
    show(arguments, value, "\n".join(lines))


def _save(arguments: argparse.Namespace, search: Any) -> None:
    from emoest.persistence import save_system

    try:
        save_system(search.best_estimator_, arguments.model)
    except TypeError as error:
        raise ValueError(str(error)) from error
    note(arguments, f"Fitted on all samples and saved: {arguments.model}")
