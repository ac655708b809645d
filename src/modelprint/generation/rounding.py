"""Rounding to eight bits: each value to the nearest grey level, or all values by a search that preserves the logits.

    rounded = round_by_search(model, floats, sources, radii=bound_of(method, sources), seed=7, work=work)

Rounding each value to the nearest grey level moves the logits by far more than what a sample near a boundary has to
detect. The search chooses neighbouring grey levels for which the gaps between the leading classes are those of the
float image.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.junction import Box, Precisions, Relations, linearise
from modelprint.crafting.lattice import Levels, Search, diffuse, refine, score
from modelprint.crafting.projection import clip
from modelprint.errors import CraftingError
from modelprint.methods import METHODS, Method
from modelprint.methods.method import Bounded, JudgesEightBit
from modelprint.pixels import Pixels
from modelprint.streams import stream
from modelprint.tensors import GREY_LEVELS, Images, Logits, to_images, to_pixels
from modelprint.work import Work

Rounding = Literal["nearest", "search"]
"""How the images of a method become eight-bit pixels."""
WHOLE = 1e-3
"""Grey levels; a value nearer than this to a whole level counts as whole."""
RESERVE = 1.2
"""What the profile needs is multiplied by this, since noise at samples may exceed that at sources."""


@dataclass(frozen=True, kw_only=True)
class RoundingSearch:
    """How images are rounded by search.

    Attributes:
        classes: Most classes of an image whose gaps are kept, at least 2: the first, the second, and others near them.
        near: A class is kept when it is below the first by less than this many times what rounding to nearest moves.
        reach: Most grey levels between a value and the float image.
        rounds: Rounds of the lattice search.
        pixels: Pixel values whose steps are measured in each round, for each class that is kept.
        pairs: Sums of two steps that are combined in each round.
        candidates: Combinations that are evaluated in each round, for each class that is kept.
    """

    classes: int = 10
    near: float = 10.0
    reach: int = 4
    rounds: int = 2
    pixels: int = 20
    pairs: int = 20_000
    candidates: int = 50

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError(f"classes must be at least 2, a gap takes two, got {self.classes}")
        if not self.near >= 0:
            raise ValueError(f"near is a multiple of what rounding moves, 0 or more, got {self.near}")
        if self.reach < 1:
            raise ValueError(f"reach must be at least one grey level, got {self.reach}")
        _ = self.search(2)

    def search(self, k: int) -> Search:
        """Return the size of the lattice search where `k` classes are kept."""
        pixels, candidates = k * self.pixels, k * self.candidates
        return Search(rounds=self.rounds, pixels=pixels, pairs=self.pairs, candidates=candidates)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rounded:
    """Images as eight-bit pixels, and the errors of the gaps between logits of those that were rounded by search.

    Attributes:
        pixels: One for each image.
        nearest: For each searched image, the root mean square error of its gaps at the nearest levels, in logits.
        search: The same for the pixels that were chosen.
    """

    pixels: Pixels
    nearest: Float64[Tensor, " searched"]
    search: Float64[Tensor, " searched"]


def parse_rounding(name: str) -> Rounding:
    """Return `name` when it is a way of rounding; ValueError says which there are."""
    if name == "nearest":
        return "nearest"
    if name == "search":
        return "search"
    raise ValueError(f"rounding is nearest or search, got {name!r}")


def adapt_settings(rounding: str, method: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of a method with what suits the rounding, where nothing else is given.

    A method that judges its iterates as eight-bit images returns floats instead when a search follows.
    """
    judges = method in METHODS and isinstance(METHODS[method](), JudgesEightBit)
    ours = {"eight_bit": "false"} if rounding == "search" and judges else {}
    return ours | dict(given)


def find_radii(method: Method, sources: Images) -> Float[Tensor, " n"] | None:
    """Return the L2 bound of a method around each source, for images in [0, 1]; None when it has none."""
    return method.radii(sources) if isinstance(method, Bounded) else None


def round_nearest(images: Images) -> Rounded:
    """Round every value to the nearest grey level."""
    nothing = torch.zeros(0, dtype=torch.float64)
    return Rounded(pixels=to_pixels(images), nearest=nothing, search=nothing)


def round_by_search(
    model: Classifier,
    images: Images,
    sources: Pixels,
    *,
    radii: Float[Tensor, " n"] | None = None,
    seed: int,
    work: Work,
    settings: RoundingSearch = RoundingSearch(),
) -> Rounded:
    """Round images so that the gaps between their leading logits stay as they are.

    Gaps smaller than `work.margin` are widened to it, because a sample with less is not kept. An image of whole grey
    levels stays as it is. An image for which the search finds nothing better within the bound is rounded to nearest.

    Args:
        model: The classifier, which has to give gradients and compute in float64.
        images: In [0, 1].
        sources: What each was made from.
        radii: L2 bound of each image, exceeded no further than by the nearest levels; None for no bound.
        seed: Equal seeds give equal pixels, bit for bit, on one machine.
        work: Progress and resumption, and the margin that samples will need.
        settings: Size of the search.

    Raises:
        CraftingError: The classifier cannot be searched; says why and what to do.
    """
    rounded = round_nearest(images)
    plain = torch.from_numpy(rounded.pixels).double()
    fractions = (images.double() * GREY_LEVELS - plain).flatten(1).abs().amax(1)
    rows = (fractions > WHOLE).nonzero()[:, 0]
    if not len(rows):
        return rounded
    bounds = None if radii is None else radii[rows].double()
    homes = to_images(sources, images.dtype)[rows]
    problem = _SearchProblem(model, images[rows], plain[rows], homes, bounds, work.margin, settings)
    levels = problem.search(seed, work)
    pixels = rounded.pixels.copy()
    pixels[rows.numpy()] = levels.to(torch.uint8).numpy()
    return Rounded(pixels=pixels, nearest=problem.residuals(plain[rows]), search=problem.residuals(levels))


