"""2,000 clips embedded over two workers, one killed and the run stopped; and what 1 M would cost.

Run:  python benchmarks/embed_corpus.py            (two minutes on two cores)
      python benchmarks/embed_corpus.py --simulate 0.03 --load 5

The first makes distinct clips of half a second (harmonics of a random pitch, in noise), makes means
of their log-mel spectra on a local cluster of Dask, kills the process of a worker after a third,
stops the run after two thirds as Ctrl-C does, and begins it again on another cluster. It prints how
often clips were computed, whether the table equals the local one, and the memory of each worker.
The second simulates a million clips, from seconds a clip and seconds to begin a worker.
"""

import argparse
import hashlib
import heapq
import os
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from emoest.embeddings import embed_corpus
from emoest.embeddings._corpus_parts import resident_megabytes
from emoest.features import LogMelSpectrogram

RATE = 16_000


class CountingLogMel(LogMelSpectrogram):
    """Writes a line for each clip that is computed."""

    def _compute(self, batch: list[Any]) -> list[Any]:
        made = super()._compute(batch)
        digests = [hashlib.sha256(np.ascontiguousarray(each).tobytes()) for each in made]
        with open(os.environ["COUNTED"], "a") as file:
            memory = f"{os.getpid()} {resident_megabytes():.1f}"
            file.write("".join(f"{memory} {each.hexdigest()}\n" for each in digests))
        return made


def make_clips(folder: Path, n_clips: int) -> pd.DataFrame:
    """Write clips, each another."""
    rng = np.random.default_rng(0)
    seconds = np.arange(RATE // 2) / RATE
    paths = []
    for i in range(n_clips):
        pitch = rng.uniform(90, 300) * (1 + 0.05 * np.sin(2 * np.pi * rng.uniform(2, 6) * seconds))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 12))
        clip = 0.1 * tone + 0.01 * rng.normal(size=RATE // 2)
        paths.append(str(folder / f"clip-{i:05d}.flac"))
        soundfile.write(paths[-1], clip, RATE)
    return pd.DataFrame({"audio": paths, "number": range(n_clips)})


def when(condition: Any, act: Any) -> threading.Thread:
    """Act once a condition holds."""

    def wait() -> None:
        while not condition():
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def lines(log: Path) -> list[list[str]]:
    """Process, its memory and the digest of each clip computed so far."""
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def run(table: pd.DataFrame, folder: Path, rows_per_part: int) -> None:
    """Embed with a worker killed and the run stopped, and print what came of it."""
    import distributed

    log, out = folder / "log", folder / "vectors"
    os.environ["COUNTED"] = str(log)
    n_clips = len(table)
    log_mel = CountingLogMel(pooling="mean", cache_dir=folder / "store")
    options = {"keep": ["number"], "rows_per_part": rows_per_part}
    cluster = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": None,
    }

    def written() -> int:
        return len(list(out.glob("*.parquet"))) * rows_per_part

    def kill() -> None:
        os.kill(int(lines(log)[-1][0]), signal.SIGKILL)
        print(f"killed a worker after {len(lines(log))} clips", flush=True)

    begun = time.perf_counter()
    with distributed.LocalCluster(**cluster) as one, distributed.Client(one):
        when(lambda: len(lines(log)) > n_clips // 3, kill)
        when(lambda: written() > 2 * n_clips // 3, lambda: os.kill(os.getpid(), signal.SIGINT))
        try:
            embed_corpus(table, log_mel, out, **options)
        except KeyboardInterrupt:
            print(f"stopped with {written()} clips written", flush=True)
    with distributed.LocalCluster(**cluster) as two, distributed.Client(two):
        parts = embed_corpus(table, log_mel, out, **options)
    wall = time.perf_counter() - begun
    counted = lines(log)
    print(f"{n_clips} clips in {wall:.0f} s with both stops, {len(parts)} parts")
    print(f"clips computed: {len(counted)}, different ones: {len({line[2] for line in counted})}")
    found = pd.read_parquet(out)
    local = LogMelSpectrogram(pooling="mean", cache_dir=False).fit_transform(table[["audio"]])
    print("rows:", len(found), "each once:", found["number"].tolist() == [*range(n_clips)])
    print("equal to the local table:", found[[*local.columns]].equals(local))
    for worker in dict.fromkeys(line[0] for line in counted):
        memory = np.array([float(line[1]) for line in counted if line[0] == worker])
        quarter = len(memory) // 4
        first, last = memory[quarter : 2 * quarter].mean(), memory[-quarter:].mean()
        print(
            f"worker {worker}: {len(memory)} clips, MiB {first:.1f} in the second quarter and "
            f"{last:.1f} in the last"
        )
    made = parts[parts["seconds"] > 0]
    print(f"seconds a clip and worker: {made['seconds'].sum() / made['n_rows'].sum():.4f}")


def simulate(
    n_clips: int,
    n_workers: int,
    *,
    seconds: float,
    rows_per_part: int,
    load: float,
    part_seconds: float,
    hours_between_deaths: float,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return hours on the wall, hours of all workers, and the percentage of these that was lost."""
    rng = np.random.default_rng(seed)
    left = -(-n_clips // rows_per_part)
    life = hours_between_deaths * 3600
    free = [(load, worker) for worker in range(n_workers)]
    dies = rng.exponential(life, size=n_workers)
    heapq.heapify(free)
    lost = end = 0.0
    while left:
        now, worker = heapq.heappop(free)
        # Clips differ in length; their sum over a part varies little.
        takes = part_seconds + seconds * rows_per_part * rng.uniform(0.8, 1.2)
        if now + takes > dies[worker]:
            lost += max(dies[worker] - now, 0.0) + load
            now = max(dies[worker], now) + load
            dies[worker] = now + rng.exponential(life)
        else:
            now += takes
            left -= 1
            end = max(end, now)
        heapq.heappush(free, (now, worker))
    return end / 3600, n_workers * end / 3600, 100 * lost / (n_workers * end)


def print_simulation(options: argparse.Namespace) -> None:
    """Print a Markdown table of a million clips over workers and deaths."""
    rows = []
    for n_workers in (2, 16, 128):
        for hours in (1000.0, 6.0):
            wall, total, lost = simulate(
                1_000_000,
                n_workers,
                seconds=options.simulate,
                rows_per_part=256,
                load=options.load,
                part_seconds=options.part,
                hours_between_deaths=hours,
            )
            rows.append((n_workers, hours, f"{wall:.2f}", f"{total:.1f}", f"{lost:.2f}"))
    columns = ["workers", "hours to a death", "hours", "hours of workers", "lost, %"]
    print(pd.DataFrame(rows, columns=columns).to_markdown(index=False))


def main() -> None:
    """Run or simulate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--simulate", type=float, help="seconds a clip; nothing is run")
    parser.add_argument("--load", type=float, default=5.0, help="seconds to begin a worker")
    parser.add_argument("--part", type=float, default=0.05, help="seconds a part beside its clips")
    options = parser.parse_args()
    if options.simulate is not None:
        print_simulation(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(make_clips(Path(folder), options.clips), Path(folder), options.rows)


if __name__ == "__main__":
    main()
