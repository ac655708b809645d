"""Walks over the last grey levels of an image, by labels alone.

From an image near the meeting point of several classes, a random set of values moves by one grey level each until the
label differs. Halving that set again and again leaves two images that differ in one value by one grey level and have
different labels: as tight a bracket as eight bits allow, in the arithmetic that serves. Such images differ in how
often a small random change gives them another label, their local flip rate; those where it is high see most.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from modelprint.pixels import OnePixels, Picture

AskLabel = Callable[[Picture], int | None]
"""Returns the label of a picture; None when two classes tie."""


@dataclass(frozen=True, kw_only=True)
class WalkSettings:
    """How a walk moves, and how a local flip rate is measured.

    Attributes:
        first: Values that move in the first try of a walk.
        tries: Tries of a walk; each moves twice as many values as the one before.
        neighbours: Neighbours of an image that a local flip rate is measured on; half of them at first.
        moved: Values that differ between an image and its neighbour, by one grey level each.
        finalists: Images of one sample whose flip rate is measured on all neighbours.
    """

    first: int = 24
    tries: int = 6
    neighbours: int = 16
    moved: int = 24
    finalists: int = 3

    def __post_init__(self) -> None:
        for name in ("first", "tries", "neighbours", "moved", "finalists"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def most_questions(self, walks: int) -> int:
        """Return the most questions that `walks` walks from one image take, with the flip rates of where they end."""
        longest = self.tries + math.ceil(math.log2(self.first * 2 ** (self.tries - 1)))
        ends = 1 + 2 * walks
        half = self.neighbours // 2
        return walks * longest + ends * half + min(self.finalists, ends) * (self.neighbours - half)


@dataclass(frozen=True, kw_only=True, eq=False)
class Spot:
    """An image with its label, and how often its neighbours have another one.

    Attributes:
        origin: Index of the sample it was reached from.
        pixels: The image.
        label: Its label.
        moved: Values in which it differs from the sample.
        flips: Neighbours with another label.
        neighbours: Neighbours that were asked about.
    """

    origin: int
    pixels: OnePixels = field(repr=False)
    label: int
    moved: int = 0
    flips: int = 0
    neighbours: int = 0

    @property
    def flip_rate(self) -> float | None:
        """The share of neighbours with another label; None when none was asked about."""
        return self.flips / self.neighbours if self.neighbours else None


def explore(
    origin: int, pixels: OnePixels, label: int, walks: int, ask: AskLabel, settings: WalkSettings, seed: int
) -> list[Spot]:
    """Walk from one sample, and return where it got to, the highest local flip rate first.

    Args:
        origin: Index of the sample.
        pixels: Its image.
        label: Its label.
        walks: How often.
        ask: Returns labels.
        settings: How.
        seed: Together with `origin` it fixes every random number, so that the same answers lead to the same questions.
    """
    rng = np.random.default_rng((seed, origin))
    found = {Picture.of(pixels).sha256: (pixels, label)}
    for _ in range(walks):
        for end, its in walk(pixels, label, ask, settings, rng):
            found.setdefault(Picture.of(end).sha256, (end, its))
    spots = [
        Spot(origin=origin, pixels=end, label=its, moved=int((end != pixels).sum())) for end, its in found.values()
    ]
    half = settings.neighbours // 2
    spots = _rank([_measure(spot, half, ask, settings, rng) for spot in spots])
    best, others = spots[: settings.finalists], spots[settings.finalists :]
    return _rank([_measure(spot, settings.neighbours - half, ask, settings, rng) for spot in best]) + others


def walk(
    pixels: OnePixels, label: int, ask: AskLabel, settings: WalkSettings, rng: np.random.Generator
) -> Iterator[tuple[OnePixels, int]]:
    """Yield two images with their labels that differ in one value by one grey level: the first has `label`.

    Yields nothing when no try leaves the label, and only the first image when the second one is a tie.
    """
    near, far, seen = pixels, pixels, label
    for attempt in range(settings.tries):
        values = rng.choice(pixels.size, min(settings.first * 2**attempt, pixels.size), replace=False)
        far = step(pixels, values, rng)
        answer = ask(Picture.of(far))
        if answer != label:
            seen = -1 if answer is None else answer
            break
    else:
        return
    while len(differing := np.flatnonzero(near != far)) > 1:
        half = rng.choice(differing, len(differing) // 2, replace=False)
        middle = near.copy()
        middle.flat[half] = far.flat[half]
        answer = ask(Picture.of(middle))
        if answer == label:
            near = middle
        else:
            far, seen = middle, -1 if answer is None else answer
    yield near, label
    if seen >= 0:
        yield far, seen


def step(pixels: OnePixels, values: Int64[np.ndarray, " moved"], rng: np.random.Generator) -> OnePixels:
    """Return the image with each of some values one grey level up or down; the ends of the range go the other way."""
    stepped = pixels.copy()
    before = pixels.flat[values].astype(np.int64)
    steps = rng.integers(0, 2, len(values)) * 2 - 1
    steps = np.where(before == 0, 1, np.where(before == 255, -1, steps))
    stepped.flat[values] = (before + steps).astype(np.uint8)
    return stepped


def _measure(spot: Spot, count: int, ask: AskLabel, settings: WalkSettings, rng: np.random.Generator) -> Spot:
    """Return the spot after asking about `count` more neighbours."""
    flips = spot.flips
    for _ in range(count):
        values = rng.choice(spot.pixels.size, min(settings.moved, spot.pixels.size), replace=False)
        flips += ask(Picture.of(step(spot.pixels, values, rng))) != spot.label
    return Spot(
        origin=spot.origin,
        pixels=spot.pixels,
        label=spot.label,
        moved=spot.moved,
        flips=flips,
        neighbours=spot.neighbours + count,
    )


def _rank(spots: list[Spot]) -> list[Spot]:
    """Return the spots, the highest flip rate first; equal ones stay in order."""
    return sorted(spots, key=lambda spot: -(spot.flip_rate or 0.0))
