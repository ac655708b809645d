"""What observations add up to: how well copies are separated from other models, and the verdict on each.

Encoders were trained on some suspects, which are neither judged nor references. An extraction that missed its goal is
shown and not counted. Each unrelated model is judged by all others, each copy by all of them.

Intervals of an AUC are two: of B. Efron's bootstrap over models, the usual one, which is 1 to 1 where all copies
are above all others, and the one of `Separation`, which holds for any distribution and is wide.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from modelprint.bench.ownership.observation import MATCHED, OWN, PLAIN, SIBLING, OwnershipObservation
from modelprint.intervals import LEVEL
from modelprint.ownership import Agreement, Claim, Judge, OwnershipVerdict, Separation, Uniqueness
from modelprint.ownership.decision import rank_p_value, welch_p_value

COMPARISONS = (OWN, MATCHED, SIBLING, PLAIN)
OTHERS_COPY = "another's copy"
FAMILIES = ("victim", "derived", "extracted", OTHERS_COPY, "unrelated")
RATIOS = (80, 90, 95)
"""Per cent of the weights that the copies of the C-examples' paper lost."""
DRAWS = 2000
"""Of the bootstrap."""
WELCH = 1e-4
"""Level of the paper's kind of test: its confidence of 99.99 %."""


def select_counted(observations: Sequence[OwnershipObservation], family: str = "") -> list[OwnershipObservation]:
    """Return the suspects that are judged, of one family or of all."""
    return [
        one for one in observations if not one.in_training and one.goal_reached and (not family or one.family == family)
    ]


def find_comparisons(observations: Sequence[OwnershipObservation]) -> tuple[str, ...]:
    """Return what similarities there are by, the victim's own encoder first."""
    return tuple(by for by in COMPARISONS if any(by in one.similarities for one in observations))


def separation(
    observations: Sequence[OwnershipObservation], by: str, families: Sequence[str] = ("extracted",)
) -> Separation | None:
    """Return the similarities of copies of these families and of unrelated models; None where either is missing."""
    copies = tuple(one.similarity(by) for family in families for one in select_counted(observations, family))
    others = tuple(one.similarity(by) for one in select_counted(observations, "unrelated"))
    return Separation(copies=copies, others=others) if copies and others else None


