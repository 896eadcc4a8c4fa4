"""Steps a second of MEmoBERT's whole-word pre-training, beside a plain loop of transformers.

    OMP_NUM_THREADS=1 python benchmarks/memobert_speed.py

Rounds alternate between the two; medians are printed.
"""

import time
from statistics import median

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone

from emoest.neural import MEmoBERTPretrainer


def speed(rounds: int = 5, n_steps: int = 40) -> None:
    """Steps a second of whole-word pre-training, beside a plain loop of transformers."""
    draws = np.random.default_rng(0)
    words = [f"{a}{b}{c}" for a in "bdklmn" for b in "aeio" for c in "rst"]
    texts = [" ".join(draws.choice(words, 24)) for _ in range(1280)]
    X = pd.DataFrame({"text": texts})
    sizes = {"hidden_size": 256, "n_layers": 4, "n_heads": 4, "intermediate_size": 1024}
    model = MEmoBERTPretrainer(
        tasks=["wwmlm"],
        task_weights=[1],
        max_steps=n_steps,
        warmup_steps=4,
        device="cpu",
        random_state=0,
        **sizes,
    )
    ids = _ids(model, X)
    rates: dict[str, list[float]] = {"emoest": [], "transformers": []}
    for _ in range(rounds):
        model.fit(X)
        rates["emoest"].append(n_steps / sum(entry["seconds"] for entry in model.history_))
        rates["transformers"].append(n_steps / _plain_loop(ids, sizes, n_steps))
    for name, found in rates.items():
        print(f"{name}: {median(found):.2f} steps a second, rounds {np.round(found, 2).tolist()}")


def _ids(model: MEmoBERTPretrainer, X: pd.DataFrame) -> torch.Tensor:
    """Numbers of pieces of texts of one length, as the pre-training reads them."""
    table = clone(model).set_params(max_steps=1).fit(X)._read(X, reset=False)
    return torch.from_numpy(np.stack([cell[:, 0] for cell in table.cells["text"]])).long()


def _plain_loop(ids: torch.Tensor, sizes: dict[str, int], n_steps: int) -> float:
    """Seconds of a loop over transformers' BertForMaskedLM, with the same steps."""
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=int(ids.max()) + 30,
        hidden_size=sizes["hidden_size"],
        num_hidden_layers=sizes["n_layers"],
        num_attention_heads=sizes["n_heads"],
        intermediate_size=sizes["intermediate_size"],
    )
    net = BertForMaskedLM(config).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    order = torch.randperm(len(ids))
    began = time.perf_counter()
    for step in range(n_steps):
        batch = ids[order[32 * (step % 40) : 32 * (step % 40) + 32]]
        chosen = torch.rand(batch.shape) < 0.15
        labels = torch.where(chosen, batch, -100)
        output = net(
            input_ids=torch.where(chosen, 4, batch),
            attention_mask=torch.ones_like(batch),
            labels=labels,
        )
        optimizer.zero_grad()
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
    return time.perf_counter() - began


if __name__ == "__main__":
    speed()
