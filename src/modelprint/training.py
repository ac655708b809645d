"""The one training loop: every tampering that learns and every network we train go through `train`."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.data import LabelledImages
from modelprint.errors import TrainingError
from modelprint.progress import Progress, silent
from modelprint.tensors import GREY_LEVELS, Images, Labels

BatchNormMode = Literal["train", "frozen"]
Augmentation = Literal["crop-flip", "crop", "none"]
Objective = Callable[[nn.Module, Tensor, Labels], Tensor]
"""Adds the gradients of one batch to `.grad` of the network's parameters and returns the loss."""


def cross_entropy(network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
    """Descend the cross-entropy of the labels: the ordinary objective."""
    loss = F.cross_entropy(network(inputs), labels)
    loss.backward()
    return loss


@runtime_checkable
class Batches(Protocol):
    """Where training examples come from."""

    def epoch(self, size: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Labels]]:
        """Yield every example once, in a fresh random order, `size` at a time."""

    def __len__(self) -> int:
        """How many examples there are."""


@dataclass(frozen=True, kw_only=True)
class ImageBatches:
    """Images in [0, 1], cropped and flipped at random.

    Attributes:
        data: The images.
        augment: "crop-flip", "crop" (shift by up to an eighth of the side, borders black), or "none".
    """

    data: LabelledImages
    augment: Augmentation = "none"

    def __len__(self) -> int:
        return len(self.data)

    def epoch(self, size: int, rng: torch.Generator) -> Iterator[tuple[Images, Labels]]:
        """Yield every image once, in a fresh random order."""
        order = torch.randperm(len(self.data), generator=rng).numpy()
        for start in range(0, len(order), size):
            index = order[start : start + size]
            images = prepare_batch(torch.from_numpy(self.data.pixels[index]), self.augment, rng)
            yield images, torch.from_numpy(self.data.labels[index])


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorBatches:
    """Ready-made inputs, for instance the cached features a last layer is trained on."""

    inputs: Tensor
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def epoch(self, size: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Labels]]:
        """Yield every input once, in a fresh random order."""
        for index in torch.randperm(len(self.labels), generator=rng).split(size):
            yield self.inputs[index], self.labels[index]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        optimiser: "sgd", "adam", or "rmsprop" with the smoothing that is Keras's default.
        learning_rate: Step size; the peak of a "one-cycle" schedule.
        momentum: Of SGD.
        weight_decay: L2 penalty.
        batch: Examples per step.
        epochs: Passes over the data; the most there may be for "plateau".
        batch_norm: "train": the network is in training mode, so running statistics move and dropout is on;
            "frozen": it stays in evaluation mode.
        schedule: "constant"; "one-cycle"; or "plateau": a tenth of the rate each time the validation loss has not
            fallen for 5 epochs, stop below 1e-5 (MiSentry appendix C.2).
    """

    optimiser: Literal["sgd", "adam", "rmsprop"] = "sgd"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    batch: int = 64
    epochs: int = 1
    batch_norm: BatchNormMode = "train"
    schedule: Literal["constant", "one-cycle", "plateau"] = "constant"

    def __post_init__(self) -> None:
        if not self.learning_rate > 0 or not math.isfinite(self.learning_rate):
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if self.batch < 1 or self.epochs < 1:
            raise ValueError(f"batch and epochs must be at least 1, got {self.batch} and {self.epochs}")


def train(
    network: nn.Module,
    batches: Batches,
    recipe: Recipe,
    rng: torch.Generator,
    *,
    objective: Objective = cross_entropy,
    finished: Callable[[int], bool] | None = None,
    validation: Callable[[], float] | None = None,
    betas: tuple[float, float] = (0.9, 0.999),
    phase: str = "training",
    progress: Progress = silent,
) -> int:
    """Train the parameters of `network` that require gradients, in place, and leave it in evaluation mode.

    Args:
        network: Inputs to logits.
        batches: The examples.
        recipe: Optimiser, schedule, batch-norm mode.
        rng: Order and augmentation; dropout draws from a generator seeded by it.
        objective: What is learnt from a batch.
        finished: Asked before each step, with the number of steps taken; training ends when it says so. It may put the
            network into evaluation mode.
        validation: Returns the validation loss; needed by the "plateau" schedule.
        betas: Of Adam.
        phase: What the progress report calls this.
        progress: Told after each step.

    Returns:
        The number of steps taken.

    Raises:
        TrainingError: The loss is no longer a finite number.
    """
    per_epoch = math.ceil(len(batches) / recipe.batch)
    total = per_epoch * recipe.epochs
    optimiser = _optimiser(network, recipe, betas)
    schedule = _schedule(optimiser, recipe, total)
    steps = 0
    progress(phase, 0, total)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))
        for _ in range(recipe.epochs):
            for inputs, labels in batches.epoch(recipe.batch, rng):
                if finished is not None and finished(steps):
                    network.eval()
                    progress(phase, total, total)
                    return steps
                network.train(recipe.batch_norm == "train")
                _step(network, optimiser, objective, inputs, labels, steps)
                schedule.after_step()
                steps += 1
                progress(phase, steps, total)
            network.eval()
            if schedule.finished_after_epoch(validation):
                break
    progress(phase, total, total)
    return steps


def _step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    objective: Objective,
    inputs: Tensor,
    labels: Labels,
    done: int,
) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss = objective(network, inputs, labels)
    if not torch.isfinite(loss):
        raise TrainingError(f"the loss is {loss.item()} after {done} steps; try a smaller learning rate")
    optimiser.step()


def _optimiser(network: nn.Module, recipe: Recipe, betas: tuple[float, float]) -> torch.optim.Optimizer:
    parameters = [p for p in network.parameters() if p.requires_grad]
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=recipe.learning_rate, betas=betas, weight_decay=recipe.weight_decay)
    if recipe.optimiser == "rmsprop":
        return torch.optim.RMSprop(
            parameters, lr=recipe.learning_rate, alpha=0.9, eps=1e-7, weight_decay=recipe.weight_decay
        )
    return torch.optim.SGD(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )


class _Constant:
    """A learning rate that stays as it is."""

    def after_step(self) -> None:
        """Nothing changes."""

    def finished_after_epoch(self, validation: Callable[[], float] | None) -> bool:
        """Never before the last epoch."""
        return False


class _OneCycle(_Constant):
    """Up to the peak in the first third, then down to almost nothing."""

    def __init__(self, optimiser: torch.optim.Optimizer, peak: float, total: int) -> None:
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=peak, total_steps=total + 1, cycle_momentum=False
        )

    def after_step(self) -> None:
        """Move along the cycle."""
        self.scheduler.step()


class _Plateau(_Constant):
    """A tenth of the rate when the validation loss has not fallen for 5 epochs; finished below 1e-5."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=5, threshold=0.0)

    def finished_after_epoch(self, validation: Callable[[], float] | None) -> bool:
        """Look at the validation loss."""
        if validation is None:
            raise ValueError('the "plateau" schedule needs a validation loss')
        self.scheduler.step(validation())
        return float(self.optimiser.param_groups[0]["lr"]) < 1e-5 * (1 - 1e-6)


