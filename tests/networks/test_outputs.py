"""Of several outputs the logits are chosen, or all are listed."""

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from modelprint.networks.outputs import SelectOutput, select_logits

LOGITS, MAP, LABELS = torch.rand(1, 4), torch.rand(1, 2, 3, 3), torch.zeros(1, 4, dtype=torch.int64)
Named = namedtuple("Named", ["features", "logits"])


class Returns(nn.Module):
    """A network that always returns `output`."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output

    def forward(self, images: torch.Tensor) -> Any:
        return self.output


@pytest.mark.parametrize(
    "output",
    [
        {"features": MAP, "scores": LOGITS},
        {"logits": LOGITS, "features": torch.rand(1, 9)},
        (MAP, LOGITS),
        [LOGITS],
        (LOGITS, LABELS),
        (None, LOGITS, "text"),
        Named(torch.rand(1, 9), LOGITS),
    ],
)
def test_the_logits_are_found(output: Any) -> None:
    """By their name, or as the one table of floating-point numbers."""
    network, found = select_logits(Returns(output), output)

    assert isinstance(network, SelectOutput)
    assert found is LOGITS
    assert network(torch.zeros(1, 1, 2, 2)) is LOGITS


def test_a_tensor_is_left_as_it_is() -> None:
    """Whatever its shape: the caller says what is wrong with it."""
    plain = Returns(MAP)

    assert select_logits(plain, MAP) == (plain, MAP)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ((LOGITS, LOGITS), r"returns 0: float32 \(1, 4\), 1: float32 \(1, 4\); expected an entry called logits"),
        ({"logits": MAP, "x": "text"}, r"returns logits: float32 \(1, 2, 3, 3\), x: str; expected"),
        ((), "returns nothing; expected"),
        (SimpleNamespace(logits=LOGITS), "returns a SimpleNamespace, expected a tensor"),
    ],
)
def test_what_has_no_logits_is_listed(output: Any, message: str) -> None:
    """With the type and shape of each entry."""
    with pytest.raises(ValueError, match=message):
        select_logits(Returns(output), output)
