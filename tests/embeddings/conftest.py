import pytest


@pytest.fixture(autouse=True)
def _no_loaded_models():
    """Each test starts with no model loaded and leaves none behind."""
    from emoest.embeddings import unload_models

    unload_models()
    yield
    unload_models()


@pytest.fixture
def draw_face():
    """Draw a face, see `tests.media.faces`."""
    from tests.media.faces import draw_face

    return draw_face
