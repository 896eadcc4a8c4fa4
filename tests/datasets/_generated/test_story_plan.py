import numpy as np
import pandas as pd
import pytest

from emoest.datasets._generated.story_plan import LEVELS, PARTITIONS, plan_stories
from emoest.datasets._generated.story_sentences import OUTCOMES


def plan(seed=0, **parameters):
    return plan_stories(
        seed,
        **{
            "n_speakers": 87,
            "n_stories": 3,
            "difficulty": 0.35,
            "chunk_seconds": 5.0,
            **parameters,
        },
    )


def table(stories):
    return pd.DataFrame(
        {
            "speaker": [story.speaker for story in stories],
            "partition": [story.partition for story in stories],
            "valence": [LEVELS.index(story.valence) for story in stories],
            "arousal": [LEVELS.index(story.arousal) for story in stories],
            "words": [len(story.text.split()) for story in stories],
            "chunks": [len(story.chunks) for story in stories],
            "seconds": [sum(chunk.seconds for chunk in story.chunks) for story in stories],
            "level": [np.mean([c.prosody.level for c in story.chunks]) for story in stories],
            "rate": [np.mean([c.prosody.syllable_rate for c in story.chunks]) for story in stories],
            "mood": [mood(story.text) for story in stories],
        }
    )


def mood(text):
    """Sentences of joy less sentences of sorrow, by their fixed beginnings."""
    found = 0
    for sign, sentences in OUTCOMES.items():
        for sentence in sentences:
            found += sign * (sentence.rpartition("{person}")[2].strip() in text)
    return found


def test_layout():
    stories = plan()
    frame = table(stories)
    assert len(frame) == 261
    assert frame["partition"].value_counts().to_dict() == dict.fromkeys(PARTITIONS, 87)
    assert frame.groupby("speaker")["partition"].nunique().eq(1).all()
    assert frame.groupby("partition")["speaker"].nunique().tolist() == [29, 29, 29]
    assert frame["speaker"].str.fullmatch("[A-Z]{4}[0-9]{4}").all()
    names = [story.name for story in stories]
    assert names[:3] == [f"{stories[0].speaker}_st{i}" for i in (1, 2, 3)]
    files = [chunk.name for story in stories for chunk in story.chunks]
    assert len(set(files)) == len(files)
    assert set(frame["chunks"]) == {3, 4}


def test_labels_are_balanced_in_each_partition():
    frame = table(plan())
    for target in ("valence", "arousal"):
        assert (frame.groupby(["partition", target]).size() == 29).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_label_has_one_carrier(seed):
    """Correlations of 261 stories scatter by 0.06 around zero where there is nothing."""
    correlation = table(plan(seed)).drop(columns=["speaker", "partition"]).corr()
    assert correlation.loc["arousal", "level"] > 0.5
    assert correlation.loc["arousal", "rate"] > 0.4
    assert correlation.loc["valence", "mood"] > 0.5
    for one, other in (
        ("valence", "level"),
        ("valence", "rate"),
        ("arousal", "mood"),
        ("valence", "words"),
        ("arousal", "words"),
        ("valence", "seconds"),
        ("arousal", "seconds"),
        ("arousal", "chunks"),
        ("valence", "arousal"),
    ):
        assert abs(correlation.loc[one, other]) < 0.2, (one, other)


def test_difficulty():
    strength = [
        table(plan(difficulty=difficulty))[["arousal", "level"]].corr().iloc[0, 1]
        for difficulty in (0.0, 0.35, 1.0)
    ]
    assert strength[0] > 0.85
    assert strength[0] > strength[1] > strength[2] + 0.3
    assert abs(strength[2]) < 0.2
    moods = table(plan(difficulty=0.0)).groupby("valence")["mood"]
    assert moods.min()[2] > moods.max()[0]


def test_speakers_differ_in_voice():
    stories = plan(difficulty=0.0)
    pitch = pd.Series(
        [np.log2(story.chunks[0].prosody.f0) for story in stories],
        index=pd.MultiIndex.from_arrays(
            [[s.speaker for s in stories], [s.arousal for s in stories]]
        ),
    )
    same = pitch[pitch.index.get_level_values(1) == "low"]
    assert same.groupby(level=0).first().std() > 0.2
    tract = {story.speaker: story.chunks[0].prosody.tract for story in stories}
    assert 0.4 < np.mean([value > 1.05 for value in tract.values()]) < 0.6


def test_same_seed_same_plan():
    assert plan(5) == plan(5)
    assert plan(5) != plan(6)


def test_sentences():
    for story in plan(n_speakers=6):
        assert story.text[0].isupper()
        assert "{" not in story.text
        assert 6 <= story.text.count(".") <= 8
        sentences = story.text.split(". ")
        assert len(set(sentences)) == len(sentences)
