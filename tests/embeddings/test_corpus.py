"""A corpus in parts, in one process."""

import errno
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling
from emoest.embeddings import CorpusError, embed_corpus
from emoest.normalization import ZScoreNormalizer
from emoest.tables.cells import read_frames
from tests.embeddings.corpus_stub import CountingEmbedder, computed

pytest.importorskip("pyarrow")


@pytest.fixture
def table():
    names = [f"clip {i:03d}" for i in range(23)]
    speakers = [f"s{i % 5}" for i in range(23)]
    index = pd.MultiIndex.from_arrays([range(100, 123), speakers], names=["clip", "group"])
    return pd.DataFrame({"text": names, "speaker": speakers}, index=index)


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log")


def test_the_parts_together_are_the_table_that_one_call_gives(table, log, tmp_path):
    embedder = CountingEmbedder(log)
    parts = embed_corpus(table, embedder, tmp_path / "out", keep=["speaker"], rows_per_part=5)
    assert parts["n_rows"].tolist() == [5, 5, 5, 5, 3]
    assert parts["part"].tolist() == [0, 1, 2, 3, 4]
    assert (parts["megabytes"] > 1).all()
    assert len(computed(log)) == 23
    found = pd.read_parquet(tmp_path / "out")
    expected = CountingEmbedder(log).fit(table).transform(table)
    pd.testing.assert_frame_equal(found[[*expected.columns]], expected)
    assert found["speaker"].tolist() == table["speaker"].tolist()


@pytest.mark.parametrize("index", ["two levels", "range", "step", "names", None])
@pytest.mark.parametrize("n_files", [1, 3])
def test_parquet_is_read_in_pieces(n_files, index, table, log, tmp_path):
    if index is None:
        table = table.reset_index(drop=True)
    elif index != "two levels":
        kinds = {"range": range(23), "step": range(7, 53, 2), "names": table["text"].to_list()}
        table = table.set_axis(pd.Index(kinds[index], name="row"))
    source = tmp_path / "in"
    source.mkdir()
    for i, rows in enumerate(np.array_split(np.arange(23), n_files)):
        table.iloc[rows].to_parquet(source / f"{i}.parquet", row_group_size=4)
    path = source if n_files > 1 else source / "0.parquet"
    parts = embed_corpus(path, CountingEmbedder(log), tmp_path / "out", rows_per_part=6)
    assert parts["n_rows"].sum() == 23
    assert parts["n_rows"].max() == 6
    found = pd.read_parquet(tmp_path / "out")
    expected = CountingEmbedder(log).fit(table).transform(table)[[*found.columns]]
    pd.testing.assert_frame_equal(found, expected)


def test_labels_are_kept_and_not_embedded(table, log, tmp_path):
    table = table.assign(emotion="sad", rating=range(23))
    keep = ["emotion", "rating", "speaker"]
    embed_corpus(table, CountingEmbedder(log), tmp_path / "out", keep=keep, rows_per_part=9)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "out")[keep], table[keep], check_dtype=False
    )
    # A pipeline that was fitted with such a column gets it.
    embed = ColumnTransformer(
        [("text", CountingEmbedder(log), ["text"]), ("rating", "passthrough", ["rating"])]
    )
    fitted = embed.set_output(transform="pandas").fit(table)
    embed_corpus(table, fitted, tmp_path / "both", keep=["rating"], rows_per_part=9)
    found = pd.read_parquet(tmp_path / "both")
    assert found["rating__rating"].tolist() == found["rating"].tolist() == [*range(23)]


def test_begun_again_only_what_is_missing_is_made(table, log, tmp_path):
    out = tmp_path / "out"
    embed_corpus(table, CountingEmbedder(log), out, rows_per_part=5)
    (out / "part-000001.parquet").unlink()
    whole = (out / "part-000003.parquet").read_bytes()
    (out / "part-000003.parquet").write_bytes(whole[: len(whole) // 2])
    before = len(computed(log))
    # Neither the bar nor the number of processes changes a vector.
    again = embed_corpus(table, CountingEmbedder(log, verbose=1), out, rows_per_part=5, verbose=1)
    made = [item for _, item in computed(log)[before:]]
    assert sorted(made) == table["text"].tolist()[5:10] + table["text"].tolist()[15:20]
    assert again["seconds"].gt(0).tolist() == [False, True, False, True, False]
    assert len(pd.read_parquet(out)) == 23


class Stops(CountingEmbedder):
    """Behaves as if Ctrl-C were pressed in the third part."""

    calls = 0

    def transform(self, X):
        type(self).calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return super().transform(X)


def test_an_interrupt_keeps_the_parts_before(table, log, tmp_path):
    Stops.calls = 0
    with pytest.raises(KeyboardInterrupt):
        embed_corpus(table, Stops(log), tmp_path / "out", rows_per_part=5)
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 2
    embed_corpus(table, Stops(log), tmp_path / "out", rows_per_part=5)
    items = [item for _, item in computed(log)]
    assert sorted(items) == table["text"].tolist()


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"rows_per_part": 6}, "table, rows_per_part"),
        ({"keep": ["speaker"]}, "keep"),
        ({"pooling": "max"}, "pipeline"),
        ({"table": slice(0, 10)}, "table"),
    ],
)
def test_a_folder_of_another_corpus_is_refused(change, differs, table, log, tmp_path):
    out = tmp_path / "out"
    embed_corpus(table, CountingEmbedder(log), out, rows_per_part=5)
    embedder = CountingEmbedder(log, pooling=change.pop("pooling", "mean"))
    rows = table.iloc[change.pop("table", slice(None))]
    with pytest.raises(ValueError, match=f"was begun with another {differs}"):
        embed_corpus(rows, embedder, out, **{"rows_per_part": 5} | change)
    (out / "_emoest.json").unlink()
    with pytest.raises(ValueError, match="did not write"):
        embed_corpus(table, CountingEmbedder(log), out, rows_per_part=5)


