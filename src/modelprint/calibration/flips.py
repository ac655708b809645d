"""How often honest serving flips the label of a sample: counted over ways of serving, batches and repetitions."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from modelprint.calibration.forms import BATCH, Forms
from modelprint.calibration.noise import Noise
from modelprint.calibration.profiles import Profile
from modelprint.calibration.silence import suppress_warnings
from modelprint.calibration.variants.fp32 import float64
from modelprint.crafting.margins import margin
from modelprint.intervals import LEVEL, upper_bound
from modelprint.pixels import Pixels
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.streams import stream
from modelprint.tensors import Labels, Logits, to_images


@dataclass(frozen=True, kw_only=True)
class Flips:
    """How many answers were another label than the sample's.

    Attributes:
        answers: How many answers were compared.
        flips: How many of them were another label, or a tie.
        differing: How many had another label, or a log-probability that moved too far; None where only labels were
            looked at.
    """

    answers: int
    flips: int
    differing: int | None = None

    @property
    def bound(self) -> float:
        """The upper Clopper-Pearson bound of the flip rate, at level LEVEL."""
        return upper_bound(self.flips, self.answers, LEVEL)


def count_flips(
    forms: Forms,
    pixels: Pixels,
    labels: Labels,
    profile: Profile,
    *,
    measured: Noise,
    answers: int,
    seed: int,
    scores: tuple[Logits, float] | None = None,
    progress: Progress = ignore_progress,
) -> Flips:
    """Label the samples again and again, in every way of serving in turn, each time in other batches.

    A pass labels all samples, in random order, so that each has other neighbours in its batch; few samples are
    repeated until they fill a batch.

    Args:
        forms: The classifier.
        pixels: The sealed samples.
        labels: Their labels.
        profile: The ways of serving; the float64 reference is left out, since it determined the labels.
        measured: The noise of these samples: which ways of serving are possible here.
        answers: How many answers to compare at least.
        seed: Of the orders.
        scores: Logits of the samples by the reference, and how far a log-probability may move; None for labels alone.
        progress: Called for each pass.
    """
    ways = {name: way for name, way in profile.variants.items() if name in measured.logits and way is not float64}
    copies = math.ceil(BATCH / len(pixels))
    passes = math.ceil(answers / (copies * len(pixels)))
    counted = flipped = differing = 0
    with suppress_warnings():
        for index in track_steps("counting honest flips", range(passes), passes, progress):
            name = list(ways)[index % len(ways)]
            order = torch.randperm(copies * len(pixels), generator=stream(seed, "flips", index)) % len(pixels)
            logits = ways[name](forms, to_images(pixels, torch.float64)[order]).double()
            other = margin(logits, labels[order]) <= 0
            flipped += int(other.sum())
            if scores is not None:
                differing += int((other | _moves_too_far(logits, scores[0][order], scores[1])).sum())
            counted += len(order)
    return Flips(answers=counted, flips=flipped, differing=None if scores is None else differing)


def _moves_too_far(logits: Logits, reference: Logits, reach: float) -> Bool[Tensor, " n"]:
    """Return whether some log-probability of each image is further than `reach` from that of the reference."""
    return (logits.log_softmax(1) - reference.log_softmax(1)).abs().amax(1) > reach
