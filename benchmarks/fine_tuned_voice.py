"""Two layers of Whisper base trained further, beside the same layers frozen.

Run:  python benchmarks/fine_tuned_voice.py FOLDER KEPT [--corpus EmoDB] [--beside predictions.csv]
FOLDER holds the clips (official file names). KEPT is a folder for what is computed once: the states
that enter the third layer, a file an actor and speed, and a csv of probabilities, a part a fold, so
that a stopped run goes on where it was.

Clips and outer folds are those of best_voice.py. "frozen" is a logistic regression (class weights
balanced, C = 0.01) on mean and deviation over the frames, of the mean of layers 2 to 4; it learns
from the training clips as they are and at 0.8, 0.9, 1.1 and 1.2 of their speed. "trained further"
begins with just this regression as its head (Kumar et al., "Fine-tuning can distort pretrained
features and underperform out-of-distribution", ICLR 2022) and trains layers 3 and 4 and the head:
AdamW, each clip at one of the speeds an epoch. "product" multiplies the probabilities of both. Of
several seeds, "mean of the seeds" averages the probabilities of the nets trained further. All
settings were chosen on EmoDB (docs/results.md says how), then used on RAVDESS once; nothing is
normalized by speaker. --beside takes what best_voice.py kept of the same corpus, and adds that
voice and its product with the layers trained further.
"""

import argparse
import copy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from attention_ravdess import score_cells
from best_voice import CORPORA, SPEEDS, STEPS, mels_of
from parts import Parts
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emoest.files.weights import find_weights
from emoest.nets.whisper import WhisperEncoder, load_whisper_encoder

FROZEN_LAYERS, LAST_LAYER = 2, 4
C = 0.01
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 3e-5, 0.01, 0.1
EPOCHS, BATCH, WARMUP = 10, 16, 0.1
TOGETHER = 4
MODELS = ("frozen", "trained further", "product")
OF_SEEDS = "trained further, mean of the seeds"
CHOSEN = "chosen by nested folds"

Cells = list[npt.NDArray[np.float16]]


class Heard(NamedTuple):
    """The clips at every speed: what enters the first trained layer, and pools before training."""

    versions: list[Cells]
    pools: npt.NDArray[np.float32]


def entering_states(net: WhisperEncoder, files: pd.Series, kept: Path, speed: float) -> Cells:
    """Compute what enters the first layer that is trained; of each clip (n_frames, n_dims)."""
    if not kept.exists():
        cells = [_of_clip(net, clip, speed) for clip in files]
        np.savez(kept, states=np.concatenate(cells), ends=np.cumsum([len(cell) for cell in cells]))
        print(f"{kept.name} written", flush=True)
    with np.load(kept) as held:
        return np.split(held["states"], held["ends"][:-1])


def _of_clip(net: WhisperEncoder, clip: str, speed: float) -> npt.NDArray[np.float16]:
    mels = mels_of(net, clip, speed)
    with torch.inference_mode():
        for number, states in enumerate(net(mels)):
            if number == FROZEN_LAYERS:
                return states[0].numpy().astype(np.float16)
    raise ValueError(f"The encoder has {number} layers, fewer than {FROZEN_LAYERS}.")


class TopLayers(nn.Module):
    """Layers of the encoder, pooling over frames, and a linear head on z-scores."""

    def __init__(self, net: WhisperEncoder, n_classes: int) -> None:
        super().__init__()
        self.layers = copy.deepcopy(net.layers[FROZEN_LAYERS:LAST_LAYER])
        size = 2 * net.layer_norm.weight.numel()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(size, n_classes)

    def pooled(self, states: Tensor, present: Tensor) -> Tensor:
        """Pool the mean over layers to mean and deviation over the frames."""
        every = [states]
        for layer in self.layers:
            every.append(layer(every[-1], present))
        frames = torch.stack(every).mean(dim=0)
        weights = present[..., None] / present.sum(dim=1)[:, None, None]
        mean = (frames * weights).sum(dim=1)
        variance = ((frames - mean[:, None]) ** 2 * weights).sum(dim=1)
        return torch.cat([mean, (variance + 1e-8).sqrt()], dim=1)

    def of_clips(self, cells: Cells) -> Tensor:
        """Pool clips, those of like length together: frames that fill up cost as much as others."""
        order = np.argsort([len(cell) for cell in cells], kind="stable")
        parts = np.split(order, range(TOGETHER, len(order), TOGETHER))
        pooled = torch.cat([self.pooled(*batch([cells[i] for i in part])) for part in parts])
        return pooled[np.argsort(order)]

    def forward(self, cells: Cells) -> Tensor:
        """Compute a score a class."""
        scaled = (self.of_clips(cells) - self.mean) / self.deviation
        scores: Tensor = self.head(self.dropout(scaled))
        return scores


