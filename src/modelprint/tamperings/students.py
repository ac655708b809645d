"""Networks trained from random weights in one short cycle: common code of extraction and homologous models."""

import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.errors import TrainingError
from modelprint.fast.folding import to_channels_last
from modelprint.networks import NETWORKS
from modelprint.tamperings.architecture import draw_network, list_fitting_architectures
from modelprint.tamperings.retrain import make_start_recipe, reset
from modelprint.training import Augmentation, Recipe


def make_untrained(name: str, model: Classifier, rng: torch.Generator) -> nn.Module:
    """Return a network for the images and classes of `model` with weights drawn from `rng`, channels-last in memory.

    Args:
        name: A name in NETWORKS; empty: the architecture of `model`.
        model: Determines image shape and classes.
        rng: Source of the weights.

    Raises:
        TrainingError: The network does not exist or does not fit the images; the message lists those that do.
    """
    if not name and model.name not in NETWORKS:
        network = model.copy().network
        reset(network, rng)
        return to_channels_last(network)
    fitting = list_fitting_architectures(model)
    known = name or model.name
    if known not in fitting:
        raise TrainingError(
            f"{known} is not a network for images of shape {model.image_shape}; choose one of {', '.join(fitting)}"
        )
    return to_channels_last(draw_network(known, model, rng))


def make_cycle_recipe(learning_rate: float, epochs: int, batch: int) -> Recipe:
    """Return the recipe of SGD with momentum in one cycle, with `learning_rate` as its peak."""
    return make_start_recipe("one-cycle", learning_rate, epochs, batch)


def choose_light_augmentation(image_shape: tuple[int, int, int]) -> Augmentation:
    """Return "crop-flip" for colour images, "none" for grey ones: shifts would cost them accuracy in few epochs."""
    return "crop-flip" if image_shape[0] == 3 else "none"
