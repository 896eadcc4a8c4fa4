"""Which modality is consistent with the others: CCA, the validity filter, proxies, imputation."""

from emoest.validity._augmentation import CorruptModality, ModalityDropout
from emoest.validity._cca import canonical_correlations, held_out_correlations, noise_floor
from emoest.validity._corruption import corrupt_block
from emoest.validity._filter import CCAValidityFilter
from emoest.validity._imputation import ModalityImputer, ModalityIndicator
from emoest.validity._permutation import PermutationTest, permutation_test
from emoest.validity._plot import ValidityDisplay, plot_validity
from emoest.validity._proxy_generator import ProxyFeatureGenerator
from emoest.validity._regularized_cca import RegularizedCCA

__all__ = [
    "CCAValidityFilter",
    "CorruptModality",
    "ModalityDropout",
    "ModalityImputer",
    "ModalityIndicator",
    "PermutationTest",
    "ProxyFeatureGenerator",
    "RegularizedCCA",
    "ValidityDisplay",
    "canonical_correlations",
    "corrupt_block",
    "held_out_correlations",
    "noise_floor",
    "permutation_test",
    "plot_validity",
]
