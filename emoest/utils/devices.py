"""Where torch computes: `device="auto"` in one place."""


def resolve_device(device: str) -> str:
    """Turn ``"auto"`` into ``"cuda"`` where there is one and ``"cpu"`` elsewhere.

    Raises
    ------
    ValueError
        If torch knows no such device, or if it is CUDA and there is none.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is no device of torch. Take 'auto', 'cpu', 'cuda' or 'cuda:1'."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r}, but torch finds no CUDA device on this machine. Take 'auto', for "
            "a fitted model with set_params."
        )
    return device
