"""Junctions: images at which the logits of several classes stand in given relations, found by Newton's method.

The differences between k logits are k - 1 smooth functions of many pixels, so the nearest image at which they have
given values is a few minimum-norm Newton steps away: solve for the smallest move that cancels the errors to first
order, apply it, repeat. Pixels that would leave their range stay at its end, and the others compensate.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.fast.folding import freeze_weights, make_quick_copy
from modelprint.tensors import Images, Labels, Logits

LONGEST = 60 / 255
"""Largest change of a pixel in one step."""
SETTLING = 4
"""Steps after which the classes that meet are fixed."""
PASSES = 3
"""How often pixels at the end of their range are removed from a step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Relations:
    """Target relations between logits, image by image.

    Attributes:
        classes: Different ones; the first is the intended top class.
        gaps: By how much the logit of the first should exceed that of each other.
    """

    classes: Int64[Tensor, "n k"]
    gaps: Float64[Tensor, "n others"]

    @classmethod
    def tie(cls, classes: Int64[Tensor, "n k"], gap: float = 0.0) -> "Relations":
        """Return relations with the same gap between the first class and each other."""
        return cls(classes=classes, gaps=torch.full(classes[:, 1:].shape, gap, dtype=torch.float64))

    @cached_property
    def basis(self) -> Float64[Tensor, "k others"]:
        """Orthonormal coordinates for logits up to what they have in common."""
        k = self.classes.shape[1]
        q, _ = torch.linalg.qr(torch.eye(k, dtype=torch.float64) - 1 / k)
        basis: Tensor = q[:, : k - 1].contiguous()
        return basis

    def errors(self, logits: Logits) -> Float[Tensor, "n others"]:
        """Return how far logits are from the relations, in the coordinates of `basis`; their norm is that of logits."""
        wanted = torch.cat([torch.zeros(len(self.gaps), 1, dtype=torch.float64), -self.gaps], dim=1)
        errors: Tensor = (logits.gather(1, self.classes) - wanted.to(logits.dtype)) @ self.basis.to(logits.dtype)
        return errors

    def excess(self, logits: Logits) -> Float[Tensor, "n others"]:
        """Return how much the gap to each other class exceeds its target."""
        values = logits.gather(1, self.classes)
        return values[:, :1] - values[:, 1:] - self.gaps.to(logits.dtype)

    def take(self, rows: Int64[Tensor, " m"]) -> "Relations":
        """Return the relations of some images, which may repeat."""
        return replace(self, classes=self.classes[rows], gaps=self.gaps[rows])

    def widen(self, slack: float) -> "Relations":
        """Return relations with larger gaps."""
        return replace(self, gaps=self.gaps + slack)


@dataclass(frozen=True, kw_only=True, eq=False)
class Box:
    """The range of every pixel value, image by image.

    Attributes:
        low: Smallest values.
        high: Largest values.
    """

    low: Images
    high: Images

    @classmethod
    def around(cls, sources: Images, most: float | None = None) -> "Box":
        """Return [0, 1], and within `most` of the sources where that is given."""
        if most is None:
            return cls(low=torch.zeros_like(sources), high=torch.ones_like(sources))
        return cls(low=(sources - most).clamp_min(0), high=(sources + most).clamp_max(1))

    def take(self, rows: slice) -> "Box":
        """Return the range of some images."""
        return Box(low=self.low[rows], high=self.high[rows])


class Precisions:
    """One classifier twice: fast for most evaluations, in float64 for the decisive ones.

    Attributes:
        quick: In the classifier's own type, batch norms folded.
        exact: In float64.
        batch: How many images to compute at a time.
    """

    def __init__(self, model: Classifier) -> None:
        self.quick = make_quick_copy(model).network
        self.exact = freeze_weights(model.double().network)
        self.dtype = model.dtype
        self.batch = model.batch

    def quick_logits(self, images: Images) -> Float64[Tensor, "n classes"]:
        """Return logits computed fast."""
        return self._logits(self.quick, images.to(self.dtype))

    def exact_logits(self, images: Images) -> Float64[Tensor, "n classes"]:
        """Return logits computed in float64."""
        return self._logits(self.exact, images.double())

    def _logits(self, network: nn.Module, images: Images) -> Float64[Tensor, "n classes"]:
        with torch.no_grad():
            return torch.cat([network(chunk).double() for chunk in images.split(self.batch)])


def linearise(
    network: nn.Module, images: Images, relations: Relations
) -> tuple[Float[Tensor, "n others"], Float[Tensor, "n others pixels"]]:
    """Return the errors of `images` and their derivative by each pixel value."""
    x = images.detach().requires_grad_()
    errors = relations.errors(network(x))
    count = errors.shape[1]
    rows = [
        torch.autograd.grad(errors[:, index].sum(), x, retain_graph=index + 1 < count)[0].flatten(1)
        for index in range(count)
    ]
    return errors.detach(), torch.stack(rows, dim=1)


def smallest_move(
    jacobian: Float[Tensor, "n others pixels"], errors: Float[Tensor, "n others"]
) -> Float[Tensor, "n pixels"]:
    """Return the move of smallest L2 norm that cancels `errors` to first order."""
    gram = jacobian @ jacobian.transpose(1, 2)
    tolerance = 1e-10 if gram.dtype == torch.float64 else 1e-6
    solution = torch.linalg.pinv(gram, hermitian=True, rtol=tolerance) @ errors.unsqueeze(2)
    move: Tensor = -(jacobian.transpose(1, 2) @ solution).squeeze(2)
    return move


def step_towards(network: nn.Module, images: Images, relations: Relations, box: Box, steps: int) -> Images:
    """Return images moved towards the relations by `steps` steps, inside the box."""
    for _ in range(steps):
        images = _step(network, images, relations, box)
    return images


def find_junctions(
    network: nn.Module, sources: Images, k: int, box: Box, steps: int
) -> tuple[Images, Int64[Tensor, "n k"]]:
    """Return images near `sources` where `k` classes tie, and the classes: those that lead after the first steps."""
    images, classes = sources, find_leading(network, sources, k)
    for index in range(steps):
        if 0 < index < SETTLING:
            classes = find_leading(network, images, k)
        images = _step(network, images, Relations.tie(classes), box)
    return images, classes


def find_leading(network: nn.Module, images: Images, k: int) -> Int64[Tensor, "n k"]:
    """Return the `k` classes with the largest logits, in falling order."""
    with torch.no_grad():
        classes: Tensor = network(images).topk(k, dim=1).indices
    return classes


def put_winner_first(classes: Int64[Tensor, "n k"], winners: Labels) -> Int64[Tensor, "n k"]:
    """Return each row with its winner, which must be in it, moved to the front."""
    place = (classes == winners[:, None]).int().argsort(dim=1, descending=True, stable=True)
    return classes.gather(1, place)


def _step(network: nn.Module, images: Images, relations: Relations, box: Box) -> Images:
    errors, jacobian = linearise(network, images, relations)
    flat, low, high = images.flatten(1), box.low.flatten(1), box.high.flatten(1)
    free: Bool[Tensor, "n pixels"] = torch.ones_like(flat, dtype=torch.bool)
    for _ in range(PASSES):
        move = smallest_move(jacobian, errors)
        move = move * (LONGEST / move.abs().amax(1, keepdim=True).clamp_min(1e-30)).clamp_max(1)
        leaving = free & ((flat + move < low) | (flat + move > high))
        if not leaving.any():
            break
        free = free & ~leaving
        jacobian = jacobian * free.unsqueeze(1)
    return (flat + move).clamp(low, high).view_as(images)
