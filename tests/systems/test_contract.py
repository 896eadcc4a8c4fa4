"""What every system does with tables that lack something: the same, whatever its steps."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from emoest import systems
from emoest.features import AcousticFunctionals
from emoest.media.transformer import CellTransformer
from emoest.neural import M3ERClassifier, SpeechResNetClassifier
from emoest.systems import (
    make_boateng2020,
    make_compare2020_baseline,
    make_m3er,
    make_padi2021,
    make_recording_pipeline,
)
from emoest.tables.cells import object_column
from emoest.utils import with_groups

N = 24
LABELS = np.tile(["happy", "sad"], N // 2)
TRAINED = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}
NET = {"memory_dim": 4, "attention_size": 4, "update_size": 4, "gate_size": 4, "output_size": 4}
RAW = "setting an array element|could not convert string|inhomogeneous|must be real number|NoneType"
"""What numpy and pandas say, which names no row and no column."""


class Words(CellTransformer):
    """Two numbers a text, in place of a language model."""

    _stem = "words"
    _media = "text"

    def __init__(self, errors="raise", cache_dir=False, batch_size=8, verbose=0):
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _recipe(self):
        return {}

    def _n_dims(self):
        return 2

    def _read_item(self, item, name):
        return item

    def _compute(self, batch):
        return [np.array([[len(text), text.count("a")]], dtype=np.float32) for text in batch]


ACOUSTIC = AcousticFunctionals()
RESNET = SpeechResNetClassifier(channels=2, hidden_size=4, **TRAINED)
OWN_TEXTS = {"text_column": "text", "faces": "drop"}
VOICE = AcousticFunctionals(pooling="mean")
OF_CLIPS = {
    "boateng2020": (make_boateng2020("multimodal", Words(), acoustic_encoder=ACOUSTIC), 2),
    "boateng2020 acoustic": (make_boateng2020("acoustic", acoustic_encoder=ACOUSTIC), 1),
    "compare2020": (make_compare2020_baseline(ACOUSTIC), 1),
    "recordings late": (make_recording_pipeline(voice=VOICE, words=Words(), **OWN_TEXTS), 2),
    "recordings early": (
        make_recording_pipeline("early", voice=VOICE, words=Words(), **OWN_TEXTS),
        2,
    ),
    "padi2021": (make_padi2021(transfer=None, masks=None, classifier=RESNET), 1),
}
OF_FRAMES = {
    f"m3er check={check} proxies={proxies}": (
        make_m3er(
            check=check,
            proxies=proxies,
            classifier=M3ERClassifier(2, **NET, **TRAINED),
            random_state=0,
        ),
        2,
    )
    for check in (True, False)
    for proxies in (True, False)
}
ELSEWHERE = {
    "make_memobert2022": ("neural/_memobert", "missing"),
    "make_tan2021": ("systems/test_tan2021.py", "test_a_missing_modality_leaves_the_other"),
    "make_tan2021_eeg": ("systems/test_tan2021.py", "test_a_missing_modality_leaves_the_other"),
    "make_unimse2022": ("neural/_unimse", "test_missing_signals_texts_and_columns"),
}
"""Systems whose tables are made by their own tests, and where that is."""

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def every(several=False):
    chosen = {**OF_CLIPS, **OF_FRAMES}
    chosen = {name: each for name, each in chosen.items() if not several or each[1] > 1}
    return pytest.mark.parametrize(
        ("name", "model"), [(name, each[0]) for name, each in chosen.items()], ids=list(chosen)
    )


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    time = np.arange(3200)
    sounds = [
        (0.3 * np.sin(time * (0.1 + 0.1 * (label == "sad"))) + 0.05 * rng.normal(size=3200), 8000)
        for label in LABELS
    ]
    texts = ["a " * 5 if label == "sad" else "b" * (3 + i % 4) for i, label in enumerate(LABELS)]
    X = object_column(sounds, pd.RangeIndex(N), "audio").to_frame()
    return with_groups(X.assign(text=texts, speaker=np.repeat(list("abcdef"), 4)), "speaker")


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    cells = {
        name: [(rng.normal(size=(4, 3)) + (label == "sad")).astype("f4") for label in LABELS]
        for name in ("audio__frames", "text__frames")
    }
    columns = [object_column(column, pd.RangeIndex(N), name) for name, column in cells.items()]
    X = pd.concat(columns, axis=1)
    return with_groups(X.assign(speaker=np.repeat(list("abcdef"), 4)), "speaker")


def without(X, column, rows=range(N)):
    cells = [None if i in rows else cell for i, cell in enumerate(X[column])]
    return X.assign(**{column: object_column(cells, X.index)})


@pytest.fixture
def table(name, clips, frames):
    return clips if name in OF_CLIPS else frames


def media(table):
    return [column for column in table.columns if column != "speaker"]


def predicts(model, X):
    found = model.predict(X)
    assert len(found) == len(X) and set(found) <= set(LABELS)
    return found


@every(several=True)
def test_a_fold_may_lack_a_modality(name, model, table):
    for column in media(table):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted = clone(model).fit(without(table, column), LABELS)
        told = " | ".join(str(each.message) for each in caught)
        named = column.split("__")[0].replace("audio", "(audio|acoustic)")
        assert re.search(rf"No training row has .*{named}|missing in every", told)
        predicts(fitted, table)


@every()
def test_a_row_may_lack_any_modality_and_all(name, model, table):
    fitted = clone(model).fit(table, LABELS)
    for column in media(table):
        predicts(fitted, without(table, column, [3]))
    empty = table
    for column in media(table):
        empty = without(empty, column, [3])
    predicts(fitted, empty)


@every()
def test_a_column_that_holds_nothing_says_so(name, model, table):
    empty = table
    for column in media(table):
        empty = without(empty, column)
    with pytest.raises(ValueError, match=r"nothing to learn|No base estimator"):
        clone(model).fit(empty, LABELS)


WRONG = {
    "numbers": lambda X: pd.DataFrame(np.eye(N)[:, :2], columns=["a__f0", "b__f0"], index=X.index),
    "an array": lambda X: np.eye(N)[:, :2],
    "no column of that name": lambda X: X.rename(columns={name: f"my_{name}" for name in media(X)}),
    "columns that changed places": lambda X: X.rename(columns={"audio": "text", "text": "audio"}),
    "frames of another kind": lambda X: X.assign(audio=object_column([np.eye(3)] * N, X.index)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize(
    ("name", "model"), [(name, each[0]) for name, each in OF_CLIPS.items()], ids=list(OF_CLIPS)
)
def test_what_is_no_table_of_clips_is_named(name, model, wrong, table):
    with pytest.raises((ValueError, FileNotFoundError)) as raised:
        clone(model).fit(wrong(table), LABELS)
    assert not re.search(RAW, str(raised.value))
    assert re.search("column|DataFrame", str(raised.value))


@pytest.mark.parametrize(
    ("name", "model"), [(name, each[0]) for name, each in OF_FRAMES.items()], ids=list(OF_FRAMES)
)
def test_frames_are_read_step_by_step(name, model, table):
    """Frames that are NaN are absent in every step, paths and numbers are named by the first."""
    holed = table["audio__frames"].iloc[3].copy()
    holed[1] = np.nan
    cells = [holed if i == 3 else cell for i, cell in enumerate(table["audio__frames"])]
    absent = table.assign(audio__frames=object_column(cells, table.index))
    predicts(clone(model).fit(absent, LABELS), absent)
    with pytest.raises(ValueError, match=r"row .*column 'audio__frames' holds 'a\.wav'"):
        clone(model).fit(table.assign(audio__frames="a.wav"), LABELS)
    with pytest.raises(ValueError, match=r"X mixes frames .* with numbers"):
        clone(model).fit(table.assign(audio__length=1.5), LABELS)


def test_every_system_is_checked_here_or_where_it_says():
    makers = {name for name in systems.__all__ if name.startswith("make_")}
    named = {key.split()[0] for key in [*OF_CLIPS, *OF_FRAMES]}
    here = {name for name in makers if any(key in name for key in named)}
    here |= {"make_recording_pipeline"} if "recordings" in named else set()
    assert makers == here | set(ELSEWHERE)
    for path, text in ELSEWHERE.values():
        place = Path(__file__).parents[1] / path
        files = [place] if place.is_file() else list(place.glob("*.py"))
        assert any(text in file.read_text(encoding="utf-8") for file in files), path
