"""The cosine transform and its high-pass filter, against SciPy and by hand."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from modelprint.crafting.frequency import dct, high_pass, high_pass_mask, inverse_dct


def images(height: int, width: int) -> torch.Tensor:
    """Return two images of three channels, in float64."""
    return torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (5, 12), (32, 32)])
def test_the_transform_is_that_of_scipy(height: int, width: int) -> None:
    """Orthonormal DCT-II over the last two axes, also of images that are not square."""
    x = images(height, width)

    expected = dctn(x.numpy(), type=2, axes=(2, 3), norm="ortho")

    np.testing.assert_allclose(dct(x).numpy(), expected, atol=1e-12)


def test_the_inverse_gives_the_images_back() -> None:
    """In float64 to rounding; lengths stay, since the transform only turns."""
    x = images(7, 9)

    assert torch.allclose(inverse_dct(dct(x)), x, atol=1e-13)
    assert dct(x).norm().item() == pytest.approx(x.norm().item(), rel=1e-12)
    assert inverse_dct(dct(x.float())).dtype == torch.float32


def test_the_mask_keeps_the_mean_and_what_is_above_the_band() -> None:
    """With band 2 the five entries with 1 <= i + j <= 2 go."""
    expected = [[1, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]]

    assert high_pass_mask(3, 4, 2).int().tolist() == expected


@pytest.mark.parametrize(("side", "band", "zeros"), [(32, 0, 0), (32, 1, 2), (32, 2, 5), (32, 3, 9), (224, 20, 230)])
def test_so_many_frequencies_go(side: int, band: int, zeros: int) -> None:
    """(band + 1)(band + 2) / 2 - 1, which is 230 of 224 x 224 for band 20."""
    assert int((~high_pass_mask(side, side, band)).sum()) == zeros


def test_the_filter_takes_a_slow_wave_and_leaves_a_fast_one() -> None:
    """A sum of one cosine within the band, one above it and a grey level loses the first alone."""
    slow, fast = torch.zeros(1, 1, 8, 8, dtype=torch.float64), torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    slow[0, 0, 1, 1], fast[0, 0, 0, 3] = 1.0, 1.0
    slow, fast = inverse_dct(slow), inverse_dct(fast)

    filtered = high_pass(0.5 + slow + fast, 2)

    assert torch.allclose(filtered, 0.5 + fast, atol=1e-14)


def test_filtering_twice_is_filtering_once() -> None:
    """It is a projection; band 0 changes nothing."""
    x = images(8, 8)

    assert torch.allclose(high_pass(high_pass(x, 3), 3), high_pass(x, 3), atol=1e-13)
    assert torch.allclose(high_pass(x, 0), x, atol=1e-13)
