"""Files that change between the look at their bytes and the reading of them."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from emoest.features import AcousticFunctionals, DifferentialEntropy, LogMelSpectrogram
from emoest.media import transformer as module

RATE = 16_000


def tone(hertz):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE // 2) / RATE)


def write_sound(path, version):
    soundfile.write(path, tone([200, 300, 400][version]), RATE, subtype="FLOAT")


def brain(version):
    return 20 * np.random.default_rng(version).normal(size=(2, 1_000))


def write_array(path, version):
    np.save(path, brain(version))


def write_table(path, version):
    pd.DataFrame(brain(version).T, columns=["Fz", "Cz"]).to_csv(path, index=False)


KINDS = {
    "spectrogram": (LogMelSpectrogram(), "a.wav", write_sound),
    "functionals": (AcousticFunctionals(), "a.wav", write_sound),
    "EEG, npy": (DifferentialEntropy(sampling_rate=200), "a.npy", write_array),
    "EEG, csv": (DifferentialEntropy(sampling_rate=200), "a.csv", write_table),
}


@pytest.fixture(params=KINDS)
def kind(request, tmp_path, monkeypatch):
    estimator, name, write = KINDS[request.param]
    estimator = estimator.set_params(cache_dir=tmp_path / "cache", errors="raise")
    files = [tmp_path / f"{i}{name}" for i in range(3)]
    for i, path in enumerate(files):
        write(path, i)
    cells = pd.Series([str(path) for path in files], dtype=object, name="media")
    return estimator, cells, files[1], write


def change(monkeypatch, estimator, moment, action):
    """Do something once: before or after the second file is read, or when values are computed."""
    name = "_compute" if moment == "compute" else "_read_item"
    inner, left = getattr(type(estimator), name), [action]

    def outer(self, item, *where):
        ours = moment == "compute" or "1a." in str(item)
        if ours and moment != "after" and left:
            left.pop()()
        found = inner(self, item, *where)
        if ours and moment == "after" and left:
            left.pop()()
        return found

    monkeypatch.setattr(type(estimator), name, outer)


@pytest.mark.parametrize("moment", ["before", "after", "compute"])
def test_no_value_is_kept_under_the_content_of_other_bytes(kind, monkeypatch, moment):
    estimator, cells, path, write = kind
    before = path.read_bytes()
    estimator.fit(cells)
    change(monkeypatch, estimator, moment, lambda: write(path, 2))
    with pytest.raises(ValueError, match=r"row 1, column 'media'.*changed while it was read"):
        estimator.transform(cells)
    monkeypatch.undo()
    path.write_bytes(before)
    found = estimator.transform(cells)
    fresh = estimator.set_params(cache_dir=False).fit_transform(cells)
    for one, other in zip(found.iloc[:, 0], fresh.iloc[:, 0], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("what", ["changed", "removed"])
def test_such_a_cell_can_count_as_missing_and_costs_the_others_nothing(kind, monkeypatch, what):
    estimator, cells, path, write = kind
    estimator.set_params(errors="missing").fit(cells)
    action = path.unlink if what == "removed" else lambda: write(path, 2)
    change(monkeypatch, estimator, "after", action)
    with pytest.warns(UserWarning, match="1 of 3 cells could not be read.*row 1"):
        found = estimator.transform(cells)
    missing = found.iloc[:, 0].map(lambda cell: cell is None or np.isnan(np.ravel(cell)).all())
    assert missing.tolist() == [False, True, False]
    monkeypatch.undo()
    monkeypatch.setattr(type(estimator), "_compute", lambda *args: pytest.fail("computed again"))
    estimator.transform(cells.iloc[[0, 2]])


def test_texts_and_arrays_are_not_looked_at_again(monkeypatch, tmp_path):
    looks = []
    content = module.CellTransformer._content
    monkeypatch.setattr(
        LogMelSpectrogram,
        "_content",
        lambda self, item: looks.append(1) or content(self, item),
    )
    cells = pd.Series([(tone(200), RATE)], dtype=object, name="audio")
    LogMelSpectrogram(cache_dir=tmp_path).fit_transform(cells)
    assert len(looks) == 1
