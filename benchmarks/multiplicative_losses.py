"""Multiplicative losses on a toy of four classes: what each form and strength learns.

Three modalities of falling signal (0.9, 0.5, 0.2), one small net each, trained jointly; the
decision is the largest sum of log-probabilities. Prints a markdown table of the UAR on fresh
samples, mean and standard deviation over seeds. The loss that is "through the weight" is M3ER's
equation 3 taken literally.

    python benchmarks/multiplicative_losses.py
"""

import argparse

import numpy as np
import torch
from torch import nn

from emoest.evaluation import uar_score
from emoest.nets.losses.multiplicative import multiplicative_loss
from emoest.utils.seeds import torch_seed

SIGNALS = (0.9, 0.5, 0.2)
N_CLASSES, N_DIMS, N_HIDDEN, N_TEST = 4, 12, 32, 4000
ROWS = (
    ("cross-entropy", "liu", True, (0.0,)),
    ("Liu, weight detached", "liu", True, (0.5, 1.0, 2.0)),
    ("Liu, through the weight", "liu", False, (0.5,)),
    ("M3ER, weight detached", "m3er", True, (0.5, 1.0, 2.0)),
    ("M3ER, through the weight", "m3er", False, (0.5, 1.0, 2.0)),
)


def draw(n: int, centers: list[torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Draw samples: in each modality a class center plus unit noise."""
    y = torch.randint(N_CLASSES, (n,))
    return [c[y] + torch.randn(n, N_DIMS) for c in centers], y


def learned_uar(
    form: str, beta: float, detach: bool, seed: int, *, n_train: int = 600, n_epochs: int = 30
) -> float:
    """Train the nets with one loss and give the UAR on fresh samples."""
    with torch_seed(seed):
        centers = [signal * torch.randn(N_CLASSES, N_DIMS) for signal in SIGNALS]
        X, y = draw(n_train, centers)
        X_test, y_test = draw(N_TEST, centers)
        nets = nn.ModuleList(
            nn.Sequential(nn.Linear(N_DIMS, N_HIDDEN), nn.ReLU(), nn.Linear(N_HIDDEN, N_CLASSES))
            for _ in SIGNALS
        )
        optimizer = torch.optim.Adam(nets.parameters(), lr=0.01)
        for _ in range(n_epochs):
            for rows in torch.randperm(n_train).split(64):
                loss = multiplicative_loss(
                    log_probabilities(nets, [x[rows] for x in X]),
                    y[rows],
                    form=form,
                    beta=beta,
                    detach_weights=detach,
                ).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            decided = log_probabilities(nets, X_test).sum(dim=1).argmax(dim=1)
    return uar_score(y_test.numpy(), decided.numpy())


def log_probabilities(nets: nn.ModuleList, X: list[torch.Tensor]) -> torch.Tensor:
    """Log-probabilities of each modality, shape (n_samples, n_modalities, n_classes)."""
    logits = torch.stack([net(x) for net, x in zip(nets, X, strict=True)], dim=1)
    return logits.log_softmax(dim=2)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    betas = (0.0, 0.5, 1.0, 2.0)
    print("| loss | " + " | ".join(f"beta = {beta:g}" for beta in betas) + " |")
    print("|---|" + "---|" * len(betas))
    for label, form, detach, strengths in ROWS:
        cells = []
        for beta in betas:
            if beta not in strengths:
                cells.append("")
                continue
            found = [learned_uar(form, beta, detach, seed) for seed in range(options.seeds)]
            cells.append(f"{np.mean(found):.3f} ± {np.std(found):.3f}")
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
