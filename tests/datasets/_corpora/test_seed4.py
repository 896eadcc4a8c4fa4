import warnings

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from sklearn.model_selection import GroupKFold

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_seed4, make_seed4_like
from emoest.datasets._corpora.seed4 import EMOTIONS, FEATURES, N_TRIALS, SESSIONS, _find
from emoest.datasets._reading.files import CorpusFolder
from emoest.media.eeg import read_eeg


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two of the fifteen persons."""
    return make_seed4_like(tmp_path_factory.mktemp("seed4"), n_subjects=2)


@pytest.fixture
def one(tmp_path):
    return make_seed4_like(tmp_path / "one", n_subjects=1)


def load(folder, **parameters):
    with pytest.warns(IncompleteCorpusWarning):
        return load_seed4(folder, **parameters)


def test_the_labels():
    for codes in SESSIONS.values():
        assert len(codes) == N_TRIALS
        assert {code: codes.count(code) for code in EMOTIONS} == dict.fromkeys("0123", 6)
    record = corpus_record("seed4")
    assert sum(record.sizes["emotion"].values()) == sum(record.n_samples.values()) == 1080
    assert dict(record.n_samples) == {"train": 720, "test": 360}
    for split, sizes in record.split_sizes.items():
        assert sum(sizes.values()) == record.n_samples[split]


def test_complete_corpus(tmp_path):
    for session in SESSIONS:
        folder = tmp_path / "eeg_raw_data" / str(session)
        folder.mkdir(parents=True)
        for subject in range(1, 16):
            trials = {f"ab_eeg{trial}": np.zeros((62, 1)) for trial in range(1, 25)}
            savemat(folder / f"{subject}_20150101.mat", trials)
    with warnings.catch_warnings(action="error"):
        bunch = load_seed4(tmp_path, strict=True)
    record = bunch.record
    assert bunch.target.value_counts().to_dict() == dict(record.sizes["emotion"])
    for split, rows in bunch.splits.items():
        assert bunch.target.iloc[rows].value_counts().to_dict() == dict(record.split_sizes[split])
    assert bunch.missing == []
    assert bunch.groups.nunique() == 15
    for train, test in GroupKFold(5).split(bunch.data, groups=bunch.groups):
        assert not set(bunch.groups.iloc[train]) & set(bunch.groups.iloc[test])


def test_raw(two):
    bunch = load(two)
    X, y = bunch.data, bunch.target
    assert list(X.columns) == ["eeg", "speaker", "session", "split"]
    assert X.index.names == ["trial_name", "group"]
    assert len(X) == 2 * 3 * 24
    assert X["eeg"].iloc[9].endswith("1_20160101.mat#p1_eeg10")
    for (name, group), cell in X["eeg"].items():
        trial = int(name[-2:])
        assert cell.endswith(f"eeg{trial}")
        assert group == name[1:3]
        assert y[name, group] == EMOTIONS[SESSIONS[int(name[4])][trial - 1]]
    first, rate = read_eeg(X["eeg"].iloc[0], sampling_rate=200)
    second, _ = read_eeg(X["eeg"].iloc[1], sampling_rate=200)
    assert (first.shape, second.shape, rate) == ((62, 800), (62, 801), 200)
    assert X["split"].iloc[:24].tolist() == ["train"] * 16 + ["test"] * 8


@pytest.mark.parametrize("feature", FEATURES)
def test_features(two, feature):
    X, y = load(two, data="features", feature=feature, return_X_y=True)
    assert list(X.columns) == ["eeg__frames", "speaker", "session", "split"]
    cell = X["eeg__frames"].iloc[2]
    assert cell.shape == (1, 310) and cell.dtype == np.float32
    channels, bands = np.divmod(np.arange(310), 5)
    expected = 3 + channels / 100 + bands / 1000 + 100 * FEATURES.index(feature)
    np.testing.assert_allclose(cell[0], expected, rtol=1e-6)
    assert y.iloc[:4].tolist() == ["sad", "fear", "happy", "neutral"]


def test_a_half_copied_corpus(one):
    path = one / "eeg_raw_data" / "2" / "1_20160201.mat"
    trials = {name: value for name, value in loadmat(path).items() if name.startswith("p1_eeg")}
    del trials["p1_eeg7"]
    savemat(path, trials)
    (one / "eeg_raw_data" / "3" / "1_20160301.mat").unlink()
    with pytest.warns(IncompleteCorpusWarning) as caught:
        bunch = load_seed4(one)
    assert "43 files" in str(caught[0].message) and "1 trials (s01_2_t07)" in str(caught[0].message)
    assert "person 1, session 3" in bunch.missing and len(bunch.missing) == 44
    assert len(bunch.data) == 47
    assert bunch.target.xs("s01_2_t08").item() == EMOTIONS[SESSIONS[2][7]]
    with pytest.raises(FileNotFoundError, match="strict=False"):
        load_seed4(one, strict=True)


def test_persons_are_in_order_of_number(tmp_path):
    for name in ("10_20150101", "2_20150101"):
        (tmp_path / "1").mkdir(exist_ok=True)
        (tmp_path / "1" / f"{name}.mat").touch()
    assert list(_find(CorpusFolder(tmp_path, "SEED-IV"), "eeg_raw_data")) == [(1, 2), (1, 10)]


def test_wrong_files(one, tmp_path):
    folder = one / "eeg_raw_data" / "1"
    extra = folder / "1_20160909.mat"
    extra.write_bytes((folder / "1_20160101.mat").read_bytes())
    with pytest.raises(ValueError, match="are of one person and session"):
        load_seed4(one)
    extra.rename(folder / "16_20160909.mat")
    with pytest.raises(ValueError, match=r"16_20160909\.mat' is not where SEED-IV has it"):
        load_seed4(one)
    (folder / "16_20160909.mat").unlink()
    savemat(folder / "1_20160101.mat", {"ab_eeg25": np.zeros((62, 9))})
    with pytest.raises(ValueError, match="unknown trial 25; a session has 24"):
        load_seed4(one)
    (folder / "1_20160101.mat").write_bytes(b"no mat")
    with pytest.raises(ValueError, match=r"1_20160101\.mat"):
        load_seed4(one)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match=r"eeg_raw_data/1/1_20160518\.mat'; found no files"):
        load_seed4(empty)
    with pytest.raises(ValueError, match="target='mood' is not a target of seed4"):
        load_seed4(one, target="mood")


def test_wrong_features(one):
    path = one / "eeg_feature_smooth" / "1" / "1_20160101.mat"
    savemat(path, {"de_LDS1": np.zeros((62, 4))})
    with pytest.raises(ValueError, match=r"de_LDS1 has the shape \(62, 4\); \(62, n_windows, 5\)"):
        load_seed4(one, data="features")
    savemat(path, {"other": np.zeros(3)})
    with pytest.raises(ValueError, match="holds no variable like 'de_LDS1'"):
        load_seed4(one, data="features")
    path.write_bytes(b"no mat")
    with pytest.raises(ValueError, match="cannot be read"):
        load_seed4(one, data="features")
