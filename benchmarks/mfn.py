"""Speed of the Memory Fusion Network: emoest, the padded step-by-step form, and the mmsa package.

One epoch is every batch of 1,284 utterances, forward and backward, from frames in memory. The
step-by-step form is the oracle of the tests with torch's own dropout; like mmsa it gets all
utterances padded to 50 steps. emoest gets them ragged, in batches of like length. For all of them
the process keeps the memory that it frees, as it does in ``fit``. Contenders take turns, each
figure is the median over the rounds, and CPU seconds stand beside wall time.

mmsa's training refuses a machine without CUDA (it calls torch.cuda.set_device); here its model
alone is taken from the installed package, or from a file, and trained by the same loop as the
others.

    pip install --no-deps mmsa
    python benchmarks/mfn.py
    python benchmarks/mfn.py --bf16   # on a CPU that has it
"""

import argparse
import copy
import importlib.util
import runpy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emoest.nets.batches import BucketedBatches, FrameDataset
from emoest.nets.layers.dropout import Dropout
from emoest.nets.mfn import MFN
from emoest.utils.devices import keep_freed_memory

MOSI = {"text": 768, "audio": 5, "vision": 20}
M3ER = {"text": 300, "audio": 74, "face": 35}
N_ROWS, LONGEST, BATCH_SIZE = 1284, 50, 128
SMALL: dict[str, Any] = {"hidden_size": 32}
LARGE: dict[str, Any] = {
    "hidden_size": {"text": 128, "audio": 32, "vision": 128},
    "attention_size": 128,
    "update_size": 128,
    "gate_size": 256,
    "output_size": 128,
}
"""The widths with which mmsa trains on MOSEI."""

Run = Callable[[], None]
Lengths = dict[str, Tensor]


def ragged(rng: np.random.Generator) -> FrameDataset:
    """Make utterances of 1 to 50 steps, 12 in the mean."""
    lengths = np.clip(np.round(rng.exponential(11.3, N_ROWS)) + 1, 1, LONGEST).astype(np.int64)
    cells = {
        name: [rng.standard_normal((n, dim), dtype=np.float32) for n in lengths]
        for name, dim in MOSI.items()
    }
    return FrameDataset(cells, dict.fromkeys(MOSI, lengths), MOSI)


def padded(data: FrameDataset) -> tuple[dict[str, Tensor], Lengths]:
    """Put every utterance into one tensor of 50 steps."""
    frames = {name: torch.zeros(N_ROWS, LONGEST, dim) for name, dim in MOSI.items()}
    for name, cells in data.cells.items():
        for i, cell in enumerate(cells):
            frames[name][i, : len(cell)] = torch.from_numpy(cell)
    return frames, {name: torch.from_numpy(n) for name, n in data.lengths.items()}


def taken(frames: dict[str, Tensor], lengths: Lengths) -> Iterator[tuple[dict, Lengths]]:
    """Take batches of rows in random order."""
    for rows in torch.randperm(len(next(iter(frames.values())))).split(BATCH_SIZE):
        yield (
            {name: x[rows] for name, x in frames.items()},
            {name: x[rows] for name, x in lengths.items()},
        )


def with_torch_dropout(net: MFN) -> MFN:
    """Copy a net and give the copy torch's own dropout."""
    plain = copy.deepcopy(net)
    for module in plain.modules():
        for name, child in module.named_children():
            if isinstance(child, Dropout):
                setattr(module, name, nn.Dropout(child.rate))
    return plain


def step_by_step(net: MFN, device: str) -> Callable[..., Tensor]:
    """Give the oracle of the tests as a function of frames and lengths."""
    file = Path(__file__).parents[1] / "tests" / "nets" / "plain_mfn.py"
    plain = with_torch_dropout(net).to(device)
    plain_mfn = runpy.run_path(str(file))["plain_mfn"]
    return lambda frames, lengths: plain_mfn(plain, frames, lengths)


def find_mmsa(file: str | None) -> Any:
    """Load the model class of mmsa from its file, without the rest of the package."""
    if file is None:
        package = importlib.util.find_spec("MMSA")
        if package is None:
            return None
        folder = Path(package.submodule_search_locations[0])
        file = str(folder / "models" / "singleTask" / "MFN.py")
    return runpy.run_path(file)["MFN"]


