"""How far honest serving moves the logits of a classifier, measured on images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from modelprint.calibration.forms import Forms
from modelprint.calibration.profiles import FLOAT32, Profile
from modelprint.calibration.silence import suppress_warnings
from modelprint.calibration.variants.fp32 import float32, float64
from modelprint.classifier import Classifier
from modelprint.crafting.margins import margin, top_two_gap
from modelprint.errors import CraftingError
from modelprint.pixels import Pixels
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.tensors import Images, Labels, Logits, to_images

RANK = 0.999
"""Share of images whose shift is at most the floor."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """The logits of a classifier on the same images in every way of serving.

    Attributes:
        logits: In float64, by variant; the first is the reference the others are compared with.
        absent: Variants that could not be measured, and why.
    """

    logits: Mapping[str, Logits]
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference_name(self) -> str:
        """The variant the others are compared with: float64 wherever the classifier can be cast."""
        return next(iter(self.logits))

    @property
    def reference(self) -> Logits:
        """The logits everything is compared with."""
        return self.logits[self.reference_name]

    @property
    def labels(self) -> Labels:
        """Top-1 class of each image by the reference."""
        return self.reference.argmax(1)

    @property
    def margins(self) -> Float64[Tensor, " n"]:
        """Top-1 minus top-2 logit of each image by the reference."""
        return top_two_gap(self.reference)

    @property
    def confidences(self) -> Float64[Tensor, " n"]:
        """Softmax probability of the top class of each image by the reference."""
        return self.reference.softmax(1).amax(1)

    @cached_property
    def drifts(self) -> dict[str, Float64[Tensor, " n"]]:
        """How far each variant moves the gap between the two top classes of each image, in logits."""
        top = self.reference.topk(2, dim=1).indices
        expected = _difference(self.reference, top)
        return {
            name: (_difference(logits, top) - expected).abs()
            for name, logits in self.logits.items()
            if name != self.reference_name
        }

    @cached_property
    def shifts(self) -> dict[str, float]:
        """The 99.9th percentile of the drifts, by variant."""
        return {name: _percentile(drifts) for name, drifts in self.drifts.items()}

    @property
    def floor(self) -> float:
        """The largest of the shifts, in logits."""
        return max(self.shifts.values(), default=0.0)

    def smallest_margin(self, multiple: float = 3.0) -> float:
        """Return the smallest margin of a steady sample: the smallest change of a gap that samples can detect.

        Args:
            multiple: In floors.
        """
        return multiple * self.floor

    def find_steady(self, multiple: float = 3.0, floor: float | None = None) -> Bool[Tensor, " n"]:
        """Return which images keep their label, with enough margin and without a tie, in every variant.

        Args:
            multiple: Smallest margin, in floors.
            floor: In logits; the one measured on these images by default.
        """
        needed = self.smallest_margin(multiple) if floor is None else multiple * floor
        margins = torch.stack([margin(logits, self.labels) for logits in self.logits.values()])
        return ((margins > 0) & (margins >= needed)).all(0)


def measure(
    subject: Classifier | Forms, pixels: Pixels, profile: Profile, *, progress: Progress = ignore_progress
) -> Noise:
    """Compute the logits of `pixels` in every way of serving that `profile` allows.

    A variant that is impossible on this machine or with this classifier is left out; the result has the reason.

    Args:
        subject: The classifier, or its forms when several measurements share them. For a classifier alone, static
            quantisation takes its ranges from `pixels`.
        pixels: Eight-bit images, at least one.
        profile: The ways of serving.
        progress: Called for each variant.

    Raises:
        CraftingError: A variant gives logits that are not finite, or the plain float32 classifier cannot be computed.
    """
    forms = subject if isinstance(subject, Forms) else Forms(subject, pixels)
    return measure_images(forms, to_images(pixels, torch.float64), profile, progress=progress)


def measure_images(forms: Forms, images: Images, profile: Profile, *, progress: Progress = ignore_progress) -> Noise:
    """Compute the logits of float images, also outside [0, 1], in every way of serving; see `measure`."""
    logits: dict[str, Logits] = {}
    absent: dict[str, str] = {}
    variants = profile.variants.items()
    with suppress_warnings():
        for name, variant in track_steps("measuring the noise of honest serving", variants, len(variants), progress):
            try:
                logits[name] = variant(forms, images).double()
            except Exception as problem:  # torch, exporters and runtimes fail in many ways; the file will say how
                absent[name] = _reason(problem)
    if FLOAT32 in absent:
        raise CraftingError(f"{forms.model.name} cannot be computed on the images: {absent[FLOAT32]}")
    for name, values in logits.items():
        broken = int((~values.isfinite()).any(1).sum())
        if broken:
            raise CraftingError(
                f"{forms.model.name} ({name}) gives logits that are not finite to {broken} of {len(values)} images"
            )
    return Noise(logits=logits, absent=absent)


def join(parts: Sequence[Noise]) -> Noise:
    """Return several measurements of one classifier as one; a variant missing in one part is absent from the whole."""
    absent = {name: reason for part in parts for name, reason in part.absent.items()}
    names = [name for name in parts[0].logits if name not in absent]
    return Noise(logits={name: torch.cat([part.logits[name] for part in parts]) for name in names}, absent=absent)


def reference_labels(forms: Forms, images: Images) -> Labels:
    """Return the labels by float64, or by float32 one image at a time where the classifier cannot be cast."""
    with suppress_warnings():
        try:
            return float64(forms, images).argmax(1)
        except Exception:  # as in `measure`, which says why
            return float32(forms, images, batch=1).argmax(1)


def _difference(logits: Logits, top: Tensor) -> Float64[Tensor, " n"]:
    first, second = logits.gather(1, top).unbind(1)
    return first - second


def _percentile(shifts: Float64[Tensor, " n"]) -> float:
    """Return the smallest shift that the share RANK does not exceed; no interpolation, which would lie below it."""
    return float(torch.quantile(shifts, RANK, interpolation="higher"))


def _reason(problem: Exception) -> str:
    """Return one printable line about a problem."""
    words = "".join(c if c.isprintable() else " " for c in str(problem)).split()
    return f"{type(problem).__name__}: {' '.join(words)}"[:200].rstrip(": ")
