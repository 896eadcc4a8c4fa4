import pytest

from tests.embeddings._wav2vec2.small_encoders import save_encoder


@pytest.fixture(scope="session")
def encoders(tmp_path_factory):
    """Folders of random encoders by family, each saved when first asked for."""
    root, made = tmp_path_factory.mktemp("encoders"), {}

    def folder_of(family):
        if family not in made:
            made[family] = save_encoder(root / family, family)
        return made[family]

    return folder_of


@pytest.fixture
def wav2vec2(encoders):
    return encoders("wav2vec2")
