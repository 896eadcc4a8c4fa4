"""Write a fitted system: the model through skops, its record and its card, in one file."""

import io
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from sklearn.utils.validation import check_is_fitted

from emoest.persistence._card import write_card
from emoest.persistence._record import CARD, RECORD, SystemRecord
from emoest.persistence._trusted import untrusted_names
from emoest.utils.atomic import written_whole
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional
from emoest.utils.state import walk_parts
from emoest.utils.versions import versions
from emoest.utils.warn import warn_user


def save_system(model: Any, path: str | os.PathLike[str], *, card: str | None = None) -> None:
    """Save a fitted model, so that `load_system` loads it here and elsewhere.

    The file is an archive of skops, without pickles: numbers, texts, and names of types. Beside the
    model it holds a record (versions of libraries, digests of pretrained weights) and a card.
    Pretrained weights are not in it; an encoder finds them as it does here, and checks their
    digest. What the model was fitted with is in it: names of speakers in training
    (``seen_groups_``) and paths that were parameters. It needs the extra ``keep``.

    Parameters
    ----------
    model : estimator
        Fitted: a Pipeline, any estimator of emoest or scikit-learn, or what they hold. Of an
        `emoest.tuning.OptunaSearchCV`, save ``best_estimator_``.
    path : str or path object
        The file, by custom ``*.skops``. It is written whole or not at all; one that is there is
        replaced.
    card : str, default=None
        What to write into the card before the facts, as Markdown, for example
        ``result.to_model_card()`` of an `emoest.evaluation.EvaluationResult`.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it holds what skops cannot write, for example a lambda, or an encoder whose net was given
        as an object in memory.
    OSError
        If the file cannot be written, for example on a full disk; what was there is unchanged.
    ImportError
        If skops is not installed.

    Warns
    -----
    UserWarning
        If it holds types of others, which `load_system` loads only if they are named.

    See Also
    --------
    load_system : Load it.
    read_record : What the file says of itself.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.naive_bayes import GaussianNB
    >>> path = Path(tempfile.mkdtemp()) / "model.skops"
    >>> save_system(GaussianNB().fit([[0.0], [1.0]], ["sad", "happy"]), path)
    >>> from emoest.persistence import load_system
    >>> load_system(path).predict([[0.9]]).tolist()
    ['happy']
    """
    skops = import_optional("skops.io", extra="keep", purpose="save_system")
    check_is_fitted(model)
    _check_weights_are_named(model)
    data = _dumped(skops, model)
    unknown = untrusted_names(skops.get_untrusted_types(data=data))
    if unknown:
        warn_user(
            f"The model holds types that load_system does not trust by itself: {listed(unknown)}. "
            f"Whoever loads it has to name them: load_system(path, trusted={unknown})."
        )
    record = _make_record(model, unknown)
    buffer = io.BytesIO(data)
    with ZipFile(buffer, "a", compression=ZIP_STORED) as archive:
        archive.writestr(RECORD, record.to_json())
        archive.writestr(CARD, write_card(record, repr(model), card))
    target = Path(path).expanduser()
    try:
        with written_whole(target) as file:
            file.write(buffer.getbuffer())
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{str(target)!r} could not be written ({error.strerror or error}, "
            f"{len(buffer.getbuffer())} bytes); what was there is unchanged",
        ) from error


def _check_weights_are_named(model: Any) -> None:
    """Raise for nets that were given as objects: a file without pickles cannot bring them."""
    for encoder in encoders_of(model):
        if not isinstance(encoder.model, str | os.PathLike):
            kind = type(encoder).__name__
            raise TypeError(
                f"The {kind} was given a {encoder._weights_name()}, and the file holds names of "
                "pretrained weights only. Save the net with save_pretrained('my-model'), its "
                f"tokenizer or processor beside it, and fit {kind}(model='my-model')."
            )


def _dumped(skops: Any, model: Any) -> bytes:
    try:
        return bytes(skops.dumps(model))
    except (TypeError, ValueError, AttributeError, RecursionError, RuntimeError) as error:
        hint = ""
        if any(hasattr(part, "study_") for part in walk_parts(model)):
            hint = " A search with a study is saved without it: save its best_estimator_."
        raise TypeError(
            f"The {type(model).__name__} holds what skops cannot write ({error}).{hint} "
            "joblib.dump writes any model; load such a file only if you trust who made it."
        ) from error


def _make_record(model: Any, untrusted: list[str]) -> SystemRecord:
    groups = {
        group
        for part in walk_parts(model)
        for group in _plain(getattr(part, "seen_groups_", None))
        if not isinstance(part, type)
    }
    return SystemRecord(
        kind=type(model).__name__,
        saved=date.today().isoformat(),
        versions=versions(),
        weights=weights_of(model),
        columns=[str(name) for name in _plain(getattr(model, "feature_names_in_", None))],
        classes=_plain(getattr(model, "classes_", None)),
        n_groups=len(groups) or None,
        untrusted=untrusted,
    )


def weights_of(model: Any) -> list[dict[str, str]]:
    """List the pretrained weights that the encoders of a fitted model need, each once.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> weights_of(GaussianNB())
    []
    """
    found = {
        (type(encoder).__name__, str(encoder._weights_name()), str(encoder.weights_digest_))
        for encoder in encoders_of(model)
    }
    names = ("encoder", "name", "sha256")
    return [dict(zip(names, each, strict=True)) for each in sorted(found)]


def encoders_of(model: Any) -> Iterator[Any]:
    """Yield the fitted encoders with frozen weights inside a model."""
    for part in walk_parts(model):
        if hasattr(part, "weights_digest_") and hasattr(part, "_weights_name"):
            yield part


def _plain(values: Any) -> list[Any]:
    """Values as JSON has them."""
    # Several targets have a list of arrays, which is no list of classes.
    if values is None or (isinstance(values, list) and any(np.ndim(each) for each in values)):
        return []
    found = np.asarray(list(values)).ravel().tolist()
    return [each if isinstance(each, str | int | float | bool) else str(each) for each in found]
