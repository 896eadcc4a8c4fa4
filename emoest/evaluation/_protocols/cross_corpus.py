"""Models trained on some corpora and tested on another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._checks import check_alignment
from emoest.evaluation._evaluate import evaluate
from emoest.tables.groups import resolve_groups
from emoest.tables.inputs import as_pandas
from emoest.tables.names import is_context, tokens
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState, resolve_seed

LabelMap = Mapping[str, Mapping[Any, Any]]


def cross_corpus_table(
    model: Any,
    corpora: Mapping[str, tuple[Any, ...]],
    *,
    label_map: LabelMap | None = None,
    train: str = "each",
    within: bool = True,
    cv: Any = None,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Train on one or several corpora and test on another, beside the figure within each corpus.

    Parameters
    ----------
    model : estimator
        What to evaluate; cloned each time.
    corpora : dict of str to (X, y) or (X, y, groups)
        Samples and classes by the name of the corpus. All X have the same columns. Without groups
        the index level ``group`` or the column ``speaker`` names them.
    label_map : dict of str to dict, default=None
        For each corpus what each of its labels is called in common; None as a value leaves the
        samples of a label out. None as the whole keeps the labels that all corpora share, as they
        are spelled.
    train : {"each", "others"}, default="each"
        Whether each other corpus alone is trained on, or all others together.
    within : bool, default=True
        Whether each corpus is also evaluated on its own held-out speakers, on the same labels.
    cv : object, default=None
        Folds within a corpus, as in `evaluate`.
    n_resamples, confidence, n_jobs : object
        As in `evaluate`. Intervals resample the speakers of the tested corpus.
    random_state : int, RandomState instance or None, default=None
        As in `evaluate`.

    Returns
    -------
    table : DataFrame
        One row for each pair: ``train``, ``test``, the columns of the table of `evaluate`, and
        ``n_dropped``, the samples of the tested corpus without a common label.

    Raises
    ------
    TypeError
        If there are several models.
    ValueError
        If there are fewer than two corpora, lengths or orders of a corpus differ, columns differ,
        speakers are unknown, a label is not in `label_map`, or fewer than two labels are left.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"audio__f0": [0.0, 9.0] * 5, "speaker": np.repeat(list("abcde"), 2)})
    >>> again = X.assign(audio__f0=X["audio__f0"] + 0.5)
    >>> corpora = {"one": (X, ["sad", "glad"] * 5), "two": (again, ["S", "H"] * 5)}
    >>> names = {"one": {"sad": "sad", "glad": "happy"}, "two": {"S": "sad", "H": "happy"}}
    >>> table = cross_corpus_table(
    ...     LogisticRegression(), corpora, label_map=names, within=False, random_state=0
    ... )
    >>> table[["train", "test", "uar"]].to_numpy().tolist()
    [['two', 'one', 1.0], ['one', 'two', 1.0]]
    """
    if isinstance(model, Mapping | list | tuple):
        raise TypeError(
            f"cross_corpus_table evaluates one model, got {len(model)}: call it once for each."
        )
    if train not in ("each", "others"):
        raise ValueError(f"train={train!r} must be 'each' or 'others'.")
    X, y, origin, groups, dropped = _joined(corpora, label_map)
    seed = resolve_seed(random_state)
    options: dict[str, Any] = {
        "n_resamples": n_resamples,
        "confidence": confidence,
        "n_jobs": n_jobs,
    }
    options |= {"random_state": seed, "proba": False}
    rows = []
    for test in corpora:
        tested = np.flatnonzero(origin == test)
        others = [name for name in corpora if name != test]
        for names in [[each] for each in others] if train == "each" else [others]:
            split = np.flatnonzero(np.isin(origin, names)), tested
            table = evaluate(model, X, y, groups=groups, cv=[split], **options).table
            rows.append(_row(table, " + ".join(names), test, dropped[test]))
        if within:
            own = X.iloc[tested].reset_index(drop=True)
            table = evaluate(model, own, y[tested], groups=groups[tested], cv=cv, **options).table
            rows.append(_row(table, test, test, dropped[test]))
    return pd.DataFrame(rows)


def _row(table: pd.DataFrame, train: str, test: str, n_dropped: int) -> dict[str, Any]:
    scores = {str(name): value for name, value in table.iloc[0].items()}
    # One fold has no spread over folds.
    kept = {name: value for name, value in scores.items() if not name.startswith("fold_")}
    return {"train": train, "test": test} | kept | {"n_dropped": n_dropped}


