"""Ready search spaces of the systems, for `emoest.tuning.OptunaSearchCV`.

They are ours: no paper says over what it searched, but for the complexities of the baseline of
ComParE 2020. Every default of a system lies inside its space, so that ``enqueue=[...]`` can try it
first.
"""

from typing import Any

from emoest.systems._choices import check_choice
from emoest.systems.boateng2020 import boateng2020_param_grid
from emoest.systems.tan2021 import tan2021_eeg_param_grid


def boateng2020_space(modality: str = "multimodal", classifier: str = "svm") -> dict[str, Any]:
    """Return the search space of `make_boateng2020`: complexity or size of its classifier.

    Parameters
    ----------
    modality : {"acoustic", "linguistic", "multimodal"}, default="multimodal"
        As in `make_boateng2020`.
    classifier : {"svm", "rbf", "logistic", "forest", "boosting"}, default="svm"
        As in `make_boateng2020`.

    Returns
    -------
    space : dict of str to distribution
        Numbers between the ends of `boateng2020_param_grid`, by their logarithm.

    Examples
    --------
    >>> space = boateng2020_space()["earlyfusionclassifier__estimator__C"]
    >>> space.low, space.high, space.log
    (1e-05, 1.0, True)
    """
    grid = boateng2020_param_grid(modality, classifier)
    return {name: _between(values) for name, values in grid.items()}


def padi2021_space() -> dict[str, Any]:
    """Return the search space of `make_padi2021`: rates, dropout, what is trained, masks.

    Returns
    -------
    space : dict of str to distribution or list

    Examples
    --------
    >>> padi2021_space()["speechresnetclassifier__finetune"]
    ['head', 'all']
    """
    step = "speechresnetclassifier__"
    return {
        f"{step}lr": _log(1e-4, 1e-2),
        f"{step}weight_decay": _log(1e-6, 1e-2),
        f"{step}dropout": _real(0.0, 0.6),
        f"{step}finetune": ["head", "all"],
        f"{step}trunk_lr_factor": _log(0.01, 1.0),
        f"{step}specaugment": ["SM", None],
    }


def m3er_space(*, check: bool = True, proxies: bool = True) -> dict[str, Any]:
    """Return the search space of `make_m3er`: the check, the proxies, the net and its loss.

    Parameters
    ----------
    check, proxies : bool, default=True
        As in `make_m3er`.

    Returns
    -------
    space : dict of str to distribution or list

    Examples
    --------
    >>> sorted(m3er_space(check=False, proxies=False))[0]
    'classify__beta'
    """
    space: dict[str, Any] = {
        "classify__lr": _log(3e-4, 1e-2),
        "classify__dropout": _real(0.0, 0.5),
        "classify__hidden_size": [16, 32, 64, 128],
        "classify__beta": _real(0.1, 1.0),
        "classify__weight_decay": [0.0, 1e-4, 1e-3],
    }
    if check:
        space |= {"check__alpha": _log(0.01, 0.2), "check__shrinkage": _log(0.01, 0.9)}
    if proxies:
        space |= {"proxy__n_neighbors": _whole(5, 50), "proxy__ridge": _log(0.01, 10.0)}
    return space


def tan2021_space() -> dict[str, Any]:
    """Return the search space of `make_tan2021`: the fusion, the net for faces, EEG's smoothing.

    Returns
    -------
    space : dict of str to distribution or list

    See Also
    --------
    tan2021_eeg_space : Of the EEG branch alone.

    Examples
    --------
    >>> tan2021_space()["fuse__keep"]
    ['best', 0.05, 0.25]
    """
    return {
        "fuse__keep": ["best", 0.05, 0.25],
        "fuse__pool": ["log", "linear"],
        "fuse__per_class": [False, True],
        "fuse__face__lr": _log(1e-4, 3e-3),
        "fuse__face__dropout": _real(0.0, 0.5),
        "fuse__eeg__smooth__process_noise": _log(1e-6, 1e-2),
    }


