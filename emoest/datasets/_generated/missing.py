"""The fraction of cells that generated corpora lack."""

from collections.abc import Mapping, Sequence
from numbers import Real


def missing_fractions(
    missing: float | Mapping[str, float], modalities: Sequence[str]
) -> dict[str, float]:
    """Return the fraction of each modality from one number for all or numbers by name.

    Examples
    --------
    >>> missing_fractions({"text": 0.5}, ["audio", "text"])
    {'audio': 0.0, 'text': 0.5}
    """
    if not isinstance(missing, Mapping):
        return dict.fromkeys(modalities, float(missing))
    for name, fraction in missing.items():
        if name not in modalities:
            raise ValueError(
                f"missing={dict(missing)!r} names {name!r}; the modalities are "
                f"{', '.join(modalities)}."
            )
        if not (isinstance(fraction, Real) and 0.0 <= fraction <= 1.0):
            raise ValueError(
                f"missing[{name!r}] must be a fraction from 0 to 1, found {fraction!r}."
            )
    return {name: float(missing.get(name, 0.0)) for name in modalities}