def batch(cells: Cells) -> tuple[Tensor, Tensor]:
    """Fill clips up to the longest; the second is true where a clip has a frame."""
    counts = torch.tensor([len(cell) for cell in cells])
    states = torch.zeros(len(cells), int(counts.max()), cells[0].shape[1])
    for row, cell in zip(states, cells, strict=True):
        row[: len(cell)] = torch.from_numpy(cell)
    return states, torch.arange(states.shape[1]) < counts[:, None]


def pooled_before(
    net: WhisperEncoder, versions: list[Cells], kept: Path
) -> npt.NDArray[np.float32]:
    """Pool every clip by the layers as they are: (n_speeds, n_clips, 2 * n_dims)."""
    if not kept.exists():
        top = TopLayers(net, 1).eval()
        with torch.inference_mode():
            np.save(kept, np.stack([top.of_clips(cells).numpy() for cells in versions]))
    pools: npt.NDArray[np.float32] = np.load(kept)
    return pools


def begin(net: WhisperEncoder, pools: npt.NDArray[np.float32], y: npt.NDArray[Any]) -> TopLayers:
    """Make the layers as they are, with a logistic regression as their head."""
    top = TopLayers(net, len(np.unique(y))).eval()
    top.mean.copy_(torch.from_numpy(pools[0].mean(axis=0)))
    top.deviation.copy_(torch.from_numpy(pools[0].std(axis=0)))
    scaled = (np.concatenate(list(pools)) - top.mean.numpy()) / top.deviation.numpy()
    regression = LogisticRegression(C=C, class_weight="balanced", max_iter=2000)
    regression.fit(scaled, np.tile(y, len(pools)))
    with torch.no_grad():
        top.head.weight.copy_(torch.from_numpy(regression.coef_))
        top.head.bias.copy_(torch.from_numpy(regression.intercept_))
    return top