def mmsa_net(model: Any, sizes: dict[str, Any]) -> Callable[..., Tensor]:
    """Make mmsa's model with the sizes of an `MFN`."""
    hidden = sizes["hidden_size"]
    hidden = list(hidden.values()) if isinstance(hidden, dict) else [hidden] * 3
    width = {"NN1Config": "attention_size", "NN2Config": "update_size", "outConfig": "output_size"}
    layers = {
        key: {"shapes": sizes.get(width.get(key, "gate_size"), 64), "drop": 0.2}
        for key in ("NN1Config", "NN2Config", "gamma1Config", "gamma2Config", "outConfig")
    }
    settings = {"feature_dims": list(MOSI.values()), "hidden_dims": hidden, "memsize": 128}
    net = model(SimpleNamespace(**settings, **layers, windowsize=2, train_mode="regression"))
    return lambda frames, lengths: net(*frames.values())["M"]


def epoch(forward: Callable[..., Tensor], batches: Any, device: str, bf16: bool) -> None:
    """Run every batch forward and backward."""
    for frames, lengths in batches:
        inputs = [{name: x.to(device) for name, x in part.items()} for part in (frames, lengths)]
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
            output = forward(*inputs)
        output.float().square().mean().backward()
    if device == "cuda":
        torch.cuda.synchronize()


def compare(title: str, contenders: dict[str, Run], rounds: int) -> None:
    """Time contenders in turn, after one round to warm up, and print a table."""
    for run in contenders.values():
        run()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    medians = {name: [median(t[i] for t in each) for i in (0, 1)] for name, each in times.items()}
    own = medians["emoest"]
    print(f"\n| {title} | wall s | CPU s | times emoest, wall | times emoest, CPU |")
    print("|---|---|---|---|---|")
    for name, (wall, cpu) in medians.items():
        print(
            f"| {name} | {wall:.3f} | {cpu:.3f} | {wall / own[0]:.2f} | {cpu / own[1]:.2f} |",
            flush=True,
        )


def compare_ragged(title: str, sizes: dict[str, Any], mmsa: Any, options: Any) -> None:
    """Compare on ragged utterances."""
    device = options.device
    data = ragged(np.random.default_rng(0))
    frames, lengths = padded(data)
    print(f"\n{title}: {lengths['text'].float().mean():.1f} steps in the mean")
    net = MFN(MOSI, 1, **sizes).to(device)
    plain = step_by_step(net, device)

    def batches() -> Iterator[tuple[dict, Lengths]]:
        generator = torch.Generator().manual_seed(0)
        for X, _ in BucketedBatches(data, BATCH_SIZE, generator):
            yield X["frames"], X["lengths"]

    contenders: dict[str, Run] = {
        "step by step, padded": lambda: epoch(plain, taken(frames, lengths), device, False)
    }
    if mmsa is not None:
        other = mmsa_net(mmsa, sizes)
        contenders["mmsa, padded"] = lambda: epoch(other, taken(frames, lengths), device, False)
    contenders["emoest"] = lambda: epoch(net, batches(), device, False)
    if options.bf16:
        contenders["emoest, bfloat16"] = lambda: epoch(net, batches(), device, True)
    compare(title, contenders, options.rounds)


def compare_equal(options: Any) -> None:
    """Compare on sequences of one length, at M3ER's sizes."""
    device = options.device
    torch.manual_seed(0)
    frames = {name: torch.randn(1024, 20, dim) for name, dim in M3ER.items()}
    lengths = {name: torch.full((1024,), 20) for name in M3ER}
    for gate_input in ("memory", "delta"):
        net = MFN(M3ER, 6, fusion="product", gate_input=gate_input).to(device)
        plain = step_by_step(net, device)
        contenders = {
            "step by step": lambda plain=plain: epoch(plain, taken(frames, lengths), device, False),
            "emoest": lambda net=net: epoch(net, taken(frames, lengths), device, False),
        }
        if options.bf16:
            contenders["emoest, bfloat16"] = lambda net=net: epoch(
                net, taken(frames, lengths), device, True
            )
        compare(f"1,024 of 20 steps, gates see {gate_input}", contenders, options.rounds)


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--bf16", action="store_true", help="also in bfloat16")
    parser.add_argument("--mmsa", help="the file models/singleTask/MFN.py of the mmsa package")
    parser.add_argument("--only", choices=("ragged", "equal"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    mmsa = find_mmsa(options.mmsa) if options.device == "cpu" else None
    if mmsa is None:
        print("mmsa is left out.")
    if options.only != "equal":
        compare_ragged("1,284 ragged, widths of M3ER", SMALL, mmsa, options)
        compare_ragged("1,284 ragged, widths of mmsa", LARGE, mmsa, options)
    if options.only != "ragged":
        compare_equal(options)


if __name__ == "__main__":
    main()
