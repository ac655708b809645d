"""Junctions: on a linear network one Newton step is exact, and the nearest point is known in closed form."""

from collections.abc import Callable

import torch

from modelprint.crafting.junction import (
    Box,
    Precisions,
    Relations,
    find_junctions,
    find_leading,
    linearise,
    put_winner_first,
    smallest_move,
    step_towards,
)
from modelprint.crafting.lattice import spread
from modelprint.streams import stream

Linear = Callable[..., Precisions]


def grey(level: int = 128) -> torch.Tensor:
    """Return one image of one grey level."""
    return torch.full((1, 1, 2, 3), level, dtype=torch.float64)


def test_newton_ends_at_the_nearest_point_of_a_linear_network(linear: Linear) -> None:
    """Steps are no longer than 60 grey levels, so it takes three; their sum is the solution of least norm."""
    precisions, image = linear(3), grey() / 255
    relations = Relations.tie(torch.tensor([[2, 0, 1]]), gap=0.05)
    weight = precisions.exact[1].weight  # type: ignore[index]
    differences = weight[[2]] - weight[[0, 1]]
    wanted = 0.05 - (precisions.exact_logits(image)[0, [2]] - precisions.exact_logits(image)[0, [0, 1]])
    by_hand = torch.linalg.lstsq(differences, wanted[:, None], driver="gelsd").solution[:, 0]

    moved = step_towards(precisions.exact, image, relations, Box(low=image - 9, high=image + 9), 3)

    torch.testing.assert_close((moved - image).flatten(), by_hand)
    torch.testing.assert_close(
        relations.excess(precisions.exact_logits(moved)), torch.zeros(1, 2).double(), atol=1e-12, rtol=0
    )


def test_errors_are_as_long_as_the_deviation_of_the_logits() -> None:
    """In coordinates of differences: what all logits have in common counts for nothing."""
    relations = Relations.tie(torch.tensor([[0, 1, 2]]))
    logits = torch.tensor([[1.0, 2.0, 6.0]], dtype=torch.float64)

    errors = relations.errors(logits)

    assert errors.shape == (1, 2)
    torch.testing.assert_close(errors.norm(), (logits - logits.mean()).norm())
    torch.testing.assert_close(errors, relations.errors(logits + 5))
    torch.testing.assert_close(relations.widen(1.0).gaps, torch.ones(1, 2).double())


def test_pixels_at_the_end_of_their_range_are_made_up_for_by_others(linear: Linear) -> None:
    """A white image cannot get whiter; the tie is reached all the same, inside the range."""
    precisions, image = linear(2, 5), torch.ones(1, 1, 2, 3, dtype=torch.float64)

    moved = step_towards(precisions.exact, image, Relations.tie(torch.tensor([[0, 1]])), Box.around(image), 4)

    assert moved.min() >= 0 and moved.max() <= 1
    assert spread(precisions.exact_logits(moved), torch.tensor([[0, 1]])).item() < 1e-9


def test_jacobian_is_that_of_autograd(linear: Linear) -> None:
    """Of a network with a bend, in float64."""
    precisions, image = linear(3), grey() / 255
    relations = Relations.tie(torch.tensor([[0, 1, 2]]))

    def curved(x: torch.Tensor) -> torch.Tensor:
        return precisions.exact(x).square()

    errors, jacobian = linearise(torch.nn.Sequential(precisions.exact, _Square()), image, relations)
    expected = torch.autograd.functional.jacobian(lambda x: relations.errors(curved(x))[0], image)

    torch.testing.assert_close(errors, relations.errors(curved(image)))
    torch.testing.assert_close(jacobian[0], expected.flatten(1))
    move = smallest_move(jacobian, errors)
    torch.testing.assert_close((jacobian @ move[:, :, None])[:, :, 0], -errors)


def test_nearest_junction_ties_the_leading_classes(linear: Linear) -> None:
    """Of five classes three tie, and they lead."""
    precisions = linear(5, 1, (1, 4, 4))
    images = torch.rand(6, 1, 4, 4, generator=stream(0, "images"), dtype=torch.float64)

    moved, classes = find_junctions(precisions.exact, images, 3, Box.around(images), 12)

    logits = precisions.exact_logits(moved)
    assert spread(logits, classes).max() < 1e-9
    assert (
        find_leading(precisions.exact, moved, 3).sort(dim=1).values == classes.sort(dim=1).values
    ).float().mean() > 0.8


def test_winner_goes_to_the_front() -> None:
    """The others keep their order."""
    classes = torch.tensor([[4, 2, 7], [4, 2, 7]])

    assert put_winner_first(classes, torch.tensor([7, 4])).tolist() == [[7, 4, 2], [4, 2, 7]]


class _Square(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return squares."""
        return x.square()
