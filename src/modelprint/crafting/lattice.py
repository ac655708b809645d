"""Lattice search: eight-bit images whose logits have given relations, almost as exactly as those of float images.

Rounding a junction to eight bits moves its logits by a thousand times what it should detect. Two searches repair that.

1. *Error diffusion*: round the pixels that matter most first, and compensate the error of each block with the pixels
   that are not rounded yet, by the move of smallest norm.
2. *Meet in the middle*: measure the effect of one grey level more or less at the pixels that matter least, exactly,
   by a forward pass each. Sums of two such steps go into a tree; looking up the remaining error finds the best of
   hundreds of millions of sums of four, and then the best sums of eight. Effects are not exactly additive, so hundreds
   of the best are evaluated, and the best of those in float64.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from scipy.spatial import cKDTree
from torch import Tensor

from modelprint.crafting.junction import Box, Precisions, Relations, linearise, smallest_move
from modelprint.tensors import GREY_LEVELS, Images, Logits

SHARES = (1.0, 2 / 3, 1 / 3, 1 / 6)
"""Of the pixels, those that may move in each pass of the error diffusion: all, then the finer ones."""
BLOCKS = 48
"""Into how many blocks the pixels are divided for rounding."""
MOST_LEVELS = 2.0
"""Most grey levels by which a diffused error moves a pixel."""
ENOUGH = 0.25
"""A step is large enough when it changes the logits by this part of the remaining error."""
CONFIRMED = 8
"""Candidates of a round that are evaluated in float64."""
MIDDLE = 20_000
"""How many of the best sums of four steps are combined to sums of eight."""
TREES = 12
"""Most coordinates for which a tree is faster than comparing all points."""
TOGETHER = 1024
"""Points that are compared with all others in one product."""
NEARLY = 0.3
"""A point found in the tree may be farther than the nearest by this share, which is much faster."""
WORST = 1e3
"""Added to the score of an image without the intended top class or margin."""

Levels = Float64[Tensor, "n c h w"]
"""Grey levels, 0 to 255."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Size of the search for eight-bit images.

    Attributes:
        rounds: Times that steps are measured and combined; none leaves what error diffusion finds.
        pixels: Pixel values whose steps are measured, those that matter least.
        pairs: Sums of two steps that are drawn.
        candidates: Combinations of four and eight steps that are evaluated in each round, and a tenth more of two.
    """

    rounds: int = 2
    pixels: int = 150
    pairs: int = 20_000
    candidates: int = 400

    def __post_init__(self) -> None:
        for name, least in {"rounds": 0, "pixels": 8, "pairs": 2, "candidates": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")


def score(logits: Logits, relations: Relations, margin: float) -> Float64[Tensor, " n"]:
    """Return how far logits are from the relations: the root mean square of the errors of all gaps, in logits.

    Where the first class does not lead all others by `margin`, WORST is added.
    """
    own = logits.gather(1, relations.classes[:, :1])
    rest = logits.scatter(1, relations.classes[:, :1], -torch.inf).amax(1, keepdim=True)
    short = (own - rest < margin).squeeze(1)
    far: Tensor = relations.excess(logits).square().mean(1).sqrt() + WORST * short
    return far


def spread(logits: Logits, classes: Int64[Tensor, "n k"]) -> Float64[Tensor, " n"]:
    """Return the largest minus the smallest logit among `classes`."""
    values = logits.gather(1, classes)
    return values.amax(1) - values.amin(1)


def fineness(precisions: Precisions, images: Images, relations: Relations, pixels: int) -> Float64[Tensor, " n"]:
    """Return how much a grey level of the `pixels` values that matter least moves the logits; smaller is finer."""
    _, jacobian = linearise(precisions.quick, images, relations)
    sizes = jacobian.double().norm(dim=1) / GREY_LEVELS
    middle: Tensor = sizes.sort(dim=1).values[:, :pixels].median(dim=1).values
    return middle


def diffuse(precisions: Precisions, images: Images, relations: Relations, box: Box) -> Levels:
    """Return eight-bit images near `images`, rounded block by block so that errors cancel."""
    levels = images.double() * GREY_LEVELS
    low, high = _whole_levels(box)
    for share in SHARES:
        errors, jacobian = linearise(precisions.quick, (levels / GREY_LEVELS).to(precisions.dtype), relations)
        moved = _diffuse_once(levels.flatten(1), low, high, errors.double(), jacobian.double() / GREY_LEVELS, share)
        levels = moved.view_as(levels)
    return levels


def _whole_levels(box: Box) -> tuple[Float64[Tensor, "n pixels"], Float64[Tensor, "n pixels"]]:
    """Return the smallest and the largest whole grey levels in the box."""
    # A source is a whole level in float32: what is nearer to one than that rounds to it.
    low, high = (end.double().flatten(1) * GREY_LEVELS for end in (box.low, box.high))
    return (low - 1e-3).ceil(), (high + 1e-3).floor()


def _diffuse_once(
    flat: Float64[Tensor, "n pixels"],
    low: Float64[Tensor, "n pixels"],
    high: Float64[Tensor, "n pixels"],
    errors: Float64[Tensor, "n others"],
    jacobian: Float64[Tensor, "n others pixels"],
    share: float,
) -> Float64[Tensor, "n pixels"]:
    """Round the finer `share` of the pixels, the coarsest of these first."""
    order = jacobian.norm(dim=1).argsort(dim=1, descending=True)
    order = order[:, order.shape[1] - math.ceil(order.shape[1] * share) :]
    columns = jacobian.gather(2, order.unsqueeze(1).expand(-1, jacobian.shape[1], -1))
    values, low, high = (each.gather(1, order) for each in (flat, low, high))
    size = math.ceil(order.shape[1] / BLOCKS)
    for start in range(0, order.shape[1], size):
        rest = columns[:, :, start:]
        before = values[:, start:].clone()
        correction = smallest_move(rest, errors).clamp(-MOST_LEVELS, MOST_LEVELS)
        values[:, start:] = (before + correction).clamp(low[:, start:], high[:, start:])
        block = slice(start, start + size)
        values[:, block] = values[:, block].round().clamp(low[:, block], high[:, block])
        errors = errors + (rest @ (values[:, start:] - before).unsqueeze(2)).squeeze(2)
    return flat.scatter(1, order, values)


def refine(
    precisions: Precisions,
    levels: Levels,
    relations: Relations,
    box: Box,
    margin: float,
    search: Search,
    rng: torch.Generator,
) -> Levels:
    """Return an eight-bit image that is better than `levels`, or `levels` itself.

    Args:
        precisions: The classifier.
        levels: One image of whole grey levels.
        relations: Target relations of its logits.
        box: Allowed range of its pixels.
        margin: Logits by which its first class has to lead all others.
        search: Size of the search.
        rng: Draws the pairs.
    """
    low, high = _whole_levels(box)
    best, best_score = levels, float(_exact_score(precisions, levels, relations, margin)[0])
    slack = 0.0
    for _ in range(search.rounds):
        steps = _measure_steps(precisions, best, relations, low, high, search.pixels)
        if len(steps.pixels) < 2:
            break
        target = relations.widen(slack)
        wanted = -target.errors(precisions.exact_logits(best / GREY_LEVELS))[0]
        moves = _combine_steps(steps, wanted, search, rng)
        candidates = torch.cat([_apply_moves(best, steps.pixels[each], steps.signs[each]) for each in moves])
        if not len(candidates):
            break
        logits = precisions.quick_logits(candidates / GREY_LEVELS)
        every = torch.zeros(len(candidates), dtype=torch.int64)
        errors = target.take(every).errors(logits)
        # The best of this many candidates with errors of this size has about this error; widen the gaps by it, so
        # that the best still has the margin.
        slack = float(errors.square().mean().sqrt()) * len(candidates) ** (-1 / errors.shape[1])
        chosen = candidates[score(logits, relations.take(every), margin).argsort()[:CONFIRMED]]
        scores = _exact_score(precisions, chosen, relations, margin)
        if scores.min() < best_score:
            best, best_score = chosen[scores.argmin()][None], float(scores.min())
    return best


def _exact_score(precisions: Precisions, levels: Levels, relations: Relations, margin: float) -> Float64[Tensor, " n"]:
    every = torch.zeros(len(levels), dtype=torch.int64)
    return score(precisions.exact_logits(levels / GREY_LEVELS), relations.take(every), margin)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Steps:
    """Single steps of one grey level.

    Attributes:
        pixels: Which pixel value each step changes.
        signs: Up or down.
        effects: How it changes the errors.
    """

    pixels: Int64[Tensor, " steps"]
    signs: Float64[Tensor, " steps"]
    effects: Float64[Tensor, "steps others"]


def _measure_steps(
    precisions: Precisions,
    levels: Levels,
    relations: Relations,
    low: Float64[Tensor, "1 pixels"],
    high: Float64[Tensor, "1 pixels"],
    count: int,
) -> _Steps:
    """Measure the steps, up and down, of the pixels that matter least and yet enough to compensate the error."""
    errors, jacobian = linearise(precisions.quick, (levels / GREY_LEVELS).to(precisions.dtype), relations)
    size = jacobian[0].norm(dim=0) / GREY_LEVELS
    size = torch.where((size > 0) & (low[0] < high[0]), size, torch.inf)
    order = size.argsort(stable=True)[: int(size.isfinite().sum())]
    enough = int((size[order] < ENOUGH * errors[0].norm()).sum())
    least = order[max(min(enough, len(order) - count), 0) :][:count]
    pixels, signs = least.repeat(2), torch.ones(2 * len(least), dtype=torch.float64)
    signs[len(least) :] = -1
    moved = levels.flatten()[pixels] + signs
    possible = (moved >= low[0, pixels]) & (moved <= high[0, pixels])
    pixels, signs = pixels[possible], signs[possible]
    singles = _apply_moves(levels, pixels[:, None], signs[:, None])
    errors = relations.take(torch.zeros(1 + len(singles), dtype=torch.int64)).errors(
        precisions.quick_logits(torch.cat([levels, singles]) / GREY_LEVELS)
    )
    return _Steps(pixels=pixels, signs=signs, effects=errors[1:] - errors[0])


def _apply_moves(
    levels: Levels, pixels: Int64[Tensor, "moves length"], signs: Float64[Tensor, "moves length"]
) -> Float64[Tensor, "moves c h w"]:
    """Return one image for each move, with the move applied."""
    flat = levels.flatten().repeat(len(pixels), 1)
    return flat.scatter_add(1, pixels, signs).view(-1, *levels.shape[1:])


def _combine_steps(
    steps: _Steps, wanted: Float64[Tensor, " others"], search: Search, rng: torch.Generator
) -> list[Int64[Tensor, "moves length"]]:
    """Return the sums of two, four and eight steps whose effects are nearest to `wanted`, as rows of steps."""
    pairs = _draw_pairs(steps, search.pairs, rng)
    sums = steps.effects[pairs].sum(1)
    half, few = math.ceil(search.candidates / 2), math.ceil(search.candidates / 10)
    tree = _Points(sums)
    fours, missed = _join_moves(steps, pairs, pairs, *tree.find_nearest(wanted - sums))
    fours = fours[missed.argsort()[:MIDDLE]]
    small, _ = _join_moves(steps, pairs, pairs, *tree.find_nearest(-sums))
    found = [pairs[(sums - wanted).norm(dim=1).argsort()[:few]], fours[:half]]
    if len(fours) and len(small):
        left = wanted - steps.effects[fours].sum(1)
        eights, missed = _join_moves(steps, fours, small, *_Points(steps.effects[small].sum(1)).find_nearest(left))
        found.append(eights[missed.argsort()[:half]])
    return found


def _draw_pairs(steps: _Steps, count: int, rng: torch.Generator) -> Int64[Tensor, "pairs 2"]:
    """Return pairs of steps of different pixels: all pairs, or `count` drawn at random."""
    size = len(steps.pixels)
    if size * (size - 1) // 2 <= count:
        pairs = torch.combinations(torch.arange(size))
    else:
        pairs = torch.randint(size, (count, 2), generator=rng)
    return pairs[steps.pixels[pairs[:, 0]] != steps.pixels[pairs[:, 1]]]


def _join_moves(
    steps: _Steps,
    first: Int64[Tensor, "moves length"],
    second: Int64[Tensor, "others length2"],
    near: Int64[Tensor, " moves"],
    distance: Float64[Tensor, " moves"],
) -> tuple[Int64[Tensor, "joined length3"], Float64[Tensor, " joined"]]:
    """Return each of `first` with the one of `second` that is `near`, and the distance; none moves a pixel twice."""
    both = torch.cat([first, second[near]], dim=1)
    pixels = steps.pixels[both].sort(dim=1).values
    apart = (pixels[:, 1:] != pixels[:, :-1]).all(1)
    return both[apart], distance[apart]


class _Points:
    """Finds the nearest of some points: in a tree where they have few coordinates, otherwise by comparing all."""

    def __init__(self, points: Float64[Tensor, "n others"]) -> None:
        self.points = points
        self.tree = cKDTree(points.numpy()) if points.shape[1] <= TREES else None

    def find_nearest(self, wanted: Float64[Tensor, "m others"]) -> tuple[Int64[Tensor, " m"], Float64[Tensor, " m"]]:
        """Return for each of `wanted` the nearest point (in a tree, approximately) and its distance."""
        if self.tree is not None:
            distance, index = self.tree.query(wanted.numpy(), eps=NEARLY, workers=torch.get_num_threads())
            return torch.from_numpy(index), torch.from_numpy(distance)
        # The largest of 2ab - b^2 is the smallest of (a - b)^2; float32 is enough to find it.
        points, lengths = self.points.float(), self.points.square().sum(1).float()
        parts = [(2 * part @ points.T - lengths).argmax(1) for part in wanted.float().split(TOGETHER)]
        index = torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64)
        return index, (wanted - self.points[index]).norm(dim=1)
