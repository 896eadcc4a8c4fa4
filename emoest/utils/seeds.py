"""Randomness as a parameter: the global numpy and torch generators stay as they were found."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state

RandomState = int | np.random.RandomState | None

_MAX_SEED = np.iinfo(np.int32).max

_UNSEEDED: ContextVar[np.random.RandomState | None] = ContextVar("unseeded", default=None)
"""Where parts without a seed draw theirs from inside `isolated_generators`."""

_OWNER = threading.RLock()
"""Held by the thread that has seeded the global generators."""

TORCH_TURN = threading.RLock()
"""Held while torch is seeded and trains: it has one generator for all threads."""


def private_generator(random_state: RandomState) -> np.random.RandomState:
    """Convert `random_state` to a generator that is never numpy's global one.

    scikit-learn's `check_random_state` answers None with the global generator, which a draw then
    moves; here None gives a fresh generator, seeded by the operating system (inside
    `isolated_generators` by the seed that was given there).

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
        given = _UNSEEDED.get()
        return np.random.RandomState(None if given is None else given.randint(_MAX_SEED))
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
    if random_state is None and _UNSEEDED.get() is None:
        # scikit-learn takes seeds of 31 bits; the state has 32.
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return spawn_seeds(random_state, 1)[0]


@contextmanager
def isolated_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of numpy and torch inside, and give them back as they were.

    A model without `random_state` so gives the same in any process. What draws a seed of its own
    from `private_generator` gets it from `seed` too. Of several threads the first one has the
    global generators, which are one for all threads.

    Examples
    --------
    >>> with isolated_generators(0):
    ...     first = np.random.rand(), private_generator(None).rand()
    >>> with isolated_generators(0):
    ...     second = np.random.rand(), private_generator(None).rand()
    >>> first == second
    True
    """
    # Not the stream of the global generator: the two would give the same numbers.
    token = _UNSEEDED.set(np.random.RandomState([seed, 1]))
    # Waiting here could last for ever: what holds the generators may wait for this thread.
    owner = _OWNER.acquire(blocking=False)
    try:
        if owner:
            with _global_seeds(seed):
                yield
        else:
            yield
    finally:
        if owner:
            _OWNER.release()
        _UNSEEDED.reset(token)


@contextmanager
def _global_seeds(seed: int) -> Iterator[None]:
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        # Never in the middle of a training in another thread.
        with TORCH_TURN:
            states = _torch_states(torch)
            torch.manual_seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
        if torch is not None:
            with TORCH_TURN:
                torch.set_rng_state(states[0])
                for device, state in enumerate(states[1:]):
                    torch.cuda.set_rng_state(state, device)


def _torch_states(torch: Any) -> list[Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *cuda]


def seeded_clone(estimator: Any, seed: int, *, distinct: bool = False) -> Any:
    """Clone an estimator and seed all that it is made of where `random_state` is None.

    That is every nested estimator, also in a list or a dict (steps, candidates of a search), and
    every splitter that shuffles. Finished parts (FrozenEstimator) are left as they are, and so is
    what is inside an estimator of emoest that has a seed, since that one hands seeds on.

    Parameters
    ----------
    estimator : estimator
        Never changed itself.
    seed : int
        The seed of all parts, or where their seeds come from.
    distinct : bool, default=False
        Whether each part gets a seed of its own, drawn in the sorted order of parameter names.

    Returns
    -------
    clone : estimator

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
    >>> seeded_clone(RandomForestClassifier(), 7).random_state
    7
    >>> seeded_clone(RandomForestClassifier(random_state=1), 7).random_state
    1
    >>> bagging = seeded_clone(BaggingClassifier(RandomForestClassifier()), 7, distinct=True)
    >>> bagging.random_state == bagging.estimator.random_state
    False
    """
    model = clone(estimator)
    rng = np.random.RandomState(seed)
    _seed_parts(model, (lambda: int(rng.randint(_MAX_SEED))) if distinct else (lambda: seed))
    return model


def _seed_parts(part: Any, draw: Callable[[], int]) -> None:
    if isinstance(part, list | tuple):
        for each in part:
            _seed_parts(each, draw)
    elif isinstance(part, Mapping):
        for name in sorted(part, key=str):
            _seed_parts(part[name], draw)
    elif isinstance(part, type | FrozenEstimator):
        # A clone of a finished part is the part itself, which belongs to the user.
        return
    elif hasattr(part, "get_params"):
        parameters = part.get_params(deep=False)
        if (
            type(part).__module__.startswith("emoest.")
            and parameters.get("random_state") is not None
        ):
            # Estimators of emoest seed what is inside them from their own seed.
            return
        for name in sorted(parameters):
            if name == "random_state" and parameters[name] is None:
                part.set_params(random_state=draw())
            else:
                _seed_parts(parameters[name], draw)
    elif getattr(part, "__dict__", {}).get("random_state", 0) is None:
        # KFold(shuffle=False) takes no seed.
        part.random_state = draw() if getattr(part, "shuffle", True) else None