class _SearchProblem:
    """Images to round, their nearest grey levels, and the target gaps between logits."""

    def __init__(
        self,
        model: Classifier,
        images: Images,
        plain: Levels,
        sources: Images,
        radii: Float64[Tensor, " n"] | None,
        margin: float,
        settings: RoundingSearch,
    ) -> None:
        self.precisions = Precisions(model)
        self.dtype = model.dtype
        self.images, self.plain, self.sources, self.radii = images, plain, sources, radii
        self.margin = RESERVE * margin
        self.settings = settings
        logits = _check_and_compute(model, self.precisions, images)
        moved = self._logits(plain) - logits
        near = settings.near * float((moved - moved.mean(1, keepdim=True)).square().mean(1).sqrt().median())
        self.relations = [self._choose_relations(one, near) for one in logits.split(1)]

    def _choose_relations(self, logits: Logits, near: float) -> Relations:
        """Return the target gaps of one image, none of them below the margin."""
        values, classes = logits.topk(min(self.settings.classes, logits.shape[1]), dim=1)
        count = max(int((values[0, 0] - values[0] < near).sum()), 2)
        gaps = (values[:, :1] - values[:, 1:count]).clamp_min(self.margin)
        return Relations(classes=classes[:, :count], gaps=gaps)

    def search(self, seed: int, work: Work) -> Levels:
        """Return the grey levels of all images."""
        work = work.bind_to(hashlib.sha256(self.images.numpy().tobytes()).hexdigest())
        return work.make_rows(
            "rounding", len(self.images), lambda row: self._search_one(row, seed), "rounding by search"
        )

    def _search_one(self, row: int, seed: int) -> Levels:
        here, relations = slice(row, row + 1), self.relations[row]
        plain, sources = self.plain[here], self.sources[here]
        radii = None if self.radii is None else self.radii[here]
        start = _move_inside(self.images[here], sources, radii).to(self.dtype)
        box = Box.around(start, self.settings.reach / GREY_LEVELS)
        rough = diffuse(self.precisions, start, relations, box)
        search, rng = self.settings.search(relations.classes.shape[1]), stream(seed, "rounding", row)
        found = refine(self.precisions, rough, relations, box, self.margin, search, rng)
        before, after = (score(self._logits(levels), relations, self.margin) for levels in (plain, found))
        return found if bool(after < before) and _is_near(found, plain, sources, radii) else plain

    def _logits(self, levels: Levels) -> Float64[Tensor, "n classes"]:
        return self.precisions.exact_logits(levels / GREY_LEVELS)

    def residuals(self, levels: Levels) -> Float64[Tensor, " n"]:
        """Return how far all images are from their target gaps, whichever class leads."""
        logits = self._logits(levels).split(1)
        return torch.cat([score(one, asked, -math.inf) for one, asked in zip(logits, self.relations, strict=True)])


def _move_inside(images: Images, sources: Images, radii: Float64[Tensor, " n"] | None) -> Images:
    """Return the images, those near the surface of the ball moved far enough inside that the search stays in it."""
    if radii is None:
        return images
    # Rounding moves nearly at right angles to the radius, and a search moves about twice as far.
    moved = 2 * math.sqrt(images[0].numel() / 12) / GREY_LEVELS
    inner = (radii.square() - moved**2).clamp_min(0).sqrt().maximum(radii / 2)
    return clip(images, sources, inner.to(images.dtype))


def _is_near(found: Levels, plain: Levels, source: Images, radii: Float64[Tensor, " n"] | None) -> bool:
    """Return whether an image is inside the ball, or no farther from the source than the nearest levels."""
    if radii is None:
        return True
    far, usual = ((each / GREY_LEVELS - source.double()).norm() for each in (found, plain))
    return bool(far <= usual.maximum(radii[0]))


def _check_and_compute(model: Classifier, precisions: Precisions, images: Images) -> Logits:
    """Return the logits of `images` in float64; CraftingError when the classifier gives no gradients or no float64."""
    try:
        relations = Relations.tie(torch.tensor([[0, 1]]))
        linearise(precisions.quick, images[:1].to(model.dtype), relations)
        with torch.no_grad():
            kind = precisions.exact(images[:1].double()).dtype
        if kind != torch.float64:
            raise TypeError(f"it answers in {str(kind).removeprefix('torch.')} when cast to float64")
    except Exception as problem:  # programs and wrapped runtimes refuse with errors of many kinds
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        raise CraftingError(
            f"rounding by search needs gradients and logits in float64, which {model.name} does not give: {reason}; "
            "round to the nearest grey levels"
        ) from problem
    return precisions.exact_logits(images)
