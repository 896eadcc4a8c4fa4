"""Training by a net that `torch.compile` has compiled: its parameters, and its errors."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


def compiler_settings(compile: bool | dict[str, Any]) -> dict[str, Any] | None:
    """Convert the parameter `compile` of an estimator to those of `torch.compile`.

    Parameters
    ----------
    compile : bool or dict
        Whether to compile, or how.

    Returns
    -------
    settings : dict or None
        None does not compile.

    Examples
    --------
    >>> compiler_settings({"mode": "max-autotune"})
    {'dynamic': True, 'mode': 'max-autotune'}
    """
    if compile is False:
        return None
    # Each batch is as long as its longest row; without it each length would be compiled anew.
    return {"dynamic": True, **({} if compile is True else compile)}


@contextmanager
def compiled(
    module: torch.nn.Module, settings: dict[str, Any] | None
) -> Iterator[Callable[..., Any] | None]:
    """Compile a module inside; it shares its weights with the one given.

    Layers whose class says ``compilable = False`` run as they are written.

    Parameters
    ----------
    module : Module
        The module; it is afterwards what it was.
    settings : dict or None
        See `compiler_settings`.

    Yields
    ------
    call : callable or None
        What calls the compiled module. None if `settings` is None.

    Raises
    ------
    ValueError
        If `torch.compile` does not take the parameters.
    """
    if settings is None:
        yield None
        return
    as_written = [each for each in module.modules() if not getattr(each, "compilable", True)]
    try:
        # The call and not the module: skorch would take that for one more part to train.
        call = torch.compile(module, **settings).__call__
    except (AssertionError, RuntimeError, TypeError) as error:
        raise ValueError(f"compile={settings} is refused by torch.compile: {error}") from error
    try:
        for layer in as_written:
            layer.forward = torch.compiler.disable(layer.forward)
        yield call
    finally:
        for layer in as_written:
            del layer.forward


@contextmanager
def explained_compiler_errors(name: str) -> Iterator[None]:
    """Explain errors of the compiler, which come with the first batch.

    Raises
    ------
    RuntimeError
        In place of the compiler's own; it says what to do.
    """
    try:
        yield
    except RuntimeError as error:
        # Not imported: where nothing was compiled that would take seconds.
        compiler = sys.modules.get("torch._dynamo.exc")
        if compiler is None or not isinstance(error, compiler.TorchDynamoException):
            raise
        first = str(error).strip().partition("\n")[0]
        raise RuntimeError(
            f"torch.compile could not compile {name}: {first} Install a C++ compiler (g++ or "
            "clang) if there is none, or set compile=False; the results are the same but for "
            "rounding and the numbers that dropout draws."
        ) from error
