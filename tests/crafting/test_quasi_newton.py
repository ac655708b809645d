"""Many problems are minimised at once, each as if it were alone."""

import sys

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.crafting.quasi_newton import import_botorch, minimise
from modelprint.errors import CraftingError

CENTRES = torch.tensor([[0.5, -1.0], [4.0, 0.0], [0.0, 0.0]], dtype=torch.float64)


def bowls(points: Float[Tensor, "active 2"], active: list[int]) -> tuple[Tensor, Tensor]:
    """Steep one way and flat the other, each around its own centre."""
    away = (points - CENTRES[active]) * torch.tensor([1.0, 10.0])
    return away.square().sum(1), 2 * away * torch.tensor([1.0, 10.0])


def test_each_problem_ends_at_its_own_minimum_within_the_box() -> None:
    """The second one's lies outside, so it ends at the edge; the third starts where it ends."""
    pytest.importorskip("botorch")
    start = torch.zeros(3, 2, dtype=torch.float64)

    points, values = minimise(bowls, start, [-2.0, -2.0], [2.0, 2.0])

    assert torch.allclose(points, torch.tensor([[0.5, -1.0], [2.0, 0.0], [0.0, 0.0]], dtype=torch.float64), atol=1e-5)
    assert torch.allclose(values, torch.tensor([0.0, 4.0, 0.0], dtype=torch.float64), atol=1e-8)
    assert not start.any()


def test_a_problem_that_has_ended_is_not_asked_again() -> None:
    """The one at its minimum is evaluated once, the others go on."""
    pytest.importorskip("botorch")
    asked: list[int] = []

    def counted(points: Tensor, active: list[int]) -> tuple[Tensor, Tensor]:
        asked.extend(active)
        return bowls(points, active)

    minimise(counted, torch.zeros(3, 2, dtype=torch.float64), [-2.0, -2.0], [2.0, 2.0])

    assert asked.count(2) == 1 and asked.count(0) > 2


def test_without_botorch_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "botorch", None)

    with pytest.raises(CraftingError, match="install the extra bo as modelprint was installed"):
        import_botorch()
