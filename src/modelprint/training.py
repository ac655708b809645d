"""The training loop: every tampering that trains and every network of the package uses `train`."""

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
from modelprint.progress import Progress, ignore_progress
from modelprint.tensors import GREY_LEVELS, Images, Labels

BatchNormMode = Literal["train", "frozen"]
Augmentation = Literal["crop-flip", "crop", "none"]
Objective = Callable[[nn.Module, Tensor, Labels], Tensor]
"""Adds the gradients of one batch to `.grad` of the network's parameters and returns the loss."""


def cross_entropy(network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
    """The default objective: cross-entropy of the labels."""
    loss = F.cross_entropy(network(inputs), labels)
    loss.backward()
    return loss


@runtime_checkable
class Batches(Protocol):
    """A source of training examples."""

    def epoch(self, size: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Labels]]:
        """Yield every example once, in a fresh random order, `size` at a time."""

    def __len__(self) -> int:
        """The number of examples."""


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
    """Precomputed inputs, for example cached features on which a last layer is trained."""

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
        optimiser: "sgd", "adam", or "rmsprop" with Keras's default smoothing.
        learning_rate: Step size; the peak of a "one-cycle" schedule.
        momentum: Of SGD.
        weight_decay: L2 penalty.
        batch: Examples per step.
        epochs: Passes over the data; an upper limit for "plateau".
        batch_norm: "train": training mode, in which running statistics move and dropout is active; "frozen":
            evaluation mode.
        schedule: "constant"; "one-cycle"; or "plateau": divide the rate by ten when the validation loss has not
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
    is_finished: Callable[[int], bool] | None = None,
    validation: Callable[[], float] | None = None,
    betas: tuple[float, float] = (0.9, 0.999),
    phase: str = "training",
    progress: Progress = ignore_progress,
) -> int:
    """Train the parameters of `network` that require gradients, in place, and leave it in evaluation mode.

    Args:
        network: Inputs to logits.
        batches: The examples.
        recipe: Optimiser, schedule, batch-norm mode.
        rng: Source of order and augmentation; dropout draws from a generator seeded by it.
        objective: Computes loss and gradients of a batch.
        is_finished: Called before each step with the number of steps taken; training ends when it returns True. It may
            put the network into evaluation mode.
        validation: Returns the validation loss; required by the "plateau" schedule.
        betas: Of Adam.
        phase: Name of the phase in progress reports.
        progress: Called after each step.

    Returns:
        The number of steps taken.

    Raises:
        TrainingError: The loss is no longer a finite number.
    """
    per_epoch = math.ceil(len(batches) / recipe.batch)
    total = per_epoch * recipe.epochs
    optimiser = _make_optimiser(network, recipe, betas)
    schedule = _make_schedule(optimiser, recipe, total)
    steps = 0
    progress(phase, 0, total)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))
        for _ in range(recipe.epochs):
            for inputs, labels in batches.epoch(recipe.batch, rng):
                if is_finished is not None and is_finished(steps):
                    network.eval()
                    progress(phase, total, total)
                    return steps
                network.train(recipe.batch_norm == "train")
                _step(network, optimiser, objective, inputs, labels, steps)
                schedule.advance()
                steps += 1
                progress(phase, steps, total)
            network.eval()
            if schedule.is_finished_after_epoch(validation):
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


def _make_optimiser(network: nn.Module, recipe: Recipe, betas: tuple[float, float]) -> torch.optim.Optimizer:
    parameters = [p for p in network.parameters() if p.requires_grad]
    rate, momentum, decay = recipe.learning_rate, recipe.momentum, recipe.weight_decay
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=rate, betas=betas, weight_decay=decay)
    if recipe.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, alpha=0.9, eps=1e-7, weight_decay=decay)
    return torch.optim.SGD(parameters, lr=rate, momentum=momentum, weight_decay=decay, nesterov=momentum > 0)


class _Constant:
    """A constant learning rate, and the interface of the other schedules."""

    def advance(self) -> None:
        """Change nothing."""

    def is_finished_after_epoch(self, validation: Callable[[], float] | None) -> bool:
        """Return False: all epochs are trained."""
        return False


class _OneCycle(_Constant):
    """Up to the peak in the first third, then down to almost zero."""

    def __init__(self, optimiser: torch.optim.Optimizer, peak: float, total: int) -> None:
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=peak, total_steps=total + 1, cycle_momentum=False
        )

    def advance(self) -> None:
        """Move along the cycle."""
        self.scheduler.step()


class _Plateau(_Constant):
    """Divide the rate by ten when the validation loss has not fallen for 5 epochs; finish below 1e-5."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=5, threshold=0.0)

    def is_finished_after_epoch(self, validation: Callable[[], float] | None) -> bool:
        """Update the rate from the validation loss; return whether it is below 1e-5."""
        if validation is None:
            raise ValueError('the "plateau" schedule needs a validation loss')
        self.scheduler.step(validation())
        return float(self.optimiser.param_groups[0]["lr"]) < 1e-5 * (1 - 1e-6)


def _make_schedule(optimiser: torch.optim.Optimizer, recipe: Recipe, total: int) -> _Constant:
    if recipe.schedule == "one-cycle":
        return _OneCycle(optimiser, recipe.learning_rate, total)
    return _Plateau(optimiser) if recipe.schedule == "plateau" else _Constant()


def prepare_batch(pixels: Tensor, augment: Augmentation, rng: torch.Generator) -> Images:
    """Return eight-bit pixels as a training batch: augmented, in [0, 1], channels-last in memory."""
    if augment != "none":
        pixels = shift_and_flip(pixels, flip=augment == "crop-flip", rng=rng)
    return pixels.to(torch.float32).div_(GREY_LEVELS).contiguous(memory_format=torch.channels_last)


def shift_and_flip(pixels: Tensor, *, flip: bool, rng: torch.Generator) -> Tensor:
    """Shift each image by up to an eighth of its side in both directions, borders zero, and mirror half of them.

    Args:
        pixels: n c h w, of any type.
        flip: Whether to mirror left to right with probability one half.
        rng: Source of the offsets.

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


def choose_augmentation(data: LabelledImages) -> Augmentation:
    """Return "crop-flip" for colour images, "crop" for grey ones, which are mostly characters: never mirror these."""
    return "crop-flip" if data.image_shape[0] == 3 else "crop"


def hold_out(count: int, share: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Split 0 .. count - 1 at random; returns the indices of the rest and of the `share` (at least one) held out."""
    order = torch.randperm(count, generator=rng)
    cut = max(1, round(count * share))
    return order[cut:], order[:cut]


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Use one thread inside the block, so that results do not depend on the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
