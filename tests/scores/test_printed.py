"""The digits of a score say how it was rounded."""

import numpy as np
import pytest

from modelprint.oracles.oracle import Answer
from modelprint.scores.printed import FULL, count_bits, count_decimals, read_printed


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("0.10", 2),
        ("0.1", 1),
        ("1", 0),
        ("1.0", 1),
        ("1e-05", 5),
        ("1.5e-3", 4),
        ("12.5e1", 0),
        ("99.5", 1),
        ("0.0000", 4),
        ("0.07000000029802322", 2),
        ("0.10000000149011612", 1),
        ("0.3333333333333333", FULL),
        ("0.09987654", 8),
        ("0.099876543", FULL),
        ("0.123456789", FULL),
    ],
)
def test_decimals_are_counted(text: str, decimals: int) -> None:
    """A rounded float32 that is printed in full counts with the decimals it was rounded to."""
    assert count_decimals(text, float(text)) == decimals


@pytest.mark.parametrize(
    ("value", "bits"),
    [(0.0, 0), (0.5, 1), (-3.0, 2), (0.10009765625, 8), (float(np.float16(0.1)), 11), (float(np.float32(0.1)), 24)],
)
def test_binary_digits_are_counted(value: float, bits: int) -> None:
    """0.10009765625 is the bfloat16 nearest to 0.1."""
    assert count_bits(value) <= bits
    assert bits - count_bits(value) <= 1


def test_an_answer_becomes_classes_and_values() -> None:
    """Unknown labels are left out, and the answer is then not complete."""
    answer = Answer(label=1, ranking=((1, 0.7), (None, 0.2), (0, 0.1)), printed=("0.70", "0.20", "0.10"))

    printed = read_printed(answer, 2)

    assert printed is not None
    assert (printed.classes.tolist(), printed.values.tolist()) == ([1, 0], [0.7, 0.1])
    assert printed.decimals.tolist() == [2, 2]
    assert (printed.count, printed.total, printed.complete) == (3, pytest.approx(1), False)


def test_answers_without_digits_are_read_from_their_numbers() -> None:
    """As those in older transcripts."""
    printed = read_printed(Answer(label=1, ranking=((1, 0.75), (0, 0.25))), 2)

    assert printed is not None
    assert printed.complete
    assert printed.decimals.tolist() == [2, 2]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(label=1),
        Answer(label=1, ranking=((None, 0.5),)),
        Answer(label=1, ranking=((1, 0.5), (1, 0.5))),
        Answer(label=1, ranking=((5, 0.5),)),
        Answer(label=1, ranking=((1, 0.5), (0, 0.5)), printed=("0.5",)),
    ],
)
def test_scores_that_say_nothing_are_none(answer: Answer) -> None:
    """None at all, none of a class, and two of one class."""
    assert read_printed(answer, 2) is None
