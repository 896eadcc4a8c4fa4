"""The loop of pre-training: one task a step, every draw a function of seed and step.

So a checkpoint holds weights, optimizer and step, and a training that goes on from it equals one
that was never interrupted.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emoest.nets.batches import BucketedBatches
from emoest.nets.cross_modal.clips import ClipDataset, MaskingRule, mask_batch
from emoest.nets.cross_modal.net import TASKS
from emoest.nets.cross_modal.pieces import Pieces
from emoest.nets.losses.criteria import CrossEntropy
from emoest.neural._memobert.checkpoints import (
    checkpoint_path,
    fingerprint,
    read_checkpoint,
    write_checkpoint,
)
from emoest.neural._memobert.steps import LinearWarmup
from emoest.neural._memobert.tasks import rows_of_tasks
from emoest.neural._training.compiling import (
    compiled,
    compiler_settings,
    explained_compiler_errors,
)
from emoest.neural._training.skorch_net import FrameNet, explained_memory_error
from emoest.utils.progress import progress

_PLANNED = (
    *("max_steps", "warmup_steps", "accumulate", "batch_size", "lr", "weight_decay"),
    *("gradient_clip", "log_every", "checkpoint_every"),
)


@dataclass(frozen=True)
class Plan:
    """How a net is pre-trained.

    Parameters
    ----------
    tasks : dict of str to float
        Probability of each task.
    rule : MaskingRule
        What is masked.
    max_steps, warmup_steps, accumulate, batch_size : int
        Steps of the optimizer, steps in which the learning rate rises, batches a step, rows a
        batch.
    lr, weight_decay : float
        Of AdamW.
    gradient_clip : float or None
        Largest norm of the gradient.
    seed : int
        Of all draws.
    log_every : int
        Steps between entries of the history.
    checkpoint : Path or None
        Where the state is kept.
    checkpoint_every : int
        After how many steps.
    precision : {"float32", "bfloat16"}
        Of the forward pass.
    compiled_by : dict or None
        Parameters of `torch.compile`; None does not compile.
    """

    tasks: dict[str, float]
    rule: MaskingRule
    max_steps: int
    warmup_steps: int
    accumulate: int
    batch_size: int
    lr: float
    weight_decay: float
    gradient_clip: float | None
    seed: int
    log_every: int
    checkpoint: Path | None = None
    checkpoint_every: int = 1000
    precision: str = "float32"
    compiled_by: dict[str, Any] | None = None

    @classmethod
    def of(cls, estimator: Any, *, pieces: Pieces, seed: int, tasks: dict[str, float]) -> "Plan":
        """Make the plan of a `MEmoBERTPretrainer`."""
        precision = estimator.precision
        if precision == "auto":
            cuda = torch.device(estimator.device_).type == "cuda"
            precision = "bfloat16" if cuda else "float32"
        rule = MaskingRule(
            mask_id=pieces.id_of("mask"),
            first_id=pieces.first_id,
            vocab_size=pieces.vocab_size,
            word_probability=estimator.word_mask,
            whole_words=estimator.whole_words,
            ratios={"face": estimator.face_mask, "audio": estimator.audio_mask},
            span=estimator.span,
        )
        return cls(
            tasks=tasks,
            rule=rule,
            seed=seed,
            checkpoint=checkpoint_path(estimator.checkpoint),
            precision=precision,
            compiled_by=compiler_settings(estimator.compile),
            **{name: getattr(estimator, name) for name in _PLANNED},
        )


@dataclass
class State:
    """Where a pre-training stands.

    Parameters
    ----------
    step : int
        Finished steps.
    places : dict of str to list of int
        For each task the pass over its rows, and the batch in it that comes next.
    history : list of dict
        Mean losses of each task over the steps of an entry.
    sums : dict of str to list of float
        Sum and number of the losses since the last entry.
    """

    step: int = 0
    places: dict[str, list[int]] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    sums: dict[str, list[float]] = field(default_factory=dict)


class TaskStream:
    """Batches of one task's rows, pass after pass, from any place on.

    Parameters
    ----------
    data : ClipDataset
        The rows that the task can learn from.
    plan : Plan
        Batch size and seed.
    number : int
        Number of the task, for a stream of its own.
    place : list of int
        Pass and batch; moved on with each batch.
    """

    def __init__(self, data: ClipDataset, plan: Plan, number: int, place: list[int]) -> None:
        self.data, self.plan, self.number, self.place = data, plan, number, place
        self._rows = self._pass()

    def _pass(self) -> list[list[int]]:
        draws = np.random.SeedSequence([self.plan.seed, self.number, self.place[0]])
        generator = torch.Generator().manual_seed(int(draws.generate_state(1)[0]))
        return BucketedBatches(self.data, self.plan.batch_size, generator).rows()

    def next(self) -> Any:
        """Make the next batch."""
        if self.place[1] >= len(self._rows):
            self.place[:] = [self.place[0] + 1, 0]
            self._rows = self._pass()
        rows = self._rows[self.place[1]]
        self.place[1] += 1
        return self.data.batch(rows)


def pretrain(
    net: nn.Module,
    data: ClipDataset,
    plan: Plan,
    state: State,
    *,
    about: Mapping[str, Any],
    device: str,
    name: str,
    verbose: int,
) -> None:
    """Train a net on the tasks of a plan.

    Parameters
    ----------
    net : Module
        A `PretrainingNet`, changed in place.
    data : ClipDataset
        The clips.
    plan : Plan
        How.
    state : State
        Where training stands, moved on with each step: it says so after an interruption too.
    about : mapping
        See `fingerprint`.
    device : str
        Where.
    name : str
        What the progress bar is called.
    verbose : int
        Above 0 shows it.

    Raises
    ------
    ValueError
        If a loss is not finite, or the checkpoint is one of another training.
    KeyboardInterrupt
        If training is interrupted; the checkpoint is that of the last time it was written.
    """
    net.to(device)
    optimizer = make_optimizer(net, plan)
    path, of_run = plan.checkpoint, {}
    if path is not None:
        of_run = fingerprint(net, data, plan, about)
        vars(state).update(read_checkpoint(path, net, optimizer, of_run=of_run))
    rows = rows_of_tasks(data)
    streams = {
        task: TaskStream(data.take(rows[task]), plan, i, state.places.setdefault(task, [0, 0]))
        for i, task in enumerate(TASKS)
        if task in plan.tasks
    }
    factor = LinearWarmup(plan.warmup_steps, plan.max_steps)
    began = time.perf_counter()
    with (
        progress(plan.max_steps, name, verbose) as bar,
        compiled(net, plan.compiled_by) as running,
    ):
        bar.update(state.step)
        for step in range(state.step, plan.max_steps):
            for group in optimizer.param_groups:
                group["lr"] = plan.lr * factor(step)
            task, loss = _step(
                net, optimizer, streams, plan, step=step, device=device, call=running or net
            )
            total = state.sums.setdefault(task, [0.0, 0.0])
            total[0], total[1] = total[0] + loss, total[1] + 1
            state.step = step + 1
            bar.update()
            if state.step % plan.log_every == 0 or state.step == plan.max_steps:
                began = _log(state, plan, began)
                bar.set_postfix({each: f"{state.history[-1][each]:.3f}" for each in plan.tasks})
            due = state.step % plan.checkpoint_every == 0 or state.step == plan.max_steps
            if path is not None and due:
                write_checkpoint(path, net, optimizer, state=vars(state), of_run=of_run)


def make_optimizer(net: nn.Module, plan: Plan) -> torch.optim.AdamW:
    """Make AdamW as the paper's code has it; biases and normalizations do not decay."""
    named = list(net.named_parameters())
    kept = [value for name, value in named if decays(name)]
    free = [value for name, value in named if not decays(name)]
    groups = [{"params": kept, "weight_decay": plan.weight_decay}, {"params": free}]
    return torch.optim.AdamW(
        groups, lr=plan.lr, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0, fused=True
    )


