"""How a served network takes the pixels of a picture: range, normalisation, order of colours and axes."""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from modelprint.errors import EndpointError
from modelprint.pixels import Picture

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "nchw": lambda pixels: pixels[None],
    "nhwc": lambda pixels: pixels.transpose(1, 2, 0)[None],
    "chw": lambda pixels: pixels,
    "hwc": lambda pixels: pixels.transpose(1, 2, 0),
}
"""Axis orders of an input; n is 1."""


def _wrap_number(value: object) -> object:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else value


def _check_length(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) not in (1, 3):
        raise ValueError(f"expected one number, or one for each of three channels, got {len(values)}")
    return values


def _check_positive(values: tuple[float, ...]) -> tuple[float, ...]:
    if min(values) <= 0:
        raise ValueError("a standard deviation is greater than 0")
    return values


PerChannel = Annotated[tuple[float, ...], BeforeValidator(_wrap_number), AfterValidator(_check_length)]
"""One number for all channels, or one for each."""
Deviations = Annotated[PerChannel, AfterValidator(_check_positive)]
"""The same, above zero."""


def check_pair(mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> None:
    """Raise ValueError when one of the two is for all channels and the other for each."""
    if mean is not None and std is not None and len(mean) != len(std):
        raise ValueError(f"mean has {len(mean)} numbers and std {len(std)}, expected as many")


class PixelForm(BaseModel):
    """The numbers of one picture, as a network wants them.

    Attributes:
        layout: Order of the axes.
        values: Grey levels divided by 255 (unit), or grey levels.
        colours: Order of the channels.
        mean: What is subtracted from the values, in the same unit; in the order of `colours`.
        std: What they are divided by afterwards.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    layout: Literal["nchw", "nhwc", "chw", "hwc"] = "nchw"
    values: Literal["unit", "grey"] = "unit"
    colours: Literal["rgb", "bgr"] = "rgb"
    mean: PerChannel | None = None
    std: Deviations | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> "PixelForm":
        check_pair(self.mean, self.std)
        return self

    @property
    def normalises(self) -> bool:
        """Whether the values are shifted or scaled."""
        return self.mean is not None or self.std is not None

    def arrange(self, picture: Picture) -> np.ndarray:
        """Return the grey levels in the order of colours and axes."""
        return np.ascontiguousarray(LAYOUTS[self.layout](self._order_colours(picture)))

    def compute(self, picture: Picture) -> np.ndarray:
        """Return the float32 numbers in the order of colours and axes."""
        numbers = self._order_colours(picture).astype(np.float32) / np.float32(255 if self.values == "unit" else 1)
        for values, apply in ((self.mean, np.subtract), (self.std, np.divide)):
            if values is not None:
                if len(values) not in (1, len(numbers)):
                    raise EndpointError(
                        f"mean and std are given for {len(values)} channels, the picture has {len(numbers)}"
                    )
                numbers = apply(numbers, np.array(values, dtype=np.float32)[:, None, None])
        return np.ascontiguousarray(LAYOUTS[self.layout](numbers))

    def _order_colours(self, picture: Picture) -> np.ndarray:
        return picture.pixels[::-1] if self.colours == "bgr" else picture.pixels
