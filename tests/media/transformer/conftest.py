import pytest

from tests.media.transformer.word_frames import BATCHES, COMPUTED


@pytest.fixture(autouse=True)
def _count_from_zero():
    COMPUTED.clear()
    BATCHES.clear()