def train_further(top: TopLayers, versions: list[Cells], y: npt.NDArray[Any], seed: int) -> None:
    """Train layers and head; each clip is heard at one speed an epoch."""
    rng = np.random.default_rng(seed)
    weights = torch.from_numpy(len(y) / (top.head.out_features * np.bincount(y))).float()
    optimizer = torch.optim.AdamW(top.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    n_steps = EPOCHS * -(-len(y) // BATCH)
    n_warmup = WARMUP * n_steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / n_warmup, (n_steps - i) / (n_steps - n_warmup))
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        top.train()
        for _ in range(EPOCHS):
            order, speeds = rng.permutation(len(y)), rng.integers(len(versions), size=len(y))
            for start in range(0, len(y), BATCH):
                rows = order[start : start + BATCH]
                scores = top([versions[speeds[i]][i] for i in rows])
                loss = cross_entropy(scores, torch.from_numpy(y[rows]), weights)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(top.parameters(), 1.0)
                optimizer.step()
                schedule.step()
        top.eval()


def probabilities(top: TopLayers, cells: Cells) -> npt.NDArray[np.float64]:
    """Compute a row a clip."""
    with torch.inference_mode():
        proba: npt.NDArray[np.float64] = softmax(top(cells).double().numpy(), axis=1)
    return proba


def outer_fold(
    net: WhisperEncoder, heard: Heard, y: pd.Series, split: Any, seed: int
) -> pd.DataFrame:
    """Predict the test clips of a fold by both, in probabilities."""
    train, test = split
    classes, numbers = np.unique(y.to_numpy(), return_inverse=True)
    known = [[cells[i] for i in train] for cells in heard.versions]
    asked = [heard.versions[0][i] for i in test]
    top = begin(net, heard.pools[:, train], numbers[train])
    frozen = probabilities(top, asked)
    train_further(top, known, numbers[train], seed)
    trained = probabilities(top, asked)
    proba = dict(zip(MODELS, (frozen, trained, frozen * trained), strict=True))
    groups = y.index.get_level_values("group")[test].astype(str)
    return pd.concat(
        pd.DataFrame(values, columns=classes).assign(
            model=name, row=test, group=groups, y=y.to_numpy()[test]
        )
        for name, values in proba.items()
    )


def run(given: argparse.Namespace) -> pd.DataFrame:
    """Compute what is not there yet, while there is time."""
    corpus, kept = given.corpus, given.kept
    kept.mkdir(parents=True, exist_ok=True)
    parts = Parts(kept / f"{corpus}_trained.csv", given.minutes)
    load, n_folds = CORPORA[corpus]
    X, y = load(given.folder, return_X_y=True)
    net = load_whisper_encoder(find_weights("whisper-base", is_folder=True))
    files = X["audio"].astype(str)
    versions = [
        entering_states(net, files, kept / f"{corpus}_states_{speed}.npz", speed)
        for speed in (1.0, *SPEEDS)
    ]
    heard = Heard(versions, pooled_before(net, versions, kept / f"{corpus}_pools.npy"))
    splits = list(GroupKFold(n_folds).split(X, groups=X["speaker"]))
    for seed in given.seeds:
        for i in range(n_folds) if given.folds is None else given.folds:
            make = partial(outer_fold, net, heard, y, splits[i], seed)
            parts.add(f"seed {seed}, fold {i}", make, seed=seed)
    return of_every_seed(parts.table())


def of_every_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the clips that the nets of all seeds predicted, where folds are not there yet."""
    counts = table.groupby("row")["seed"].transform("nunique")
    kept = table[counts == table["seed"].nunique()]
    print(f"{kept['row'].nunique()} clips, all seeds")
    return kept


def with_mean_of_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Add the mean of what the nets of all seeds say of a clip, where there are several."""
    classes = [name for name in table.columns if name in set(table["y"])]
    trained = table[table["model"] == "trained further"]
    first = trained[trained["seed"] == trained["seed"].min()]
    if len(first) == len(trained):
        return table
    means = trained.groupby("row")[classes].mean().loc[first["row"]]
    mean = first.assign(model=OF_SEEDS, **dict(zip(classes, means.to_numpy().T, strict=True)))
    return pd.concat([table, mean])


def beside(table: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Add the rows of the last single choice of best_voice.py, and of its product."""
    classes = [name for name in table.columns if name in set(table["y"])]
    is_it = (kept["scaling"] == "training") & (kept["step"] == list(STEPS)[-1])
    chosen = kept[is_it].set_index("row")[classes]
    trained = table[table["model"] == "trained further"]
    known = chosen.loc[trained["row"]].to_numpy()
    by_both = trained[classes].to_numpy() * known
    return pd.concat(
        [
            table,
            trained.assign(model=CHOSEN, **dict(zip(classes, known.T, strict=True))),
            trained.assign(
                model=f"trained further x {CHOSEN}", **dict(zip(classes, by_both.T, strict=True))
            ),
        ]
    )


def markdown(table: pd.DataFrame) -> str:
    """Write UAR with intervals, and the spread between seeds."""
    classes = [name for name in table.columns if name in set(table["y"])]
    lines = ["| model | UAR | between seeds |", "| --- | --- | --- |"]
    for name, rows in table.groupby("model", sort=False):
        runs = [each.sort_values("row") for _, each in rows.groupby("seed")]
        lines.append(f"| {name} | {score_cells(runs, classes)} |")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of the corpus (official file names)")
    parser.add_argument("kept", type=Path, help="folder of what is computed once")
    parser.add_argument("--corpus", default="RAVDESS", choices=CORPORA)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--folds", type=int, nargs="*", help="numbers of the outer folds; all")
    parser.add_argument("--minutes", type=float, default=8.0, help="begin no fold after these")
    parser.add_argument("--beside", type=Path, help="predictions.csv of best_voice.py")
    given = parser.parse_args()
    table = with_mean_of_seeds(run(given))
    print(markdown(table if given.beside is None else beside(table, pd.read_csv(given.beside))))


if __name__ == "__main__":
    main()
