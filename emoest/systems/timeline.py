"""A fitted system along a long recording: predictions over time, and their plot."""

import math
import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from emoest.media.audio import open_audio
from emoest.media.images import open_clip
from emoest.media.sources import split_fragment
from emoest.multioutput import MultiTarget
from emoest.tables.cells import holds_nothing, object_column
from emoest.tables.names import find_modalities, is_context
from emoest.utils.messages import listed, printable
from emoest.utils.optional import import_optional

COLUMNS = ("start", "end", "missing")
"""What stands in a timeline beside the predictions."""


def predict_timeline(
    model: Any,
    recording: str | os.PathLike[str],
    *,
    window: float = 3.0,
    step: float = 1.0,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Predict along a long recording, window by window.

    Each window is a sample as those that the model learned from: the part of the file from one time
    to another. Nothing but the window is read for it, and of the whole only vectors are kept, so
    that memory does not grow with the recording but for those. The parts are in the store like any
    other clip: another call, with another step of the same length, embeds what is new.

    Parameters
    ----------
    model : estimator
        Fitted on a table of recordings, such as `make_recording_pipeline` or a `MultiTarget` of it.
    recording : str or path object
        The video or audio file; it may end in ``#t=start,end`` in seconds.
    window : float, default=3.0
        Duration of a window in seconds; about that of the clips in training is best.
    step : float, default=1.0
        Seconds from the beginning of a window to that of the next.
    columns : sequence of str, default=None
        The columns of the model's table that hold the recording. None takes all that the model
        saw but context and ``text``, which is missing.

    Returns
    -------
    timeline : DataFrame
        One row a window: ``start`` and ``end`` in seconds; for classes the probability of each, in
        columns named like them; for numbers one column a target (``prediction`` if it has no name);
        for several targets of classes ``target__class``; and ``missing``, the modalities that the
        window lacks as a tuple of names (empty where neither the model nor what a `MultiTarget`
        holds is a Pipeline). The last window ends with the recording and may be shorter; a rest of
        less than half a window gets none.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If the file can be read neither as sound nor as images, or if `window`, `step` or `columns`
        are none.
    NotFittedError
        If the model is not fitted.

    See Also
    --------
    plot_timeline : Its plot.

    Notes
    -----
    Rows carry the name of the file as their group, so that a `SpeakerZScoreNormalizer` in the model
    takes the recording for one speaker who was not in training.

    Words are transcribed for each window alone, as they were for the clips in training; with
    overlapping windows that takes longer than all the rest.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> import soundfile, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "talk.wav"
    >>> soundfile.write(path, np.zeros(5 * 8000), 8000)
    >>> clips = pd.DataFrame({"audio": ["a.wav", "b.wav"]})
    >>> model = DummyClassifier(strategy="prior").fit(clips, ["calm", "angry"])
    >>> timeline = predict_timeline(model, path, window=3.0, step=1.0)
    >>> timeline[["start", "end", "angry"]].to_numpy().tolist()
    [[0.0, 3.0, 0.5], [1.0, 4.0, 0.5], [2.0, 5.0, 0.5]]
    """
    check_is_fitted(model)
    for name, value in (("window", window), ("step", step)):
        if not isinstance(value, Real) or not 0 < value < math.inf:
            raise ValueError(f"{name} must be a positive number of seconds, found {value!r}.")
    path, first, last = split_fragment(os.fspath(recording))
    spans = _windows(first, _end(os.fspath(recording), first, last), window, step)
    X = _table(model, path, spans, columns)
    start, end = np.array(spans).T
    predicted, missing = _predict(model, X)
    timeline = pd.DataFrame({"start": start, "end": end})
    taken = [name for name in predicted.columns if name in COLUMNS]
    if taken:
        raise ValueError(f"The model names {listed(taken, quoted=True)}, as the timeline does.")
    for name in predicted.columns:
        timeline[name] = predicted[name].to_numpy()
    timeline["missing"] = object_column(missing, timeline.index)
    return timeline


def plot_timeline(timeline: pd.DataFrame, *, ax: Any = None) -> Any:
    """Draw predictions over time: a line for each class or target, at the middle of each window.

    Windows that lack a modality are shaded.

    Parameters
    ----------
    timeline : DataFrame
        What `predict_timeline` gives.
    ax : matplotlib Axes, default=None
        Where to draw; None makes a figure of pyplot, which a notebook shows.

    Returns
    -------
    ax : matplotlib Axes
        ``ax.figure.savefig(path)`` writes it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> spans = {"start": [0.0, 1.0], "end": [3.0, 4.0], "missing": [(), ("face",)]}
    >>> ax = plot_timeline(pd.DataFrame(spans | {"angry": [0.2, 0.9], "calm": [0.8, 0.1]}))
    >>> ax.get_xlabel(), [line.get_label() for line in ax.lines]
    ('seconds', ['angry', 'calm'])
    """
    plt = import_optional("matplotlib.pyplot", extra="plot", purpose="plot_timeline")
    if ax is None:
        ax = plt.subplots(figsize=(9.0, 3.2), layout="constrained")[1]
    names = [name for name in timeline.columns if name not in COLUMNS]
    middle = (timeline["start"] + timeline["end"]) / 2
    # Each window stands for the time nearest to its middle.
    half = middle.diff().median() / 2 if len(middle) > 1 else timeline["end"].iloc[0] / 2
    shades = {"facecolor": "0.92", "linewidth": 0, "zorder": 0}
    for at, lacking in zip(middle, timeline["missing"], strict=True):
        if lacking:
            ax.axvspan(at - half, at + half, **shades)
    for name in names:
        marker = "o" if len(middle) == 1 else None
        ax.plot(middle, timeline[name], label=printable(name), marker=marker)
    values = timeline[names].to_numpy()
    if len(values) and np.nanmin(values) >= 0 and np.nanmax(values) <= 1:
        ax.set_ylim(0, 1)
    ax.set(xlabel="seconds")
    ax.margins(x=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    lacking_any = sorted({name for cell in timeline["missing"] for name in cell})
    if lacking_any:
        ax.set_title(f"gray: {listed(lacking_any)} missing", fontsize="small", loc="right")
    return ax


def _end(recording: str, first: float, last: float | None) -> float:
    """When the recording ends: its sound, or its images if it has none, or is longer in them."""
    problems = []
    ends = []
    try:
        ends.append(first + open_audio(recording, name="recording").seconds)
    except FileNotFoundError:
        raise
    except ValueError as error:
        problems.append(error)
    try:
        clip = open_clip(recording, name="recording")
        ends.append(first if clip.is_still else clip.start + clip.n_expected / clip.native_rate)
    except (ValueError, ImportError) as error:
        problems.append(error)
    if not ends:
        raise ValueError(f"{problems[0]} Nor are there images: {problems[1]}") from problems[0]
    end = max(ends)
    if last is not None:
        end = min(end, last)
    if end <= first:
        raise ValueError(f"{recording!r} is a still image, which has no time line.")
    return end


def _windows(first: float, last: float, window: float, step: float) -> list[tuple[float, float]]:
    """Cut a time into windows.

    Examples
    --------
    >>> _windows(0.0, 5.0, 2.0, 2.0), _windows(0.0, 4.5, 2.0, 2.0), _windows(0.0, 0.1, 2.0, 1.0)
    ([(0.0, 2.0), (2.0, 4.0), (4.0, 5.0)], [(0.0, 2.0), (2.0, 4.0)], [(0.0, 0.1)])
    """
    spans = []
    for k in range(math.ceil((last - first) / step)):
        # Rounded, so that the names of parts are short and equal ones meet in the store.
        start = round(first + k * step, 3)
        end = round(min(start + window, last), 3)
        if k and (end - start < window / 2 or (spans and spans[-1][1] >= end)):
            break
        spans.append((start, end))
    return spans


def _table(
    model: Any, path: str, spans: list[tuple[float, float]], columns: Sequence[str] | None
) -> pd.DataFrame:
    """Make the table of windows in the columns that the model saw."""
    seen = getattr(model, "feature_names_in_", None)
    if seen is None:
        raise ValueError("The model was not fitted on a DataFrame, so its columns have no names.")
    media = [name for name in seen if not is_context(name)]
    wanted = [name for name in media if name != "text"] if columns is None else list(columns)
    unknown = [name for name in wanted if name not in media]
    if unknown or not wanted:
        raise ValueError(
            f"columns={wanted} must be among the model's columns of media: "
            f"{listed(media, quoted=True)}."
        )
    group = Path(path).name
    index = pd.MultiIndex.from_arrays([range(len(spans)), [group] * len(spans)])
    index.names = ["window", "group"]
    parts = [f"{path}#t={start:.3f},{end:.3f}" for start, end in spans]
    cells: dict[str, Any] = {}
    for name in seen:
        values = parts if name in wanted else [group if is_context(name) else None] * len(parts)
        cells[name] = object_column(values, index)
    return pd.DataFrame(cells, index=index)


def _predict(model: Any, X: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, ...]]]:
    """Predict the windows, and say which modalities each lacks."""
    missing: list[tuple[str, ...]] = [()] * len(X)
    last = model
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        X, last = model[:-1].transform(X), model[-1]
        missing = _missing(X)
    elif isinstance(model, MultiTarget):
        inner = next(iter(model.estimators_.values()))
        if isinstance(inner, Pipeline) and len(inner.steps) > 1:
            missing = _missing(inner[:-1].transform(X))
    if not hasattr(last, "predict_proba"):
        predicted = last.predict(X)
        if not isinstance(predicted, pd.DataFrame):
            shape = (len(X), -1)
            values = np.asarray(predicted).reshape(shape)
            names = [f"prediction_{i}" for i in range(values.shape[1])]
            predicted = pd.DataFrame(values, columns=names if len(names) > 1 else ["prediction"])
        return predicted, missing
    probabilities = last.predict_proba(X)
    if not isinstance(probabilities, dict):
        return pd.DataFrame(probabilities, columns=[str(name) for name in last.classes_]), missing
    parts = [
        pd.DataFrame(values, columns=[f"{target}__{name}" for name in last.classes_[target]])
        for target, values in probabilities.items()
    ]
    return pd.concat(parts, axis=1), missing


def _missing(X: Any) -> list[tuple[str, ...]]:
    if not isinstance(X, pd.DataFrame):
        return [()] * len(X)
    modalities = find_modalities(X)
    lacking = {
        name: X.iloc[:, positions].map(holds_nothing).all(axis=1).to_numpy()
        for name, positions in modalities.items()
    }
    return [tuple(name for name in lacking if lacking[name][i]) for i in range(len(X))]
