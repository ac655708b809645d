"""Scores that a server makes random, for example as a defence against extraction. Needs no torch.

Two signs are accepted. The same picture, asked again, gets other scores each time, none of them the sealed ones: a
changed model gives the same ones, and where replicas answer in turn they repeat. Or the scores are wrong by many times
the margin on many samples while every label holds: a changed model whose scores move that far flips labels of samples
with such margins, about one of two at least.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from modelprint.scores.deviation import Deviation, read_logs
from modelprint.scores.form import ScoreForm
from modelprint.scores.printed import Printed

REPEATS = 2
"""How often a picture is asked again to see whether its scores are random."""
SPREAD_ANSWERS = 10
"""So many labels that hold although their scores do not: a changed model does that once in a thousand times."""
SPREAD_MARGINS = 10.0
"""A score has to be wrong by so many margins of its sample before the label is expected to flip."""


def vary(answers: Sequence[Printed], form: ScoreForm, reach: float) -> bool:
    """Whether the scores in every two answers about one picture differ by more than honest serving explains.

    Args:
        answers: At least three.
        form: How the server prints scores.
        reach: Largest honest distance of two log-probabilities.
    """
    return len(answers) > REPEATS and all(
        _are_apart(one, other, form, reach) for one, other in combinations(answers, 2)
    )


def _are_apart(one: Printed, other: Printed, form: ScoreForm, reach: float) -> bool:
    if form.scale == "unknown" or sorted(one.classes.tolist()) != sorted(other.classes.tolist()):
        return True
    first, second = read_logs(one, form), read_logs(other, form)
    mine, theirs = np.argsort(one.classes), np.argsort(other.classes)
    gap = np.maximum(first.low[mine] - second.high[theirs], second.low[theirs] - first.high[mine])
    return bool((gap > reach).any())


def moves_scores_alone(found: Sequence[tuple[Deviation, float, bool]], floor: float) -> bool:
    """Whether scores are wrong by many margins on many samples and no label flips.

    Args:
        found: For each sample the deviation of its scores, its margin in logits, and whether its label holds.
        floor: Largest honest change of a log-probability.
    """
    if not all(holds for _, _, holds in found):
        return False
    far = sum(one.largest * floor > SPREAD_MARGINS * margin for one, margin, _ in found)
    return far >= SPREAD_ANSWERS
