"""Scores that a server makes random, for example as a defence against extraction. Needs no torch.

Two signs are accepted. Pictures that are asked again get other scores each time, and none of them are the sealed ones:
a changed model gives the same ones, and where two replicas answer in turn they repeat, or one of them is intact. Or the
scores are wrong by many times the margin on many samples while every label holds: a changed model whose scores move
that far flips labels of samples with such margins, about one of two at least.
"""

from collections.abc import Sequence

import numpy as np

from modelprint.scores.deviation import Deviation, read_logs
from modelprint.scores.form import ScoreForm
from modelprint.scores.printed import Printed

FEWEST_PAIRS = 3
"""How many pictures have to be asked again: two replicas differ on all of them once in eight times."""
SPREAD_ANSWERS = 10
"""So many labels that hold although their scores do not: a changed model does that once in a thousand times."""
SPREAD_MARGINS = 10.0
"""A score has to be wrong by so many margins of its sample before the label is expected to flip."""


def differ_in_pairs(pairs: Sequence[tuple[Printed, Printed, bool]], form: ScoreForm, reach: float) -> bool:
    """Whether pictures that were asked again got other scores, by more than honest serving explains.

    Args:
        pairs: Two answers about each picture, the first of them wrong, and whether the second is wrong too.
        form: How the server prints scores.
        reach: Largest honest distance of two log-probabilities.
    """
    return len(pairs) >= FEWEST_PAIRS and all(
        wrong and are_apart(one, again, form, reach) for one, again, wrong in pairs
    )


def are_apart(one: Printed, other: Printed, form: ScoreForm, reach: float) -> bool:
    """Whether two answers about one picture cannot be the same scores, served twice."""
    if form.scale == "unknown" or sorted(one.classes.tolist()) != sorted(other.classes.tolist()):
        return one.classes.tolist() != other.classes.tolist()
    first, second = read_logs(one, form), read_logs(other, form)
    mine, theirs = np.argsort(one.classes), np.argsort(other.classes)
    gap = np.maximum(first.low[mine] - second.high[theirs], second.low[theirs] - first.high[mine])
    return bool((gap > reach).any())


def moves_scores_alone(
    found: Sequence[tuple[Deviation, float, bool]], floor: float, *, enough: int = SPREAD_ANSWERS
) -> bool:
    """Whether scores are wrong by many margins on many samples and no label flips.

    Args:
        found: For each sample the deviation of its scores, its margin in logits, and whether its label holds.
        floor: Largest honest change of a log-probability.
        enough: How many samples are many.
    """
    if not all(holds for _, _, holds in found):
        return False
    return sum(one.largest * floor > SPREAD_MARGINS * margin for one, margin, _ in found) >= enough
