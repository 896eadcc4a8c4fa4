"""The archive is checked before anything in it is read."""

import json
import subprocess
import sys
import zipfile

import pytest

from emoest.persistence import SystemRecord, load_system, read_record
from tests.persistence.skops_files import rewritten, saved

pytest.importorskip("skops.io")


def truncated(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def empty(path):
    path.write_bytes(b"")


def a_table(path):
    path.write_text("audio,emotion\na.wav,sad\n")


def a_pickle(path):
    import joblib

    joblib.dump({"a": 1}, path)


def compressed(path):
    rewritten(path, {"bomb": b"\0" * 10**7}, compression=zipfile.ZIP_DEFLATED)


def without_record(path):
    rewritten(path, {}, without=["emoest.json"])


def without_model(path):
    rewritten(path, {}, without=["schema.json"])


def doubled(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("schema.json", "{}")


def overlapping(path):
    """Many members that all lie in one place, as bombs without compression do."""
    rewritten(path, {"bomb": b"\0" * 100_000})
    with zipfile.ZipFile(path, "a") as archive:
        first = archive.getinfo("bomb")
        for number in range(20):
            again = zipfile.ZipInfo(f"bomb{number}")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(again, name, getattr(first, name))
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive._didModify = True


def encrypted(path):
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(bytes(content))


def damaged_record(path):
    rewritten(path, {"emoest.json": "{"})


def record_of_numbers(path):
    rewritten(path, {"emoest.json": "[1]"})


def record_without_format(path):
    rewritten(path, {"emoest.json": "{}"})


def record_of_other_kinds(path):
    values = {"format": 1, "kind": 3, "saved": "", "versions": {}}
    rewritten(path, {"emoest.json": json.dumps(values)})


def record_of_odd_weights(path):
    values = {"format": 1, "kind": "", "saved": "", "versions": {}, "weights": [{"name": "a"}]}
    rewritten(path, {"emoest.json": json.dumps(values)})


BROKEN = [
    (truncated, "not a file that save_system writes"),
    (empty, "not a file that save_system writes"),
    (a_table, "not a file that save_system writes"),
    (a_pickle, "not a file that save_system writes"),
    (without_record, "holds no emoest.json"),
    (without_model, "holds no schema.json"),
    (compressed, "is compressed"),
    (doubled, "two members of one name"),
    (overlapping, "its members claim"),
    (encrypted, "is encrypted"),
    (damaged_record, "damaged"),
    (record_of_numbers, "damaged"),
    (record_without_format, "damaged"),
    (record_of_other_kinds, "damaged"),
    (record_of_odd_weights, "damaged"),
]


@pytest.mark.parametrize(("damage", "said"), BROKEN, ids=[each.__name__ for each, _ in BROKEN])
@pytest.mark.parametrize("read", [load_system, read_record])
def test_what_is_no_whole_file_of_a_system_is_refused(damage, said, read, tmp_path):
    path = saved(tmp_path / "model.skops")
    damage(path)
    with pytest.raises(ValueError, match=said) as caught:
        read(path)
    assert "model.skops" in str(caught.value)


def test_damaged_numbers_are_noticed(tmp_path):
    path = saved(tmp_path / "model.skops")
    content = bytearray(path.read_bytes())
    at = content.index(b"\x93NUMPY") + 130
    content[at] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"model.skops.*Bad CRC"):
        load_system(path)


@pytest.mark.parametrize("read", [load_system, read_record])
@pytest.mark.parametrize("changes", [{"format": 2}, {"future": True}])
def test_a_later_format_names_the_version_that_reads_it(read, changes, tmp_path):
    path = saved(tmp_path / "later.skops")
    with zipfile.ZipFile(path) as archive:
        record = json.loads(archive.read("emoest.json"))
    record |= {"versions": record["versions"] | {"emoest": "9.9"}} | changes
    rewritten(path, {"emoest.json": json.dumps(record)})
    with pytest.raises(ValueError, match=r"Load it with the emoest that wrote it: 9\.9"):
        read(path)


def test_a_record_goes_to_json_and_back(tmp_path):
    path = saved(tmp_path / "model.skops")
    record = read_record(path)
    values = json.loads(record.to_json())
    assert values.pop("format") == 1
    assert SystemRecord(card=record.card, **values) == record
    assert record.kind == "LogisticRegression" and record.classes == ["glad", "sad"]


def test_a_file_that_is_not_there(tmp_path):
    for read in (load_system, read_record):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none.skops")


def test_reading_the_record_loads_nothing_heavy(tmp_path):
    path = saved(tmp_path / "model.skops")
    code = (
        "import sys; from emoest.persistence import read_record; "
        f"print(read_record({str(path)!r}).kind, "
        "*{'numpy', 'sklearn', 'torch', 'skops'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["LogisticRegression"]