def test_a_part_that_fails_is_named_and_the_others_are_written(table, log, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(
        CorpusError, match=r"1 of 5 part\(s\) failed: 2. The first, 5 rows, with Va"
    ) as stop:
        embed_corpus(table, CountingEmbedder(log, bad="clip 012"), out, rows_per_part=5)
    assert stop.value.parts["part"].tolist() == [0, 1, 3, 4]
    assert "clip 012" in str(stop.value) or "row" in str(stop.value)
    assert len(pd.read_parquet(out)) == 18
    lenient = CountingEmbedder(log, bad="clip 012", errors="missing")
    embed_corpus(table, lenient, tmp_path / "lenient", rows_per_part=5)
    found = pd.read_parquet(tmp_path / "lenient").filter(like="count")
    assert np.flatnonzero(found.isna().all(axis=1)).tolist() == [12]


def test_where_nothing_works_it_ends_after_three(table, log, tmp_path):
    with pytest.raises(CorpusError, match=r"3 of 23 part\(s\) failed"):
        embed_corpus(table, CountingEmbedder(log), tmp_path / "out", keep=["mood"], rows_per_part=1)
    assert len(computed(log)) == 0


def test_a_full_disk_leaves_no_half_of_a_part(table, log, tmp_path, monkeypatch):
    right, calls = pd.DataFrame.to_parquet, []

    def full(frame, file, **options):
        calls.append(1)
        if len(calls) == 2:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        return right(frame, file, **options)

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    out = tmp_path / "out"
    with pytest.raises(CorpusError, match="No space left on device"):
        embed_corpus(table, CountingEmbedder(log), out, rows_per_part=5)
    assert len(pd.read_parquet(out)) == 18
    assert not any(path.is_file() for path in (out / "_writing").iterdir())
    (out / "_writing" / "part-000001-left.tmp").write_bytes(b"half")
    assert len(pd.read_parquet(out)) == 18
    embed_corpus(table, CountingEmbedder(log), out, rows_per_part=5)
    assert not (out / "_writing").exists()
    assert len(pd.read_parquet(out)) == 23


def test_frames_are_files_beside_the_table(table, log, tmp_path):
    table = table.assign(text=[None, *table["text"][1:]])
    embed_corpus(table, CountingEmbedder(log, pooling=None), tmp_path / "out", rows_per_part=8)
    found = pd.read_parquet(tmp_path / "out")
    expected = CountingEmbedder(log, pooling=None).fit(table).transform(table)
    assert found.columns.tolist() == expected.columns.tolist()
    (name,) = (column for column in expected if "frames" in column)
    assert read_frames(found[name].iloc[0]) is None
    for cell, frames in zip(found[name][1:], expected[name][1:], strict=True):
        np.testing.assert_array_equal(read_frames(cell), frames)
    pooled = StatisticsPooling().fit(expected).transform(found)
    pd.testing.assert_frame_equal(pooled, StatisticsPooling().fit_transform(expected))


def test_what_learns_has_to_be_fitted_first(table, log, tmp_path):
    embed = ColumnTransformer([("text", CountingEmbedder(log), ["text"])])
    whole = make_pipeline(embed, ZScoreNormalizer()).set_output(transform="pandas")
    with pytest.raises(ValueError, match="not fitted, and ZScoreNormalizer may learn"):
        embed_corpus(table, whole, tmp_path / "out")
    with pytest.raises(ValueError, match="PCA may learn"):
        embed_corpus(table, make_pipeline(embed, PCA()), tmp_path / "out")
    embed_corpus(table, whole.fit(table), tmp_path / "out", rows_per_part=5)
    found = pd.read_parquet(tmp_path / "out")
    pd.testing.assert_frame_equal(found, whole.transform(table)[[*found.columns]])


def test_the_folder_says_what_it_holds(table, log, tmp_path):
    embed_corpus(table, CountingEmbedder(log), tmp_path / "out", rows_per_part=5)
    known = json.loads((tmp_path / "out" / "_emoest.json").read_text())
    assert (known["n_parts"], known["n_rows"], known["rows_per_part"]) == (5, 23, 5)


def test_what_is_no_table_is_named(log, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of parquet"):
        embed_corpus(tmp_path / "none", CountingEmbedder(log), tmp_path / "out")
    with pytest.raises(TypeError, match="DataFrame or the path of parquet, got list"):
        embed_corpus(["a.wav"], CountingEmbedder(log), tmp_path / "out")
