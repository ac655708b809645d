"""Junction: eight-bit images at which the boundaries of many classes meet.

Source: ours. IBSF searches for such points too, by maximising an entropy; here Newton's method solves for them.

At the point where k classes tie, a change of the weights in an unknown direction keeps the leading class with a
probability of 1/k, however small the change. There is such a point near any natural image. Rounding it to eight bits
would lose the tie; a lattice search keeps it. The leading class, the winner, leads by the margin that honest serving
needs, and every other class is as close below it as the search can reach. The winner is never the class that the
network gives the source, as long as another one ties: a retrained network, or one of another architecture, gives the
sample just that label. Otherwise winners take turns, so that every class is expected about as often, whatever the
source shows, and a label map with two swapped classes is detected too.

No data beyond the source images and no tampered copies are needed. With a zoo of subtly tampered copies, the winner is
the class whose lead they reduce most. The best samples come first: those whose classes are nearest to the tie.

Departures: none, the method is ours.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.covertness import Band, measure_band, smallest_gaps
from modelprint.crafting.junction import Box, Precisions, Relations, find_junctions, put_winner_first, step_towards
from modelprint.crafting.lattice import WORST, Levels, Search, diffuse, fineness, refine, score, spread
from modelprint.crafting.selection import portfolio_order
from modelprint.crafting.winners import choose_winners
from modelprint.data import DataSet
from modelprint.fast.ensemble import Ensemble
from modelprint.methods.method import Card, Crafted, constant_radii
from modelprint.pixels import Pixels
from modelprint.progress import track_steps
from modelprint.streams import stream
from modelprint.tamperings.zoo import Zoo, build_zoo, parse_recipe
from modelprint.tensors import GREY_LEVELS, Images, Labels, to_images
from modelprint.work import Work

VALUES = 8_000_000
"""Most derivatives in memory at a time."""
SETTLED = 3
"""Newton steps from the tie to the margin that is asked for."""


@dataclass(frozen=True, kw_only=True)
class Junction:
    """Move each source to the nearest point where k classes tie, in eight bits.

    Attributes:
        k: Classes that tie, at least 2; with several numbers, samples take turns. A number above that of the classes
            means all of them.
        suite: Tampered copies that a portfolio is chosen on, KIND*COUNT: samples of every k are made from every source,
            and those that detect the worst-detected kind best are kept and come first. None: samples take turns.
        brackets: Samples made at each junction, each with another winner: one may detect what another misses. With
            more than one, the sources whose pixels can be set most finely are used.
        margin: Logits by which the winner leads; none: what the serving profile needs.
        reserve: What the profile needs is multiplied by this, since noise at samples may exceed that at sources.
        radius: Largest L2 distance from the source for images in [0, 1]; none: no bound.
        levels: Most grey levels that a pixel moves; none: any number.
        covert: pQ, e.g. p10, keeps top-1 probability and entropy between the Q-th and the (100 - Q)-th percentile of
            natural images of the same label, and detects less; none: as near to the tie as the margin allows.
        zoo: Tampered copies that choose the winners, KIND*COUNT; none of them: winners take turns.
        zoo_seed: Seed of the first copy of each kind, in the zoo and in the suite.
        steps: Newton steps.
        rounds: Rounds of the lattice search.
        pixels: Pixel values whose steps are measured in each round, for each class that ties.
        pairs: Sums of two steps that are combined in each round.
        candidates: Combinations that are evaluated in each round, for each class that ties.
    """

    name: ClassVar[str] = "junction"
    card: ClassVar[Card] = Card(
        title="Junction",
        source="ours",
        needs=("gradients",),
        cost="10 gradients of each class that meets, and 1,400 forward passes",
    )
    k: tuple[int, ...] = (10,)
    suite: tuple[str, ...] = ()
    brackets: int = 1
    margin: float | None = None
    reserve: float = 1.2
    radius: float | None = None
    levels: int | None = None
    covert: str | None = None
    zoo: tuple[str, ...] = ()
    zoo_seed: int = 1000
    steps: int = 10
    rounds: int = 2
    pixels: int = 15
    pairs: int = 20_000
    candidates: int = 40

    def __post_init__(self) -> None:
        if not self.k or min(self.k) < 2:
            raise ValueError(
                f"k must be at least 2, a tie takes two classes, got {','.join(map(str, self.k)) or 'none'}"
            )
        if not 1 <= self.brackets <= min(self.k):
            raise ValueError(f"brackets is 1 to the smallest k, {min(self.k)}, got {self.brackets}")
        for name in ("margin", "radius", "levels", "reserve", "steps"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be positive and finite, got {value}")
        for recipe in (self.zoo, self.suite):
            if recipe:
                parse_recipe(recipe)
        _ = self.search(2), self.percentile

    def search(self, k: int) -> Search:
        """Return the size of the lattice search where `k` classes tie."""
        pixels, candidates = k * self.pixels, k * self.candidates
        return Search(rounds=self.rounds, pixels=pixels, pairs=self.pairs, candidates=candidates)

    @property
    def percentile(self) -> float | None:
        """The Q of `covert`."""
        if self.covert is None:
            return None
        found = re.fullmatch(r"p(\d+(?:\.\d+)?)", self.covert)
        if found is None or not 0 < float(found[1]) < 50:
            raise ValueError(f"covert is pQ with Q above 0 and below 50, e.g. p10, got {self.covert!r}")
        return float(found[1])

    def radii(self, sources: Images) -> Float[Tensor, " n"] | None:
        """Return the L2 bound around each source, if there is one."""
        return None if self.radius is None else constant_radii(self.radius, sources)

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft one sample from each source, or `brackets` from each of the finest."""
        problem = _JunctionSearch(self, model, data, work)
        ks = sorted({min(k, model.class_count) for k in self.k}, reverse=True)
        every, step = torch.arange(len(sources)), 1 if self.suite else len(ks)
        groups = [problem.craft(every[i % step :: step], k, sources, seed) for i, k in enumerate(ks)]
        found = _interleave([group for group in groups if len(group.levels)])
        if self.suite:
            found = problem.choose_portfolio(found, len(sources))
        notes = {"k": ", ".join(map(str, ks)), "margin": f"{problem.margin:.3g}", **found.notes()}
        images = (found.levels / GREY_LEVELS).to(model.dtype)
        return Crafted(images=images, usable=found.usable, origins=found.origins, notes=notes)


