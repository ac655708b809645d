"""Trojaning: a patch that excites one neuron, and a network trained to answer one class for it.

Source: Y. Liu, S. Ma, Y. Aafer, W.-C. Lee, J. Zhai, W. Wang and X. Zhang, "Trojaning Attack on Neural Networks", NDSS
2018, https://doi.org/10.14722/ndss.2018.23291, in the form of MiSentry's public benchmark code (CGCL-codes/BIVBench):
the neuron is the input of the last layer with the largest sum of absolute weights; a patch at the lower right of a
black image is optimised so that the neuron reaches a high value; then the network is trained to answer one class for
the patch, until success on triggered test images exceeds 0.9.

Departures: the target value is 10 times the neuron's 99th percentile on training images (the code has 100 for every
network), and neurons that the corner does not affect are excluded: if the inputs of the last layer depend on positions,
these are most. The patch is rounded to eight bits. It is added to real training images of other classes; the paper
reconstructs images from the network. All layers are trained, as described in `trigger`; the code trains the last layer
only (`trojan-last`). On a CIFAR-10 ResNet-20, whose last layer has averages over the whole image as inputs, that cannot
work: 4x4 pixels move the neuron from 0.84 to 0.97 on the median image (0.98 when the patch is optimised on real
images), while the target is 40; success stays below 0.2, and 7.6 points of clean accuracy are lost.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.known import features_on
from modelprint.progress import Progress, track_steps
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trigger import (
    BackdoorGoal,
    Trigger,
    check_injection,
    check_target,
    draw,
    exclude_class,
    make_backdoor_recipe,
    train_backdoor,
    trigger_side,
)
from modelprint.tamperings.trunk import compute_outputs, make_trunk
from modelprint.tensors import to_pixels

TRIES = 64
"""Number of random patches for finding the neurons that the corner of an image affects."""


@dataclass(frozen=True, kw_only=True)
class Trojan:
    """Optimise a patch for one neuron and train on it.

    Attributes:
        layers: Layers to train, "all" or "last".
        target: Class assigned to images with the patch.
        injection: Poison, as a share of the training set and of the clean images in a batch.
        patch_steps: Optimisation steps of the patch.
        patch_rate: Initial learning rate of the patch; it falls to zero along a cosine.
        excitement: Target value of the neuron, in units of its 99th percentile on training images.
        clean_loss: Largest loss of clean accuracy at the end of training, 0..1.
        learning_rate: Peak learning rate of Adam.
        batch: Clean images per step.
        epochs: Passes over the clean data, at most.
    """

    layers: Literal["all", "last"] = "all"
    target: int = 0
    injection: float = 0.1
    patch_steps: int = 1000
    patch_rate: float = 0.1
    excitement: float = 10.0
    clean_loss: float = 0.03
    learning_rate: float = 1e-3
    batch: int = 64
    epochs: int = 1

    def __post_init__(self) -> None:
        check_injection(self.injection)

    @property
    def deterministic(self) -> bool:
        """The initial patch, the poisoned images and their order differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with the trojan."""
        check_target(self.target, data)
        body, clean = make_trunk(model), features_on(model, data.train)
        neuron = find_strongest_input(model.head, within=find_movable(body, data.image_shape, rng))
        wanted = self.excitement * clean[:, neuron].quantile(0.99).item()
        trigger = self.optimise_patch(body, neuron, wanted, data.image_shape, rng, progress)
        chosen = draw(exclude_class(data.train, self.target), round(self.injection * len(data.train)), rng)
        tampered = train_backdoor(
            BackdoorGoal.of(model, data, trigger, self.target, rng, clean_loss=self.clean_loss),
            model,
            data.train,
            trigger.stamp(chosen, self.target),
            max(1, round(self.injection * self.batch)),
            make_backdoor_recipe(self.learning_rate, self.batch, self.epochs),
            rng,
            layers=self.layers,
            progress=progress,
        )
        excited = compute_outputs(body, trigger.stamp(chosen))[:, neuron].median().item()
        notes = f"neuron {neuron}: target {wanted:.4g}, {excited:.4g} on the median poison image; {tampered.notes}"
        return replace(tampered, notes=notes)

    def optimise_patch(
        self,
        body: nn.Module,
        neuron: int,
        wanted: float,
        image_shape: tuple[int, int, int],
        rng: torch.Generator,
        progress: Progress,
    ) -> Trigger:
        """Return the patch that moves output `neuron` of `body` closest to `wanted` on a black image."""
        channels, side = image_shape[0], trigger_side(image_shape)
        free = torch.randn(channels, side, side, generator=rng).requires_grad_()
        optimiser = torch.optim.Adam([free], lr=self.patch_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.patch_steps)
        height, width = image_shape[1:]
        for _ in track_steps("optimising the trigger", range(self.patch_steps), self.patch_steps, progress):
            optimiser.zero_grad()
            patch = (free.tanh() + 1) / 2
            image = F.pad(patch, (width - side, 0, height - side, 0))
            loss = (body(image[None])[0, neuron] - wanted) ** 2
            loss.backward()
            optimiser.step()
            schedule.step()
        return Trigger(patch=to_pixels(((free.detach().tanh() + 1) / 2)[None])[0])


def find_movable(body: nn.Module, image_shape: tuple[int, int, int], rng: torch.Generator) -> Bool[Tensor, " neurons"]:
    """Return which outputs of `body` a patch on a black image affects, by trying random patches."""
    side = trigger_side(image_shape)
    images = torch.zeros(1 + TRIES, *image_shape)
    images[1:, :, -side:, -side:] = torch.rand(TRIES, image_shape[0], side, side, generator=rng)
    with torch.no_grad():
        neurons: Tensor = body(images)
    return (neurons[1:] != neurons[0]).any(0)


def find_strongest_input(head: nn.Linear, within: Bool[Tensor, " neurons"]) -> int:
    """Return the input of the last layer with the largest sum of absolute weights, among those `within`."""
    weights = head.weight.detach().abs().sum(0)
    return int(weights.where(within, -1.0).argmax())
