"""Scores become probabilities in the order of the classes, or are refused."""

import math

import pytest

from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer
from modelprint.ownership.rankings import has_all_scores, read_probabilities


def test_printed_scores_are_ordered_and_made_to_add_up_to_one() -> None:
    """Printed with two decimals they add up to 0.99."""
    rounded = Answer(label=2, ranking=((2, 0.5), (0, 0.33), (1, 0.16)))

    assert read_probabilities(rounded, 3, "probabilities", "here").tolist() == pytest.approx(
        [0.33 / 0.99, 0.16 / 0.99, 0.5 / 0.99]
    )


def test_logits_of_an_oracle_are_taken_when_said_to_be() -> None:
    """Logits 0 and log 3: a quarter and three quarters. Unsaid, they are refused."""
    answer = Answer(label=1, ranking=((1, math.log(3)), (0, 0.0)))

    assert read_probabilities(answer, 2, "logits", "here").tolist() == pytest.approx([0.25, 0.75])
    with pytest.raises(OracleError, match=r'add up to 1.1 are no probabilities; .* \(scores="logits"\)'):
        read_probabilities(answer, 2, "probabilities", "here")


@pytest.mark.parametrize(
    ("ranking", "complete"),
    [
        (((1, 0.9), (0, 0.1)), True),
        (((1, 0.9),), False),
        (((1, 0.9), (1, 0.1)), False),
        (((1, 0.9), (None, 0.1)), False),
        (((1, 0.9), (0, 0.1), (2, 0.0)), False),
    ],
)
def test_an_answer_is_complete_with_one_score_for_each_class(
    ranking: tuple[tuple[int | None, float], ...], complete: bool
) -> None:
    """No class missing, repeated or unknown, and no problem."""
    assert has_all_scores(Answer(label=1, ranking=ranking), 2) is complete
    assert not has_all_scores(Answer(problem="late", ranking=ranking), 2)
