"""Code that changes weights by layer finds the layers, or learns that there is none."""

import pytest
import torch
from torch import nn

from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.networks.layers import list_layers
from modelprint.progress import ignore_progress
from modelprint.tamperings import SUITE

NETWORK = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 3))
BY_LAYER = ("prune-20", "int8-weights", "int8-dynamic", "weight-noise", "flip-sign")


def test_convolutions_and_linear_layers_are_found_by_name() -> None:
    """In the order of the network; batch norms hold few weights."""
    assert [name for name, _ in list_layers(NETWORK)] == ["0", "3"]
    assert [name for name, _ in list_layers(NETWORK, only_linear=True)] == ["3"]


class Bare(nn.Module):
    """A linear layer that is none of torch.nn, as the layers of an exported program."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(64)[:4])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weight.T


@pytest.mark.parametrize("kind", BY_LAYER)
def test_a_suspect_that_equals_the_model_is_never_made(kind: str, split: DataSet) -> None:
    """A tampering by layer would leave such a network as it is, and every check of it would say intact."""
    from modelprint.classifier import Classifier

    model = Classifier(Bare(), image_shape=(1, 8, 8), class_count=4)

    with pytest.raises(LoadingError, match=r"has no (convolution or )?linear layer of torch\.nn"):
        SUITE[kind]().apply(model, split, torch.Generator(), ignore_progress)
