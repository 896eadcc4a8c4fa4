"""An evaluation as a page that needs no other file."""

from html import escape
from typing import Any

import numpy as np

from emoest.evaluation._report.text import (
    Evaluated,
    comparison_cells,
    macro_f1_lines,
    protocol_lines,
    table_cells,
    title,
)

_STYLE = """
.emoest{font:15px/1.5 system-ui,sans-serif;color:#1f2933;background:#fff;color-scheme:light;
max-width:62rem;padding:1rem;box-sizing:border-box}
.emoest tr,.emoest th,.emoest td{color:#1f2933;background:#fff}
.emoest h1{font-size:1.5rem;margin:0 0 .2rem}
.emoest h2{font-size:1.05rem;margin:1.6rem 0 .5rem}
.emoest table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.emoest th,.emoest td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #e4e7eb}
.emoest th{font-weight:600;color:#52606d}
.emoest th:first-child,.emoest td:first-child{text-align:left}
.emoest .protocol td{text-align:left}
.emoest .scroll{overflow-x:auto}
.emoest svg{max-width:100%;height:auto}
.emoest .protocol td{overflow-wrap:anywhere}
.emoest .matrix td{text-align:center;min-width:4.2rem;border:2px solid #fff}
.emoest .matrix small{display:block;opacity:.8}
.emoest svg text{font:12px system-ui,sans-serif;fill:#1f2933}
.emoest .lead{color:#52606d;margin:.2rem 0}
"""


def html_fragment(result: Evaluated) -> str:
    """Return the whole evaluation as one element with its own style."""
    protocol = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in protocol_lines(result)
    )
    parts = [f"<h1>{escape(title(result))}</h1>"]
    parts += [f'<p class="lead">{escape(line)}</p>' for line in macro_f1_lines(result)]
    parts += [_interval_plot(result), _html_table(*table_cells(result))]
    if len(result.comparison):
        parts += ["<h2>Differences (p: predictions exchanged group by group)</h2>"]
        parts += [_html_table(*comparison_cells(result))]
    if result.protocol.task == "classification":
        models, targets = result.table.index.unique("model"), result.protocol.targets
        parts += [_matrix(result, model, target) for model in models for target in targets]
    parts += [f'<h2>Protocol</h2><table class="protocol">{protocol}</table>']
    return f'<div class="emoest"><style>{_STYLE}</style>{"".join(parts)}</div>'


def html_page(result: Evaluated, note: str | None = None) -> str:
    """Return the whole evaluation as a page that needs no other file; a note comes first."""
    body = html_fragment(result)
    if note:
        body = f'<div class="emoest"><strong>{escape(note)}</strong></div>{body}'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title(result))}</title></head>"
        f'<body style="margin:0 auto;max-width:64rem;background:#fff">{body}</body></html>\n'
    )


def _html_table(headers: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in headers)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _interval_plot(result: Evaluated) -> str:
    """Draw each main score with its interval; chance is a dashed line."""
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


def _matrix(result: Evaluated, model: str, target: Any) -> str:
    """One confusion matrix: counts, and below them the fraction of the row."""
    counts = result.confusion(model, target)
    shares = result.confusion(model, target, normalize=True).to_numpy()
    head = "".join(f"<th>{escape(str(name))}</th>" for name in counts.columns)
    body = ""
    for i, name in enumerate(counts.index):
        cells = ""
        for count, share in zip(counts.to_numpy()[i], shares[i], strict=True):
            # Dark text cannot be read on the darker half of the scale.
            ink = "#fff" if share > 0.55 else "#1f2933"
            cells += (
                f'<td style="background:rgba(27,79,122,{share:.3f});color:{ink}">{count}'
                f"<small>{share:.0%}</small></td>"
            )
        body += f"<tr><th>{escape(str(name))}</th>{cells}</tr>"
    where = str(model) if len(result.protocol.targets) == 1 else f"{model}, {target}"
    return (
        f"<h2>{escape(where)}: true classes in rows, predicted in columns</h2>"
        f'<div class="scroll"><table class="matrix"><tr><th></th>{head}</tr>{body}</table></div>'
    )
