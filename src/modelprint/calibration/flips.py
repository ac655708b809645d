"""How often honest serving flips the label of a sample: counted over ways of serving, batches and repetitions."""

import math
from dataclasses import dataclass

import torch

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
from modelprint.tensors import Labels, to_images


@dataclass(frozen=True, kw_only=True)
class Flips:
    """How many answers were another label than the sample's.

    Attributes:
        answers: How many answers were compared.
        flips: How many of them were another label, or a tie.
    """

    answers: int
    flips: int

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
        progress: Called for each pass.
    """
    ways = {name: way for name, way in profile.variants.items() if name in measured.logits and way is not float64}
    copies = math.ceil(BATCH / len(pixels))
    passes = math.ceil(answers / (copies * len(pixels)))
    counted = flipped = 0
    with suppress_warnings():
        for index in track_steps("counting honest flips", range(passes), passes, progress):
            name = list(ways)[index % len(ways)]
            order = torch.randperm(copies * len(pixels), generator=stream(seed, "flips", index)) % len(pixels)
            logits = ways[name](forms, to_images(pixels, torch.float64)[order]).double()
            flipped += int((margin(logits, labels[order]) <= 0).sum())
            counted += len(order)
    return Flips(answers=counted, flips=flipped)
