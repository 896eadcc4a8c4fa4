"""An evaluation as text and as a page; both print the same strings, made here once."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from emoest.evaluation._result import EvaluationResult

_STYLE = """
.emoest{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:62rem}
.emoest h1{font-size:1.5rem;margin:0 0 .2rem}
.emoest h2{font-size:1.05rem;margin:1.6rem 0 .5rem}
.emoest table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.emoest th,.emoest td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #e4e7eb}
.emoest th{font-weight:600;color:#52606d}
.emoest th:first-child,.emoest td:first-child{text-align:left}
.emoest .protocol td{text-align:left}
.emoest .scroll{overflow-x:auto}
.emoest .matrix td{text-align:center;min-width:4.2rem;border:2px solid #fff}
.emoest .matrix small{display:block;opacity:.8}
.emoest svg text{font:12px system-ui,sans-serif;fill:#1f2933}
.emoest .lead{color:#52606d;margin:.2rem 0}
"""

Cells = tuple[list[str], list[list[str]]]


def number(value: Any) -> str:
    """Write a figure: counts as they are, scores with three decimals, what is undefined as a dash.

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


def protocol_lines(result: "EvaluationResult") -> list[tuple[str, str]]:
    """Say how the evaluation was made, as pairs of a name and a text."""
    protocol, rows = result.protocol, result.predictions
    tested = rows["position"].nunique()
    folds = max(len(result.select(m, t)["fold"].unique()) for m, t in _parts(result))
    independent = "yes" if protocol.speaker_independent else "no"
    if protocol.n_groups is None:
        independent += " (no groups were known)"
    elif protocol.shared:
        independent += f" ({len(protocol.shared)} groups in both parts of a fold)"
    steps = {name: found for name, found in protocol.transductive.items() if found}
    naming = "; ".join(f"{', '.join(found)} in {name}" for name, found in steps.items())
    return [
        ("splitter", protocol.splitter),
        ("folds", str(folds) if folds == protocol.n_splits else f"{folds} of {protocol.n_splits}"),
        ("rows tested", f"{tested} of {protocol.n_rows}"),
        ("groups (speakers)", "none" if protocol.n_groups is None else str(protocol.n_groups)),
        ("speaker-independent", independent),
        ("transductive steps", f"{naming} (statistics of test rows)" if naming else "none"),
        ("seed", str(protocol.seed)),
        ("intervals", _interval_note(result)),
    ]


def table_cells(result: "EvaluationResult") -> Cells:
    """Write the table of figures, one row for each model and target."""
    score, table = result.protocol.score, result.table
    several = len(result.targets) > 1
    recalls = [str(c) for c in table if str(c).startswith("recall_") and not several]
    single = {"wa": "WA", "pearson": "r", "mae": "MAE", "chance": "chance", "f1": "F1"}
    shown = [column for column in single if column in table]
    names = ["model", "target"] if several else ["model"]
    headers = [*names, score.upper(), _percent(result), "folds: mean (std)"]
    headers += [single[c] for c in shown] + ["n"]
    headers += [f"recall {c.removeprefix('recall_')}" for c in recalls]
    rows = []
    for key, row in table.iterrows():
        cells = [str(part) for part in (key if isinstance(key, tuple) else (key,))]
        cells += [number(row[score]), interval(row[f"{score}_low"], row[f"{score}_high"])]
        cells += [f"{number(row['fold_mean'])} ({number(row['fold_std'])})"]
        cells += [number(row[c]) for c in shown] + [str(int(row["n"]))]
        rows.append(cells + [number(row[c]) for c in recalls])
    return headers, rows


def comparison_cells(result: "EvaluationResult") -> Cells:
    """Write the differences between models."""
    table = result.comparison
    names = ["model_a", "model_b", *(["target"] if "target" in table else [])]
    score = result.protocol.score.upper()
    headers = ["a", "b", *names[2:], f"{score} a - b", _percent(result), "p", "p (Holm)"]
    rows = [
        [str(row[name]) for name in names]
        + [f"{row['difference']:+.3f}", interval(row["low"], row["high"])]
        + [number(row["p"]), number(row["p_holm"])]
        for _, row in table.iterrows()
    ]
    return headers, rows


def macro_f1_lines(result: "EvaluationResult") -> list[str]:
    """Name the macro-F1 of each model on a multi-label target."""
    if not result.protocol.multilabel:
        return []
    means = result.table.groupby(level="model", sort=False)["f1"].mean()
    return [f"macro-F1 of {model}: {number(value)}" for model, value in means.items()]


def summary_text(result: "EvaluationResult") -> str:
    """Give the whole evaluation as text."""
    width = max(len(name) for name, _ in protocol_lines(result))
    lines = [_title(result), ""]
    lines += [f"{name:<{width}}  {text}" for name, text in protocol_lines(result)]
    lines += ["", *_text_table(*table_cells(result))]
    lines += macro_f1_lines(result)
    if len(result.comparison):
        lines += ["", "Differences, on the same resamples:"]
        lines += _text_table(*comparison_cells(result))
    return "\n".join(line.rstrip() for line in lines)


def html_fragment(result: "EvaluationResult") -> str:
    """Give the whole evaluation as one element with its own style."""
    protocol = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in protocol_lines(result)
    )
    parts = [f"<h1>{escape(_title(result))}</h1>"]
    parts += [f'<p class="lead">{escape(line)}</p>' for line in macro_f1_lines(result)]
    parts += [_interval_plot(result), _html_table(*table_cells(result))]
    if len(result.comparison):
        parts += ["<h2>Differences, on the same resamples</h2>"]
        parts += [_html_table(*comparison_cells(result))]
    if result.protocol.task == "classification":
        parts += [_matrix(result, model, target) for model, target in _parts(result)]
    parts += [f'<h2>Protocol</h2><table class="protocol">{protocol}</table>']
    return f'<div class="emoest"><style>{_STYLE}</style>{"".join(parts)}</div>'


def html_page(result: "EvaluationResult") -> str:
    """Give the whole evaluation as a page that needs no other file."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(_title(result))}</title></head>"
        f'<body style="margin:2rem;background:#fff">{html_fragment(result)}</body></html>\n'
    )


def _parts(result: "EvaluationResult") -> list[tuple[str, Any]]:
    return [(model, target) for model in result.models for target in result.targets]


def _title(result: "EvaluationResult") -> str:
    what = "UAR" if result.protocol.task == "classification" else "CCC"
    how = (
        "speaker-independent" if result.protocol.speaker_independent else "NOT speaker-independent"
    )
    return f"{what}, {how}"


def _percent(result: "EvaluationResult") -> str:
    return f"{result.protocol.confidence:.0%} interval"


def _interval_note(result: "EvaluationResult") -> str:
    unit = "rows" if result.protocol.n_groups is None else "groups"
    return (
        f"{result.protocol.confidence:.0%} percentile, "
        f"{result.protocol.n_resamples} resamples of {unit}"
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


def _html_table(headers: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in headers)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _interval_plot(result: "EvaluationResult") -> str:
    """Draw each headline figure with its interval; chance is a dashed line."""
    score, table = result.protocol.score, result.table
    left, width, step = 190, 420, 26
    low = 0.0 if score == "uar" else min(0.0, float(table[f"{score}_low"].min()))

    def place(value: float) -> float:
        return left + width * (value - low) / (1 - low)

    marks = []
    for i, (key, row) in enumerate(table.iterrows()):
        middle = 14 + step * i
        label = " / ".join(map(str, key)) if isinstance(key, tuple) else str(key)
        short = label if len(label) <= 26 else label[:25] + "…"
        marks.append(f'<text x="0" y="{middle + 4}">{escape(short)}</text>')
        if not np.isnan(row[f"{score}_low"]):
            ends = place(row[f"{score}_low"]), place(row[f"{score}_high"])
            marks.append(
                f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{middle}" y2="{middle}" '
                'stroke="#3e7cb1" stroke-width="3"/>'
            )
        center = place(row[score])
        marks.append(f'<circle cx="{center:.1f}" cy="{middle}" r="5" fill="#1b4f7a"/>')
        chance = place(row["chance"]) if "chance" in table else place(0.0)
        marks.append(
            f'<line x1="{chance:.1f}" x2="{chance:.1f}" y1="{middle - 11}" y2="{middle + 11}" '
            'stroke="#9aa5b1" stroke-dasharray="3 3"/>'
        )
    height = step * len(table) + 24
    ticks = "".join(
        f'<text x="{place(tick):.1f}" y="{height - 6}" text-anchor="middle">{tick:.2f}</text>'
        for tick in np.linspace(low, 1, 5)
    )
    return (
        f'<svg viewBox="0 0 {left + width + 30} {height}" width="{left + width + 30}" role="img" '
        f'aria-label="{score.upper()} with intervals">{"".join(marks)}{ticks}</svg>'
    )


def _matrix(result: "EvaluationResult", model: str, target: Any) -> str:
    """One confusion matrix: counts, and below them the share of the row."""
    counts = result.confusion(model, target)
    shares = result.confusion(model, target, normalize=True).to_numpy()
    head = "".join(f"<th>{escape(str(name))}</th>" for name in counts.columns)
    body = ""
    for i, name in enumerate(counts.index):
        cells = ""
        for count, share in zip(counts.to_numpy()[i], shares[i], strict=True):
            ink = "#fff" if share > 0.55 else "#1f2933"
            cells += (
                f'<td style="background:rgba(27,79,122,{share:.3f});color:{ink}">{count}'
                f"<small>{share:.0%}</small></td>"
            )
        body += f"<tr><th>{escape(str(name))}</th>{cells}</tr>"
    where = str(model) if len(result.targets) == 1 else f"{model}, {target}"
    return (
        f"<h2>{escape(where)}: true classes in rows, predicted in columns</h2>"
        f'<div class="scroll"><table class="matrix"><tr><th></th>{head}</tr>{body}</table></div>'
    )