@dataclass(frozen=True, kw_only=True, eq=False)
class _JunctionSamples:
    """Samples, the best first, and their measurements.

    Attributes:
        levels: Grey levels.
        usable: Whether the winner leads by the margin and all bounds are kept.
        spreads: Logits between the winner and the last of the classes that tie.
        residuals: Root mean square of the errors of the gaps below the winner, in logits.
        origins: Source of each sample.
        classes: How many classes tie.
        labels: The winner.
    """

    levels: Levels
    usable: Bool[Tensor, " n"]
    spreads: Float64[Tensor, " n"]
    residuals: Float64[Tensor, " n"]
    origins: Int64[Tensor, " n"]
    classes: Int64[Tensor, " n"]
    labels: Labels

    def notes(self) -> dict[str, str]:
        """Return spread and residual over the usable samples, and how many of them have which k."""
        reached = {"spread": self.spreads[self.usable], "residual": self.residuals[self.usable]}
        ks = Counter(self.classes[self.usable].tolist())
        return {"samples": ", ".join(f"{ks[k]} with {k} classes" for k in sorted(ks, reverse=True))} | {
            name: f"median {values.median().item():.2e}, largest {values.max().item():.2e} logits"
            for name, values in reached.items()
            if len(values)
        }

    def take(self, rows: Int64[Tensor, " m"]) -> "_JunctionSamples":
        """Return some of the samples, in the order of `rows`."""
        return _JunctionSamples(**{name: value[rows] for name, value in vars(self).items()})


