"""A temperature is found when it explains everything, and nothing else passes as one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.scores.deviation import deviate
from modelprint.scores.form import find_form
from modelprint.scores.printed import Printed
from modelprint.scores.temperature import find_temperature

FLOOR, MULTIPLE = 1e-4, 3.0
Printer = Callable[..., Printed]
Expect = Callable[..., ExpectedScores]
Pictures = list[list[float]]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.75, 4.0])
@pytest.mark.parametrize("write", [repr, lambda value: f"{value:.4f}"])
def test_a_temperature_is_found(
    temperature: float, write: Callable[[float], str], pictures: Pictures, printed: Printer, expected: Expect
) -> None:
    """From full probabilities and from four decimals; with it, no answer deviates any more."""
    answers = [printed([logit / temperature for logit in logits], write) for logits in pictures]
    pairs = list(zip(answers, [expected(logits) for logits in pictures], strict=True))
    form = find_form(answers, 10)
    assert form is not None

    found = find_temperature(pairs, form, FLOOR, MULTIPLE)

    assert found == pytest.approx(temperature, rel=1e-3)
    for answer, sealed in pairs:
        far = deviate(answer, replace(form, temperature=found), sealed, FLOOR)
        assert far is not None
        assert far.largest <= MULTIPLE


def test_another_change_is_no_temperature(pictures: Pictures, printed: Printer, expected: Expect) -> None:
    """Logits that move by a hundredth at random."""
    rng = np.random.default_rng(5)
    answers = [printed((np.array(logits) + rng.normal(size=10) / 100).tolist()) for logits in pictures]
    form = find_form(answers, 10)
    assert form is not None

    assert find_temperature(list(zip(answers, map(expected, pictures), strict=True)), form, FLOOR, MULTIPLE) is None


def test_only_scores_of_all_classes_have_a_temperature(printed: Printer, expected: Expect) -> None:
    """Where some are left out the sum over all is unknown; and without answers there is nothing to explain."""
    answer = printed([2.0, 1.0, 0.0])
    form = find_form([answer], 3)
    assert form is not None

    assert find_temperature([(answer, expected([2.0, 1.0, 0.0], kept=2))], form, FLOOR, MULTIPLE) is None
    assert find_temperature([], form, FLOOR, MULTIPLE) is None
