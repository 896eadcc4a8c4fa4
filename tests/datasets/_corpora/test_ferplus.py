import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    load_ferplus,
    make_fer2013_like,
)
from emoest.datasets._corpora.ferplus import EMOTIONS

HEADER = "Usage,Image name," + ",".join([*EMOTIONS, "unknown", "NF"])
USAGES = ["Training"] * 7 + ["PublicTest"] * 7 + ["PrivateTest"] * 7


def write(folder, votes=(), header=HEADER, usages=USAGES):
    """Votes of 21 pictures: those given, and for the others 10 for happiness."""
    rows = [*votes, *["0,10,0,0,0,0,0,0,0,0"] * (len(usages) - len(votes))]
    lines = [f"{usage},a.png,{row}" for usage, row in zip(usages, rows, strict=True)]
    (folder / "fer2013new.csv").write_text("\n".join([header, *lines]) + "\n")


@pytest.fixture
def folder(tmp_path):
    return make_fer2013_like(tmp_path, scale=0.0001)


def load(folder, **parameters):
    with pytest.warns(IncompleteCorpusWarning):
        return load_ferplus(folder, **parameters)


def test_every_emotion_in_order(folder):
    order = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
    write(folder, [",".join(["0"] * k + ["10"] + ["0"] * (9 - k)) for k in range(8)])
    bunch = load(folder)
    assert bunch.target.iloc[:8].tolist() == order
    assert set(bunch.target.iloc[8:]) == {"happiness"}
    assert list(bunch.data.columns) == ["face", "split"]
    assert bunch.frame["votes_contempt"].tolist() == [0] * 7 + [10] + [0] * 13
    assert bunch.data["face"].iloc[5].shape == (48, 48)
    assert len(bunch.splits["PublicTest"]) == 7


def test_no_majority(folder):
    write(folder, ["5,5,0,0,0,0,0,0,0,0", "0,0,1,0,0,0,0,0,9,0", "0,0,1,0,0,0,0,0,0,9"])
    with pytest.warns(UnlabeledRowsWarning, match="3 of 21 rows have no label"):
        bunch = load(folder)
    assert bunch.target.isna().tolist() == [True] * 3 + [False] * 18
    with pytest.warns(UnlabeledRowsWarning, match="were dropped"):
        bunch = load(folder, drop_unlabeled=True)
    assert len(bunch.data) == 18
    assert bunch.splits["Training"].tolist() == [0, 1, 2, 3]
    assert bunch.data.index[0] == "fer0000003"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"usages": USAGES[:-1]}, r"has 20 rows, fer2013\.csv has 21"),
        ({"usages": USAGES[::-1]}, r"row 0 is of 'PrivateTest', in fer2013\.csv of 'Training'"),
        ({"votes": ["x,10,0,0,0,0,0,0,0,0"]}, "row 0 has 'x' votes for neutral"),
        ({"header": HEADER.replace("anger", "rage")}, "has no column 'anger'"),
    ],
)
def test_wrong_votes(folder, parameters, message):
    write(folder, **parameters)
    with pytest.raises(ValueError, match=message):
        load_ferplus(folder)


def test_missing_tables(folder):
    with pytest.raises(FileNotFoundError, match=r"fer2013new\.csv"):
        load_ferplus(folder)
    write(folder)
    with pytest.raises(FileNotFoundError, match=r"strict=False"):
        load_ferplus(folder, strict=True)
    (folder / "fer2013.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no fer2013\.csv with the images"):
        load_ferplus(folder)
