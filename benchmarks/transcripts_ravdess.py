"""Word error rate of SpeechTranscriber on RAVDESS, neutral and emotional clips apart.

Run:  python benchmarks/transcripts_ravdess.py FOLDER [--clips 100] [--beam-size 5]
RAVDESS has two sentences only, so this says whether emotional voices are understood, not how good
the transcripts are elsewhere. Clips are drawn with seed 0, half of them neutral or calm. Case and
punctuation do not count. It needs the extra `asr` and jiwer.
"""

import argparse
import re
import time

import jiwer
import pandas as pd

from emoest.datasets import load_ravdess
from emoest.embeddings import SpeechTranscriber

SENTENCES = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}


def plain(text: str | None) -> str:
    """Lower case without punctuation; a missing text is empty."""
    return re.sub(r"[^a-z' ]", "", (text or "").lower())


def measure(folder: str, n_clips: int, beam_size: int) -> pd.DataFrame:
    """Transcribe a sample of the clips; one row a kind of clip."""
    X, y = load_ravdess(folder, return_X_y=True)
    X = X.assign(is_neutral=y.isin(["neutral", "calm"]).to_numpy())
    sample = X.groupby("is_neutral", group_keys=False).sample(n_clips // 2, random_state=0)
    start = time.perf_counter()
    transcriber = SpeechTranscriber(beam_size=beam_size, details=True, verbose=1)
    found = transcriber.fit_transform(sample[["audio"]])
    seconds = time.perf_counter() - start
    # The fifth part of an official name is the sentence.
    spoken = [SENTENCES[str(path).split("/")[-1].split("-")[4]] for path in sample["audio"]]
    rows = []
    for name, chosen in (("neutral, calm", sample["is_neutral"]), ("other", ~sample["is_neutral"])):
        keep = chosen.to_numpy()
        pairs = [
            (said, plain(text))
            for said, text, kept in zip(spoken, found["text"], keep, strict=True)
            if kept
        ]
        said, heard = zip(*pairs, strict=True)
        rows.append(
            {
                "clips": name,
                "n": len(pairs),
                "WER": round(jiwer.wer(list(said), list(heard)), 3),
                "missing": sum(not text for text in heard),
                "not taken for English": int((found["language"][keep].fillna("en") != "en").sum()),
            }
        )
    print(f"{len(sample)} clips in {seconds:.1f} s")
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="folder of RAVDESS (official file names)")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--beam-size", type=int, default=5)
    given = parser.parse_args()
    print(measure(given.folder, given.clips, given.beam_size).to_string(index=False))


if __name__ == "__main__":
    main()
