"""The pictures inside a `.mprint` file: their names, their limits, and how they are checked. Needs no torch."""

import math
from collections.abc import Mapping

from modelprint.fingerprint.container import read_png_shape
from modelprint.fingerprint.parts import Preprocessing
from modelprint.pixels import Picture, decode_png

PIXEL_LIMIT = 2**30
"""Most pixel values in all pictures of a file together."""


def picture_name(folder: str, index: int) -> str:
    """Return the name of the member that holds a picture of sample `index`."""
    return f"{folder}/{index:04d}.png"


def check_shape(name: str, picture: Picture, preprocessing: Preprocessing) -> None:
    """Raise ValueError when the header of a picture disagrees with the contract."""
    try:
        shape = read_png_shape(picture.png)
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from problem
    if shape != preprocessing.image_shape:
        raise ValueError(f"{name} has shape {shape} (channels, height, width), expected {preprocessing.image_shape}")


def check_pictures(pictures: Mapping[str, Picture], preprocessing: Preprocessing) -> None:
    """Decode every picture, keeping none: the headers have bounded the sizes, damage inside shows only here.

    Raises:
        ValueError: Names the first member that is damaged.
    """
    total = len(pictures) * math.prod(preprocessing.image_shape)
    if total > PIXEL_LIMIT:
        raise ValueError(f"the pictures have {total} values together, the limit is {PIXEL_LIMIT}")
    for name, picture in pictures.items():
        try:
            decode_png(picture.png)
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from problem