def decays(name: str) -> bool:
    """Check whether a parameter of this name is subject to weight decay.

    Examples
    --------
    >>> decays("trunk.pooler.weight"), decays("trunk.text.norm.weight"), decays("head.bias")
    (True, False, False)
    """
    return not name.endswith("bias") and "norm" not in name


def _step(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    streams: dict[str, TaskStream],
    plan: Plan,
    *,
    step: int,
    device: str,
    call: Callable[..., Any],
) -> tuple[str, float]:
    """Train one task on as many batches as are accumulated."""
    draws = np.random.default_rng([plan.seed, step])
    torch.manual_seed(int(draws.integers(2**31)))
    task = str(draws.choice(list(plan.tasks), p=list(plan.tasks.values())))
    net.train()
    optimizer.zero_grad(set_to_none=True)
    kind = torch.device(device).type
    total = 0.0
    for _ in range(plan.accumulate):
        batch = streams[task].next()
        inputs = mask_batch(task, batch[0]["frames"], batch[0]["lengths"], plan.rule, draws)
        assert inputs is not None, "the rows of a task have its modality"
        with explained_memory_error(batch, device), explained_compiler_errors("the net"):
            with torch.autocast(kind, torch.bfloat16, enabled=plan.precision == "bfloat16"):
                loss = call(task, **_to(inputs, device)) / plan.accumulate
            loss.backward()
        total += float(loss.detach())
    if not np.isfinite(total):
        raise ValueError(
            f"The loss of the task {task!r} became NaN or infinite in step {step + 1}. Lower lr "
            f"(now {plan.lr}), or look for extreme values in X; normalize='zscore' scales them."
        )
    if plan.gradient_clip is not None:
        nn.utils.clip_grad_norm_(net.parameters(), plan.gradient_clip)
    optimizer.step()
    return task, total


