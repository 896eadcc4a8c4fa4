import json

import pytest
import torch
from torch import nn

from emoest.nets.image_classifier import GRAY_SCALES
from emoest.nets.weight_files.estimator_files import check_net, read_array, read_description


@pytest.mark.parametrize("text", ["", "{torn", "[]", "3", "null", "[" * 50_000, "{}"])
def test_damaged_descriptions_are_named(text):
    with pytest.raises(ValueError, match=r"'a' is no net: (what stands|it does not say)"):
        read_description(text, "'a' is no net")


@pytest.mark.parametrize(
    ("params", "today"),
    [
        ({"n_hidden": 4}, {"hidden_size": 4}),
        ({"hidden_dims": {"audio": 2}}, {"hidden_size": {"audio": 2}}),
        *(
            ({"model": name}, {"model": name, "scale": [*GRAY_SCALES[name]]})
            for name in GRAY_SCALES
        ),
        ({"model": "cnn4", "scale": [0.3, 0.2]},) * 2,
        ({"model": "transformers"},) * 2,
        ({"model": ["cnn4"]},) * 2,
        ({"layout": "cnn4"},) * 2,
    ],
)
def test_parameters_of_earlier_versions_are_those_of_today(params, today):
    assert read_description(json.dumps({"module_params_": params}), "a net") == {
        "module_params_": today
    }


@pytest.mark.parametrize(
    "value",
    [
        {"values": ["a"], "dtype": "<U900000000"},
        {"values": ["a"], "dtype": "V8"},
        {"values": ["a"]},
        ["a"],
        {"values": [[1], [2, 3]], "dtype": "float64"},
        {"values": [[1], [2]], "dtype": "float64"},
        {"values": [float("nan")], "dtype": "float64"},
    ],
)
def test_arrays_that_no_fit_saved_are_named(value):
    with pytest.raises(ValueError, match="its classes cannot be"):
        read_array(value, "short", "its classes")


@pytest.mark.parametrize(
    ("params", "width", "told"),
    [
        ({"n_layers": 10**8}, 2, "with n_layers=100000000"),
        ({"sizes": [{"depth": 50}]}, 2, "with depth=50"),
        ({"hidden_size": 2**31}, 2, "with hidden_size"),
        ({}, -1, "its net cannot be made"),
        ({}, 3, r"layer 'weight' has shape \(1, 2\)"),
    ],
)
def test_a_net_that_is_not_that_of_the_tensors_is_named(params, width, told):
    state = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    check_net(lambda: nn.Linear(2, 1), {"n_layers": 7}, state, "a line")
    with pytest.raises(ValueError, match=f"a line: .*{told}"):
        check_net(lambda: nn.Linear(width, 1), params, state, "a line")
