"""Retraining from new random weights: the last layer, or the whole network.

Source: MiSentry appendix C.2: learning rate 1e-3, a tenth of it when the validation loss has not fallen for 5 epochs,
stop below 1e-5; "all layers" means the same network from random initialisation on the same data. The optimiser is not
stated; Adam as in the public benchmark code. A tenth of the training set is held out for the validation loss.

Departures: the last layer alone is trained on features computed once, without augmentation and with frozen batch norm.
`schedule="one-cycle"` is a shortened form for machines without accelerator (SGD, Nesterov momentum 0.9, weight decay
5e-4): few epochs, and a weaker network, whose kind has a suffix.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.fast.folding import to_channels_last
from modelprint.fast.known import features_on
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Labels, Logits, to_images
from modelprint.training import Batches, ImageBatches, Recipe, TensorBatches, choose_augmentation, hold_out, train


@dataclass(frozen=True, kw_only=True)
class Retrain:
    """Reset weights and train them again.

    Attributes:
        layers: "last" or "all".
        schedule: "plateau" (the paper's, Adam) or "one-cycle" (shortened, SGD with momentum).
        learning_rate: First, or peak, learning rate.
        epochs: Passes over the data, at most.
        batch: Images per step.
    """

    layers: Literal["last", "all"] = "last"
    schedule: Literal["plateau", "one-cycle"] = "plateau"
    learning_rate: float = 1e-3
    epochs: int = 100
    batch: int = 64

    @property
    def deterministic(self) -> bool:
        """The initial weights differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network after retraining."""
        suspect = model.copy()
        reset(suspect.head if self.layers == "last" else suspect.network, rng)
        if self.layers == "last":
            steps = self._train_last(suspect.head, model, data.train, rng, progress)
        else:
            steps = train_on_images(suspect.network, data.train, self._recipe, rng, progress=progress)
        return Tampered(network=suspect.network, steps=steps)

    def _train_last(
        self, head: nn.Linear, model: Classifier, data: LabelledImages, rng: torch.Generator, progress: Progress
    ) -> int:
        features, labels = features_on(model, data), torch.from_numpy(data.labels)
        rest, held = hold_out(len(data), 0.1, rng)
        batches, validation = (TensorBatches(inputs=features[part], labels=labels[part]) for part in (rest, held))
        return _train(head, batches, validation, self._recipe, label_loss, rng, progress)

    @property
    def _recipe(self) -> Recipe:
        return make_start_recipe(self.schedule, self.learning_rate, self.epochs, self.batch)


Schedule = Literal["plateau", "one-cycle"]
Loss = Callable[[Logits, Tensor, Labels], Tensor]
"""The loss of logits, given their inputs and labels."""


def label_loss(logits: Logits, inputs: Tensor, labels: Labels) -> Tensor:
    """Return the cross-entropy of the labels."""
    return F.cross_entropy(logits, labels)


def make_start_recipe(schedule: Schedule, learning_rate: float, epochs: int, batch: int) -> Recipe:
    """Return the recipe for training from random weights: Adam with plateaus, or one cycle of SGD."""
    short = schedule == "one-cycle"
    return Recipe(
        optimiser="sgd" if short else "adam",
        learning_rate=learning_rate,
        momentum=0.9 if short else 0.0,
        weight_decay=5e-4 if short else 0.0,
        batch=batch,
        epochs=epochs,
        schedule=schedule,
    )


def train_on_images(
    network: nn.Module,
    data: LabelledImages,
    recipe: Recipe,
    rng: torch.Generator,
    *,
    loss: Loss = label_loss,
    progress: Progress,
) -> int:
    """Train all of `network`, in place, on nine tenths of the images, and validate on the rest.

    Returns:
        The number of steps taken.
    """
    to_channels_last(network)
    rest, held = hold_out(len(data), 0.1, rng)
    batches = ImageBatches(data=data.take(rest.numpy()), augment=choose_augmentation(data))
    images, labels = to_images(data.pixels[held.numpy()]), torch.from_numpy(data.labels)[held]
    return _train(network, batches, TensorBatches(inputs=images, labels=labels), recipe, loss, rng, progress)


def _train(
    network: nn.Module,
    batches: Batches,
    held: TensorBatches,
    recipe: Recipe,
    loss: Loss,
    rng: torch.Generator,
    progress: Progress,
) -> int:
    def objective(network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
        value = loss(network(inputs), inputs, labels)
        value.backward()
        return value

    def validation_loss() -> float:
        with torch.no_grad():
            logits = torch.cat([network(chunk) for chunk in held.inputs.split(512)])
            return loss(logits, held.inputs, held.labels).item()

    return train(network, batches, recipe, rng, objective=objective, validation=validation_loss, progress=progress)


def reset(network: nn.Module, rng: torch.Generator) -> None:
    """Reset the weights of every layer of `network` to their initial distribution, drawn from `rng`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))
        for module in network.modules():
            reset_parameters = getattr(module, "reset_parameters", None)
            if callable(reset_parameters):
                reset_parameters()
