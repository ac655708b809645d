"""The numbers of one picture, as a network wants them."""

import numpy as np
import pytest
from pydantic import ValidationError

from modelprint.errors import EndpointError
from modelprint.oracles.pixel_form import PixelForm
from modelprint.pixels import Picture

PIXELS = np.arange(0, 180, 10, dtype=np.uint8).reshape(3, 2, 3)
PICTURE = Picture.of(PIXELS)
UNIT = PIXELS.astype(np.float32) / np.float32(255)


@pytest.mark.parametrize(
    ("layout", "shape", "place"),
    [
        ("nchw", (1, 3, 2, 3), (0, 2, 1, 0)),
        ("nhwc", (1, 2, 3, 3), (0, 1, 0, 2)),
        ("chw", (3, 2, 3), (2, 1, 0)),
        ("hwc", (2, 3, 3), (1, 0, 2)),
    ],
)
def test_axes_are_in_the_order_of_the_layout(layout: str, shape: tuple[int, ...], place: tuple[int, ...]) -> None:
    """The value in channel 2, row 1, column 0 is found there."""
    form = PixelForm.model_validate({"layout": layout})

    for array in (form.arrange(PICTURE), form.compute(PICTURE) * 255):
        assert array.shape == shape
        assert array[place] == pytest.approx(PIXELS[2, 1, 0])


def test_the_usual_numbers_are_float32_quotients() -> None:
    """As a classifier computes them itself; grey levels stay exact."""
    np.testing.assert_array_equal(PixelForm().compute(PICTURE)[0], UNIT)
    np.testing.assert_array_equal(PixelForm(values="grey").compute(PICTURE)[0], PIXELS.astype(np.float32))


def test_numbers_are_normalised_by_channel() -> None:
    """(x - mean) / std, with one number for all channels or one for each."""
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)

    each = PixelForm(mean=mean, std=std).compute(PICTURE)[0]
    one = PixelForm.model_validate({"mean": 0.5, "std": 0.25}).compute(PICTURE)[0]

    for channel in range(3):
        np.testing.assert_allclose(each[channel], (UNIT[channel] - mean[channel]) / std[channel], rtol=1e-6)
    np.testing.assert_allclose(one, (UNIT - 0.5) / 0.25, rtol=1e-6)
    assert each.dtype == one.dtype == np.float32


def test_colours_are_swapped_before_they_are_normalised() -> None:
    """The mean of blue stands first for a network that takes BGR."""
    form = PixelForm(values="grey", colours="bgr", mean=(103, 116, 123))

    np.testing.assert_array_equal(form.arrange(PICTURE)[0], PIXELS[::-1])
    np.testing.assert_array_equal(form.compute(PICTURE)[0, 0], PIXELS[2].astype(np.float32) - 103)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"mean": [1, 2]}, "one number, or one for each of three channels, got 2"),
        ({"mean": [1, 2, 3], "std": 1}, "mean has 3 numbers and std 1"),
        ({"std": 0}, "greater than 0"),
        ({"std": [1, -1, 1]}, "greater than 0"),
        ({"mean": True}, "valid tuple"),
        ({"mean": float("nan")}, "finite"),
        ({"layout": "cnhw"}, "'nchw'"),
        ({"values": "half"}, "'unit' or 'grey'"),
        ({"colours": "rbg"}, "'rgb' or 'bgr'"),
        ({"size": 3}, "Extra inputs"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(keys: dict[str, object], reason: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValidationError, match=reason):
        PixelForm.model_validate(keys)


def test_a_picture_of_other_channels_is_an_error() -> None:
    """It concerns every picture alike."""
    with pytest.raises(EndpointError, match="given for 3 channels, the picture has 1"):
        PixelForm(mean=(1, 2, 3)).compute(Picture.of(PIXELS[:1]))
