import pytest

from tests.neural.helpers import make_frames


@pytest.fixture
def frames():
    return make_frames()
