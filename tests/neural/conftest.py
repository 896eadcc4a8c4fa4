import pytest

from tests.neural.helpers import make_frames


@pytest.fixture
def frames():
    return make_frames()


@pytest.fixture
def spectra():
    return make_frames(n_rows=24, n_dims=8)
