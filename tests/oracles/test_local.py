import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.oracles.local import LocalOracle
from modelprint.pixels import Picture
from modelprint.tensors import to_images


class Fixed(nn.Module):
    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor([logits])

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1)


def answering(*logits: float) -> LocalOracle:
    """Return an oracle whose classifier says `logits` about every picture."""
    return LocalOracle(Classifier(Fixed(*logits), image_shape=(1, 2, 2), class_count=len(logits), name="fixed"))


def grey(*shape: int) -> Picture:
    """Return a black picture."""
    return Picture.of(np.zeros(shape, dtype=np.uint8))


def test_answers_are_the_classifiers_labels(tiny_model: Classifier, tiny_data: LabelledImages) -> None:
    """One picture at a time gives what the classifier says about all of them."""
    oracle = LocalOracle(tiny_model)

    answers = [oracle.ask(Picture.of(pixels)) for pixels in tiny_data.pixels[:12]]

    assert [answer.label for answer in answers] == tiny_model.labels(to_images(tiny_data.pixels[:12])).tolist()
    assert all(answer.usable for answer in answers)


def test_every_logit_is_an_answer_too() -> None:
    """Best first, with the digits that float32 needs."""
    answer = answering(0.25, 1 / 3, -2.0).ask(grey(1, 2, 2))

    assert [index for index, _ in answer.ranking] == [1, 0, 2]
    assert answer.printed == ("0.33333334", "0.25", "-2.0")


def test_two_equal_greatest_logits_are_a_tie() -> None:
    """Equal logits further down are none."""
    assert answering(1.0, 2.0, 2.0).ask(grey(1, 2, 2)).tie
    assert not answering(1.0, 2.0, 1.0).ask(grey(1, 2, 2)).tie


def test_logits_are_compared_as_float32() -> None:
    """Float64 differences below float32's resolution are a tie, as for anyone who serves float32."""
    oracle = answering(1.0, 1.0)
    oracle.model.network.logits = torch.tensor([[1.0, 1.0 + 1e-12]], dtype=torch.float64)

    assert oracle.ask(grey(1, 2, 2)).tie


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_a_problem(value: float) -> None:
    """A broken network gives no label."""
    answer = answering(0.0, value).ask(grey(1, 2, 2))

    assert answer.label is None
    assert answer.problem == "the model's logits are not finite"


def test_a_picture_of_another_shape_is_a_problem() -> None:
    """The message names both shapes."""
    answer = answering(0.0, 1.0).ask(grey(3, 2, 2))

    assert answer.problem == "the model takes images of shape (1, 2, 2), this one has (3, 2, 2)"


def test_a_description_identifies_the_weights(tiny_model: Classifier) -> None:
    """The digest changes with any weight, the name is free."""
    before = LocalOracle(tiny_model, "release").describe()
    with torch.no_grad():
        next(tiny_model.network.parameters()).add_(1e-3)

    after = LocalOracle(tiny_model, "release").describe()

    assert (before["kind"], before["name"]) == ("local", "release")
    assert before["digest"] != after["digest"]
    assert LocalOracle(tiny_model).describe()["name"] == "tiny"
