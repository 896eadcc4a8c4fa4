"""`emoest compare`: evaluations of the same samples, side by side."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from emoest._cli.shared import add_command, check_writable, records, show

_MORE = """\
The runs are folders that 'emoest evaluate --save' (or EvaluationResult.save) wrote. They must have
been made on the same samples and folds. Each pair is compared on the same resamples of speakers;
p is that of a sign-flip test over speakers, p_holm is corrected for the number of pairs.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "compare",
        _compare,
        about="compare evaluations of the same samples",
        more=_MORE,
        example="emoest compare runs/whisper runs/egemaps --report both.html",
    )
    parser.add_argument("runs", nargs="+", type=Path, help="folders, two or more")
    parser.add_argument("--report", type=Path, help="write a report, .html")


def _compare(arguments: argparse.Namespace) -> None:
    from emoest.evaluation import EvaluationResult

    if len(arguments.runs) < 2:
        arguments.parser.error("a comparison takes two runs or more.")
    if arguments.report is not None and arguments.report.suffix != ".html":
        arguments.parser.error("--report ends in .html.")
    check_writable(arguments.report)
    loaded = []
    for run in arguments.runs:
        if not (run / "protocol.json").is_file():
            raise FileNotFoundError(
                f"{str(run)!r} is no folder of a run. 'emoest evaluate --save {run}' writes one."
            )
        loaded.append(EvaluationResult.load(run))
    result = merge_results(loaded, [str(run) for run in arguments.runs])
    if arguments.report is not None:
        result.to_html(arguments.report)
    value = {"table": records(result.table), "comparison": records(result.comparison)}
    show(arguments, value, result.summary())


def merge_results(results: list[Any], names: list[str]) -> Any:
    """Join evaluations of the same samples and folds into one.

    Parameters
    ----------
    results : list of EvaluationResult
        The evaluations.
    names : list of str
        What to call each, for messages, and for models of one name.

    Returns
    -------
    result : EvaluationResult
        With all models; a name that comes twice is followed by that of its run.

    Raises
    ------
    ValueError
        If samples, targets or folds differ.
    """
    import pandas as pd

    from emoest.evaluation import EvaluationResult

    first = results[0].protocol
    models = [model for each in results for model in each.models]
    parts: list[Any] = []
    described: dict[str, dict[str, Any]] = {}
    for result, name in zip(results, names, strict=True):
        protocol = result.protocol
        if (protocol.digest, protocol.targets) != (first.digest, first.targets):
            raise ValueError(
                f"{name!r} and {names[0]!r} are evaluations of other samples or labels (their "
                "digests differ), so a difference of scores says nothing of the systems. Evaluate "
                "both on one corpus, with the same --target."
            )
        if not _folds(result).equals(_folds(results[0])):
            raise ValueError(
                f"{name!r} and {names[0]!r} have other folds or miss some. Evaluate both with the "
                "same --folds and --seed."
            )
        shown = {m: m if models.count(m) == 1 else f"{m} ({name})" for m in result.models}
        rows = result.predictions
        column = rows["model"] if "model" in rows else pd.Series(result.models[0], rows.index)
        parts.append(rows.assign(model=column.map(shown)))
        for field in _BY_MODEL:
            found = described.setdefault(field, {})
            found |= {shown.get(m, m): each for m, each in getattr(protocol, field).items()}
    predictions = pd.concat(parts, ignore_index=True)
    return EvaluationResult(predictions, replace(first, **described))


_BY_MODEL = ("transductive", "models", "ungrouped_folds", "unknown_training")


def _folds(result: Any) -> Any:
    """Which sample was tested in which fold of which run."""
    rows = result.predictions
    keys = [name for name in ("seed", "target", "position", "fold") if name in rows]
    return rows[keys].drop_duplicates().sort_values(keys).reset_index(drop=True)
