"""Rounding to eight bits: each value to the nearest grey level, or all of them so that the logits stay where they are.

    rounded = round_by_search(model, floats, sources, radii=bound_of(method, sources), seed=7, work=work)

The nearest grey levels are right for each pixel and wrong for the image: together their errors move the logits by far
more than what a sample near a boundary is to detect. The search takes neighbouring grey levels instead, for which the
gaps between the leading classes are those of the float image.
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
from modelprint.pixels import Pixels
from modelprint.settings import settings_of
from modelprint.streams import stream
from modelprint.tensors import GREY_LEVELS, Images, Logits, to_images, to_pixels
from modelprint.work import Work

Rounding = Literal["nearest", "search"]
"""How the images of a method become eight-bit pixels."""
WHOLE = 1e-3
"""Grey levels; a value nearer than this to a whole level is one."""
RESERVE = 1.2
"""What the profile needs is multiplied by this, since noise at samples may exceed that at sources."""


@dataclass(frozen=True, kw_only=True)
class RoundingSearch:
    """How images are rounded by search.

    Attributes:
        classes: Most classes of an image whose gaps are kept, at least 2: the first, the second, and others near them.
        near: A class is near that is below the first by less than so many times what the nearest levels move.
        reach: Grey levels that a value may end up from the float image.
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
            raise ValueError(f"near is how many times what rounding moves, 0 or more, got {self.near}")
        if self.reach < 1:
            raise ValueError(f"reach must be at least one grey level, got {self.reach}")
        _ = self.search(2)

    def search(self, k: int) -> Search:
        """Return how far the lattice search goes where `k` classes are kept."""
        pixels, candidates = k * self.pixels, k * self.candidates
        return Search(rounds=self.rounds, pixels=pixels, pairs=self.pairs, candidates=candidates)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rounded:
    """Images as eight-bit pixels, and what it did to the gaps between the logits of those that were searched for.

    Attributes:
        pixels: As many as there are images.
        nearest: Of each image searched for, the root mean square of the errors of its gaps at the nearest levels.
        search: The same for the pixels that were taken.
    """

    pixels: Pixels
    nearest: Float64[Tensor, " searched"]
    search: Float64[Tensor, " searched"]


def rounding_named(name: str) -> Rounding:
    """Return `name` when it is a way of rounding; ValueError says which there are."""
    if name == "nearest":
        return "nearest"
    if name == "search":
        return "search"
    raise ValueError(f"rounding is nearest or search, got {name!r}")


def settings_for(rounding: str, method: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of a method with what suits the rounding, where nothing else is given.

    Methods that can judge what they make as eight-bit images hand over floats where a search comes after them.
    """
    names = {setting.name for setting in settings_of(METHODS[method])} if method in METHODS else set()
    ours = {"eight_bit": "false"} if rounding == "search" and "eight_bit" in names else {}
    return ours | dict(given)


def bound_of(method: Method, sources: Images) -> Float[Tensor, " n"] | None:
    """Return how far from each source a method may go, in L2 for images in [0, 1]; None when nothing bounds it."""
    if hasattr(method, "radii"):
        radii: Tensor = method.radii(sources)
        return radii
    radius = getattr(method, "radius", None)
    return None if radius is None else torch.full((len(sources),), float(radius), dtype=torch.float64)


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

    Gaps smaller than `work.margin` are widened to it: a sample with less would not be kept. An image that is of whole
    grey levels stays as it is; one for which the search finds nothing better, or nothing as near to its source, is
    rounded to the nearest.

    Args:
        model: The classifier, which has to give gradients and compute in float64.
        images: In [0, 1].
        sources: What each was made from.
        radii: L2 bound of each image, which none leaves by more than the nearest levels do; none: there is no bound.
        seed: Equal seeds give equal pixels, bit for bit, on one machine.
        work: Progress and resumption, and the margin that samples will need.
        settings: How far to search.

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
    problem = _Problem(model, images[rows], plain[rows], homes, bounds, work.margin, settings)
    levels = problem.searched(seed, work)
    pixels = rounded.pixels.copy()
    pixels[rows.numpy()] = levels.to(torch.uint8).numpy()
    return Rounded(pixels=pixels, nearest=problem.residuals(plain[rows]), search=problem.residuals(levels))


class _Problem:
    """Images to round, the nearest grey levels, and what the logits are to be."""

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
        logits = _examined(model, self.precisions, images)
        moved = self._logits(plain) - logits
        near = settings.near * float((moved - moved.mean(1, keepdim=True)).square().mean(1).sqrt().median())
        self.relations = [self._asked(one, near) for one in logits.split(1)]

    def _asked(self, logits: Logits, near: float) -> Relations:
        """Return the gaps to keep of one image, none of them below the margin."""
        values, classes = logits.topk(min(self.settings.classes, logits.shape[1]), dim=1)
        count = max(int((values[0, 0] - values[0] < near).sum()), 2)
        gaps = (values[:, :1] - values[:, 1:count]).clamp_min(self.margin)
        return Relations(classes=classes[:, :count], gaps=gaps)

    def searched(self, seed: int, work: Work) -> Levels:
        """Return the grey levels of all images."""
        work = work.belonging_to(hashlib.sha256(self.images.numpy().tobytes()).hexdigest())
        return work.rows("rounding", len(self.images), lambda row: self._searched_one(row, seed), "rounding by search")

    def _searched_one(self, row: int, seed: int) -> Levels:
        here, relations = slice(row, row + 1), self.relations[row]
        plain, sources = self.plain[here], self.sources[here]
        radii = None if self.radii is None else self.radii[here]
        start = _start(self.images[here], sources, radii).to(self.dtype)
        box = Box.around(start, self.settings.reach / GREY_LEVELS)
        rough = diffuse(self.precisions, start, relations, box)
        search, rng = self.settings.search(relations.classes.shape[1]), stream(seed, "rounding", row)
        found = refine(self.precisions, rough, relations, box, self.margin, search, rng)
        before, after = (score(self._logits(levels), relations, self.margin) for levels in (plain, found))
        return found if bool(after < before) and _is_near(found, plain, sources, radii) else plain

    def _logits(self, levels: Levels) -> Float64[Tensor, "n classes"]:
        return self.precisions.exact_logits(levels / GREY_LEVELS)

    def residuals(self, levels: Levels) -> Float64[Tensor, " n"]:
        """Return how far all images are from what is asked, whoever leads."""
        logits = self._logits(levels).split(1)
        return torch.cat([score(one, asked, -math.inf) for one, asked in zip(logits, self.relations, strict=True)])


def _start(images: Images, sources: Images, radii: Float64[Tensor, " n"] | None) -> Images:
    """Return the images, those at the rim of the ball far enough inside that the search stays in it."""
    if radii is None:
        return images
    # What rounding moves is nearly at right angles to the radius, and a search moves about twice as far.
    moved = 2 * math.sqrt(images[0].numel() / 12) / GREY_LEVELS
    inner = (radii.square() - moved**2).clamp_min(0).sqrt().maximum(radii / 2)
    return clip(images, sources, inner.to(images.dtype))


def _is_near(found: Levels, plain: Levels, source: Images, radii: Float64[Tensor, " n"] | None) -> bool:
    """Return whether an image is inside the ball, or as near to the source as the nearest levels are."""
    if radii is None:
        return True
    far, usual = ((each / GREY_LEVELS - source.double()).norm() for each in (found, plain))
    return bool(far <= usual.maximum(radii[0]))


def _examined(model: Classifier, precisions: Precisions, images: Images) -> Logits:
    """Return the logits of `images` in float64, after a look whether the classifier can be searched."""
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
