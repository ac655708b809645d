"""Probabilities of every class or none: of a classifier, of an oracle, and what is refused with its reason."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.errors import OracleError
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer
from modelprint.oracles.recorded import RecordedOracle
from modelprint.ownership.probabilities import ask_probabilities, identify_suspect
from modelprint.pixels import Picture

PIXELS = np.array([0, 51, 255], dtype=np.uint8).reshape(3, 1, 1, 1)


def one_pixel(scale: float = 1.0) -> Classifier:
    """Return a classifier of one-pixel images: logits 0 and `scale` times the grey value in [0, 1]."""
    layer = nn.Linear(1, 2, bias=False)
    layer.weight.data = torch.tensor([[0.0], [scale]])
    return Classifier(nn.Sequential(nn.Flatten(), layer), image_shape=(1, 1, 1), class_count=2, name="one pixel")


class Telling:
    """An oracle that tells the answers it is given, one after the other, and counts."""

    def __init__(self, answer: Callable[[int], Answer]) -> None:
        self.answer, self.asked = answer, 0

    def ask(self, picture: Picture) -> Answer:
        self.asked += 1
        return self.answer(int(picture.pixels.flat[0]))

    def describe(self) -> dict[str, str]:
        return {"kind": "telling"}


def grey(level: int) -> Answer:
    """Return class 1 with the grey value as its probability, best first, as a server would."""
    pairs = [(0, 1 - level / 255), (1, level / 255)]
    return Answer(label=0, ranking=tuple(sorted(pairs, key=lambda pair: -pair[1])))


def test_a_classifier_gives_the_softmax_of_its_logits() -> None:
    """With logits 0 and x, class 1 has 1 / (1 + exp(-x)), in float64; so has an oracle around it."""
    found = ask_probabilities(one_pixel(), PIXELS, 2)

    assert found.dtype == torch.float64
    assert found[:, 1].tolist() == pytest.approx([1 / (1 + math.exp(-x)) for x in (0, 0.2, 1)])
    assert (ask_probabilities(LocalOracle(one_pixel()), PIXELS, 2) == found).all()


def test_scores_of_an_oracle_are_put_in_the_order_of_the_classes() -> None:
    """Whatever comes first in the reply."""
    assert ask_probabilities(Telling(grey), PIXELS, 2)[:, 1].tolist() == pytest.approx([0, 0.2, 1])


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer(problem="timed out"), r"picture 1 of 3: no usable answer \(timed out\)"),
        (Answer(label=1), "answers a label and no scores"),
        (Answer(label=1, ranking=((1, 0.9), (2, 0.1))), "2 scores, but only 1 of them"),
        (Answer(label=1, ranking=((1, 0.9), (None, 0.1))), "2 scores, but only 1 of them"),
        (Answer(label=1, ranking=((1, 0.9), (1, 0.1))), "2 scores, but only 1 of them"),
        (Answer(label=1, ranking=((1, 1.0),)), r"scores for 1 of 2 classes \(missing are 0"),
        (Answer(label=1, ranking=((1, 1.2), (0, -0.2))), "are no probabilities"),
        (Answer(label=1, ranking=((1, 0.6), (0, 0.2))), "are no probabilities"),
    ],
)
def test_what_an_oracle_leaves_out_is_refused(answer: Answer, complaint: str) -> None:
    """With the picture and the reason, and without a further question."""
    oracle = Telling(lambda _: answer)

    with pytest.raises(OracleError, match=complaint):
        ask_probabilities(oracle, PIXELS, 2)

    assert oracle.asked == 1


def test_a_classifier_of_other_images_or_classes_is_refused() -> None:
    """As are no pictures, an unknown kind of scores, and logits that are not finite."""
    with pytest.raises(ValueError, match=r"knows 2 classes; these pictures .* are for 3"):
        ask_probabilities(one_pixel(), PIXELS, 3)
    with pytest.raises(ValueError, match=r"takes images of shape \(1, 1, 1\)"):
        ask_probabilities(one_pixel(), np.zeros((1, 1, 2, 2), dtype=np.uint8), 2)
    with pytest.raises(ValueError, match="there is no picture"):
        ask_probabilities(one_pixel(), PIXELS[:0], 2)
    with pytest.raises(ValueError, match="logits that are not finite"):
        ask_probabilities(one_pixel(math.inf), PIXELS, 2)


def test_answers_of_an_interrupted_run_are_not_asked_for_again(tmp_path: Path) -> None:
    """Stopped in the 251st answer: six more questions, since four of the last ten pictures repeat earlier ones."""
    pixels = (np.arange(260) % 256).astype(np.uint8).reshape(-1, 1, 1, 1)
    stops = Telling(lambda level: grey(level) if stops.asked <= 250 else Answer(problem="gone"))
    goes_on, log = Telling(grey), tmp_path / "answers.jsonl"
    with pytest.raises(OracleError, match="picture 251 of 260"):
        ask_probabilities(RecordedOracle(stops, log), pixels, 2)

    found = ask_probabilities(RecordedOracle(goes_on, log), pixels, 2)

    assert goes_on.asked == 6
    assert (found == ask_probabilities(Telling(grey), pixels, 2)).all()


def test_suspects_are_told_apart() -> None:
    """By weights where there are some, by description elsewhere."""
    assert (
        identify_suspect(one_pixel()) == identify_suspect(LocalOracle(one_pixel())) != identify_suspect(one_pixel(2.0))
    )
    assert identify_suspect(Telling(grey)) == identify_suspect(Telling(grey))
