import json

import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_emorynlp
from emoest.datasets._corpora.emorynlp import EPISODES, N_EMOTIONS, N_EPISODES

RECORD = corpus_record("emorynlp")
EMOTIONS = RECORD.labels["emotion"]
ALL = [f"{season}_e{i:02d}" for season, n in N_EPISODES.items() for i in range(1, n + 1)]
TRAIN = [name for name in ALL if name not in EPISODES["dev"] + EPISODES["test"]]


def utterance(name, emotion, speakers=("Joey Tribbiani",)):
    return {
        "utterance_id": name,
        "speakers": list(speakers),
        "transcript": f"I am {name}.",
        "tokens": [["I", "am"]],
        "emotion": emotion,
    }


def write_release(folder):
    """Write the whole release: seasons hold episodes, episodes scenes, scenes utterances."""
    for split, episodes in (("trn", TRAIN), ("dev", EPISODES["dev"]), ("tst", EPISODES["test"])):
        counts = N_EMOTIONS[{"trn": "train", "tst": "test"}.get(split, split)]
        labels = [e.capitalize() for e, n in zip(EMOTIONS, counts, strict=True) for _ in range(n)]
        scenes = {episode: [] for episode in episodes}
        for i, label in enumerate(labels):
            episode, number = episodes[i % len(episodes)], i // len(episodes)
            scenes[episode].append(utterance(f"{episode}_c01_u{number:03d}", label))
        nested = {
            "episodes": [
                {"episode_id": name, "scenes": [{"scene_id": f"{name}_c01", "utterances": rows}]}
                for name, rows in scenes.items()
            ]
        }
        (folder / f"emotion-detection-{split}.json").write_text(json.dumps(nested))


def test_the_partitions_are_97_episodes():
    assert len(ALL) == 97
    assert {"train": len(TRAIN), "dev": len(EPISODES["dev"]), "test": len(EPISODES["test"])} == {
        "train": 77,
        "dev": 11,
        "test": 9,
    }
    assert set(EPISODES["dev"] + EPISODES["test"]) <= set(ALL)


def test_the_release_has_the_counts_of_its_record(tmp_path):
    write_release(tmp_path)
    bunch = load_emorynlp(tmp_path, strict=True)
    assert bunch.target.value_counts().to_dict() == dict(RECORD.sizes["emotion"])
    assert sum(RECORD.sizes["emotion"].values()) == 12606
    for split, rows in bunch.splits.items():
        counts = bunch.target.iloc[rows].value_counts().to_dict()
        assert counts == dict(RECORD.split_sizes[split])
    episodes = {s: set(bunch.data["dialogue"].iloc[r].str[:7]) for s, r in bunch.splits.items()}
    assert not episodes["train"] & episodes["test"]
    assert not episodes["dev"] & episodes["test"]
    assert list(bunch.data.columns) == ["text", "speaker", "dialogue", "split"]


def test_a_part_of_the_release_is_said(tmp_path):
    (tmp_path / "notes.csv").touch()
    rows = [utterance("s01_e02_c01_u002", "Neutral"), utterance("s01_e15_c01_u001", "Mad")]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    with pytest.warns(IncompleteCorpusWarning, match="the test set"):
        bunch = load_emorynlp(tmp_path)
    assert bunch.data["split"].tolist() == ["train", "dev"]
    assert bunch.target.tolist() == ["neutral", "mad"]
    assert bunch.missing == [
        "the test set",
        "the train set: 1 of 9934 rows",
        "the dev set: 1 of 1344 rows",
    ]
    with pytest.raises(FileNotFoundError, match=r"EmoryNLP in .* is incomplete"):
        load_emorynlp(tmp_path, strict=True)


def write_table(folder, split, rows):
    columns = ["Utterance", "Speaker", "Emotion", "Scene_ID", "Utterance_ID", "Season", "Episode"]
    table = pd.DataFrame(rows, columns=columns)
    table["Start_Time"] = table["End_Time"] = "00:00:03.795"
    table.to_csv(folder / f"emorynlp_{split}_final.csv", index=False)


def test_tables_beside_meld(tmp_path):
    write_table(tmp_path, "train", [("Coffee.", "['Rachel Green']", "Neutral", 1, 1, 1, 2)])
    write_table(
        tmp_path,
        "dev",
        [
            ("Aww, thank you.", "['Monica Geller', 'Ross Geller']", "Scared", 1, 6, 1, 15),
            ("Again.", "['Monica Geller']", "Joyful", 1, 6, 1, 15),
        ],
    )
    write_table(tmp_path, "test", [("No.", "['Celia']", "Peaceful", 12, 3, 4, 20)])
    bunch = load_emorynlp(tmp_path, strict=True)
    assert bunch.data.index.get_level_values("utterance").tolist() == [
        "s01_e02_c01_u001",
        "s01_e15_c01_u006",
        "s01_e15_c01_u006#2",
        "s04_e20_c12_u003",
    ]
    assert bunch.data["speaker"].tolist()[1] == "Monica Geller & Ross Geller"
    assert bunch.data["dialogue"].tolist()[3] == "s04_e20_c12"
    assert bunch.target.tolist() == ["neutral", "scared", "joyful", "peaceful"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("A", "Rachel", "Neutral", 1, 1, 1, 2), "'Rachel' is no list of speakers"),
        (("A", "['Rachel']", "Bored", 1, 1, 1, 2), "row 0 has the unknown Emotion 'Bored'"),
        (
            ("A", "['Rachel']", "Mad", "one", 1, 1, 2),
            "row 0 has 'one' in the column Scene_ID, which is no number",
        ),
    ],
)
def test_damaged_tables(tmp_path, row, message):
    write_table(tmp_path, "dev", [row])
    with pytest.raises(ValueError, match=message):
        load_emorynlp(tmp_path)


def test_bad_releases(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[{]")
    with pytest.raises(ValueError, match=r"a\.json' is no JSON in UTF-8"):
        load_emorynlp(tmp_path)
    path.write_text(json.dumps([utterance("s09_e01_c01_u001", "Mad")]))
    with pytest.raises(ValueError, match="unknown utterance 's09_e01_c01_u001'"):
        load_emorynlp(tmp_path)
    path.write_text("[]")
    with pytest.raises(FileNotFoundError, match=r"found a\.json \(1 \.json\)"):
        load_emorynlp(tmp_path)