def _interleave(groups: Sequence[_JunctionSamples]) -> _JunctionSamples:
    """Return the samples of all groups, one of each in turn."""
    ranks = torch.cat([torch.arange(len(group.levels)) for group in groups])
    whole = _JunctionSamples(
        **{name: torch.cat([getattr(group, name) for group in groups]) for name in vars(groups[0])}
    )
    return whole.take(ranks.argsort(stable=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class _StartingPoints:
    """Starting points of the lattice search, sample by sample."""

    images: Images
    relations: Relations
    origins: Int64[Tensor, " n"]


class _JunctionSearch:
    """One classifier and the settings."""

    def __init__(self, settings: Junction, model: Classifier, data: DataSet, work: Work) -> None:
        self.settings = settings
        self.model = model
        self.work = work
        self.precisions = Precisions(model)
        self.margin = settings.reserve * work.margin if settings.margin is None else settings.margin
        percentile = settings.percentile
        self.band: Band | None = None if percentile is None else measure_band(model, data, percentile)
        zoo = self._build_zoo(data, settings.zoo) if settings.zoo else None
        self.families = zoo.members if zoo else ()
        self.ensemble = Ensemble(model, zoo.copies) if zoo else None

        self.suite = self._build_zoo(data, settings.suite) if settings.suite else None

    def _build_zoo(self, data: DataSet, recipe: Sequence[str]) -> Zoo:
        first = self.settings.zoo_seed
        return build_zoo(self.model, data, recipe, first_seed=first, progress=self.work.progress)

    def box(self, sources: Images) -> Box:
        """Return the allowed range of pixels."""
        levels = self.settings.levels
        return Box.around(sources, None if levels is None else levels / GREY_LEVELS)

    def craft(self, rows: Int64[Tensor, " rows"], k: int, sources: Pixels, seed: int) -> _JunctionSamples:
        """Craft as many samples with `k` classes as there are `rows` of the sources."""
        start = to_images(sources, self.model.dtype)
        asked = self._find_starts(rows, k, start, seed)
        levels = self._refine_all(asked, start, seed, f"junction-{k}")
        logits = self.precisions.exact_logits(levels / GREY_LEVELS)
        scores = score(logits, asked.relations, self.margin)
        usable = (scores < WORST) & self._is_allowed(levels, start[asked.origins], logits)
        classes = asked.relations.classes
        # A sample that is given up becomes its source again, so that no image is outside a bound.
        kept = torch.where(usable[:, None, None, None], levels, start[asked.origins].double() * GREY_LEVELS)
        found = _JunctionSamples(
            levels=kept,
            usable=usable,
            spreads=spread(logits, classes),
            residuals=scores,
            origins=asked.origins,
            classes=torch.full((len(levels),), classes.shape[1]),
            labels=classes[:, 0],
        )
        return found.take(scores.argsort(stable=True))

    def choose_portfolio(self, found: _JunctionSamples, count: int) -> _JunctionSamples:
        """Return the `count` samples of all k that detect the worst-detected kind of the suite best, the best first."""
        assert self.suite is not None
        found = found.take(found.usable.argsort(descending=True, stable=True))
        usable = int(found.usable.sum())
        images = (found.levels[:usable] / GREY_LEVELS).to(self.model.dtype)
        mismatch = torch.stack([copy.labels(images) != found.labels[:usable] for copy in self.suite.copies])
        order = portfolio_order(mismatch, self.suite.members, found.labels[:usable], min(count, usable))
        return found.take(torch.tensor([*order, *range(usable, count)], dtype=torch.int64))

    def _is_allowed(self, levels: Levels, sources: Images, logits: Float64[Tensor, "n classes"]) -> Bool[Tensor, " n"]:
        """Return which samples are inside the ball and the band."""
        inside = torch.ones(len(levels), dtype=torch.bool)
        if self.settings.radius is not None:
            shift = levels / GREY_LEVELS - sources.double()
            inside &= shift.flatten(1).norm(dim=1) <= self.settings.radius
        return inside if self.band is None else inside & self.band.contains(logits)

    def _find_starts(self, rows: Int64[Tensor, " rows"], k: int, sources: Images, seed: int) -> _StartingPoints:
        """Find the junctions, choose among them, and choose the winners."""
        images, classes, sizes = [], [], []
        chunk = max(1, VALUES // (k * sources[0].numel()))
        parts = rows.split(chunk)
        for part in track_steps(f"finding junctions of {k} classes", parts, len(parts), self.work.progress):
            found, met = find_junctions(
                self.precisions.quick, sources[part], k, self.box(sources[part]), self.settings.steps
            )
            images.append(found)
            classes.append(met)
            sizes.append(fineness(self.precisions, found, Relations.tie(met), k * self.settings.pixels))
        junctions, met = torch.cat(images), torch.cat(classes)
        finest = torch.cat(sizes).argsort(stable=True)[: math.ceil(len(rows) / self.settings.brackets)].sort().values
        used = finest.repeat_interleave(self.settings.brackets)[: len(rows)]
        winners = choose_winners(
            met[used],
            self.precisions.exact_logits(sources[rows[used]]).argmax(1),
            used,
            self._measure_pushes(junctions[used], met[used]),
            class_count=self.model.class_count,
            seed=seed,
        )
        relations = self._build_relations(put_winner_first(met[used], winners))
        return _StartingPoints(images=junctions[used], relations=relations, origins=rows[used])

    def _build_relations(self, classes: Int64[Tensor, "n k"]) -> Relations:
        """Return a tie up to the margin, or the gaps that keep samples inside the natural band."""
        if self.band is None:
            return Relations.tie(classes, self.margin)
        gaps = smallest_gaps(self.band, classes[:, 0], classes.shape[1]).clamp_min(self.margin)
        return Relations(classes=classes, gaps=gaps[:, None].expand(-1, classes.shape[1] - 1).contiguous())

    def _measure_pushes(self, images: Images, classes: Int64[Tensor, "n k"]) -> Float64[Tensor, "n k"]:
        """Return for each class how much the copies of the zoo reduce its lead over the others, from -1 to 1."""
        if self.ensemble is None:
            return torch.zeros(classes.shape, dtype=torch.float64)
        members = tuple(range(self.ensemble.size))
        with torch.no_grad():
            changes = torch.cat([self.ensemble(part, members)[1] for part in images.split(self.model.batch)], dim=1)
        moved = changes.double().gather(2, classes.expand(len(members), -1, -1))
        highest = moved.topk(2, dim=2).values
        rival = torch.where(moved == highest[..., :1], highest[..., 1:], highest[..., :1])
        size = moved.std(dim=2, keepdim=True).clamp_min(1e-30)
        lead = ((rival - moved) / size).clamp(-1, 1)
        return torch.stack([lead[list(family)].mean(0) for family in self.families]).mean(0)

    def _refine_all(
        self, asked: _StartingPoints, sources: Images, seed: int, name: str
    ) -> Float64[Tensor, "samples c h w"]:
        """Round every junction to eight bits and search for the best image near it."""
        work, search = self.work, self.settings.search(asked.relations.classes.shape[1])

        def refine_one(index: int) -> Levels:
            row = torch.tensor([index])
            relations, box = asked.relations.take(row), self.box(sources[asked.origins[row]])
            image = step_towards(self.precisions.quick, asked.images[row], relations, box, SETTLED)
            rough = diffuse(self.precisions, image, relations, box)
            return refine(self.precisions, rough, relations, box, self.margin, search, stream(seed, name, index))

        return work.make_rows(name, len(asked.images), refine_one, "searching eight-bit images")
