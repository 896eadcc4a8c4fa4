"""The types that a file may bring. What is on no list here, or of skops, is refused by name.

skops calls what a file names: a class to make an object of it, or any name that stands where a
class is expected, with arguments from the file. So no module is trusted as a whole. Trusted are the
public estimators of emoest, whose constructors only store, the few parts of them that are named
below, and scores, which only compute.
"""

import importlib
from collections.abc import Iterable

ROOMS = (
    "aggregation",
    "embeddings",
    "features",
    "fusion",
    "multioutput",
    "neural",
    "normalization",
    "validity",
)
"""The rooms whose public estimators are trusted."""

PARTS = (
    "emoest.datasets._splits.EmoBoxFolds",
    "emoest.datasets._splits.LeaveOneSessionOut",
    "emoest.datasets._splits.LeaveOneSpeakerOut",
    "emoest.datasets._splits.OfficialSplit",
    "emoest.embeddings._face_backbones.GrayBackbone",
    "emoest.embeddings._face_backbones.ImageEncoder",
    "emoest.embeddings._face_backbones.TrainedBackbone",
    "emoest.fusion._concatenation.FusedBlock",
    "emoest.fusion._modality_estimators.ModalityEstimator",
    "emoest.nets.batches.Scale",
    "emoest.nets.weight_files.face_classifier.FaceClassifierFile",
    "emoest.nets.weight_files.trunk_weights.TrunkWeights",
    "emoest.systems.recordings.RecordingColumn",
    "emoest.tables.frame_columns.FrameColumn",
    "emoest.tables.names.Modalities",
    "emoest.tables.samples.Layout",
    "emoest.validity._cca.CanonicalPair",
    "emoest.validity._pair_fit.PairCheck",
    "emoest.validity._proxy_regression.GlobalProxy",
    "emoest.validity._proxy_regression.LocalProxy",
    "emoest.validity._whitening.Whitening",
)
"""Parts of fitted estimators: they store what they are given, and hold numbers and names."""

SCORES = (
    "emoest.evaluation._metrics.ccc_score",
    "emoest.evaluation._metrics.macro_f1_score",
    "emoest.evaluation._metrics.pearson_score",
    "emoest.evaluation._metrics.uar_score",
)
"""Functions behind scorers of searches: they compute from arrays and do nothing else."""

OTHERS = (
    "builtins.frozenset",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.metrics._scorer._Scorer",
    *(
        f"sklearn.model_selection._split.{name}"
        for name in (
            "GroupKFold",
            "GroupShuffleSplit",
            "KFold",
            "LeaveOneGroupOut",
            "LeavePGroupsOut",
            "StratifiedGroupKFold",
            "StratifiedKFold",
            "StratifiedShuffleSplit",
            "ShuffleSplit",
        )
    ),
)
"""What systems of emoest hold of Python and scikit-learn and skops leaves to its users."""


def untrusted_names(names: Iterable[str], trusted: Iterable[str] = ()) -> list[str]:
    """Return those of the names of types that are on no list.

    Parameters
    ----------
    names : iterable of str
        What skops does not trust by itself.
    trusted : iterable of str, default=()
        What the user trusts beside.

    Returns
    -------
    untrusted : list of str

    Examples
    --------
    >>> untrusted_names(["emoest.normalization._zscore.ZScoreNormalizer", "os.system"])
    ['os.system']
    """
    listed = {*PARTS, *SCORES, *OTHERS, *trusted}
    return [name for name in names if name not in listed and not _is_public_estimator(name)]


def _is_public_estimator(name: str) -> bool:
    """Check whether a dotted name is that of an estimator which its room exports."""
    from sklearn.base import BaseEstimator

    package, _, rest = name.partition(".")
    room, _, _ = rest.partition(".")
    if package != "emoest" or room not in ROOMS:
        return False
    module = importlib.import_module(f"emoest.{room}")
    public = name.rpartition(".")[2]
    found = getattr(module, public, None) if public in module.__all__ else None
    return (
        isinstance(found, type)
        and issubclass(found, BaseEstimator)
        and f"{found.__module__}.{found.__qualname__}" == name
    )
