"""Another architecture: a network with other layers, trained on the same data.

Source: MiSentry appendix C.2 (ten other architectures; public models for CIFAR-10). `OtherArchitecture` trains one from
random weights, with the schedule of retraining; `GivenArchitecture` uses public weights.

Departures: as there are few architectures, two seeds may draw the same one with different initial weights.
`schedule="one-cycle"` is a shortened form for machines without accelerator, as in retraining.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, weights_path
from modelprint.errors import DataError, TrainingError
from modelprint.loading import load_classifier
from modelprint.networks import NETWORKS
from modelprint.progress import Progress
from modelprint.tamperings.retrain import Schedule, make_start_recipe, train_on_images
from modelprint.tamperings.tampering import Tampered

SHRINKING = 4
"""Largest ratio of the side that a network is made for to that of the images: no ImageNet network for digits."""


@dataclass(frozen=True, kw_only=True)
class OtherArchitecture:
    """Train another network from random weights on the same data.

    Attributes:
        network: Name in NETWORKS; empty: drawn from those that fit the images and differ from the original's.
        schedule: "plateau" (the paper's, Adam) or "one-cycle" (shortened, SGD with momentum).
        learning_rate: First, or peak, learning rate.
        epochs: Passes over the data, at most.
        batch: Images per step.
    """

    network: str = ""
    schedule: Schedule = "plateau"
    learning_rate: float = 1e-3
    epochs: int = 100
    batch: int = 64

    @property
    def deterministic(self) -> bool:
        """The initial weights differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the other network; TrainingError when no other network fits the images."""
        fitting = list_other_architectures(model)
        if not fitting or self.network not in ("", *fitting):
            known = f"choose one of {', '.join(fitting)}" if fitting else "and no other network does"
            raise TrainingError(
                f"{self.network or 'no other network'} takes images of shape {model.image_shape} "
                f"and differs from {model.name}; {known}"
            )
        name = self.network or draw_name(fitting, rng)
        network = draw_network(name, model, rng)
        recipe = make_start_recipe(self.schedule, self.learning_rate, self.epochs, self.batch)
        steps = train_on_images(network, data.train, recipe, rng, progress=progress)
        return Tampered(network=network, steps=steps, architecture=name, notes=name)


@dataclass(frozen=True, kw_only=True)
class GivenArchitecture:
    """Use another network with public weights, trained on the same data.

    They are searched in the data folders, as `weights/DATA_NETWORK.safetensors`, e.g. `cifar10_resnet32`.

    Attributes:
        network: Name in NETWORKS; empty: drawn from those with weights that differ from the original's.
    """

    network: str = ""

    @property
    def deterministic(self) -> bool:
        """The network differs with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the other network; TrainingError when there are no weights."""
        given = [name for name in list_other_architectures(model) if _has_weights(data, name)]
        if not given or self.network not in ("", *given):
            there = f"there are {', '.join(given)}" if given else "there are none"
            raise TrainingError(
                f"no weights of {self.network or 'another network'} for {data.name}; {there}, "
                f"put others into a data folder as weights/{data.name}_NETWORK.safetensors"
            )
        name = self.network or draw_name(given, rng)
        other = load_classifier(name, weights_path(f"{data.name}_{name}"))
        if other.class_count != model.class_count:
            raise TrainingError(f"the weights of {name} have {other.class_count} classes, not {model.class_count}")
        return Tampered(network=other.network, architecture=name, notes=name)


def list_other_architectures(model: Classifier) -> list[str]:
    """Return the names in NETWORKS whose networks fit the images of `model` and differ from its own."""
    return [name for name in list_fitting_architectures(model, drawn=True) if _is_different(name, model)]


def list_fitting_architectures(model: Classifier, *, drawn: bool = False) -> list[str]:
    """Return the names in NETWORKS whose networks fit the images of `model`; with `drawn`, only those to draw from."""
    return [name for name, network in NETWORKS.items() if (network.drawn or not drawn) and _is_fitting(name, model)]


def draw_name(names: Sequence[str], rng: torch.Generator) -> str:
    """Return one of `names` at random."""
    return names[int(torch.randint(len(names), (), generator=rng))]


def _is_fitting(name: str, model: Classifier) -> bool:
    if max(NETWORKS[name].image_shape[1:]) > SHRINKING * max(model.image_shape[1:]):
        return False
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = make_network(name, model).eval()
        try:
            network(torch.zeros(1, *model.image_shape))
        except RuntimeError:  # a shape inside the network does not fit
            return False
    return True


def _is_different(name: str, model: Classifier) -> bool:
    with torch.random.fork_rng(devices=[]):
        return _list_shapes(make_network(name, model)) != _list_shapes(model.network)


def make_network(name: str, model: Classifier) -> nn.Module:
    """Return a new network for the channels and classes of `model`, initialised from torch's global generator."""
    return NETWORKS[name].make(class_count=model.class_count, channels=model.image_shape[0])


def draw_network(name: str, model: Classifier, rng: torch.Generator) -> nn.Module:
    """Return a new network for the channels and classes of `model`, initialised from `rng`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))
        return make_network(name, model)


def _list_shapes(network: nn.Module) -> list[torch.Size]:
    return [weight.shape for weight in network.parameters()]


def _has_weights(data: DataSet, name: str) -> bool:
    try:
        return weights_path(f"{data.name}_{name}").is_file()
    except DataError:
        return False