def tan2021_eeg_space(*, window: float = 4.0, cache_dir: Any = None) -> dict[str, Any]:
    """Return the search space of `make_tan2021_eeg`: features, smoothing and C of a linear SVM.

    Parameters
    ----------
    window : float, default=4.0
        Length of a window in seconds.
    cache_dir : str, path object, False or None, default=None
        Folder of the store of features.

    Returns
    -------
    space : dict of str to distribution or list
        As `tan2021_eeg_param_grid`, with every C between its ends.

    Examples
    --------
    >>> tan2021_eeg_space()["trials__estimator__linearsvc__C"].log
    True
    """
    grid = tan2021_eeg_param_grid(window=window, cache_dir=cache_dir)
    return {name: _between(values) for name, values in grid.items()}


def memobert2022_space(setting: str = "prompt") -> dict[str, Any]:
    """Return the search space of `make_memobert2022`: rates, dropout, steps and masks.

    Parameters
    ----------
    setting : {"prompt", "finetune", "bert_direct", "direct"}, default="prompt"
        As in `make_memobert2022`; only the first two pre-train.

    Returns
    -------
    space : dict of str to distribution or list

    Examples
    --------
    >>> len(memobert2022_space("prompt")) - len(memobert2022_space("direct"))
    3
    """
    check_choice("setting", setting, ("prompt", "finetune", "bert_direct", "direct"))
    space: dict[str, Any] = {
        "classify__lr": _log(1e-5, 1e-3),
        "classify__dropout": _real(0.0, 0.4),
        "classify__weight_decay": _log(1e-4, 0.1),
    }
    if setting in ("prompt", "finetune"):
        step = "classify__pretrainer__"
        space |= {
            f"{step}lr": _log(1e-4, 3e-3),
            f"{step}word_mask": _real(0.1, 0.4),
            f"{step}max_steps": [200, 400, 800],
        }
    return space


def unimse2022_space() -> dict[str, Any]:
    """Return the search space of `make_unimse2022`: weights of the contrast, dropout, layers.

    Returns
    -------
    space : dict of str to distribution or list

    Examples
    --------
    >>> unimse2022_space()["unimse__n_pmf_layers"]
    [1, 2, 3]
    """
    return {
        "unimse__alpha": _real(0.0, 1.0),
        "unimse__beta": _real(0.0, 1.0),
        "unimse__contrast_temperature": _log(0.03, 1.0),
        "unimse__av_dropout": _real(0.0, 0.5),
        "unimse__n_pmf_layers": [1, 2, 3],
        "unimse__bottleneck": [32, 64, 128],
    }


def recording_space() -> dict[str, Any]:
    """Return the search space of `make_recording_pipeline`: how late fusion combines.

    Returns
    -------
    space : dict of list
        For ``fusion="late"``, the default.

    Examples
    --------
    >>> recording_space()["fuse__rule"]
    ['mean', 'product', 'vote', 'stacking']
    """
    return {
        "fuse__rule": ["mean", "product", "vote", "stacking"],
        "fuse__calibrate": [None, "sigmoid"],
    }


def _between(values: list[Any]) -> Any:
    """Distribution between the ends of a grid of numbers that grows by factors; else the list."""
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
    if not numbers or len(values) < 3 or min(values) <= 0:
        return values
    ends = min(values), max(values)
    return _whole(*ends) if all(isinstance(each, int) for each in values) else _log(*ends)


def _log(low: float, high: float) -> Any:
    from optuna.distributions import FloatDistribution

    return FloatDistribution(low, high, log=True)


def _real(low: float, high: float) -> Any:
    from optuna.distributions import FloatDistribution

    return FloatDistribution(low, high)


def _whole(low: int, high: int) -> Any:
    from optuna.distributions import IntDistribution

    return IntDistribution(low, high)