def bootstrap(found: Separation, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of the AUC when copies and others are drawn again, each among themselves."""
    rng = np.random.default_rng(0)
    copies, others = np.array(found.copies), np.array(found.others)
    above = np.sign(copies[:, None] - others[None, :]) / 2 + 0.5
    areas = [
        above[rng.integers(len(copies), size=len(copies))][:, rng.integers(len(others), size=len(others))].mean()
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(areas, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def verdicts(observations: Sequence[OwnershipObservation], judge: Judge, by: str = OWN) -> dict[str, OwnershipVerdict]:
    """Return the verdict on each suspect that is counted, by key.

    References are all other unrelated models and, for the verdict unrelated, all other extracted ones.

    Raises:
        ValueError: There are too few of either for the rates asked for.
    """
    found = {}
    for one in select_counted(observations):
        others, copies = (
            [_mean(other, by) for other in select_counted(observations, family) if other.key != one.key]
            for family in ("unrelated", "extracted")
        )
        found[one.key] = judge.judge(_mean(one, by), others, copies)
    return found


def welch_p_values(observations: Sequence[OwnershipObservation], by: str = OWN) -> dict[str, float]:
    """Return the p-value of the paper's kind of test, between views, of each suspect that is counted."""
    unrelated = select_counted(observations, "unrelated")
    return {
        one.key: welch_p_value(_views(one, by), [_views(other, by) for other in unrelated if other.key != one.key])
        for one in select_counted(observations)
        if not one.control
    }


def _views(one: OwnershipObservation, by: str) -> np.ndarray:
    return np.array(one.similarities[by], dtype=np.float32)


def _mean(one: OwnershipObservation, by: str) -> np.ndarray:
    return np.array([one.similarity(by)])


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Similarity of unrelated models of the victim's architecture, by how many of its images they share.

    Attributes:
        shares: Overlap -> similarities.
        correlation: Spearman's, over all of these models; 0 where it is not defined.
        p_value: Of no correlation at all.
    """

    shares: Mapping[float, tuple[float, ...]]
    correlation: float
    p_value: float


def overlap(observations: Sequence[OwnershipObservation], by: str = OWN) -> Overlap | None:
    """Return the curve; None with fewer than two shares."""
    some = [(one.overlap, one.similarity(by)) for one in select_counted(observations, "unrelated") if not one.network]
    known = [(share, value) for share, value in some if share is not None]
    shares = sorted({share for share, _ in known})
    if len(shares) < 2 or len({value for _, value in known}) < 2:
        return None
    found = spearmanr([share for share, _ in known], [value for _, value in known])
    return Overlap(
        shares={share: tuple(value for other, value in known if other == share) for share in shares},
        correlation=float(found.statistic),
        p_value=float(found.pvalue),
    )


@dataclass(frozen=True, kw_only=True)
class ExampleScore:
    """What C-examples of one setting say.

    Attributes:
        name: In the plan.
        examples: How many there are.
        transfer: Of unrelated models of the victim's architecture.
        by_ratio: Per cent of the weights that were pruned -> uniqueness.
        claimed: Family -> models that are claimed at the judge's level, of how many.
        false: Of the unrelated models, those that are claimed when the others judge.
    """

    name: str
    examples: int
    transfer: Agreement
    by_ratio: Mapping[int, Uniqueness]
    claimed: Mapping[str, tuple[int, int]]
    false: tuple[int, int]


def example_score(
    observations: Sequence[OwnershipObservation], name: str, examples: int, alpha: float
) -> ExampleScore | None:
    """Return what C-examples say; None where there are none, or no model to ask.

    A model that the encoder was trained on counts here, since C-examples do not depend on encoders.
    """
    asked = [one for one in observations if one.goal_reached and name in one.kept]
    others = [one.kept[name] for one in asked if one.family == "unrelated" and not one.network]
    if not examples or not others:
        return None
    transfer = Agreement(counts=tuple(others), examples=examples)
    by_ratio = {}
    for ratio in RATIOS:
        counts = tuple(one.kept[name] for one in asked if one.kind == f"prune-{ratio}-retrained")
        if counts:
            robust = Agreement(counts=counts, examples=examples)
            by_ratio[ratio] = Uniqueness(robustness=robust, transferability=transfer)
    claimed = {
        family: (sum(_is_claimed(one.kept[name], others, examples, alpha) for one in some), len(some))
        for family in ("derived", "extracted")
        if (some := [one for one in asked if one.family == family])
    }
    false = sum(
        _is_claimed(count, others[:place] + others[place + 1 :], examples, alpha) for place, count in enumerate(others)
    )
    return ExampleScore(
        name=name,
        examples=examples,
        transfer=transfer,
        by_ratio=by_ratio,
        claimed=claimed,
        false=(false, len(others)),
    )


def _is_claimed(count: int, others: Sequence[int], examples: int, alpha: float) -> bool:
    return bool(others) and rank_p_value(count / examples, [other / examples for other in others]) <= alpha


def outcome_counts(
    observations: Sequence[OwnershipObservation],
    found: Mapping[str, OwnershipVerdict],
    of: Callable[[OwnershipObservation], str],
) -> dict[str, dict[Claim, int]]:
    """Return how often each verdict was reached, by what `of` returns for an observation, in their order."""
    counts: dict[str, dict[Claim, int]] = {}
    for one in select_counted(observations):
        if one.key in found:
            group = counts.setdefault(of(one), dict.fromkeys(Claim, 0))
            group[found[one.key].outcome] += 1
    return counts


def gaps_by_family(observations: Sequence[OwnershipObservation]) -> dict[str, tuple[int, list[float]]]:
    """Return by family how many models there are, and the gaps of all of them."""
    found = {}
    for family in FAMILIES:
        some = [one for one in observations if one.family == family and one.gaps]
        if some:
            found[family] = (len(some), [gap for one in some for gap in one.gaps])
    return found
