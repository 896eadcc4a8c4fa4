"""scikit-learn's checks on every class of the room, plain and with two modalities."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ModalityIndicator,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

CLASSES = (
    RegularizedCCA,
    CCAValidityFilter,
    ProxyFeatureGenerator,
    ModalityImputer,
    ModalityIndicator,
    ModalityDropout,
    CorruptModality,
)


def instances():
    return [Class() for Class in CLASSES]


def two_modality_instances():
    modalities = {"a": slice(0, 1), "b": slice(1, None)}
    return [Class(modalities=modalities) for Class in CLASSES]


def expected_failures(estimator):
    if isinstance(estimator, ModalityDropout) and estimator.modalities != "auto":
        reason = "fit_transform drops modalities as augmentation, transform does not"
        return {"check_transformer_general": reason, "check_transformer_data_not_an_array": reason}
    return {}


@pytest.fixture(autouse=True)
def _global_generator_untouched():
    """scikit-learn's own check_methods_sample_order_invariance draws from the global generator."""
    before = np.random.get_state()  # noqa: NPY002
    yield
    np.random.set_state(before)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(instances(), expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(two_modality_instances(), expected_failed_checks=expected_failures)
def test_scikit_learn_checks_with_two_modalities(estimator, check):
    check(estimator)
