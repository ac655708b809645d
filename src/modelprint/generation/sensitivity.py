"""How many samples cheap tamperings flip: what a file claims to see is measured before it is sealed.

The rate is that of the samples themselves, so a file whose profile leaves too much room, or whose method sees little,
is found out when it is made, not when a tampered model passes as intact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelprint import intervals
from modelprint.calibration import suppress_warnings
from modelprint.classifier import Classifier
from modelprint.crafting.margins import top_two_gap
from modelprint.data import DataSet, LabelledImages
from modelprint.fingerprint.blocks import TamperingRate
from modelprint.generation.agreement import pick_ordinary
from modelprint.intervals import LEVEL
from modelprint.pixels import Pixels
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.streams import stream
from modelprint.tamperings.finetune import FineTune
from modelprint.tamperings.prune import Prune
from modelprint.tamperings.quantise import Quantise
from modelprint.tamperings.tampering import Tampering
from modelprint.tensors import Labels, to_images

TRAINED_ON = 2048
"""Images that the last layer is trained on, at most."""

CHEAP: dict[str, Tampering] = {
    "int8 weights": Quantise(what="weights"),
    "prune 20 %": Prune(share=0.2),
    "last layer, one epoch": FineTune(layers="last", learning_rate=1e-3, batch_norm="frozen"),
}
"""Tamperings that take seconds, by the name in the file."""

HONEST = {"int8": ("int8 weights",)}
"""Tamperings that a serving profile counts as honest, by the name of the profile."""

SMALLEST = 0.05
"""A file that sees a smaller share of some cheap tampering is weak."""

LARGEST = 0.25
"""Most that a file claims to see, whatever was measured: there are weaker tamperings than those tried."""


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What cheap tamperings do to the labels of samples.

    Attributes:
        rates: One for each tampering that could be tried.
        absent: Tamperings that could not be tried, and why.
    """

    rates: tuple[TamperingRate, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def weakest(self) -> TamperingRate | None:
        """The tampering that flips the smallest share for sure; None when none was tried."""
        return min(self.rates, key=lower_bound, default=None)

    @property
    def lowest(self) -> float | None:
        """The lowest of the lower bounds of the flip rates; None when no tampering was tried."""
        return None if self.weakest is None else lower_bound(self.weakest)

    @property
    def is_weak(self) -> bool:
        """Whether some tampering flips too few labels."""
        return self.lowest is not None and self.lowest < SMALLEST

    @property
    def expected_flip_rate(self) -> float:
        """The flip rate p1 that the file may claim; LARGEST when nothing was measured."""
        return LARGEST if self.lowest is None else min(LARGEST, max(self.lowest, SMALLEST))


def lower_bound(rate: TamperingRate) -> float:
    """Return the lower Clopper-Pearson bound of a flip rate, at level LEVEL."""
    return intervals.lower_bound(rate.flipped, rate.samples, LEVEL)


def measure_sensitivity(
    model: Classifier,
    data: DataSet,
    pixels: Pixels,
    labels: Labels,
    *,
    profile: str,
    seed: int,
    progress: Progress = ignore_progress,
) -> Sensitivity:
    """Apply each cheap tampering to a copy of the model and count the labels that it flips.

    Args:
        model: The protected model; left as it is.
        data: Its training images are what the last layer is trained on, TRAINED_ON of them at most.
        pixels: The sealed samples.
        labels: Their labels.
        profile: Name of the serving profile; a tampering that it counts as honest is not tried.
        seed: Of the choice of images and their order.
        progress: Called for each tampering.
    """
    before = top_two_gap(model.logits(to_images(pixels)).double())
    few = _reduce(data, seed)
    rates: list[TamperingRate] = []
    absent: dict[str, str] = {}
    names = [name for name in CHEAP if name not in HONEST.get(profile, ())]
    for name in track_steps("trying cheap tamperings", names, len(names), progress):
        try:
            with suppress_warnings():
                tampered = CHEAP[name].apply(model, few, stream(seed, "sensitivity", name), ignore_progress)
                logits = model.with_network(tampered.network).logits(to_images(pixels)).double()
        except Exception as problem:  # exported programs and wrapped runtimes refuse with errors of many kinds
            absent[name] = f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0]}"[:200]
            continue
        moved = float((top_two_gap(logits) - before).abs().median())
        flipped = int((logits.argmax(1) != labels).sum())
        rates.append(TamperingRate(tampering=name, flipped=flipped, samples=len(pixels), moved=moved))
    return Sensitivity(rates=tuple(rates), absent=absent)


def _reduce(data: DataSet, seed: int) -> DataSet:
    train: LabelledImages = pick_ordinary(data.train, TRAINED_ON, seed)
    return DataSet(name=data.name, train=train, test=data.test)
