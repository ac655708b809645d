"""A local classifier that answers as it would be served in a named precision."""

import numpy as np
import pytest
import torch

from modelprint.calibration import PRECISIONS
from modelprint.calibration.serving import serve_in
from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.errors import LoadingError
from modelprint.pixels import Picture
from modelprint.tensors import to_images

PLAIN = sorted(set(PRECISIONS) - {"int8"})


@pytest.mark.parametrize("precision", PLAIN)
def test_labels_are_those_of_the_precision(precision: str, tiny_model: Classifier, tiny_data: LabelledImages) -> None:
    """One image at a time; the classifier stays as it was, and the description says the precision."""
    before = tiny_model.digest()
    oracle = serve_in(tiny_model, precision)

    labels = [oracle.ask(Picture.of(pixels)).label for pixels in tiny_data.pixels[:8]]

    own = tiny_model.labels(to_images(tiny_data.pixels[:8])).tolist()
    assert sum(label == other for label, other in zip(labels, own, strict=True)) >= 6
    assert oracle.describe()["precision"] == precision
    assert oracle.model_digest() == before == tiny_model.digest()


def test_bfloat16_ties(tiny_model: Classifier) -> None:
    """Equal logits in the served type are a tie: here all of them, when the last layer is nearly zero."""
    weight = tiny_model.head.weight.data
    weight.zero_()
    tiny_model.head.bias.data = torch.tensor([1.0, 1.0001, 0.0, 0.0])

    black = Picture.of(np.zeros(tiny_model.image_shape, dtype=np.uint8))

    assert serve_in(tiny_model, "bf16").ask(black).tie
    assert not serve_in(tiny_model, "fp32").ask(black).tie


def test_what_cannot_be_served_is_refused(tiny_model: Classifier) -> None:
    """An unknown precision, and int8 without images to take ranges from."""
    with pytest.raises(ValueError, match="there is no precision 'fp8'; choose one of fp32"):
        serve_in(tiny_model, "fp8")
    with pytest.raises(
        LoadingError, match="cannot be computed in int8 here: CraftingError: there are no natural images"
    ):
        serve_in(tiny_model, "int8")