def _schedule(optimiser: torch.optim.Optimizer, recipe: Recipe, total: int) -> _Constant:
    if recipe.schedule == "one-cycle":
        return _OneCycle(optimiser, recipe.learning_rate, total)
    return _Plateau(optimiser) if recipe.schedule == "plateau" else _Constant()


def prepare_batch(pixels: Tensor, augment: Augmentation, rng: torch.Generator) -> Images:
    """Return eight-bit pixels as a batch to learn from: varied, in [0, 1], channels-last in memory."""
    if augment != "none":
        pixels = shift_and_flip(pixels, flip=augment == "crop-flip", rng=rng)
    return pixels.to(torch.float32).div_(GREY_LEVELS).contiguous(memory_format=torch.channels_last)


def shift_and_flip(pixels: Tensor, *, flip: bool, rng: torch.Generator) -> Tensor:
    """Shift each image by up to an eighth of its side in both directions, borders zero, and mirror half of them.

    Args:
        pixels: n c h w, of any type.
        flip: Whether to mirror left to right with probability one half.
        rng: Where the offsets come from.

    Returns:
        The same shape, channels-last in memory.
    """
    count, _, height, width = pixels.shape
    down, right = max(1, height // 8), max(1, width // 8)
    padded = F.pad(pixels, (right, right, down, down))
    rows = torch.randint(2 * down + 1, (count, 1), generator=rng) + torch.arange(height)
    columns = torch.randint(2 * right + 1, (count, 1), generator=rng) + torch.arange(width)
    if flip:
        mirrored = torch.rand(count, 1, generator=rng) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    batch = torch.arange(count)[:, None, None]
    return padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def usual_augmentation(data: LabelledImages) -> Augmentation:
    """Return "crop-flip" for colour images; "crop" for grey ones: mostly characters, which must not be mirrored."""
    return "crop-flip" if data.image_shape[0] == 3 else "crop"


def hold_out(count: int, share: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Split 0 .. count - 1 at random; returns the indices of the rest and of the `share` (at least one) held out."""
    order = torch.randperm(count, generator=rng)
    cut = max(1, round(count * share))
    return order[cut:], order[:cut]


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread while the block runs: results then do not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
