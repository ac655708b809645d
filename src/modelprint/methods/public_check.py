"""PublicCheck: pairs of natural-looking images on either side of a boundary, found by a random walk of latents.

Source: S. Wang et al., "PublicCheck: Public Integrity Verification for Services of Run-time Deep Models", IEEE S&P
2023, https://arxiv.org/abs/2203.10902, and what its working repository does in detail: start at the reconstruction of a
natural image, add noise to its latent until the label changes, and keep the last image before (the inner one) and the
first after (the outer one). It needs labels only. An inner image expects the label of the source wherever the
reconstruction has it, an outer one another; `sides = "outer"` keeps those alone.

Departures: the second try goes back to the first latent, as described; the repository continues from the far end where
it changes one latent only. Labels are those of eight-bit images, the only ones that are sent. All walks advance
together. An image that a step did not change is not asked about again. A source whose walks find nothing is given up
and not replaced. Naturalness is judged by the repository's rule, but by features of the generator's encoder or of the
target instead of LPIPS, whose weights are no part of this project; thresholds are those of the source's class, where
the repository indexes them by the number of the latent. Single attributes are the latents that vary most over training
images; the repository has four chosen manually. `refine = "bisect"` is ours: what the walk's last step left between the
two images is halved until they differ by one grey level in one value.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Int64, UInt8
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.narrowing import MOST_HALVINGS, narrow
from modelprint.crafting.naturalness import is_natural
from modelprint.data import DataSet
from modelprint.generators import Generator, Quantised, decode, encode
from modelprint.generators.choice import GeneratorChoice
from modelprint.methods.method import Card, Crafted, labels_of
from modelprint.pixels import Pixels
from modelprint.progress import Progress
from modelprint.streams import stream
from modelprint.tensors import Images, Labeller, Labels, to_images, to_pixels
from modelprint.work import Work

NATURAL_IMAGES = 10
"""Images of a class that samples are compared with, as in the repository."""

LOOKED_AT = 512
"""Training images that determine which latents vary most."""

Featuriser = Callable[[Images], Tensor]
"""Gives features of images by which they are compared."""


@dataclass(frozen=True, kw_only=True)
class PublicCheck:
    """Walk at random through the latents of a generator until the label changes.

    Attributes:
        rate: Length of a step, in standard deviations of the noise added to each latent; the smaller, the closer to the
            boundary.
        steps: Most steps in each direction.
        attributes: "all" latents move, or a "single" one of each walk, one way only.
        attribute_count: How many latents the walks take in turn when they move a single one.
        noise: "gaussian", fresh at every step, or "uniform": the same step each time.
        sides: Keep "both" images of a pair, made from one source; or the "inner" or the "outer" one of every source.
        naturalness: Whose features judge it: the encoder's of the "generator", the "target"'s own, which takes more
            than labels, or "none" to keep everything.
        refine: "none" as published, or "bisect" until the two images differ by one grey level.
        generator: Name in GENERATORS.
        generator_settings: Its settings where they are not the usual ones, each as NAME=VALUE.
        generator_seed: Of its training.
    """

    name: ClassVar[str] = "public-check"
    card: ClassVar[Card] = Card(
        title="PublicCheck",
        source="Wang et al., IEEE S&P 2023",
        needs=("labels", "training data", "generator"),
        cost="up to 2000 labels for a pair",
    )
    rate: float = 0.05
    steps: int = 1000
    attributes: Literal["all", "single"] = "all"
    attribute_count: int = 4
    noise: Literal["gaussian", "uniform"] = "gaussian"
    sides: Literal["both", "inner", "outer"] = "both"
    naturalness: Literal["generator", "target", "none"] = "generator"
    refine: Literal["none", "bisect"] = "none"
    generator: str = "vq-vae"
    generator_settings: tuple[str, ...] = ()
    generator_seed: int = 0

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ValueError(f"rate is the length of a step and has to be positive, got {self.rate}")
        if self.steps < 1 or self.attribute_count < 1:
            raise ValueError(f"steps and attribute_count are at least 1, got {self.steps} and {self.attribute_count}")
        self.choose_generator().build()

    def choose_generator(self) -> GeneratorChoice:
        """Return the generator whose latents are walked through."""
        return GeneratorChoice(name=self.generator, settings=self.generator_settings, seed=self.generator_seed)

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return images around the boundaries of `model`."""
        generator = self.choose_generator().load_or_train(data, work.progress)
        features = model.features if self.naturalness == "target" else self._choose_features(generator)
        return self.craft_with(generator, labels_of(model), features, data, sources, seed, work)

    def craft_from_labels(self, label: Labeller, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return images around the boundaries of the classifier that gives the labels.

        Raises:
            ValueError: Naturalness has to be judged by features of the target, which are not available.
        """
        if self.naturalness == "target":
            raise ValueError(
                "naturalness=target needs the target's features, but only its labels are given; "
                "choose naturalness=generator or none"
            )
        generator = self.choose_generator().load_or_train(data, work.progress)
        return self.craft_with(generator, label, self._choose_features(generator), data, sources, seed, work)

    def most_questions(self, count: int) -> int:
        """Count the labels of starts, of two whole walks, of sources to judge by, and of halvings."""
        walks = math.ceil(count / 2) if self.sides == "both" else count
        judged, refined = self.naturalness != "none", self.refine == "bisect"
        return walks * (1 + 2 * self.steps + judged + MOST_HALVINGS * refined)

    def craft_with(
        self,
        generator: Generator,
        label: Labeller,
        features: Featuriser | None,
        data: DataSet,
        sources: Pixels,
        seed: int,
        work: Work,
    ) -> Crafted:
        """Walk, refine, judge.

        Args:
            generator: Whose latents are walked through.
            label: Gives the classes of eight-bit images.
            features: By which naturalness is judged; None to judge nothing.
            data: Its training images define what is natural.
            sources: Where walks start; only the first half is used when both sides are kept.
            seed: Of walks and of the natural images to compare with.
            work: Reports progress.
        """
        count = len(sources)
        started = sources[: math.ceil(count / 2)] if self.sides == "both" else sources
        pairs = self.walk(generator, label, data, started, seed, work.progress)
        if self.refine == "bisect":
            pairs = pairs.narrow(label)
        ends = {"inner": (pairs.inner,), "outer": (pairs.outer,), "both": (pairs.inner, pairs.outer)}[self.sides]
        images = to_images(np.stack(ends, axis=1).reshape(-1, *sources.shape[1:])[:count])
        origins = torch.arange(len(started)).repeat_interleave(len(ends))[:count]
        usable, notes = pairs.found[origins], {}
        if features is not None:
            classes = label(started)
            usable = usable & _is_natural(images, classes[origins], features, data, seed)
            kept = int((classes == pairs.home).sum())
            notes = {"starts": f"{kept} of {len(started)} reconstructions have the label of their source"}
        return Crafted(images=images, usable=usable, origins=origins, notes=notes)

    def walk(
        self, generator: Generator, label: Labeller, data: DataSet, sources: Pixels, seed: int, progress: Progress
    ) -> "WalkPairs":
        """Walk from each source until its label changes, and where it does not, once more the other way.

        1. Encode the sources; the labels of their reconstructions are what has to change.
        2. Add noise to the latents of all walks, decode, round to eight bits, ask.
        3. A walk whose label changed is over: its images before and after are the pair.
        4. After `steps` steps without a change, go back to the first latent and take the steps with opposite sign.
        """
        first = encode(generator, to_images(sources))  # (1)
        start = to_pixels(decode(generator, first))
        pairs = WalkPairs.start(start, label(start))
        strides = self._make_strides(generator, data, first, seed)
        for turn, before in ((1.0, 0), (-1.0, self.steps)):  # (4)
            rows = (~pairs.found).nonzero()[:, 0]
            latents, codes = first[rows], None
            pairs.inner[rows.numpy()] = start[rows.numpy()]
            for step in range(self.steps):
                if not len(rows):
                    break
                progress("walking", before + step, 2 * self.steps)
                latents = latents + turn * torch.stack([next(strides[row]) for row in rows.tolist()])  # (2)
                moved, codes = _find_moved(generator, latents, codes)
                pixels = pairs.inner[rows.numpy()]
                pixels[moved.numpy()] = to_pixels(decode(generator, latents[moved]))
                over = pairs.update(rows, pixels, label)  # (3)
                rows, latents, codes = rows[~over], latents[~over], codes[~over]
        progress("walking", 2 * self.steps, 2 * self.steps)
        return pairs

    def _choose_features(self, generator: Generator) -> Featuriser | None:
        return None if self.naturalness == "none" else partial(encode, generator)

    def _make_strides(self, generator: Generator, data: DataSet, first: Tensor, seed: int) -> list[Iterator[Tensor]]:
        """Return the steps of each walk; each walk has random numbers of its own."""
        if self.attributes == "all":
            where = [torch.ones_like(one) for one in first]
        else:
            where = self._mask_single(generator, data, first)
        return [self._generate_strides(mask, stream(seed, "walk", row)) for row, mask in enumerate(where)]

    def _generate_strides(self, mask: Tensor, rng: torch.Generator) -> Iterator[Tensor]:
        way = self.rate * float(torch.randint(2, (), generator=rng) * 2 - 1)
        while True:
            if self.noise == "uniform":
                yield way * mask
            elif self.attributes == "single":
                yield way * mask * torch.randn((), generator=rng).abs()
            else:
                yield way * torch.randn(mask.shape, generator=rng)

    def _mask_single(self, generator: Generator, data: DataSet, first: Tensor) -> list[Tensor]:
        """Return a mask with a single 1 for each walk: the latents that vary most, in turn."""
        spread = encode(generator, to_images(data.train.pixels[:LOOKED_AT])).flatten(1).var(0, correction=0)
        most = spread.argsort(descending=True, stable=True)[: self.attribute_count]
        masks = F.one_hot(most[torch.arange(len(first)) % len(most)], len(spread)).to(first.dtype)
        return list(masks.view_as(first))


@dataclass(frozen=True, kw_only=True, eq=False)
class WalkPairs:
    """The pairs that walks have found, filled during the walks.

    Attributes:
        inner: The last image with the label of the start.
        outer: The first image with another label; the start where there is none.
        home: Label of each start.
        found: Whether the label has changed.
    """

    inner: Pixels
    outer: Pixels
    home: Labels
    found: Bool[Tensor, " n"]

    @classmethod
    def start(cls, start: Pixels, home: Labels) -> "WalkPairs":
        """Return pairs of walks that have not moved."""
        found = torch.zeros(len(home), dtype=torch.bool)
        return cls(inner=start.copy(), outer=start.copy(), home=home, found=found)

    def update(
        self, rows: Int64[Tensor, " rows"], pixels: UInt8[np.ndarray, "rows c h w"], label: Labeller
    ) -> Bool[Tensor, " rows"]:
        """Record where the walks `rows` are, and return which of them have changed their label."""
        moved = torch.from_numpy((pixels != self.inner[rows.numpy()]).any((1, 2, 3)))
        over = torch.zeros(len(rows), dtype=torch.bool)
        if moved.any():
            over[moved] = label(pixels[moved.numpy()]) != self.home[rows[moved]]
        self.found[rows[over]] = True
        self.outer[rows[over].numpy()] = pixels[over.numpy()]
        self.inner[rows[~over].numpy()] = pixels[(~over).numpy()]
        return over

    def narrow(self, label: Labeller) -> "WalkPairs":
        """Return the pairs, narrowed until their images differ by one grey level in one value."""
        rows, inner, outer = self.found.numpy(), self.inner.copy(), self.outer.copy()
        inner[rows], outer[rows] = narrow(label, self.home[self.found], inner[rows], outer[rows])
        return WalkPairs(inner=inner, outer=outer, home=self.home, found=self.found)


def _find_moved(generator: Generator, latents: Tensor, before: Tensor | None) -> tuple[Bool[Tensor, " rows"], Tensor]:
    """Return which latents may give another image than before, and the codes to compare with at the next step."""
    if not isinstance(generator, Quantised):
        return torch.ones(len(latents), dtype=torch.bool), latents
    with torch.no_grad():
        codes = generator.nearest(latents)
    moved = torch.ones_like(codes) if before is None else codes != before
    return moved.flatten(1).any(1), codes


def _is_natural(images: Images, classes: Labels, features: Featuriser, data: DataSet, seed: int) -> Bool[Tensor, " n"]:
    """Return which images are as near to natural images of their class as these are to each other."""
    accepted = torch.zeros(len(images), dtype=torch.bool)
    for own in classes.unique().tolist():
        members = np.flatnonzero(data.train.labels == own)
        chosen = torch.randperm(len(members), generator=stream(seed, "natural", own))[:NATURAL_IMAGES]
        natural = features(to_images(data.train.pixels[members[chosen.numpy()]]))
        accepted[classes == own] = is_natural(features(images[classes == own]), natural)
    return accepted
