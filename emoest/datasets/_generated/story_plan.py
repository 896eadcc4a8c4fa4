"""The plan of generated stories: who tells what, how, and what it stands for. Writes nothing.

Two hidden numbers make a story, one for each target: ``(1 - difficulty) * level + difficulty *
noise``, where the level is -1, 0 or 1 for low, medium and high, and the noise has unit variance, a
part of it shared by all stories of a speaker. The one for arousal moves the prosody, the one for
valence chooses the words. Durations, numbers of chunks and sentences, and topics depend on neither.
"""

from dataclasses import dataclass

import numpy as np

from emoest.datasets._generated.speech_synthesis import Prosody
from emoest.datasets._generated.story_sentences import TOPICS
from emoest.datasets._generated.story_translations import STOCKS
from emoest.utils.seeds import spawn_seeds

LEVELS = ("low", "medium", "high")
PARTITIONS = ("train", "devel", "test")

SPEAKER_NOISE = 0.4
"""Fraction of a speaker in the noise, as a standard deviation; the rest is each story's own."""

_CUE_NOISE = 0.1
_CHUNK_NOISE = 0.1
_WORD_NOISE = 0.5
_WORD_THRESHOLD = 0.33


@dataclass(frozen=True)
class Chunk:
    """One audio file of a story.

    Parameters
    ----------
    name : str
        Name of the file.
    seconds : float
        Duration.
    prosody : Prosody
        How it is said.
    seed : int
        Of everything else in it.
    text : str
        The part of the story that is told in it.
    """

    name: str
    seconds: float
    prosody: Prosody
    seed: int
    text: str


@dataclass(frozen=True)
class Story:
    """One sample.

    Parameters
    ----------
    name : str
        ``AAAADDMM_stN``, as in the corpus whose schema this is.
    speaker : str
        ``AAAADDMM``.
    partition : {"train", "devel", "test"}
        Where the speaker belongs.
    valence, arousal : {"low", "medium", "high"}
        The labels.
    text : str
        What is told.
    chunks : tuple of Chunk
        The audio.
    """

    name: str
    speaker: str
    partition: str
    valence: str
    arousal: str
    text: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class _Voice:
    """A speaker's own way: offsets around which his stories move."""

    f0: float
    f0_range: float
    level: float
    syllable_rate: float
    pause: float
    brightness: float
    tract: float
    arousal: float
    valence: float
    topics: tuple[str, ...]


def plan_stories(
    seed: int,
    *,
    n_speakers: int,
    n_stories: int,
    difficulty: float,
    chunk_seconds: float,
    language: str = "en",
) -> list[Story]:
    """Plan all stories.

    Parameters
    ----------
    seed : int
        The same seed gives the same plan.
    n_speakers : int
        Number of speakers, at least three; partitions differ by one at the most.
    n_stories : int
        Stories of each speaker.
    difficulty : float
        Fraction of noise, from 0 to 1.
    chunk_seconds : float
        Mean duration of a chunk.
    language : {"en", "de", "zh"}, default="en"
        Of the sentences.

    Returns
    -------
    stories : list of Story
        By partition, speaker and number.

    Examples
    --------
    >>> stories = plan_stories(0, n_speakers=3, n_stories=2, difficulty=0.5, chunk_seconds=5.0)
    >>> [story.partition for story in stories]
    ['train', 'train', 'devel', 'devel', 'test', 'test']
    """
    seeds = spawn_seeds(seed, 3)
    generator, words, sounds = (np.random.RandomState(one) for one in seeds)
    names = _speaker_names(n_speakers, generator)
    sexes = generator.permutation(np.arange(n_speakers) % 2)
    stories = []
    for partition, members in zip(
        PARTITIONS, np.array_split(np.arange(n_speakers), len(PARTITIONS)), strict=True
    ):
        labels = _labels(len(members) * n_stories, generator)
        for i in members:
            voice = _draw_voice(bool(sexes[i]), generator)
            for number in range(n_stories):
                valence, arousal = labels.pop()
                hidden = {
                    "arousal": _hidden(arousal, voice.arousal, difficulty, generator),
                    "valence": _hidden(valence, voice.valence, difficulty, generator),
                }
                name = f"{names[i]}_st{number + 1}"
                sentences = _tell(hidden["valence"], voice, number, words, language)
                between = STOCKS[language][3]
                stories.append(
                    Story(
                        name=name,
                        speaker=names[i],
                        partition=partition,
                        valence=LEVELS[valence + 1],
                        arousal=LEVELS[arousal + 1],
                        text=between.join(sentences),
                        chunks=_say(
                            f"{partition}_{name}",
                            sentences,
                            between,
                            arousal=hidden["arousal"],
                            voice=voice,
                            chunk_seconds=chunk_seconds,
                            generator=sounds,
                        ),
                    )
                )
    return stories


def _speaker_names(n_speakers: int, generator: np.random.RandomState) -> list[str]:
    letters = np.array(list("ABCDEFGHIJKLMNOPRSTUVWZ"))
    names: dict[str, None] = {}
    while len(names) < n_speakers:
        initials = "".join(generator.choice(letters, size=4))
        names[f"{initials}{generator.randint(1, 29):02d}{generator.randint(1, 13):02d}"] = None
    return list(names)


