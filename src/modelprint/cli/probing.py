"""The ordinary images that `endpoint probe` sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from modelprint.data import DataSet, load_data
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.endpoint import Endpoint
from modelprint.pixels import MODES, OnePixels, Picture

COARSE = 4
"""Random spots along each side of a made-up image."""


@dataclass(frozen=True, kw_only=True)
class ProbeImages:
    """What a probe asks.

    Attributes:
        pictures: Ordinary images.
        class_names: Our classes; none when they are unknown.
        labels: Class of each picture; None when it is unknown.
        sure: Whether a model that is asked as it was sealed gives every picture that class.
    """

    pictures: Sequence[Picture]
    class_names: tuple[str, ...]
    labels: Sequence[int] | None = None
    sure: bool = False


def choose_probe_images(
    endpoint: Endpoint, data: str | None, fingerprint: Path | None, shape: tuple[int, int, int], count: int
) -> ProbeImages:
    """Return real images of `data`, the ordinary ones in `fingerprint`, or made-up ones of the shape that is named.

    Raises:
        ValueError: The data do not have the classes of the fingerprint, or no picture has that shape.
    """
    loaded = None if fingerprint is None else Fingerprint.load(fingerprint)
    if data is not None:
        asked = _take_test_images(load_data(data), count)
        if loaded is not None and loaded.class_names != asked.class_names:
            raise ValueError(f"{data} has other classes than {fingerprint}; leave one of them out")
        return asked
    if loaded is not None and loaded.controls:
        controls = loaded.controls[:count]
        return ProbeImages(
            pictures=[control.picture for control in controls],
            class_names=loaded.class_names,
            labels=[control.label for control in controls],
            sure=True,
        )
    if loaded is not None:
        return ProbeImages(
            pictures=_make_images(loaded.preprocessing.image_shape, count), class_names=loaded.class_names
        )
    if shape[0] not in MODES.values():
        raise ValueError(f"a picture has 1 or 3 channels, got {shape[0]}")
    mapped = tuple(dict.fromkeys(str(ours) for ours in endpoint.wire.labels.values()))
    return ProbeImages(pictures=_make_images(shape, count), class_names=mapped)


def _take_test_images(data: DataSet, count: int) -> ProbeImages:
    """Return test images, the classes in turn."""
    test = data.test
    ranks = np.zeros(len(test), dtype=np.int64)
    for label in np.unique(test.labels):
        members = np.flatnonzero(test.labels == label)
        ranks[members] = np.arange(len(members))
    chosen = test.take(np.lexsort((test.labels, ranks))[:count])
    return ProbeImages(
        pictures=[Picture.of(pixels) for pixels in chosen.pixels],
        class_names=data.class_names,
        labels=chosen.labels.tolist(),
    )


def _make_images(shape: tuple[int, int, int], count: int) -> list[Picture]:
    """Return soft random patches of colour, the same ones every time."""
    rng = np.random.default_rng(0)
    return [Picture.of(_draw_patches(shape, rng)) for _ in range(count)]


def _draw_patches(shape: tuple[int, int, int], rng: np.random.Generator) -> OnePixels:
    channels, height, width = shape
    coarse = rng.integers(0, 256, (channels, COARSE, COARSE), dtype=np.uint8)
    soft = [Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC) for one in coarse]
    return np.stack([np.asarray(one, dtype=np.uint8) for one in soft])
