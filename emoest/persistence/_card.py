"""The card that lies in the file of a system: what it is, what it needs, what it is not for."""

from emoest.persistence._record import SystemRecord
from emoest.utils.messages import printable

NOT_FOR = (
    "Decisions about single persons, and claims about what somebody feels. It was fitted on labels "
    "that actors played or raters perceived; other speakers, languages and microphones may give "
    "other scores."
)


def write_card(record: SystemRecord, text: str, own: str | None) -> str:
    """Write the card.

    Parameters
    ----------
    record : SystemRecord
        The facts.
    text : str
        The model as scikit-learn prints it.
    own : str or None
        What the user writes before the facts.

    Returns
    -------
    card : str
        Markdown.

    Examples
    --------
    >>> print(write_card(SystemRecord("SVC", "2026-01-01", {}), "SVC()", None).splitlines()[0])
    # A saved `SVC`
    """
    parts = [] if own is None else [own.rstrip()]
    parts += [f"# A saved {_code(record.kind)}", _facts(record), f"```\n{_block(text)}\n```"]
    parts += ["## Weights", _weights(record)]
    parts += ["## Versions", _rows([[name, each] for name, each in record.versions.items()])]
    parts += [
        "## How to load it",
        "```python\nfrom emoest.persistence import load_system\n\n"
        f"model = load_system(path{_trusted(record)})\n```",
    ]
    parts += ["## Not to be used for", NOT_FOR]
    return "\n\n".join(parts) + "\n"


def _facts(record: SystemRecord) -> str:
    facts = [["saved on", record.saved]]
    if record.columns:
        facts.append(["columns of X", ", ".join(record.columns[:20])])
    if record.classes:
        facts.append(["classes", ", ".join(map(str, record.classes))])
    groups = "unknown" if record.n_groups is None else str(record.n_groups)
    facts.append(["speakers (groups) in training", groups])
    return _rows(facts)


def _weights(record: SystemRecord) -> str:
    if not record.weights:
        return "It needs no pretrained weights."
    rows = [[each["encoder"], each["name"], each["sha256"]] for each in record.weights]
    return "Needed, and not in this file (encoder, name, SHA-256):\n\n" + _rows(rows)


def _rows(rows: list[list[str]]) -> str:
    return "\n".join(f"- {': '.join(map(_code, row))}" for row in rows)


def _trusted(record: SystemRecord) -> str:
    return f", trusted={_block(repr(record.untrusted))}" if record.untrusted else ""


def _code(text: str) -> str:
    # Between backticks nothing is markup.
    return f"`{printable(text).replace('`', chr(39))}`"


def _block(text: str) -> str:
    return text.replace("```", "'''")
