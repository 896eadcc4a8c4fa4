"""Ready search spaces fit their systems, and hold the defaults."""

import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import FixedTrial

from emoest import systems
from emoest.tuning._space import asked_params, check_space, suggest_params

CASES = {
    **{
        f"boateng, {modality}, {classifier}": (
            systems.boateng2020_space(modality, classifier),
            systems.make_boateng2020(modality, classifier=classifier),
        )
        for modality, classifier in [
            ("multimodal", "svm"),
            ("linguistic", "rbf"),
            ("acoustic", "logistic"),
            ("multimodal", "boosting"),
        ]
    },
    "padi": (systems.padi2021_space(), systems.make_padi2021()),
    "m3er": (systems.m3er_space(), systems.make_m3er()),
    "m3er, no check": (
        systems.m3er_space(check=False, proxies=False),
        systems.make_m3er(check=False, proxies=False),
    ),
    "tan": (systems.tan2021_space(), systems.make_tan2021()),
    **{
        f"memobert, {setting}": (
            systems.memobert2022_space(setting),
            systems.make_memobert2022(setting),
        )
        for setting in ("prompt", "direct")
    },
    "unimse": (systems.unimse2022_space(), systems.make_unimse2022()),
    "recording": (systems.recording_space(), systems.make_recording_pipeline()),
}


@pytest.mark.parametrize(("space", "model"), CASES.values(), ids=CASES)
def test_a_space_fits_its_system_and_holds_its_defaults(space, model):
    check_space(space, model)
    defaults = {name: model.get_params()[name] for name in space}
    # Of some classifiers the default is outside the published grid.
    inside = {name: value for name, value in defaults.items() if value is not None}
    tried = asked_params(inside, {name: space[name] for name in inside})
    assert suggest_params(FixedTrial(tried), {name: space[name] for name in inside}) == inside


@pytest.mark.parametrize(("space", "model"), CASES.values(), ids=CASES)
def test_both_ends_of_a_space_are_parameters_of_its_system(space, model):
    for end in (0, -1):
        chosen = {}
        for name, each in space.items():
            ends = [each.low, each.high] if isinstance(each, BaseDistribution) else each
            chosen[name] = ends[end]
        model.set_params(**chosen)
        steps = [step for _, step in model.steps if hasattr(step, "_validate_params")]
        for step in steps:
            step._validate_params()


def test_the_eeg_branch_is_searched_between_the_ends_of_its_grid():
    space = systems.tan2021_eeg_space(window=2.0)
    check_space(space, systems.make_tan2021_eeg(window=2.0))
    assert [step.window for step in space["bands"]] == [2.0, 2.0]
    C = space["trials__estimator__linearsvc__C"]
    assert (C.low, C.high) == (2.0**-10, 2.0**10)
