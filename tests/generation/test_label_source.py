"""The labels of an oracle: asked once, counted, and recorded."""

from pathlib import Path

import numpy as np
import pytest

from modelprint.errors import OracleError
from modelprint.generation.label_source import UNSTEADY, LabelSource
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture, Pixels

TWO: Pixels = np.array([[[[10]]], [[[20]]]], dtype=np.uint8)


class GreyOracle:
    """Answers with the grey level divided by ten."""

    def __init__(self, name: str = "grey", tie: bool = False) -> None:
        self.name, self.tie, self.asked = name, tie, 0

    def ask(self, picture: Picture) -> Answer:
        self.asked += 1
        return Answer(label=int(picture.pixels[0, 0, 0]) // 10, tie=self.tie)

    def describe(self) -> dict[str, str]:
        return {"kind": self.name}


def test_a_picture_is_asked_about_once() -> None:
    """Two pictures, asked for three times over, are two questions."""
    oracle = GreyOracle()
    labels = LabelSource(oracle, class_count=3, limit=None, record=None)

    found = [labels(TWO).tolist() for _ in range(3)]

    assert found == [[1, 2]] * 3
    assert labels.asked == oracle.asked == 2


def test_a_question_can_be_repeated_and_a_tie_is_unsteady() -> None:
    """`ask_again` asks in any case."""
    steady, tied = (LabelSource(GreyOracle(tie=tie), 3, None, None) for tie in (False, True))
    picture = Picture.of(TWO[0])

    assert [steady.ask_again(picture) for _ in range(2)] == [1, 1]
    assert steady.asked == 2
    assert tied.ask_again(picture) == UNSTEADY
    assert tied(TWO[:1]).tolist() == [1]  # while crafting, one of the tied classes is a label


def test_answers_are_read_again_from_the_record(tmp_path: Path) -> None:
    """By the same oracle; a line that was cut off is ignored."""
    record = tmp_path / "answers.jsonl"
    LabelSource(GreyOracle(), 3, None, record)(TWO)
    with record.open("a") as file:
        file.write('{"kind": "ans')
    oracle = GreyOracle()

    labels = LabelSource(oracle, 3, None, record)

    assert labels(TWO).tolist() == [1, 2]
    assert (labels.asked, labels.recalled, oracle.asked) == (0, 2, 0)


def test_answers_of_another_oracle_are_refused(tmp_path: Path) -> None:
    """They may be another model's; the message says what to do, and nothing is asked."""
    record = tmp_path / "answers.jsonl"
    LabelSource(GreyOracle(), 3, None, record)(TWO)

    with pytest.raises(OracleError, match=r"belongs to another oracle.*delete this file to ask again"):
        LabelSource(GreyOracle("other"), 3, None, record)


def test_no_more_is_asked_than_allowed() -> None:
    """One question for two pictures."""
    labels = LabelSource(GreyOracle(), class_count=3, limit=1, record=None)

    with pytest.raises(OracleError, match=r"all 1 questions that were allowed are asked$"):
        labels(TWO)


def test_a_label_that_is_no_class_is_asked_for_three_times() -> None:
    """Then the work ends; the message has the label and the number of classes."""
    oracle = GreyOracle()

    with pytest.raises(OracleError, match="no label in 3 questions about one picture: class 1 of 1"):
        LabelSource(oracle, class_count=1, limit=None, record=None)(TWO)

    assert oracle.asked == 3
