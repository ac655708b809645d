"""An answer is usable or not; oracles are told apart by their weights or by their description."""

import pytest

from modelprint.classifier import Classifier
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer, KnownModel, Oracle, identify
from modelprint.pixels import Picture


class Described:
    """An oracle that is nothing but its description."""

    def __init__(self, **description: str) -> None:
        self.description = description

    def ask(self, picture: Picture) -> Answer:
        return Answer()

    def describe(self) -> dict[str, str]:
        return self.description


@pytest.mark.parametrize(
    ("answer", "usable"),
    [(Answer(label=0), True), (Answer(label=0, tie=True), False), (Answer(problem="late"), False), (Answer(), False)],
)
def test_an_answer_is_usable_with_one_label(answer: Answer, usable: bool) -> None:
    """A tie or a problem is an answer, and never a match or a mismatch."""
    assert answer.usable is usable


def test_oracles_are_identified_by_description_whatever_its_order() -> None:
    """64 hexadecimal digits; another value is another oracle."""
    first, second = Described(kind="http", url="https://a"), Described(url="https://a", kind="http")

    assert isinstance(first, Oracle)
    assert not isinstance(first, KnownModel)
    assert len(identify(first)) == 64
    assert identify(first) == identify(second) != identify(Described(kind="http", url="https://b"))


def test_a_known_model_is_identified_by_its_weights(tiny_model: Classifier) -> None:
    """Whatever it is called, and what does not fit it is refused before it is asked."""
    oracle = LocalOracle(tiny_model, name="any")

    assert isinstance(oracle, KnownModel)
    assert identify(oracle) == tiny_model.digest()
    oracle.check_fit(tiny_model.image_shape, tiny_model.class_count, "these pictures")
    with pytest.raises(ValueError, match=r"these pictures have shape .* and are for 7"):
        oracle.check_fit(tiny_model.image_shape, 7, "these pictures")
