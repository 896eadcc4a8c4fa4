"""An evaluation as text; the page of `html` prints the same strings."""

from typing import Any

import numpy as np

from emoest.evaluation._bootstrap import MOST_EXACT
from emoest.evaluation._protocols.coverage import describe_untrained
from emoest.evaluation._report.independence import independence
from emoest.utils.messages import listed, printable

Cells = tuple[list[str], list[list[str]]]

NOT_FOR = (
    "Decisions about single persons (hiring, policing, insurance, health), and claims about what "
    "somebody feels: labels are what actors played or raters perceived. Speakers, languages, "
    "microphones and cameras other than those evaluated may give other scores."
)
"""What holds of any model of emotion."""

Evaluated = Any
"""An `EvaluationResult`, or any object with `protocol`, `table`, `folds`, `comparison`, `n_tested`
and, for classes, `confusion`: a report imports no result, so that a result can print its report."""


def number(value: Any) -> str:
    """Write a number: counts as they are, scores with three decimals, undefined ones as a dash.

    Examples
    --------
    >>> number(0.12345), number(12), number(float("nan"))
    ('0.123', '12', '-')
    """
    if isinstance(value, int | np.integer):
        return str(value)
    return "-" if value is None or np.isnan(value) else f"{value:.3f}"


def interval(low: float, high: float) -> str:
    """Write an interval.

    Examples
    --------
    >>> interval(0.1, 0.25)
    '[0.100, 0.250]'
    """
    return f"[{number(low)}, {number(high)}]"


def protocol_lines(result: Evaluated) -> list[tuple[str, str]]:
    """Describe how the evaluation was made, as pairs of a name and a text."""
    protocol = result.protocol
    folds = int(result.folds.groupby("model")["fold"].nunique().max())
    kinds = f"{protocol.group_kind}s"
    naming = _parts(protocol.transductive)
    tested = f"{result.n_tested} of {protocol.n_rows}"
    if (again := _tested_again(result)) > 0:
        tested += f", {again} of them more than once (each time counts)"
    lines = [*_named("model", protocol.models)]
    lines += [
        ("splitter", protocol.splitter),
        ("folds", str(folds) if folds == protocol.n_splits else f"{folds} of {protocol.n_splits}"),
        ("samples tested", tested),
        (f"groups ({kinds})", _count_groups(result)),
        ("speaker-independent", independence(protocol)[1]),
        ("transductive steps", f"{naming} (statistics of test samples)" if naming else "none"),
    ]
    if ungrouped := _parts(protocol.ungrouped_folds):
        lines.append(("inner folds", f"do not keep {kinds} together: {ungrouped}"))
    if unknown := _parts(protocol.unknown_training):
        lines.append(("trained before", f"on speakers that nobody knows: {unknown}"))
    if protocol.untrained:
        lines.append(("not trained on", "; ".join(describe_untrained(protocol.untrained))))
    if protocol.untested:
        lines.append(("classes not tested", listed(protocol.untested, most=10, quoted=True)))
    lines += [("leaks", text) for text in _leaks(protocol.leaks)]
    if protocol.seeds:
        lines.append(
            ("runs", f"{len(protocol.seeds)}, with seeds {listed(protocol.seeds, most=10)}")
        )
    else:
        lines.append(("seed", str(protocol.seed)))
    lines.append(("intervals", _interval_note(result)))
    if protocol.versions:
        named = ", ".join(f"{name} {version}" for name, version in protocol.versions.items())
        lines.append(("versions", named))
    if protocol.digest:
        lines.append(("samples, SHA-256", protocol.digest[:16]))
    return [(printable(name), printable(text)) for name, text in lines]


def _parts(found: dict[str, list[str]]) -> str:
    """Name parts of models, and whose they are."""
    return "; ".join(f"{', '.join(parts)} in {name}" for name, parts in found.items() if parts)


def _named(what: str, models: dict[str, str]) -> list[tuple[str, str]]:
    if len(models) == 1:
        return [(what, text) for text in models.values()]
    return [(f"{what} {name}", text) for name, text in models.items()]


def _leaks(leaks: list[dict[str, Any]]) -> list[str]:
    """Say what checks for leaks found, and which could not be made; see `check_leakage`."""
    if not leaks:
        return []
    found = [leak for leak in leaks if leak["verdict"] in ("leak", "suspect")]
    named = [f"{leak['verdict']}: {leak['check']} ({leak['n']})" for leak in found]
    open_ = [leak["check"] for leak in leaks if leak["verdict"] == "unknown"]
    text = "; ".join(named) if named else f"none found by {len(leaks) - len(open_)} checks"
    return [f"{text}; not checked: {', '.join(open_)}" if open_ else text]


def _tested_again(result: Evaluated) -> int:
    predictions = getattr(result, "predictions", None)
    if predictions is None:
        return 0
    keys = [key for key in ("model", "target", "seed", "position") if key in predictions]
    repeated = predictions.loc[predictions.duplicated(keys), "position"]
    return int(repeated.nunique())


def table_cells(result: Evaluated) -> Cells:
    """Write the table of scores, one row for each model and target."""
    score, table = result.protocol.score, result.table
    several = len(result.protocol.targets) > 1
    recalls = [str(c) for c in table if str(c).startswith("recall_") and not several]
    single = {"wa": "WA", "f1_macro": "macro F1", "f1_weighted": "weighted F1"}
    single |= {"pearson": "r", "mae": "MAE", "chance": "chance", "f1": "F1"}
    shown = [column for column in single if column in table]
    names = ["model", "target"] if several else ["model"]
    headers = [*names, score.upper(), _percent(result), "folds: mean (std)"]
    headers += [single[c] for c in shown] + ["n"]
    headers += [f"recall {printable(c.removeprefix('recall_'))}" for c in recalls]
    rows = []
    for key, row in table.iterrows():
        cells = [printable(part) for part in (key if isinstance(key, tuple) else (key,))]
        cells += [number(row[score]), interval(row[f"{score}_low"], row[f"{score}_high"])]
        cells += [f"{number(row['fold_mean'])} ({number(row['fold_std'])})"]
        cells += [number(row[c]) for c in shown] + [str(int(row["n"]))]
        rows.append(cells + [number(row[c]) for c in recalls])
    return headers, rows


