"""Ragged frames in batches: lengths travel, masks do not, and rows of like length go together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from emoest.tables.cells import Frames, check_frames, is_path, present_frames, read_frames
from emoest.utils.typing import Ints

Batch = tuple[dict[str, Any], tuple[Tensor, Tensor]]

# Batches are sorted by length within pools of this many, so that padding is small and rows of all
# lengths still meet in random order.
_POOL = 50
_JITTER = 0.1
_ROOMY = 2**16


@dataclass(frozen=True)
class Scale:
    """What is taken from each dimension of a modality's frames, and what they are divided by.

    Parameters
    ----------
    mean : ndarray of shape (n_dims,), dtype float32
        The shift.
    std : ndarray of shape (n_dims,), dtype float32
        The divisor, never 0.
    """

    mean: Frames
    std: Frames

    def apply(self, frames: Frames) -> Frames:
        """Scale frames of shape (n_frames, n_dims)."""
        return (frames - self.mean) / self.std


@dataclass
class FrameDataset(Dataset[Any]):
    """Rows of ragged frames in one or several modalities, read when a batch asks for them.

    Parameters
    ----------
    cells : dict of str to list
        For each modality one cell a row: a float32 array of shape (n_frames, n_dims), the path of
        an ``.npy`` file, or None where the row misses the modality.
    lengths : dict of str to ndarray of int, shape (n_samples,)
        Frames of each cell; 0 where it is missing.
    dims : dict of str to int
        Width of the frames of each modality.
    target : ndarray of shape (n_samples,) or None
        Class numbers (int64) or values (float32); None stands for zeros.
    weight : ndarray of shape (n_samples,) or None
        Weight of each row in the loss; None stands for ones.
    scales : dict of str to Scale
        How frames are scaled when they are read; a modality that is not there stays as it is.
    rows : sequence or None
        Names of the rows for error messages; None stands for their positions.
    several : bool, default=True
        Whether a batch holds a dict of modalities, or the tensors of the only one.
    crop : int or None, default=None
        Longest run of frames that a training batch takes from a row, at a random place.
    perturb : callable or None, default=None
        Changes the frames of a row each time a training batch reads them, before they are scaled;
        it takes them and a torch generator, such as `emoest.nets.perturbation.SpeechPerturbation`.

    Examples
    --------
    >>> data = FrameDataset(
    ...     {"a": [np.ones((3, 2), "float32"), None]}, {"a": np.array([3, 0])}, {"a": 2}
    ... )
    >>> X, (target, weight) = data.batch([0, 1])
    >>> X["frames"]["a"].shape, X["lengths"]["a"].tolist(), weight.tolist()
    (torch.Size([2, 3, 2]), [3, 0], [1.0, 1.0])
    """

    cells: Mapping[str, Sequence[Any]]
    lengths: Mapping[str, Ints]
    dims: Mapping[str, int]
    target: npt.NDArray[Any] | None = None
    weight: npt.NDArray[Any] | None = None
    scales: Mapping[str, Scale] = field(default_factory=dict)
    rows: Sequence[Any] | None = None
    several: bool = True
    crop: int | None = None
    perturb: Callable[[Frames, torch.Generator], Frames] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.lengths.values())))

    @property
    def longest(self) -> Ints:
        """Frames of the longest modality of each row, shape (n_samples,)."""
        return np.max(np.stack(list(self.lengths.values())), axis=0)

    def take(self, rows: npt.NDArray[np.intp]) -> "FrameDataset":
        """Keep some rows, in the order given."""
        names = range(len(self)) if self.rows is None else self.rows
        return replace(
            self,
            cells={name: [column[i] for i in rows] for name, column in self.cells.items()},
            lengths={name: lengths[rows] for name, lengths in self.lengths.items()},
            target=None if self.target is None else self.target[rows],
            weight=None if self.weight is None else self.weight[rows],
            rows=[names[i] for i in rows],
        )

    def read(self, name: str, row: int) -> Frames | None:
        """Read and scale the frames of one modality of a row; None where it is missing."""
        return self._scaled(self._unscaled(name, row), name)

    def _unscaled(self, name: str, row: int) -> Frames | None:
        if self.lengths[name][row] == 0:
            return None
        cell = self.cells[name][row]
        return self._load(cell, name, row) if is_path(cell) else cell

    def _scaled(self, frames: Frames | None, name: str) -> Frames | None:
        if frames is None or name not in self.scales:
            return frames
        return self.scales[name].apply(frames)

    def _load(self, path: Any, name: str, row: int) -> Frames:
        label = row if self.rows is None else self.rows[row]
        where = f"row {label!r}, modality {name!r}"
        frames = read_frames(path, name=where)
        assert frames is not None, "a path is never missing"
        check_frames(frames, self.dims[name], where)
        present = present_frames(frames)
        if not len(present):
            raise ValueError(
                f"{where}: all {len(frames)} frames of the file are NaN. Put None into the cell."
            )
        # Several modalities are fused step by step, so an absent frame keeps its place.
        return frames if self.several else present

    def batch(self, rows: Sequence[int], generator: torch.Generator | None = None) -> Batch:
        """Make padded tensors of rows.

        Parameters
        ----------
        rows : sequence of int
            Positions of the rows.
        generator : torch.Generator, default=None
            Where random crops and perturbations of training come from; None makes none.

        Returns
        -------
        X : dict
            ``"frames"`` and ``"lengths"``: for each modality, or of the only one, a tensor of shape
            (n_rows, n_frames, n_dims) with zeros behind each length, and one of shape (n_rows,).
        y : pair of tensors of shape (n_rows,)
            Target and weight.
        """
        frames, lengths = {}, {}
        for name, n_dims in self.dims.items():
            parts = [self._part(name, row, generator) for row in rows]
            frames[name], lengths[name] = pad(parts, n_dims)
        target = np.zeros(len(rows)) if self.target is None else self.target[list(rows)]
        weight = np.ones(len(rows)) if self.weight is None else self.weight[list(rows)]
        y = torch.as_tensor(target), torch.as_tensor(weight, dtype=torch.float32)
        if self.several:
            return {"frames": frames, "lengths": lengths}, y
        (name,) = self.dims
        return {"frames": frames[name], "lengths": lengths[name]}, y

    def _part(self, name: str, row: int, generator: torch.Generator | None) -> Frames | None:
        frames = self._perturbed(name, row, generator)
        if frames is None or generator is None or self.crop is None or len(frames) <= self.crop:
            return frames
        start = int(torch.randint(len(frames) - self.crop + 1, (), generator=generator))
        return frames[start : start + self.crop]

    def _perturbed(self, name: str, row: int, generator: torch.Generator | None) -> Frames | None:
        if generator is None or self.perturb is None:
            return self.read(name, row)
        frames = self._unscaled(name, row)
        return self._scaled(None if frames is None else self.perturb(frames, generator), name)


def pad(parts: Sequence[Frames | None], n_dims: int) -> tuple[Tensor, Tensor]:
    """Stack ragged frames with zeros behind each; None counts as no frames.

    Parameters
    ----------
    parts : sequence of ndarray of shape (n_frames, n_dims) or None
        The frames of each row.
    n_dims : int
        Their width.

    Returns
    -------
    frames : Tensor of shape (n_rows, max(n_frames), n_dims)
        At least one step long.
    lengths : Tensor of int64, shape (n_rows,)

    Examples
    --------
    >>> frames, lengths = pad([np.ones((2, 1), "float32"), None], 1)
    >>> frames.squeeze(2).tolist(), lengths.tolist()
    ([[1.0, 1.0], [0.0, 0.0]], [2, 0])
    """
    lengths = [0 if part is None else len(part) for part in parts]
    padded = np.zeros((len(parts), max(1, *lengths), n_dims), dtype=np.float32)
    for i, part in enumerate(parts):
        if part is not None:
            padded[i, : len(part)] = part
    return torch.from_numpy(padded), torch.tensor(lengths, dtype=torch.int64)


@dataclass
class BucketedBatches:
    """Batches of rows of like length.

    With a generator (training) rows are shuffled, sorted by length within pools of fifty batches
    (lengths are blurred by a tenth, so that batches differ between epochs), and the batches are
    shuffled; a last batch of one row takes a second one from the batch before it, since batch
    normalization cannot learn from one row. Without one, rows are sorted by length.

    A batch of more than 65,536 frames, padding included, whose padding is more than half of it is
    cut before its long rows, two rows at least: a clip of ten minutes beside short ones would
    otherwise take the memory of `batch_size` clips of ten minutes.

    Parameters
    ----------
    data : FrameDataset
        The rows.
    batch_size : int
        Rows of a batch.
    generator : torch.Generator, default=None
        Where the order comes from.

    Examples
    --------
    >>> cells = [np.zeros((n, 1), "float32") for n in (5, 1, 4, 2)]
    >>> data = FrameDataset({"a": cells}, {"a": np.array([5, 1, 4, 2])}, {"a": 1})
    >>> BucketedBatches(data, 2).rows()
    [[1, 3], [2, 0]]
    """

    data: FrameDataset
    batch_size: int
    generator: torch.Generator | None = None

    def rows(self) -> list[list[int]]:
        """Draw the rows of each batch of one epoch."""
        lengths = self.data.longest
        if self.generator is None:
            return self._split(np.argsort(lengths, kind="stable"), lengths)
        if self.data.crop is not None:
            lengths = np.minimum(lengths, self.data.crop)
        shuffled = torch.randperm(len(self.data), generator=self.generator).numpy()
        blur = torch.rand(len(shuffled), generator=self.generator, dtype=torch.float32).numpy()
        keys = lengths[shuffled] * (1 + _JITTER * blur)
        size = _POOL * self.batch_size
        pools = [slice(i, i + size) for i in range(0, len(shuffled), size)]
        ordered = [shuffled[pool][np.argsort(keys[pool], kind="stable")] for pool in pools]
        batches = self._split(np.concatenate(ordered), lengths)
        if self.batch_size > 1:
            _pair_the_last(batches)
        order = torch.randperm(len(batches), generator=self.generator)
        return [batches[i] for i in order.tolist()]

    def _split(self, order: npt.NDArray[Any], lengths: Ints) -> list[list[int]]:
        return [
            rows.tolist()
            for i in range(0, len(order), self.batch_size)
            for rows in _cut(order[i : i + self.batch_size], lengths)
        ]

    def __iter__(self) -> Iterator[Batch]:
        for rows in self.rows():
            yield self.data.batch(rows, self.generator)


def _cut(rows: npt.NDArray[Any], lengths: Ints) -> list[npt.NDArray[Any]]:
    """Cut a batch before its long rows if most of it would be padding, and that is much."""
    here = lengths[rows]
    start = min(int(np.argmax(2 * here > here.max())), len(rows) - 2)
    if len(rows) * here.max() <= max(_ROOMY, 2 * here.sum()) or start < 2:
        return [rows]
    return [*_cut(rows[:start], lengths), rows[start:]]


def _pair_the_last(batches: list[list[int]]) -> None:
    """Add a second row to a last batch of one, without letting any batch grow where it can."""
    if len(batches) < 2 or len(batches[-1]) > 1:
        return
    if len(batches[-2]) > 2:
        batches[-1].insert(0, batches[-2].pop())
    else:
        batches[-2].extend(batches.pop())