def mean_losses(net: nn.Module, data: ClipDataset, plan: Plan, device: str) -> dict[str, float]:
    """Mean loss of each task over all rows that it can be computed on, masked by a fixed seed."""
    net.eval()
    rows, losses = rows_of_tasks(data), {}
    for i, task in enumerate(TASKS):
        if task not in plan.tasks or not len(rows[task]):
            continue
        part = data.take(rows[task])
        total, weight = 0.0, 0
        for j, batch_rows in enumerate(BucketedBatches(part, plan.batch_size).rows()):
            X, _ = part.batch(batch_rows)
            draws = np.random.default_rng([plan.seed, i, j])
            inputs = mask_batch(task, X["frames"], X["lengths"], plan.rule, draws)
            if inputs is None:
                continue
            n = int(inputs["selected"].sum())
            with torch.inference_mode():
                total += n * float(net(task, **_to(inputs, device)))
            weight += n
        losses[task] = total / weight
    return losses


def _to(value: Any, device: str) -> Any:
    if isinstance(value, dict):
        return {name: _to(part, device) for name, part in value.items()}
    return value.to(device, non_blocking=True) if isinstance(value, Tensor) else value


def _log(state: State, plan: Plan, began: float) -> float:
    now = time.perf_counter()
    means = {
        task: total / number if (number := state.sums.get(task, [0.0, 0.0])[1]) else float("nan")
        for task, total in ((t, state.sums.get(t, [0.0, 0.0])[0]) for t in plan.tasks)
    }
    state.history.append({"step": state.step, "seconds": now - began, **means})
    state.sums = {}
    return now


def predicting_net(module: nn.Module, device: str, batch_size: int, seed: int) -> FrameNet:
    """Put a net that was trained here into one of skorch, which the base class predicts with."""
    net = FrameNet(
        module,
        criterion=CrossEntropy(),
        train_split=None,
        device=device,
        batch_size=batch_size,
        verbose=0,
        callbacks=None,
        seed=seed,
    )
    return net.initialize()
