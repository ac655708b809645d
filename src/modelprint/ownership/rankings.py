"""From the scores in one answer to the probability of every class. Needs no torch.

A comparison of probabilities is only valid where none of them is made up. So whatever is missing is refused: classes
without a score, scores that are no probabilities, no answer at all.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float64

from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer

Scores = Literal["probabilities", "logits"]
"""What the scores of an oracle are."""
ClassProbabilities = Float64[np.ndarray, " classes"]

SLACK = 0.05
"""How far printed probabilities may be from adding up to 1: ten of them with two decimals."""


def has_all_scores(answer: Answer, class_count: int) -> bool:
    """Whether an answer has one score for each of so many classes."""
    return answer.problem is None and sorted(-1 if index is None else index for index, _ in answer.ranking) == list(
        range(class_count)
    )


def read_probabilities(answer: Answer, class_count: int, scores: Scores, place: str) -> ClassProbabilities:
    """Return the probability of every class in one answer.

    Args:
        answer: What the oracle answered.
        class_count: How many classes there have to be.
        scores: What its scores are.
        place: Which picture this is, for messages.

    Raises:
        OracleError: There is no answer, a class is missing, unknown or scored twice, or scores are no probabilities.
    """
    if answer.problem is not None:
        raise OracleError(f"{place}: no usable answer ({answer.problem}); a missing answer is not evidence, ask again")
    if not answer.ranking:
        raise OracleError(
            f"{place}: the oracle answers a label and no scores; this comparison needs the probability of every class, "
            "C-examples need labels only"
        )
    known = {index: score for index, score in answer.ranking if index is not None and 0 <= index < class_count}
    if len(known) < len(answer.ranking):
        raise OracleError(
            f"{place}: {len(answer.ranking)} scores, but only {len(known)} of them are for different classes; check "
            f"the label map, and that the oracle knows the same {class_count} classes"
        )
    if len(known) < class_count:
        missing = ", ".join(map(str, sorted(set(range(class_count)) - known.keys())[:5]))
        raise OracleError(
            f"{place}: scores for {len(known)} of {class_count} classes (missing are {missing}, ...); this comparison "
            "needs all of them"
        )
    values = np.array([known[index] for index in range(class_count)])
    return _softmax(values) if scores == "logits" else _normalise(values, place)


def _softmax(logits: ClassProbabilities) -> ClassProbabilities:
    powers = np.exp(logits - logits.max())
    shares: ClassProbabilities = powers / powers.sum()
    return shares


def _normalise(values: ClassProbabilities, place: str) -> ClassProbabilities:
    total = float(values.sum())
    if values.min() < 0 or abs(total - 1) > SLACK:
        raise OracleError(
            f"{place}: scores from {values.min():.3g} on that add up to {total:.3g} are no probabilities; if they are "
            'logits, say so (scores="logits")'
        )
    return values / total
