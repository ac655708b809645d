"""MiSentry: samples on which the target and a zoo of tampered copies disagree, found by meta-learning.

Source: MiSentry / BIVBench, main text section 4 (Eqs. 1 to 5) and appendices A to C (Eqs. 6 to 8, Algorithm 1).

Two objectives. `published` is the paper's: minimise -KL(target || copy) + lambda_1 H(target) + lambda_2 H(copy). On
a well-trained network it does not move: natural images are saturated, and KL of nearly equal models is rounding noise
in float32. `stable`, the default, states the same goal with margins: the target keeps the source's label and the copies
lose it, by a hinge each; a soft minimum over the families of the zoo selects the family that is nearest to being
separated; a hinge keeps entropies inside the band of natural images.

Every sample expects the label of its source, by construction: an iterate to which the target gives another label is
never used. Networks trained from scratch, which give many samples the natural label too, are detected less for it.

Departures and gaps filled (the paper gives no lambdas, step sizes, iteration counts or split size): gradients are
scaled to unit length, averaged over outer iterations, and steps decay by a cosine; each outer iteration draws and
splits half of the zoo again, family by family (appendix A splits the whole zoo, Algorithm 1 has a fixed split); each KL
is clamped at 10 nats, so that one retrained copy cannot dominate the mean; of all outer iterates, rounded to eight
bits, the one that most of the zoo disagrees on is kept.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Float
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.margins import entropy, entropy_band
from modelprint.crafting.projection import clip, scale_to_unit
from modelprint.data import DataSet
from modelprint.fast.ensemble import Ensemble
from modelprint.methods.method import Card, Crafted, constant_radii
from modelprint.pixels import Pixels
from modelprint.streams import stream
from modelprint.tamperings.zoo import Zoo, build_zoo, parse_recipe
from modelprint.tensors import Images, Labels, Logits, to_images, to_pixels
from modelprint.work import Work

KL_LIMIT = 10.0
"""Largest KL divergence of a pair, in nats."""
NATURAL = 2000
"""Natural images that the entropy bands are measured on."""
JUDGED_EVERY = 5
"""Outer iterations between two evaluations of all copies on eight-bit images, and between two saved states."""

EntropyBands = tuple[Float[Tensor, "models classes"], Float[Tensor, "models classes"]]


@dataclass(frozen=True, kw_only=True)
class MiSentry:
    """Move each source, inside an L2 ball, to where the zoo disagrees with the target.

    Attributes:
        objective: "stable" (margins) or "published" (KL).
        radius: L2 bound for images in [0, 1]; the paper's 3.5 for CIFAR-10 and GTSRB, 21.5 for ImageNet.
        steps: Outer iterations (meta-test updates).
        inner: Inner iterations (meta-train updates) in each outer one.
        step: Length of the first step; the last is a hundredth of it.
        momentum: Of the outer updates: opposite gradients of target and copies cancel, what they share remains.
        lambda_1: Weight of the target's entropy in inner updates.
        lambda_2: Weight of the copies' entropy in inner updates.
        lambda_3: Weight of the target's entropy in outer updates.
        lambda_4: Weight of the copies' entropy in outer updates.
        band: Percentiles of natural entropies, label by label, that a sample stays within. With 0,100 it may have the
            entropy of any natural image: nearer to the boundary, where subtler changes show, and less covert.
        target_margin: Logits by which the target has to keep the label ("stable").
        copy_margin: Logits by which copies have to lose it ("stable").
        temperature: Of the soft minimum over families, in logits; large means the plain mean ("stable").
        retrained_weight: Weight of a family of retrained copies against 1 for the others: a retrained network
            disagrees easily, and moves a sample far from where subtle changes show.
        zoo: Tamperings and how many copies of each; the three kinds of the paper, five each, in both batch-norm modes.
        zoo_seed: Seed of the first copy of each kind.
        draw: Part of each family that takes part in an outer iteration; 1 as published, less for speed.
        train_share: Part of those drawn that inner updates use; the rest is for the outer update.
        chunk: Images that are optimised at a time; bounds the memory.
        eight_bit: Judge iterates as eight-bit images; false compares with papers, which round nothing.
    """

    name: ClassVar[str] = "misentry"
    card: ClassVar[Card] = Card(
        title="MiSentry",
        source="MiSentry / BIVBench",
        needs=("gradients", "training data", "tampered copies"),
        cost="300 outer and inner gradients of half the zoo, and the zoo itself",
    )
    objective: Literal["stable", "published"] = "stable"
    radius: float = 3.5
    steps: int = 300
    inner: int = 1
    step: float = 0.3
    momentum: float = 0.9
    lambda_1: float = 1.0
    lambda_2: float = 1.0
    lambda_3: float = 1.0
    lambda_4: float = 1.0
    band: tuple[float, ...] = (10.0, 98.0)
    target_margin: float = 2.0
    copy_margin: float = 2.5
    temperature: float = 1.0
    retrained_weight: float = 0.2
    zoo: tuple[str, ...] = (
        "finetune-last-1e-5*4",
        "finetune-last-1e-5-bnfrozen*1",
        "finetune-all-1e-5*4",
        "finetune-all-1e-5-bnfrozen*1",
        "retrain-all-short*5",
    )
    zoo_seed: int = 1000
    draw: float = 0.5
    train_share: float = 2 / 3
    chunk: int = 50
    eight_bit: bool = True

    def __post_init__(self) -> None:
        parse_recipe(self.zoo)
        positive = ("radius", "steps", "step", "temperature", "retrained_weight", "chunk")
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be from 0 to below 1, got {self.momentum}")
        if self.inner < 0 or not 0 < self.train_share < 1 or not 0 < self.draw <= 1:
            raise ValueError(
                "inner must not be negative, train_share lie between 0 and 1, and draw be at most 1, "
                f"got {self.inner}, {self.train_share} and {self.draw}"
            )

    def weight_of(self, kind: str) -> float:
        """Return the weight of the family made by the tampering `kind`."""
        return self.retrained_weight if kind.startswith("retrain") else 1.0

    def radii(self, sources: Images) -> Float[Tensor, " n"]:
        """Return the L2 bound around each source."""
        return constant_radii(self.radius, sources)

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Build the zoo (kept in the cache) and craft one sample from each source."""
        zoo = build_zoo(model, data, self.zoo, first_seed=self.zoo_seed, progress=work.progress)
        return self.craft_from(zoo, model, data, sources, seed, work)

    def craft_from(self, zoo: Zoo, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft from a given zoo; `craft` builds one first."""
        problem = _ZooObjective(self, zoo, Ensemble(model, zoo.copies), data)
        start = to_images(sources)
        found = problem.minimise(start, seed, work)
        notes = {"zoo": ", ".join(self.zoo), "zoo_disagreement": f"{found.score.clamp_min(0).mean().item():.3f}"}
        return Crafted(images=found.best, usable=found.score >= 0, notes=notes)


@dataclass(eq=False)
class _SearchState:
    """State of the search: the iterate, and the best rounded iterate with its score and loss, image by image."""

    images: Images
    velocity: Images
    best: Images
    score: Float[Tensor, " n"]
    loss: Float[Tensor, " n"]
    done: int = 0


class _ZooObjective:
    """The loss of one target and one zoo, and the score by which iterates are kept."""

    def __init__(self, settings: MiSentry, zoo: Zoo, ensemble: Ensemble, data: DataSet) -> None:
        self.settings = settings
        self.families = zoo.members
        self.weights = torch.tensor([settings.weight_of(kind) for kind in zoo.families])
        self.everyone = tuple(range(ensemble.size))
        self.ensemble = ensemble
        self.band = self._measure_band(data)

    def _measure_band(self, data: DataSet) -> EntropyBands:
        """Return the lowest and highest natural entropy per model (the target first) and label."""
        images = to_images(data.test.pixels[:NATURAL])
        parts = []
        with torch.no_grad():
            for chunk in images.split(500):
                logits, changes = self.ensemble(chunk, self.everyone)
                parts.append(torch.cat([logits[None], logits + changes]))
        models = torch.cat(parts, dim=1)
        bands = [entropy_band(logits, self.settings.band, models.shape[2]) for logits in models]
        return torch.stack([low for low, _ in bands]), torch.stack([high for _, high in bands])

    def minimise(self, sources: Images, seed: int, work: Work) -> _SearchState:
        """Run Algorithm 1 on all sources at once and return the last state."""
        settings = self.settings
        with torch.no_grad():
            home = self.ensemble(sources, ())[0].argmax(1)
        state = self._resume(sources, work) or self._start(sources, home)
        work.progress("crafting", state.done, settings.steps)
        for k in range(state.done, settings.steps):
            step = settings.step * (0.01 + 0.99 * (1 + math.cos(math.pi * k / settings.steps)) / 2)
            learn, test = self._split(stream(seed, "meta split", k))
            moved = state.images
            for _ in range(settings.inner):  # meta-train, Eq. 6
                gradient = self._gradient(moved, home, learn, settings.lambda_1, settings.lambda_2)
                moved = clip(moved - step * gradient, sources, settings.radius)
            gradient = self._gradient(moved, home, test, settings.lambda_3, settings.lambda_4)
            state.velocity = settings.momentum * state.velocity + (1 - settings.momentum) * gradient
            # Divided by its weight so far, as in Adam: the first steps are as long as the later ones.
            mean = state.velocity / (1 - settings.momentum ** (k + 1))
            state.images = clip(state.images - step * mean, sources, settings.radius)  # meta-test, Eq. 8
            state.done = k + 1
            if state.done % JUDGED_EVERY == 0 or state.done == settings.steps:
                self._keep_better(state, state.images, home)
                work.save("misentry", vars(state) | {"done": torch.tensor(state.done)})
            work.progress("crafting", state.done, settings.steps)
        return state

    def _start(self, sources: Images, home: Labels) -> _SearchState:
        nothing = torch.full((len(sources),), -torch.inf)
        state = _SearchState(
            images=sources, velocity=torch.zeros_like(sources), best=sources, score=nothing, loss=-nothing
        )
        self._keep_better(state, sources, home)
        return state

    def _resume(self, sources: Images, work: Work) -> _SearchState | None:
        kept = work.resume("misentry")
        if not kept or kept["images"].shape != sources.shape:
            return None
        return _SearchState(**{**kept, "done": int(kept["done"])})  # type: ignore[arg-type]

    def _split(self, rng: torch.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Draw from the zoo, family by family, and split what was drawn; a single copy goes to a random side."""
        learn: list[int] = []
        test: list[int] = []
        for family in self.families:
            order = [family[i] for i in torch.randperm(len(family), generator=rng).tolist()]
            drawn = order[: max(1, _round_at_random(len(family) * self.settings.draw, rng))]
            cut = _round_at_random(len(drawn) * self.settings.train_share, rng)
            learn += drawn[:cut]
            test += drawn[cut:]
        return tuple(sorted(learn)) or self.everyone, tuple(sorted(test)) or self.everyone

    def _gradient(
        self, images: Images, home: Labels, members: tuple[int, ...], target_weight: float, copy_weight: float
    ) -> Images:
        """Return the unit gradient of the loss of each image."""
        parts = []
        for chunk, labels in zip(images.split(self.settings.chunk), home.split(self.settings.chunk), strict=True):
            x = chunk.detach().requires_grad_()
            logits, changes = self.ensemble(x, members)
            loss = self._loss(logits, changes, labels, members, target_weight, copy_weight)
            parts.append(torch.autograd.grad(loss.sum(), x)[0])
        return scale_to_unit(torch.cat(parts))

    def _loss(
        self,
        logits: Logits,
        changes: Float[Tensor, "members n classes"],
        home: Labels,
        members: tuple[int, ...],
        target_weight: float,
        copy_weight: float,
    ) -> Float[Tensor, " n"]:
        if self.settings.objective == "published":
            copies = logits + changes
            divergence = kl_divergence(logits, copies).clamp_max(KL_LIMIT).mean(0)
            return -divergence + target_weight * entropy(logits) + copy_weight * entropy(copies).mean(0)
        high = self.band[1][:, home]
        target_excess = F.relu(entropy(logits) - high[0])
        copy_excess = F.relu(entropy(logits + changes) - high[[1 + m for m in members]]).mean(0)
        separation = self._separation(logits, changes, home, members)
        return separation + target_weight * target_excess + copy_weight * copy_excess

    def _separation(
        self, logits: Logits, changes: Float[Tensor, "members n classes"], home: Labels, members: tuple[int, ...]
    ) -> Float[Tensor, " n"]:
        """Return the hinge of the target plus the soft minimum over families of the hinges of their copies.

        The minimum is taken over the families that are not yet separated and follows the nearest of them. So a family
        that no confident sample can separate does not stop the others.
        """
        settings = self.settings
        ours, theirs = margins(logits, changes, home)
        violation = F.relu(theirs + settings.copy_margin)
        present = [[i for i, m in enumerate(members) if m in family] for family in self.families]
        by_family = torch.stack([violation[rows].mean(0) for rows in present if rows])
        weights = torch.tensor([w for w, rows in zip(self.weights, present, strict=True) if rows])
        waiting = by_family > 0
        shares = torch.where(waiting, weights[:, None].log(), -torch.inf).log_softmax(0)
        nearest = torch.logsumexp(torch.where(waiting, shares - by_family / settings.temperature, -torch.inf), 0)
        soft = torch.where(waiting.any(0), -settings.temperature * nearest, 0.0)
        return F.relu(settings.target_margin - ours) + soft

    def _keep_better(self, state: _SearchState, images: Images, home: Labels) -> None:
        """Keep, image by image, what is better than the best so far, judged as eight-bit images."""
        travelling = to_images(to_pixels(images)) if self.settings.eight_bit else images
        score, loss = self._judge(travelling, home)
        better = (score > state.score) | ((score == state.score) & (loss < state.loss))
        state.best = torch.where(better[:, None, None, None], travelling, state.best)
        state.score = torch.where(better, score, state.score)
        state.loss = torch.where(better, loss, state.loss)

    def _judge(self, images: Images, home: Labels) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Return the share of the zoo that disagrees, by the weights of the families, and the loss.

        The share is lowered by one where the entropy is outside the band and by two where the target lost the label:
        such an image is kept only until there is a better one, and never used.
        """
        scores, losses = [], []
        with torch.no_grad():
            for chunk, labels in zip(images.split(self.settings.chunk), home.split(self.settings.chunk), strict=True):
                logits, changes = self.ensemble(chunk, self.everyone)
                ours, theirs = margins(logits, changes, labels)
                lost = (theirs < 0).float()
                shares = torch.stack([lost[list(family)].mean(0) for family in self.families])
                share = (self.weights / self.weights.sum()) @ shares
                outside = ~self._is_inside_band(logits, labels)
                scores.append(share - outside.float() - 2 * (ours <= 0).float())
                settings = self.settings
                weights = settings.lambda_3, settings.lambda_4
                losses.append(self._loss(logits, changes, labels, self.everyone, *weights))
        return torch.cat(scores), torch.cat(losses)

    def _is_inside_band(self, logits: Logits, home: Labels) -> Bool[Tensor, " n"]:
        low, high = self.band[0][0, home], self.band[1][0, home]
        value = entropy(logits)
        return (value >= low) & (value <= high)


def _round_at_random(count: float, rng: torch.Generator) -> int:
    """Return `count` rounded up or down at random, unbiased."""
    return int(count) + int(torch.rand((), generator=rng).item() < count - int(count))


def margins(
    logits: Logits, changes: Float[Tensor, "members n classes"], home: Labels
) -> tuple[Float[Tensor, " n"], Float[Tensor, "members n"]]:
    """Return the margin of `home` for the target and for each copy.

    The target's gaps between classes are taken first and the copies' changes of these gaps added after: near a boundary
    both are small, and adding the change to a logit of size 10 would round it away.
    """
    gaps = logits.gather(1, home[:, None]) - logits
    index = home.expand(len(changes), -1).unsqueeze(2)
    moved = gaps + (changes.gather(2, index) - changes)
    own = F.one_hot(home, logits.shape[1]).bool()
    return gaps.masked_fill(own, torch.inf).amin(1), moved.masked_fill(own, torch.inf).amin(2)


def kl_divergence(target: Logits, copies: Float[Tensor, "members n classes"]) -> Float[Tensor, "members n"]:
    """Return KL(target || copy) in nats (Eq. 2), from log-softmax, so that nothing overflows."""
    p, q = F.log_softmax(target, -1), F.log_softmax(copies, -1)
    return (p.exp() * (p - q)).sum(-1)
