import numpy as np
import pandas as pd
import pytest

from emoest.datasets import load_folder
from emoest.features import DifferentialEntropy
from emoest.media import read_eeg
from emoest.media.eeg import count_channels
from emoest.media.eeg_tables import read_eeg_table

SIGNAL = np.random.default_rng(0).normal(0, 20, size=(4, 512))
NAMES = ["TP9", "AF7", "AF8", "TP10"]


def write(path, signal=SIGNAL, names=NAMES, sep=",", **options):
    table = pd.DataFrame(signal.T, columns=names)
    table.to_csv(path, sep=sep, index=False, header=names is not None, **options)
    return str(path)


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("names", [NAMES, None])
def test_rows_are_samples_and_columns_channels(tmp_path, sep, names):
    path = write(tmp_path / "a.csv", names=names, sep=sep)
    signal, channels = read_eeg_table(path)
    np.testing.assert_allclose(signal, SIGNAL)
    assert channels == names and count_channels(path) == 4
    np.testing.assert_allclose(read_eeg(path, sampling_rate=256)[0], SIGNAL)
    part = read_eeg(f"{path}#t=1,2", sampling_rate=256)[0]
    np.testing.assert_allclose(part, SIGNAL[:, 256:])


@pytest.mark.parametrize("extra", ["timestamps", "Time (s)", "", "sample", "Marker0", "index"])
def test_times_and_counts_are_no_channels(tmp_path, extra):
    table = pd.DataFrame(SIGNAL.T, columns=NAMES)
    table.insert(0, extra, np.arange(512) / 256)
    table.to_csv(tmp_path / "a.csv", index=False)
    assert read_eeg_table(str(tmp_path / "a.csv"))[1] == NAMES


def test_channels_are_ordered_by_name(tmp_path):
    path = write(tmp_path / "a.csv")
    signal = read_eeg(path, sampling_rate=256, channels=NAMES[::-1])[0]
    np.testing.assert_allclose(signal, SIGNAL[::-1])
    with pytest.raises(ValueError, match="Cz"):
        read_eeg(path, sampling_rate=256, channels=["Cz", *NAMES[1:]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("TP9,AF7\n1,2\n3,x\n", "no table of EEG: a row a sample"),
        ("TP9,AF7\n1,2\n3,\n", "missing|NaN"),
        ("", "no table of EEG"),
    ],
)
def test_other_tables_are_refused(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_eeg(str(tmp_path / "a.csv"), sampling_rate=1000)


def test_a_folder_of_tables_gives_features(tmp_path):
    for label in ("calm", "tense"):
        (tmp_path / label).mkdir()
        write(tmp_path / label / "1.csv")
    X, y = load_folder(tmp_path, modality="eeg", return_X_y=True)
    assert y.tolist() == ["calm", "tense"]
    features = DifferentialEntropy(sampling_rate=256, window=1, pooling="mean").fit(X[["eeg"]])
    assert features.transform(X[["eeg"]]).columns[0].startswith("de_TP9_")


def test_tables_in_another_order_give_the_same_features(tmp_path):
    paths = [write(tmp_path / "a.csv"), write(tmp_path / "b.csv", SIGNAL[::-1], NAMES[::-1])]
    X = pd.DataFrame({"eeg": paths})
    values = DifferentialEntropy(sampling_rate=256, window=1, pooling="mean").fit_transform(X)
    np.testing.assert_allclose(values.iloc[0], values.iloc[1])
    # What is stored is in the order of the first fit.
    other = DifferentialEntropy(sampling_rate=256, window=1, pooling="mean").fit_transform(
        X.iloc[::-1]
    )
    assert other.columns[0].startswith("de_TP10_")
    np.testing.assert_allclose(other[values.columns], values.iloc[::-1])
