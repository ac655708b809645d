"""The parts of an ownership fingerprint: plain records and arrays that check their own numbers. Needs no torch."""

import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.parts import SHA256
from modelprint.fingerprint.pictures import PIXEL_LIMIT, picture_name
from modelprint.pixels import Picture

Relation = Literal["copy", "unrelated"]
"""What a model is to the victim: made from its weights or its answers, or trained without either."""

ARRAYS = {
    "pixels": ("|u1", 4),
    "index": ("<i8", 2),
    "levels": ("<i2", 3),
    "victim": ("<f4", 2),
    "represented": ("<f4", 3),
    "hidden_weight": ("<f4", 2),
    "hidden_bias": ("<f4", 1),
    "features_weight": ("<f4", 2),
    "features_bias": ("<f4", 1),
}
"""Type of the numbers and count of the axes of each array."""
WEIGHTS = ("hidden_weight", "hidden_bias", "features_weight", "features_bias")
"""Arrays that are the encoder's."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A model that is known to be a copy or unrelated; suspects are compared with it.

    Attributes:
        relation: What it is to the victim.
        made: The tampering that made it.
        seed: Of that tampering.
        model_sha256: Digest of its weights.
        accuracy: On the test images, 0..1.
        matches: To how many examples it gives their label; None where labels are not compared.
    """

    relation: Relation
    made: str
    seed: int
    model_sha256: str
    accuracy: float
    matches: int | None = None

    def __post_init__(self) -> None:
        if not SHA256.fullmatch(self.model_sha256):
            raise ValueError(f"model_sha256 of a reference is 64 hexadecimal digits, got {self.model_sha256!r}")
        if not 0 <= self.accuracy <= 1 or self.seed < 0:
            raise ValueError(f"a reference has an accuracy from 0 to 1, got {self.accuracy}, and seed {self.seed}")


@dataclass(frozen=True, kw_only=True, eq=False)
class ByLabels:
    """C-examples: a model is judged by the share of them that it gives their label.

    Attributes:
        pictures: The examples, as they travel.
        labels: The label that copies give each.
    """

    pictures: tuple[Picture, ...]
    labels: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.pictures) <= SAMPLE_LIMIT or len(self.pictures) != len(self.labels):
            raise ValueError(
                f"there are 1 to {SAMPLE_LIMIT} examples with a label each, got {len(self.pictures)} examples and "
                f"{len(self.labels)} labels"
            )

    @property
    def contents(self) -> dict[str, bytes]:
        """The members of the file."""
        return {picture_name("samples", index): picture.png for index, picture in enumerate(self.pictures)}


@dataclass(frozen=True, kw_only=True, eq=False)
class ByViews:
    """UAP fingerprints: a model is judged by its answers to pictures before and after the victim's perturbation.

    Attributes:
        pixels: Pictures before the perturbation, uint8, n c h w.
        index: Row in `pixels` of each point in each view, views x points.
        levels: The perturbation in grey levels, c h w.
        victim: What the victim answered: views x (points, before and after, classes).
        represented: What the encoder makes of the answers of each reference, references x views x features.
        weights: Of the encoder's two layers, as they are called in ARRAYS.
        fooled: Test images whose label the perturbation changes.
        tested: Test images.
        wanted: The share of them that was asked for, 0..1.
        encoder: Settings of the encoder.
        seen: Digests of the models that the encoder was trained on, which it cannot judge.
    """

    pixels: np.ndarray
    index: np.ndarray
    levels: np.ndarray
    victim: np.ndarray
    represented: np.ndarray
    weights: Mapping[str, np.ndarray]
    fooled: int
    tested: int
    wanted: float
    encoder: Mapping[str, Any]
    seen: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            _check_array(name, array)
        self._check_shapes()
        if not 0 <= self.index.min() <= self.index.max() < len(self.pixels):
            raise ValueError(f"index points to picture {self.index.max()}, but there are {len(self.pixels)}")
        if self.pixels.size > PIXEL_LIMIT:
            raise ValueError(f"the pictures have {self.pixels.size} values together, the limit is {PIXEL_LIMIT}")
        if self.victim.min() < 0 or self.victim.max() > 1:
            raise ValueError("victim holds numbers that are no probabilities")
        if not 0 <= self.fooled <= self.tested or self.tested < 1 or not 0 <= self.wanted <= 1:
            raise ValueError(f"{self.fooled} fooled images of {self.tested} are no share, or {self.wanted} is none")
        for model in self.seen:
            if not SHA256.fullmatch(model):
                raise ValueError(f"a model that the encoder saw is 64 hexadecimal digits, got {model!r}")

    def _check_shapes(self) -> None:
        hidden, features, (views, length) = (
            len(self.weights["hidden_bias"]),
            self.represented.shape[2],
            self.victim.shape,
        )
        expected = {
            "levels": self.pixels.shape[1:],
            "victim": (len(self.index), length),
            "represented": (len(self.represented), views, features),
            "hidden_weight": (hidden, length),
            "features_weight": (features, hidden),
            "features_bias": (features,),
        }
        for name, shape in expected.items():
            if self.arrays[name].shape != shape:
                raise ValueError(f"{name} has shape {self.arrays[name].shape}, expected {shape} to go with the others")

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays, by name."""
        return {name: self.weights[name] if name in WEIGHTS else getattr(self, name) for name in ARRAYS}

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """The members of the file."""
        return {array_name(name): array_bytes(array) for name, array in self.arrays.items()}


def array_name(name: str) -> str:
    """Return the name of the member that holds an array."""
    return f"arrays/{name}.npy"


def array_bytes(array: np.ndarray) -> bytes:
    """Return `array` as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def read_array(name: str, content: bytes) -> np.ndarray:
    """Return the array in a .npy file, after checking its header against the length of the file.

    Raises:
        ValueError: It is no such file, or not spelled as we write it.
    """
    member, (kind, axes) = array_name(name), ARRAYS[name]
    buffer = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(buffer)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a header as Python 2 wrote it, which no fingerprint has
            shape, _, dtype = np.lib.format.read_array_header_1_0(buffer)
    except Exception as problem:  # numpy raises several kinds, SyntaxError among them
        raise ValueError(f"{member} is no .npy file: {' '.join(str(problem).split())[:100]}") from problem
    size = len(content) - buffer.tell()
    if version != (1, 0) or dtype.str != kind or len(shape) != axes or min(shape) < 1:
        raise ValueError(f"{member} holds {dtype} of shape {shape}, expected {np.dtype(kind)} with {axes} axes")
    if math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"{member} promises {shape} numbers, but holds {size} bytes of them")
    array = np.frombuffer(content, dtype, offset=buffer.tell()).reshape(shape).copy()
    if array_bytes(array) != content:
        raise ValueError(f"{member} is not spelled as we write it")
    return array


def _check_array(name: str, array: np.ndarray) -> None:
    kind, axes = ARRAYS[name]
    if array.dtype != np.dtype(kind) or array.ndim != axes or not array.size:
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, expected {np.dtype(kind)} with {axes} axes")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} holds numbers that are not finite")
