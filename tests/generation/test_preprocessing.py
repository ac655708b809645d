"""Labels under other preprocessing are those that a server with that mistake would give."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from modelprint.calibration import Forms
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.generation.preprocessing import PREPROCESSING, choose_preprocessing, label_preprocessed
from modelprint.tensors import to_images

RNG = np.random.default_rng(0)
IMAGENET = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
COLOURED = RNG.integers(0, 256, (3, 3, 8, 8), dtype=np.uint8)


def decoded_jpeg(pixels: np.ndarray) -> np.ndarray:
    """Return an image as a client's JPEG file of quality 90 has it."""
    file = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(file, "JPEG", quality=90)
    return np.asarray(Image.open(file)).transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bgr", COLOURED[:, [2, 1, 0]] / 255),
        ("unit", COLOURED / 255 / 255),
        ("grey", COLOURED.astype(float)),
        ("mean-std", (COLOURED / 255 - 0.5) / 0.5),
        ("half", (COLOURED / 255 - 0.5) / 0.5 * IMAGENET[1] + IMAGENET[0]),
        ("jpeg-90", np.stack([decoded_jpeg(one) for one in COLOURED]) / 255),
    ],
)
def test_each_preprocessing_makes_the_inputs_of_that_mistake(name: str, expected: np.ndarray) -> None:
    """As NumPy or Pillow computes them."""
    np.testing.assert_allclose(PREPROCESSING[name](COLOURED).numpy(), expected, atol=1e-12)


def test_resizing_changes_an_image_without_moving_it() -> None:
    """A ramp stays a ramp; noise is smoothed."""
    ramp = np.arange(8, dtype=np.uint8)[None, None, None].repeat(8, 2) * 20

    np.testing.assert_allclose(PREPROCESSING["resize"](ramp).numpy()[0, 0, :, 1:-1] * 255, ramp[0, 0, :, 1:-1], atol=1)
    assert PREPROCESSING["resize"](COLOURED).var() < (COLOURED / 255).var()


def test_the_labels_are_those_of_the_model_on_these_inputs(tiny_model: Classifier, split: DataSet) -> None:
    """One release for each name that applies; labels below the margin are not sure."""
    pixels = split.test.pixels
    forms = Forms(tiny_model, pixels)

    found = label_preprocessed(("bgr", "mean-std"), forms, pixels, smallest_margin=0.05)

    assert [(one.name, one.preprocessing) for one in found] == [("preprocessing mean-std", "mean-std")]
    logits = tiny_model.double().logits((to_images(pixels, torch.float64) - 0.5) / 0.5)
    gaps = logits.topk(2, dim=1).values
    sure = gaps[:, 0] - gaps[:, 1] >= 0.05
    assert [label is not None for label in found[0].labels] == sure.tolist()
    assert {label for label in found[0].labels if label is not None} <= set(range(4))


def test_a_preprocessing_without_a_sure_label_is_left_out(tiny_model: Classifier, split: DataSet) -> None:
    """Nothing could be compared with it."""
    assert label_preprocessed(("unit",), Forms(tiny_model), split.test.pixels, smallest_margin=1e9) == ()


def test_names_are_chosen_by_a_list() -> None:
    """In the order given, each once; all and none have a word."""
    assert choose_preprocessing("bgr, unit,bgr") == ("bgr", "unit")
    assert choose_preprocessing("all") == tuple(PREPROCESSING)
    assert choose_preprocessing("none") == ()
    with pytest.raises(
        ValueError, match="there is no 'png'; choose among bgr, jpeg-90, resize, unit, grey, mean-std, half"
    ):
        choose_preprocessing("png")
