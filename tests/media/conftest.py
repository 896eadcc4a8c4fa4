import pytest


@pytest.fixture
def video(tmp_path):
    """Three seconds of thirty images, of which each can be told."""
    from tests.media.videos import write_video

    return write_video(tmp_path / "clip.mp4")


@pytest.fixture
def draw_face():
    """Draw a face, see `tests.media.faces`."""
    from tests.media.faces import draw_face

    return draw_face