def score_cells(result: Evaluated) -> Cells:
    """Write the table of scores without the recall of each class."""
    headers, rows = table_cells(result)
    end = headers.index("n", 1) + 1
    return headers[:end], [row[:end] for row in rows]


def recall_cells(result: Evaluated) -> Cells:
    """Write the recall of each class, one row a class and one column a model."""
    headers, rows = table_cells(result)
    start = headers.index("n", 1) + 1
    models = [row[0] for row in rows]
    return ["class", *models], [
        [name, *(row[i] for row in rows)] for i, name in enumerate(headers) if i >= start
    ]


def leak_cells(result: Evaluated) -> Cells:
    """Write what was checked for leaks; see `check_leakage`."""
    columns = ["check", "verdict", "n", "detail"]
    rows = [[printable(leak[name]) for name in columns] for leak in result.protocol.leaks]
    return ["check", "verdict", "n", "which"], rows


def comparison_cells(result: Evaluated) -> Cells:
    """Write the differences between models."""
    table = result.comparison
    names = ["model_a", "model_b", *(["target"] if "target" in table else [])]
    score, n_resamples = result.protocol.score.upper(), result.protocol.n_resamples
    n_groups = _n_tested_groups(result)
    headers = ["a", "b", *names[2:], f"{score} a - b", _percent(result), "p", "p (Holm)"]
    rows = [
        [printable(row[name]) for name in names]
        + [f"{row['difference']:+.3f}", interval(row["low"], row["high"])]
        + [_p_value(row[name], row["p"], n_groups, n_resamples) for name in ("p", "p_holm")]
        for _, row in table.iterrows()
    ]
    return headers, rows


def macro_f1_lines(result: Evaluated) -> list[str]:
    """Name the macro-F1 of each model on a multi-label target."""
    if not result.protocol.multilabel:
        return []
    means = result.table.groupby(level="model", sort=False)["f1"].mean()
    return [f"macro-F1 of {printable(model)}: {number(value)}" for model, value in means.items()]


def lead_lines(result: Evaluated) -> list[str]:
    """Say in a few sentences what was evaluated and which model came out highest."""
    protocol = result.protocol
    who = "groups that nobody knows" if protocol.n_groups is None else _of_groups(result)
    lines = [f"{result.n_tested} samples of {who}, {protocol.n_splits} folds{_in_runs(protocol)}."]
    table = result.table[protocol.score].dropna()
    if len(protocol.targets) == 1 and len(table):
        best = table.idxmax()
        row = result.table.loc[best]
        found = f"{protocol.score.upper()} {number(row[protocol.score])}"
        ends = interval(row[f"{protocol.score}_low"], row[f"{protocol.score}_high"])
        among = f"Highest of {len(table)}: " if len(table) > 1 else ""
        lines.append(f"{among}{printable(best)}, {found}, {_percent(result)} {ends}.")
    return lines + macro_f1_lines(result)


def _of_groups(result: Evaluated) -> str:
    n_tested = _n_tested_groups(result)
    return f"{n_tested} {result.protocol.group_kind}{'' if n_tested == 1 else 's'}"


def _count_groups(result: Evaluated) -> str:
    """Count the groups, and those tested where they are fewer."""
    known, n_tested = result.protocol.n_groups, _n_tested_groups(result)
    if known is None:
        return "none"
    return str(known) if n_tested == known else f"{n_tested} tested of {known}"


def _n_tested_groups(result: Evaluated) -> int:
    return int(result.table["n_groups"].max())


def _in_runs(protocol: Any) -> str:
    return f", {len(protocol.seeds)} runs" if protocol.seeds else ""


def summary_text(result: Evaluated) -> str:
    """Return the whole evaluation as text."""
    width = max(len(name) for name, _ in protocol_lines(result))
    lines = [title(result), ""]
    lines += [f"{name:<{width}}  {text}" for name, text in protocol_lines(result)]
    lines += ["", *_text_table(*table_cells(result))]
    lines += macro_f1_lines(result)
    if len(result.comparison):
        lines += ["", "Differences (p: predictions exchanged group by group):"]
        lines += _text_table(*comparison_cells(result))
    return "\n".join(line.rstrip() for line in lines)


def title(result: Evaluated) -> str:
    """Write the main score, and what was kept apart."""
    return f"{result.protocol.score.upper()}, {independence(result.protocol)[0]}"


def _percent(result: Evaluated) -> str:
    return f"{result.protocol.confidence:.0%} interval"


def _p_value(value: float, p: float, n_groups: int, n_resamples: int) -> str:
    """Write a p-value; where no draw was as far out, the true one may be smaller still."""
    if np.isnan(value) or n_groups <= MOST_EXACT or p > 1 / (n_resamples + 1):
        return number(value) if np.isnan(value) or value >= 0.001 else f"{value:.2g}"
    return f"<= {value:.2g}"


def _interval_note(result: Evaluated) -> str:
    unit = "samples" if result.protocol.n_groups is None else "groups"
    return (
        f"{result.protocol.confidence:.0%}, {result.protocol.n_resamples} resamples of {unit}, "
        f"widened for their number"
    )


def _text_table(headers: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in [headers, *rows]
    ]