def _labels(n_stories: int, generator: np.random.RandomState) -> list[tuple[int, int]]:
    """Levels of valence and arousal, each equally often, in two orders of their own.

    (With all pairs equally often too, a surplus of a pair in the training part would be a lack of
    it in the test part, and a modality that carries nothing would score below chance.)
    """
    levels = np.arange(n_stories) % len(LEVELS) - 1
    valence, arousal = generator.permutation(levels), generator.permutation(levels)
    return list(zip(valence.tolist(), arousal.tolist(), strict=True))


def _draw_voice(female: bool, generator: np.random.RandomState) -> _Voice:
    normal = generator.standard_normal(9)
    # Sorted, so that a seed gives the same topics in whatever order they are written down.
    topics = generator.permutation(sorted(TOPICS))
    return _Voice(
        f0=(180.0 if female else 120.0) * 2.0 ** (1.5 * normal[0] / 12.0),
        f0_range=3.5 * 2.0 ** (0.2 * normal[1]),
        level=-34.0 + 1.0 * normal[2],
        syllable_rate=4.7 * 2.0 ** (0.1 * normal[3]),
        pause=0.35 * 2.0 ** (0.2 * normal[4]),
        brightness=700.0 * 2.0 ** (0.15 * normal[5]),
        tract=(1.1 if female else 1.0) * (1.0 + 0.02 * normal[6]),
        arousal=float(normal[7]),
        valence=float(normal[8]),
        topics=tuple(str(topic) for topic in topics),
    )


def _hidden(
    level: int, of_speaker: float, difficulty: float, generator: np.random.RandomState
) -> float:
    own = np.sqrt(1.0 - SPEAKER_NOISE**2) * generator.standard_normal()
    return (1.0 - difficulty) * level + difficulty * (SPEAKER_NOISE * of_speaker + float(own))


def _tell(
    valence: float, voice: _Voice, number: int, generator: np.random.RandomState, language: str
) -> list[str]:
    """An opening and five to seven sentences, each happy, plain or unhappy by the valence."""
    topics, people, outcomes, _ = STOCKS[language]
    openings = topics[voice.topics[number % len(voice.topics)]]
    sentences = [openings[generator.randint(len(openings))]]
    n_sentences = generator.randint(5, 8)
    # One in each of n equal parts of [0, 1): so the noise of a story's sentences cancels, however
    # many they are.
    places = (generator.permutation(n_sentences) + generator.random_sample()) / n_sentences
    # Uniform noise of width 1 has the standard deviation 1 / (2 sqrt(3)).
    moods = valence + _WORD_NOISE * 2.0 * np.sqrt(3.0) * (places - 0.5)
    decks = {mood: list(generator.permutation(len(outcomes[mood]))) for mood in sorted(outcomes)}
    for value in moods:
        mood = int(value > _WORD_THRESHOLD) - int(value < -_WORD_THRESHOLD)
        person = people[generator.randint(len(people))]
        sentence = outcomes[mood][decks[mood].pop()].format(person=person)
        sentences.append(sentence[0].upper() + sentence[1:])
    return sentences


def _say(
    start: str,
    sentences: list[str],
    between: str,
    *,
    arousal: float,
    voice: _Voice,
    chunk_seconds: float,
    generator: np.random.RandomState,
) -> tuple[Chunk, ...]:
    """Three or four chunks.

    Arousal below medium slows the speech, lengthens its pauses and flattens its melody; above
    medium it makes the voice louder, higher and brighter. Either half moves the other cues a
    little, and every cue has noise of its own.
    """
    n_chunks = generator.randint(3, 5)
    low, high = min(arousal, 0.0) + 0.15 * arousal, max(arousal, 0.0) + 0.15 * arousal
    cues = np.array([low, low, low, high, high, high])
    cues = cues + _CUE_NOISE * generator.standard_normal(len(cues))
    seeds = spawn_seeds(generator, n_chunks)
    chunks = []
    for i, seed in enumerate(seeds):
        noise = _CHUNK_NOISE * generator.standard_normal(len(cues))
        rate, pause, f0_range, level, f0, bright = cues + noise
        prosody = Prosody(
            f0=voice.f0 * 2.0 ** (5.0 * f0 / 12.0),
            f0_range=voice.f0_range * 2.0**f0_range,
            level=voice.level + 8.0 * level,
            syllable_rate=voice.syllable_rate * 2.0 ** (0.6 * rate),
            pause=voice.pause * 2.0 ** (-1.5 * pause),
            brightness=voice.brightness * 2.0 ** (1.5 * bright),
            tract=voice.tract,
        )
        seconds = chunk_seconds * generator.uniform(0.8, 1.2)
        text = between.join(np.array_split(sentences, n_chunks)[i].tolist())
        chunks.append(Chunk(f"{start}_{i + 1:02d}.flac", seconds, prosody, seed, text))
    return tuple(chunks)
