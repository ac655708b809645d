"""Measure, with the weights available, what a file says besides its samples: ordinary images, rates, other labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from modelprint.calibration import Forms, Noise, Profile
from modelprint.calibration.flips import count_flips
from modelprint.crafting.margins import top_two_gap
from modelprint.data import DataSet, LabelledImages
from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.parts import Release, Sample
from modelprint.generation.agreement import Agreement, check_agreement, measure_agreement, pick_ordinary
from modelprint.generation.controls import choose_controls
from modelprint.generation.measures import Measured, Measures
from modelprint.generation.preprocessing import label_preprocessed
from modelprint.generation.sensitivity import Sensitivity, measure_sensitivity
from modelprint.progress import Progress
from modelprint.tensors import Logits, to_images


@dataclass(frozen=True, kw_only=True, eq=False)
class OrdinaryImages:
    """Ordinary images and what the model answers to them.

    Attributes:
        images: Test images of the data, at random.
        logits: Of the model, in the type of its weights.
    """

    images: LabelledImages
    logits: Logits

    @property
    def agreement(self) -> Agreement:
        """How many get the label of the data."""
        return measure_agreement(self.images, self.logits.argmax(1).numpy())

    def choose_controls(self, count: int, smallest_margin: float) -> tuple[Control, ...]:
        """Return `count` images with wide margins, at least the smallest one of a steady sample."""
        margins = top_two_gap(self.logits).double()
        agreed = self.logits.argmax(1) == torch.from_numpy(self.images.labels)
        suitable = agreed & (margins > smallest_margin)
        return choose_controls(self.images, suitable.numpy(), margins.numpy(), count)


def label_ordinary(forms: Forms, data: DataSet, measures: Measures, seed: int) -> OrdinaryImages | None:
    """Label ordinary images, before any work; None when none are asked for.

    Raises:
        CraftingError: The answers do not fit the labels of the data, and `measures` does not allow that.
    """
    if not measures.ordinary:
        return None
    images = pick_ordinary(data.test, measures.ordinary, seed)
    found = OrdinaryImages(images=images, logits=forms.model.logits(to_images(images.pixels)))
    if not measures.any_accuracy:
        check_agreement(found.agreement, images, forms.model.name)
    return found


def measure_file(
    forms: Forms,
    data: DataSet,
    samples: Sequence[Sample],
    noise: Noise,
    *,
    profile: Profile,
    multiple: float,
    measures: Measures,
    ordinary: OrdinaryImages | None,
    seed: int,
    progress: Progress,
) -> Measured:
    """Measure everything that `measures` asks for.

    1. Choose the controls among the ordinary images.
    2. Label the samples under other preprocessing.
    3. Count honest flips.
    4. Try cheap tamperings.

    Args:
        forms: The protected model.
        data: What it was trained and tested on.
        samples: The samples to seal.
        noise: The noise of candidates and sources.
        profile: How the model may be served.
        multiple: Smallest margin of a steady sample, in noise floors.
        measures: What to measure.
        ordinary: What `label_ordinary` returned.
        seed: Of every random choice.
        progress: Called with the steps.

    Raises:
        CraftingError: The file could not be checked, or sees too little; says what to do.
    """
    pixels = np.stack([sample.picture.pixels for sample in samples])
    labels = torch.tensor([sample.label for sample in samples])
    smallest = noise.smallest_margin(multiple)
    flips = None
    sensitivity = Sensitivity()
    if measures.noise_answers:
        flips = count_flips(
            forms, pixels, labels, profile, measured=noise, answers=measures.noise_answers, seed=seed, progress=progress
        )
    if measures.tamperings:
        sensitivity = measure_sensitivity(
            forms.model, data, pixels, labels, profile=profile.name, seed=seed, progress=progress
        )
    measured = Measured(
        agreement=None if ordinary is None else ordinary.agreement,
        controls=() if ordinary is None else ordinary.choose_controls(measures.controls, smallest),  # (1)
        preprocessings=label_preprocessed(
            measures.preprocessing, forms, pixels, smallest_margin=smallest, progress=progress
        ),  # (2)
        flips=flips,  # (3)
        sensitivity=sensitivity,  # (4)
        given=measures.expected_flip_rate,
    )
    measured.check(measures.weak)
    return measured


def name_preprocessings(measures: Measures) -> list[Release]:
    """Return releases of one sample with the names that are going to be sealed, to see whether a file can hold them."""
    return [Release(name=f"preprocessing {name}", labels=(0,), preprocessing=name) for name in measures.preprocessing]
