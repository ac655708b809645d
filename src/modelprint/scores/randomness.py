"""Scores that a server makes random, for example as a defence against extraction. Needs no torch.

Two signs are accepted. Pictures that are asked again get other scores each time, and none of them are the sealed ones:
a changed model gives the same ones, and where two replicas answer in turn they repeat, or one of them is intact. Or the
leads of the labels are wrong by many times the margin on many samples while every label holds: a change of the model
that moves a lead so far flips the label as often as not.
"""

from collections.abc import Sequence

import numpy as np

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.scores.deviation import expected_logs, read_logs
from modelprint.scores.form import ScoreForm
from modelprint.scores.printed import Printed

FEWEST_PAIRS = 2
"""How many pictures have to be asked again: two changed replicas in turn differ on both once in four times."""
SPREAD_ANSWERS = 10
"""So many labels that hold although their scores do not: a changed model does that once in a thousand times."""
SPREAD_MARGINS = 10.0
"""The lead of a label has to be wrong by so many margins before the label is expected to flip half of the time."""


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
        return bool(one.classes.tolist() != other.classes.tolist())
    first, second = read_logs(one, form), read_logs(other, form)
    mine, theirs = np.argsort(one.classes), np.argsort(other.classes)
    gap = np.maximum(first.low[mine] - second.high[theirs], second.low[theirs] - first.high[mine])
    return bool((gap > reach).any())


def measure_lead(printed: Printed, form: ScoreForm, expected: ExpectedScores, label: int) -> float | None:
    """Return how far a label's lead over all other printed classes is from the sealed one, in logits at least.

    Args:
        printed: The scores in an answer.
        form: How the server prints scores.
        expected: The sealed scores of the picture.
        label: The sealed label.

    Returns:
        None where the lead cannot be compared.
    """
    own = printed.classes == label
    if form.scale == "unknown" or not own.any() or own.all():
        return None
    seen = read_logs(printed, form)
    low, high = expected_logs(expected, printed.classes, form.temperature)
    least, most = seen.low[own][0] - seen.high[~own].max(), seen.high[own][0] - seen.low[~own].max()
    sealed = low[own][0] - high[~own].max()
    return float(max(least - sealed, sealed - most, 0.0))


def moves_scores_alone(found: Sequence[tuple[float, float, bool]], *, enough: int = SPREAD_ANSWERS) -> bool:
    """Whether the leads of labels are wrong by many margins on many samples, and no label flips.

    Args:
        found: For each sample how far its lead is from the sealed one, its margin, and whether its label holds.
        enough: How many samples are many.
    """
    if not all(holds for _, _, holds in found):
        return False
    return sum(moved > SPREAD_MARGINS * margin for moved, margin, _ in found) >= enough
