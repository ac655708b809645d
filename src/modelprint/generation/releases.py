"""Releases: the labels that other models of the same owner give to the samples, e.g. older ones or other precisions.

A fingerprint with their labels lets a verifier say which release answers. Where two honest ways of serving a release
give a sample different labels, the release has no label for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from modelprint.calibration import PRECISIONS, Forms, Profile, measure, suppress_warnings
from modelprint.classifier import Classifier
from modelprint.crafting.margins import top_two_gap
from modelprint.errors import CraftingError
from modelprint.fingerprint.parts import Release
from modelprint.pixels import Pixels
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.tensors import Images, Labels, to_images


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownRelease:
    """A model whose labels a fingerprint carries in addition to those of the protected model.

    Attributes:
        name: What a verdict calls it.
        model: The classifier; takes the same images and knows the same classes as the protected one.
        precision: The name in PRECISIONS that it is served in; None when it is served as the profile says.
    """

    name: str
    model: Classifier
    precision: str | None = None


def check_releases(protected: Classifier, releases: Sequence[KnownRelease]) -> None:
    """Refuse releases that cannot be compared with the protected model.

    Raises:
        ValueError: Another shape of images, other classes, or an unknown precision; says which release.
    """
    for release in releases:
        if release.precision is not None and release.precision not in PRECISIONS:
            raise ValueError(
                f"release {release.name}: there is no precision {release.precision!r}; choose one of "
                f"{', '.join(PRECISIONS)}"
            )
        found = (release.model.image_shape, release.model.class_count)
        if found != (protected.image_shape, protected.class_count):
            raise ValueError(
                f"release {release.name} takes images of shape {found[0]} and knows {found[1]} classes, but "
                f"{protected.name} has {protected.image_shape} and {protected.class_count}"
            )


def label_releases(
    releases: Sequence[KnownRelease],
    pixels: Pixels,
    *,
    natural: UInt8[np.ndarray, "images c h w"],
    profile: Profile,
    multiple: float,
    progress: Progress = ignore_progress,
) -> tuple[Release, ...]:
    """Return the labels that each release gives to the samples.

    Args:
        releases: The models.
        pixels: The samples.
        natural: Images that a static quantisation takes its ranges from.
        profile: How a release without a precision may be served. One with a precision is computed one image at a time
            and on all images together.
        multiple: Smallest margin of a steady label, in noise floors of the release.
        progress: Called for each release.

    Raises:
        CraftingError: A release cannot be computed, or none of its labels is steady.
    """
    return tuple(
        _label(release, Forms(release.model, natural), pixels, profile, multiple)
        for release in track_steps("labelling releases", releases, len(releases), progress)
    )


def _label(release: KnownRelease, forms: Forms, pixels: Pixels, profile: Profile, multiple: float) -> Release:
    if release.precision is None:
        noise = measure(forms, pixels, profile)
        labels, sure = noise.labels, noise.find_steady(multiple)
    else:
        labels, sure = _label_in_precision(release, forms, to_images(pixels, torch.float64))
    if not sure.any():
        raise CraftingError(
            f"honest serving may change every label of release {release.name}, so nothing can be compared with it; "
            "leave it out"
        )
    return Release(
        name=release.name,
        labels=tuple(int(label) if known else None for label, known in zip(labels, sure, strict=True)),
        precision=release.precision,
        model_sha256=release.model.digest(),
    )


def _label_in_precision(release: KnownRelease, forms: Forms, images: Images) -> tuple[Labels, Bool[Tensor, " n"]]:
    """Return the label of each image computed alone, and whether it is the same, without a tie, in a batch of all."""
    assert release.precision is not None
    variant = PRECISIONS[release.precision]
    try:
        with suppress_warnings():
            together = variant(forms, images).double()
            alone = torch.cat([variant(forms, image).double() for image in images.split(1)])
    except Exception as problem:  # as in `measure`: torch, exporters and runtimes fail in many ways
        reason = (str(problem).splitlines() or [""])[0]
        raise CraftingError(
            f"release {release.name} cannot be computed in {release.precision} here: {type(problem).__name__}: {reason}"
        ) from problem
    if not (alone.isfinite().all() and together.isfinite().all()):
        raise CraftingError(f"release {release.name} gives logits that are not finite in {release.precision}")
    labels = alone.argmax(1)
    return labels, (labels == together.argmax(1)) & (top_two_gap(alone) > 0) & (top_two_gap(together) > 0)