def _joined(corpora: Mapping[str, tuple[Any, ...]], label_map: LabelMap | None) -> Any:
    corpora = {
        name: tuple(as_pandas(part, lists=False) for part in parts)
        for name, parts in corpora.items()
    }
    if len(corpora) < 2:
        raise ValueError("Corpora against each other need two at least.")
    if label_map is not None and (unknown := set(corpora) ^ set(label_map)):
        raise ValueError(
            f"label_map and corpora name different corpora: {listed(sorted(unknown), quoted=True)}."
        )
    for name, parts in corpora.items():
        _check_parts(name, parts)
    mapped = {
        name: _map_labels(name, parts[1], None if label_map is None else label_map[name])
        for name, parts in corpora.items()
    }
    shared = set.intersection(*(set(y.dropna()) for y in mapped.values()))
    if len(shared) < 2:
        found = {name: sorted(set(y.dropna()), key=str) for name, y in mapped.items()}
        raise ValueError(
            f"The corpora share {len(shared)} label(s), {sorted(shared, key=str)}; they have "
            f"{found}. Say in label_map what each is called in common."
        )
    tables, labels, origins, people, dropped = [], [], [], [], {}
    for name, parts in corpora.items():
        X = parts[0] if isinstance(parts[0], pd.DataFrame) else pd.DataFrame(parts[0])
        kept = mapped[name].isin(shared).to_numpy()
        dropped[name] = int(np.sum(~kept))
        tables.append(_own_names(name, X[kept].reset_index(drop=True)))
        labels.append(mapped[name].to_numpy()[kept])
        origins.append(np.full(int(kept.sum()), name, dtype=object))
        people.append([f"{name}: {group}" for group in _groups_of(name, parts)[kept]])
    _check_columns(dict(zip(corpora, tables, strict=True)))
    y = np.concatenate(labels)
    y = np.array(y.tolist())
    X = pd.concat(tables, ignore_index=True)
    return X, y, np.concatenate(origins), np.concatenate(people), dropped


def _check_parts(name: str, parts: tuple[Any, ...]) -> None:
    """Raise if the samples, labels and groups of a corpus do not belong together."""
    if len(parts) not in (2, 3):
        raise ValueError(
            f"Corpus {name!r} must be (X, y) or (X, y, groups), got {len(parts)} parts."
        )
    sizes = [num_samples(part) for part in parts if part is not None]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"X, y and groups of corpus {name!r} have different numbers of samples: "
            f"{listed(sizes)}."
        )
    for what, part in zip(("y", "groups"), parts[1:], strict=False):
        check_alignment(parts[0], part, f"{what} of corpus {name!r}")


def _own_names(name: str, X: pd.DataFrame) -> pd.DataFrame:
    """Put the corpus before names: speaker 01 of one is not speaker 01 of another."""
    units = [c for c in X if is_context(c) and tokens(c)[-1] not in ("split", "fold")]
    return X.assign(**{str(c): [v if pd.isna(v) else f"{name}: {v}" for v in X[c]] for c in units})


def _groups_of(name: str, parts: tuple[Any, ...]) -> Any:
    X = parts[0]
    column = "speaker" if isinstance(X, pd.DataFrame) and "speaker" in X else None
    groups = resolve_groups(X, parts[2] if len(parts) > 2 else None)
    groups = resolve_groups(X, None, column) if groups is None else groups
    if groups is None or pd.isna(groups).any():
        raise ValueError(f"Corpus {name!r} does not say who speaks: pass (X, y, groups).")
    return groups


def _map_labels(name: str, y: Any, names: Mapping[Any, Any] | None) -> "pd.Series[Any]":
    labels = pd.Series(np.asarray(y)).astype(object)
    if names is None:
        return labels
    unknown = sorted(set(labels.dropna()) - set(names), key=str)
    if unknown:
        raise ValueError(
            f"label_map[{name!r}] does not say what {listed(unknown, quoted=True)} is called in "
            "common; None leaves a label out."
        )
    return labels.map(dict(names))


def _check_columns(tables: dict[str, pd.DataFrame]) -> None:
    first, *others = tables
    for name in others:
        apart = set(tables[first].columns) ^ set(tables[name].columns)
        if apart:
            raise ValueError(
                f"Corpora {first!r} and {name!r} differ in {len(apart)} column(s): "
                f"{listed(sorted(apart, key=str), quoted=True)}."
            )
