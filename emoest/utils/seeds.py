"""Randomness as a parameter: the global numpy and torch generators stay as they were found."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
from sklearn.utils import check_random_state

RandomState = int | np.random.RandomState | None

_MAX_SEED = np.iinfo(np.int32).max


def private_generator(random_state: RandomState) -> np.random.RandomState:
    """Convert `random_state` to a generator that is never numpy's global one.

    scikit-learn's `check_random_state` answers None with the global generator, which a draw then
    moves; here None gives a fresh generator, seeded by the operating system.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int, a generator (returned as it is) or None.

    Returns
    -------
    generator : RandomState

    Examples
    --------
    >>> private_generator(0).randint(10) == private_generator(0).randint(10)
    True
    """
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def spawn_seeds(random_state: RandomState, n_seeds: int) -> list[int]:
    """Draw `n_seeds` integer seeds from `random_state`.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        Where the seeds come from; an int gives the same seeds every time.
    n_seeds : int
        How many seeds.

    Returns
    -------
    seeds : list of int

    Examples
    --------
    >>> spawn_seeds(0, 2) == spawn_seeds(0, 2)
    True
    """
    draws = private_generator(random_state).randint(_MAX_SEED, size=n_seeds)
    return [int(draw) for draw in draws]


@contextmanager
def torch_seed(random_state: RandomState) -> Iterator[int]:
    """Seed torch inside the block and give the global generators back untouched.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int, or a generator from which one seed is drawn.

    Yields
    ------
    seed : int
        The seed that torch was given.

    Examples
    --------
    >>> import torch
    >>> with torch_seed(0):
    ...     first = torch.rand(1)
    >>> with torch_seed(0):
    ...     second = torch.rand(1)
    >>> bool(first == second)
    True
    """
    import torch

    seed = (
        int(random_state)
        if isinstance(random_state, int | np.integer)
        else spawn_seeds(random_state, 1)[0]
    )
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else None
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield seed


def resolve_seed(random_state: RandomState) -> int:
    """Convert `random_state` to one integer; None draws a fresh one from the operating system.

    Numpy's global generator is never touched.

    Examples
    --------
    >>> resolve_seed(7)
    7
    """
    if random_state is None:
        # scikit-learn takes seeds of 31 bits; the state has 32.
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return spawn_seeds(random_state, 1)[0]


@contextmanager
def isolated_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of numpy and torch inside, and give them back as they were.

    A model without `random_state` so gives the same in any process.

    Examples
    --------
    >>> with isolated_generators(0):
    ...     first = np.random.rand()
    >>> with isolated_generators(0):
    ...     second = np.random.rand()
    >>> first == second
    True
    """
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        with torch_seed(seed) if "torch" in sys.modules else nullcontext():
            yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
