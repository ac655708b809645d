"""Preprocessing that differs from the owner's: known mistakes of servers, and the labels the model gives under each.

A fingerprint with these labels lets a check say "explained by BGR" where it would otherwise say "tampered".
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image

from modelprint.calibration import Forms, Profile, find_profile, measure_images
from modelprint.calibration.variants.jpeg import recompress
from modelprint.fingerprint.parts import Release
from modelprint.networks.resnet import IMAGENET_MEAN, IMAGENET_STD
from modelprint.pixels import OnePixels, Pixels
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.tensors import GREY_LEVELS, Images, to_images

JPEG_QUALITY = 90


def swap_colours(pixels: Pixels) -> Images:
    """Give red and blue the place of each other; ValueError for grey images."""
    if pixels.shape[1] != 3:
        raise ValueError("grey images have no colours to swap")
    return _read(np.ascontiguousarray(pixels[:, ::-1]))


def compress(pixels: Pixels) -> Images:
    """Send JPEG files of quality 90, as Pillow writes them."""
    return _read(recompress(pixels, JPEG_QUALITY, "4:2:0" if pixels.shape[1] == 3 else "4:4:4"))


def enlarge_and_reduce(pixels: Pixels) -> Images:
    """Resize to twice the height and width and back, bilinear, as Pillow does it."""
    return _read(np.stack([_resize_there_and_back(one) for one in pixels]))


def divide_again(pixels: Pixels) -> Images:
    """Divide by 255 once more, so that values reach from 0 to 1/255."""
    return _read(pixels) / GREY_LEVELS


def keep_grey_levels(pixels: Pixels) -> Images:
    """Never divide by 255, so that values reach from 0 to 255."""
    return _read(pixels) * GREY_LEVELS


def normalise_again(pixels: Pixels) -> Images:
    """Subtract 0.5 and divide by 0.5 although the model normalises its images itself."""
    return (_read(pixels) - 0.5) / 0.5


def normalise_by_half(pixels: Pixels) -> Images:
    """Use 0.5 and 0.5 where the model uses ImageNet's mean and deviation; ValueError for grey images."""
    if pixels.shape[1] != 3:
        raise ValueError("ImageNet's mean and standard deviation are for three channels")
    mean, std = (torch.tensor(numbers, dtype=torch.float64)[:, None, None] for numbers in (IMAGENET_MEAN, IMAGENET_STD))
    return (_read(pixels) - 0.5) / 0.5 * std + mean


PREPROCESSING: dict[str, Callable[[Pixels], Images]] = {
    "bgr": swap_colours,
    "jpeg-90": compress,
    "resize": enlarge_and_reduce,
    "unit": divide_again,
    "grey": keep_grey_levels,
    "mean-std": normalise_again,
    "half": normalise_by_half,
}
"""What a server may do to images before the model gets them, by name; each takes pixels, returns inputs in float64."""


def choose_preprocessing(text: str) -> tuple[str, ...]:
    """Return the names in "bgr,jpeg-90"; "none" is none of them, "all" all.

    Raises:
        ValueError: One is unknown; the message lists the choices.
    """
    if text in ("none", "all"):
        return tuple(PREPROCESSING) if text == "all" else ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in PREPROCESSING:
            known = ", ".join(PREPROCESSING)
            raise ValueError(f"--also-preprocessing: there is no {name!r}; choose among {known}, or all or none")
    return names


def label_preprocessed(
    names: Sequence[str],
    forms: Forms,
    pixels: Pixels,
    *,
    smallest_margin: float,
    progress: Progress = ignore_progress,
) -> tuple[Release, ...]:
    """Return the labels that the protected model gives to the samples under each preprocessing.

    One that does not apply to the images, or that leaves no label sure, is left out.

    Args:
        names: In PREPROCESSING.
        forms: The protected model.
        pixels: The samples.
        smallest_margin: A label with less, in logits, is not sure.
        progress: Called for each name.
    """
    exact = find_profile("exact")
    made = (
        _label(name, forms, pixels, exact, smallest_margin)
        for name in track_steps("labelling under other preprocessing", list(names), len(names), progress)
    )
    return tuple(release for release in made if release is not None)


def _label(name: str, forms: Forms, pixels: Pixels, profile: Profile, smallest_margin: float) -> Release | None:
    try:
        images = PREPROCESSING[name](pixels)
    except ValueError:
        return None
    noise = measure_images(forms, images, profile)
    sure = noise.find_steady(1.0, floor=smallest_margin)
    if not sure.any():
        return None
    return Release(
        name=f"preprocessing {name}",
        labels=tuple(int(label) if known else None for label, known in zip(noise.labels, sure, strict=True)),
        preprocessing=name,
    )


def _resize_there_and_back(pixels: OnePixels) -> OnePixels:
    grey = len(pixels) == 1
    image = Image.fromarray(pixels[0] if grey else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    large = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BILINEAR)
    array = np.asarray(large.resize(image.size, Image.Resampling.BILINEAR))
    return array[None].copy() if grey else np.ascontiguousarray(array.transpose(2, 0, 1))


def _read(pixels: Pixels) -> Images:
    return to_images(pixels, torch.float64)
