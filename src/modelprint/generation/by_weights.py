"""Measure, with the weights available, what a file says besides its samples: ordinary images, rates, other labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from modelprint.calibration import Forms, Noise, Profile, reference_logits
from modelprint.calibration.flips import count_flips
from modelprint.calibration.scores import record_scores
from modelprint.crafting.margins import top_two_gap
from modelprint.data import DataSet, LabelledImages
from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.parts import Release, Sample
from modelprint.fingerprint.scores import ScoreRecord
from modelprint.generation.agreement import Agreement, check_agreement, measure_agreement, pick_ordinary
from modelprint.generation.controls import choose_controls
from modelprint.generation.measures import Measured, Measures
from modelprint.generation.preprocessing import label_preprocessed
from modelprint.generation.sensitivity import Sensitivity, measure_sensitivity
from modelprint.intervals import upper_bound
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
    rows: Sequence[int],
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
    3. Take the scores of samples and controls, and count honest flips and scores that move too far.
    4. Try cheap tamperings.

    Args:
        forms: The protected model.
        data: What it was trained and tested on.
        samples: The samples to seal.
        noise: The noise of candidates and sources.
        rows: The rows of `noise` that belong to the samples.
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
    controls = () if ordinary is None else ordinary.choose_controls(measures.controls, smallest)  # (1)
    scores = _record_scores(forms, noise, rows, controls) if measures.scores and len(noise.logits) > 1 else None
    if measures.noise_answers:
        flips = count_flips(
            forms,
            pixels,
            labels,
            profile,
            measured=noise,
            answers=measures.noise_answers,
            seed=seed,
            scores=None if scores is None else (noise.reference[list(rows)], scores.multiple * scores.floor),
            progress=progress,
        )
        if scores is not None and flips.differing is not None:
            rate = upper_bound(flips.differing, flips.answers)
            scores = replace(scores, differ_rate=rate, answers=flips.answers)
    if measures.tamperings:
        sensitivity = measure_sensitivity(
            forms.model, data, pixels, labels, profile=profile.name, seed=seed, progress=progress
        )
    measured = Measured(
        agreement=None if ordinary is None else ordinary.agreement,
        controls=controls,
        preprocessings=label_preprocessed(
            measures.preprocessing, forms, pixels, smallest_margin=smallest, progress=progress
        ),  # (2)
        flips=flips,  # (3)
        scores=scores,
        sensitivity=sensitivity,  # (4)
        given=measures.expected_flip_rate,
    )
    measured.check(measures.weak)
    return measured


def _record_scores(forms: Forms, noise: Noise, rows: Sequence[int], controls: Sequence[Control]) -> ScoreRecord:
    """Return the scores of the samples and of the controls."""
    if not controls:
        return record_scores(noise, rows)
    pixels = np.stack([control.picture.pixels for control in controls])
    return record_scores(noise, rows, controls=reference_logits(forms, to_images(pixels, torch.float64)))


def name_preprocessings(measures: Measures) -> list[Release]:
    """Return releases of one sample with the names that are going to be sealed, to see whether a file can hold them."""
    return [Release(name=f"preprocessing {name}", labels=(0,), preprocessing=name) for name in measures.preprocessing]
