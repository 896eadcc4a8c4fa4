"""The T5 itself: made from a configuration, wrapped without being changed, partly frozen."""

from collections.abc import Collection
from typing import Any

from torch import Tensor, nn

from emoest.nets.t5_fusion.units import FusedLayer, FusionUnit, Signals
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

KINDS = ("mt5", "t5", "umt5")
"""Kinds of models, by their configuration, that are built as T5 is."""


def make_t5(config: dict[str, Any], purpose: str = "UniMSE") -> nn.Module:
    """Make a T5 with fresh weights.

    Parameters
    ----------
    config : dict
        What ``config.json`` of a saved model holds.
    purpose : str, default="UniMSE"
        What needs it, for errors.

    Returns
    -------
    t5 : Module

    Raises
    ------
    ValueError
        If the configuration is not one of a T5.
    ImportError
        If transformers is missing.

    Examples
    --------
    >>> make_t5({"model_type": "bert"})
    Traceback (most recent call last):
        ...
    ValueError: UniMSE fuses inside the layers of a T5 (mt5, t5, umt5), and this model is of the \
kind 'bert'. ...
    """
    check_config(config, purpose)
    kind = config["model_type"]
    transformers = import_optional("transformers", extra="text", purpose=purpose)
    known = {name: value for name, value in config.items() if name != "model_type"}
    settings = transformers.AutoConfig.for_model(kind, **known)
    t5: nn.Module = transformers.AutoModelForSeq2SeqLM.from_config(settings)
    return t5


def check_config(config: dict[str, Any], purpose: str, name: str = "this model") -> None:
    """Raise if a configuration is not one of a T5 with encoder and decoder.

    Examples
    --------
    >>> check_config(tiny_config(20), "UniMSE")
    """
    take = "Take a T5 that generates text, such as 't5-base' or 'google/flan-t5-base'."
    kind = config.get("model_type")
    if kind not in KINDS:
        raise ValueError(
            f"{purpose} fuses inside the layers of a T5 ({listed(KINDS)}), and {name} is of the "
            f"kind {kind!r}. {take}"
        )
    if not config.get("is_encoder_decoder", True):
        raise ValueError(
            f"{purpose} generates labels with the decoder of a T5, and {name} is an encoder alone "
            f"(is_encoder_decoder is false). {take}"
        )


def n_layers(t5: Any) -> int:
    """Number of layers of the shorter stack.

    Examples
    --------
    >>> from emoest.nets.t5_fusion.backbones import make_t5, tiny_config
    >>> n_layers(make_t5(tiny_config(20)))
    3
    """
    return min(len(t5.encoder.block), len(t5.decoder.block))


def tiny_config(vocab_size: int) -> dict[str, Any]:
    """Configuration of a small T5, with 0 for padding, 1 for the end and 2 for unknown words.

    Examples
    --------
    >>> tiny_config(100)["d_model"]
    64
    """
    return {
        "model_type": "t5",
        "vocab_size": vocab_size,
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_layers": 3,
        "num_decoder_layers": 3,
        "num_heads": 4,
        "dropout_rate": 0.1,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "decoder_start_token_id": 0,
    }


def freeze(t5: Any, trained: int | str) -> None:
    """Freeze all of a T5 but its last layers.

    Parameters
    ----------
    t5 : Module
        Changed in place.
    trained : int or "all"
        How many of the last layers of each stack are trained; ``"all"`` freezes nothing.

    Examples
    --------
    >>> t5 = make_t5(tiny_config(20))
    >>> freeze(t5, 1)
    >>> t5.shared.weight.requires_grad, t5.decoder.block[2].layer[0].layer_norm.weight.requires_grad
    (False, True)
    """
    if trained == "all":
        return
    t5.requires_grad_(False)
    for stack in (t5.encoder, t5.decoder):
        for block in list(stack.block)[max(0, len(stack.block) - int(trained)) :]:
            block.requires_grad_(True)


def fuse_layers(
    stack: Any,
    signals: Signals,
    *,
    n_fused: int,
    n_kept: int,
    n_signal: int,
    bottleneck: int,
    init: str,
) -> None:
    """Put fusion units behind the feed-forward layers of the last layers of a stack.

    Parameters
    ----------
    stack : Module
        Encoder or decoder of a T5; the layers are wrapped in place.
    signals : Signals
        What the units read.
    n_fused, n_kept : int
        How many of the last layers fuse, and how many keep their outputs.
    n_signal, bottleneck, init
        See `FusionUnit`.

    Examples
    --------
    >>> t5 = make_t5(tiny_config(20))
    >>> settings = {"n_signal": 4, "bottleneck": 8, "init": "paper"}
    >>> fuse_layers(t5.encoder, Signals(), n_fused=1, n_kept=2, **settings)
    >>> [type(block.layer[-1]).__name__ for block in t5.encoder.block]
    ['T5LayerFF', 'FusedLayer', 'FusedLayer']
    """
    blocks = list(stack.block)
    for place, block in enumerate(blocks):
        behind = len(blocks) - place
        if behind > max(n_fused, n_kept):
            continue
        d_model = block.layer[-1].layer_norm.weight.shape[0]
        unit = FusionUnit(d_model, n_signal, bottleneck, init) if behind <= n_fused else None
        block.layer[-1] = FusedLayer(block.layer[-1], unit, signals, keeps=behind <= n_kept)


def load_t5(t5: Any, state: dict[str, Tensor]) -> None:
    """Give a wrapped T5 the weights of one that is not.

    Parameters
    ----------
    t5 : Module
        The wrapped one, changed in place; its fusion units stay as they are.
    state : dict of str to Tensor
        What ``state_dict`` of the other one gives.

    Raises
    ------
    ValueError
        If the two differ in their layers.

    Examples
    --------
    >>> plain, fused = make_t5(tiny_config(20)), make_t5(tiny_config(20))
    >>> settings = {"n_signal": 4, "bottleneck": 8, "init": "paper"}
    >>> fuse_layers(fused.encoder, Signals(), n_fused=1, n_kept=0, **settings)
    >>> load_t5(fused, plain.state_dict())
    >>> bool((fused.shared.weight == plain.shared.weight).all())
    True
    """
    wrapped = [name for name, module in t5.named_modules() if isinstance(module, FusedLayer)]
    renamed = {_inside(name, wrapped): value for name, value in state.items()}
    told = t5.load_state_dict(renamed, strict=False)
    lacking = [name for name in told.missing_keys if ".unit." not in name]
    if lacking or told.unexpected_keys:
        raise ValueError(
            "The weights are not those of this T5: they lack "
            f"{listed(lacking, most=2) or 'nothing'} and hold "
            f"{listed(told.unexpected_keys, most=2) or 'nothing else'}."
        )


def _inside(name: str, wrapped: Collection[str]) -> str:
    for layer in wrapped:
        if name.startswith(f"{layer}."):
            return f"{layer}.layer{name.removeprefix(layer)}"
    return name
