"""What observations add up to, on cases known by hand."""

from collections.abc import Callable

import pytest

from modelprint.bench.ownership.examples import mean_score
from modelprint.bench.ownership.observation import OWN, PLAIN, OwnershipObservation
from modelprint.bench.ownership.scores import (
    bootstrap,
    example_score,
    find_comparisons,
    outcome_counts,
    overlap,
    select_counted,
    separation,
    verdicts,
    welch_p_values,
)
from modelprint.ownership import Claim, Judge, Separation

Found = Callable[..., OwnershipObservation]


def test_learners_and_missed_goals_are_not_counted(found: Found) -> None:
    """Neither as copies nor as others."""
    some = [
        found("extract-labels", 0.9),
        found("extract-labels", 0.1, in_training=True),
        found("extract-labels", 0.2, goal_reached=False),
        found("homologous-0", 0.3),
        found("homologous-0", 0.8, in_training=True),
        found("prune-80-retrained", 0.7),
    ]

    near, far = separation(some, OWN), separation(some, OWN, ("derived",))
    assert near is not None and far is not None
    assert (near.copies, near.others) == (pytest.approx((0.9,)), pytest.approx((0.3,)))
    assert far.copies == pytest.approx((0.7,))
    assert [one.family for one in select_counted(some)] == ["extracted", "unrelated", "derived"]
    assert find_comparisons(some) == (OWN, PLAIN)
    assert separation(some[:3], OWN) is None


def test_the_bootstrap_knows_both_ends() -> None:
    """1 to 1 where all are told apart; around a half where they are mixed."""
    assert bootstrap(Separation(copies=(0.8, 0.9), others=(0.1, 0.2))) == (1.0, 1.0)
    low, high = bootstrap(Separation(copies=(0.1, 0.9) * 10, others=(0.2, 0.8) * 10))
    assert 0.2 < low < 0.5 < high < 0.8


def test_each_is_judged_by_the_others(found: Found) -> None:
    """Of four unrelated models the most similar is accused at a quarter, and copies above all of them are claimed."""
    others = [found("homologous-0", 0.1 * rank, seed=rank) for rank in range(1, 5)]
    copies = [found("extract-labels", 0.9 - 0.2 * rank, seed=rank) for rank in range(4)]
    copies.append(found("prune-80-retrained", 0.2))

    said = verdicts([*others, *copies], Judge(alpha=0.25, beta=0.25))

    assert [said[one.key].outcome == Claim.COPY for one in others] == [False, False, False, True]
    assert [said[one.key].outcome == Claim.COPY for one in copies] == [True, True, True, False, False]
    assert said[copies[4].key].outcome == Claim.UNRELATED
    counts = outcome_counts([*others, *copies], said, lambda one: one.family)
    assert counts["unrelated"][Claim.COPY] == 1
    assert counts["extracted"][Claim.COPY] == 3


def test_too_few_references_are_refused(found: Found) -> None:
    """With the number that is needed."""
    some = [found("homologous-0", 0.1, seed=1), found("extract-labels", 0.9)]

    with pytest.raises(ValueError, match="needs at least 19 unrelated models"):
        verdicts(some, Judge())


def test_views_make_a_test_far_surer_than_models(found: Found) -> None:
    """The most similar of three unrelated models is accused beyond doubt."""
    views = {"homologous-0": [0.2] * 9 + [0.21], "top": [0.4] * 9 + [0.41]}
    others = [found("homologous-0", 0.2, seed=n, similarities={OWN: views["homologous-0"]}) for n in (1, 2)]
    top = found("homologous-0", 0.4, seed=3, similarities={OWN: views["top"]})

    assert welch_p_values([*others, top])[top.key] < 1e-4


def test_the_curve_over_the_overlap(found: Found) -> None:
    """Of the victim's architecture alone, with the correlation of ranks."""
    some = [
        found("homologous-0", 0.2 + share / 2, settings={"overlap": share, "network": ""}) for share in (0.0, 0.5, 0.9)
    ]
    other = found("homologous-cnn3", 0.9, settings={"overlap": 0.0, "network": "cnn3"})

    curve = overlap([*some, other])

    assert curve is not None
    assert list(curve.shares) == [0.0, 0.5, 0.9]
    assert curve.shares[0.0] == pytest.approx((0.2,))
    assert curve.correlation == pytest.approx(1)
    assert overlap(some[:1]) is None


def test_examples_are_scored_as_the_paper_does(found: Found) -> None:
    """Robustness minus transferability by ratio; the most agreeing of five others is a false claim at a quarter."""
    others = [found("homologous-0", 0.1, seed=n, kept={"x": 10 * n}) for n in range(1, 5)]
    learnt = found("homologous-0", 0.1, seed=9, kept={"x": 5}, in_training=True)
    foreign = found("homologous-cnn3", 0.1, kept={"x": 100}, settings={"network": "cnn3"})
    pruned = [found(f"prune-{ratio}-retrained", 0.9, kept={"x": count}) for ratio, count in ((80, 100), (90, 40))]
    stolen = found("extract-labels", 0.9, kept={"x": 15})

    score = example_score([*others, learnt, foreign, *pruned, stolen], "x", 100, alpha=0.25)

    assert score is not None
    assert score.transfer.counts == (10, 20, 30, 40, 5)
    assert {ratio: round(one.score, 3) for ratio, one in score.by_ratio.items()} == {80: 0.79, 90: 0.19}
    assert mean_score(score) == pytest.approx(0.49)
    assert score.false == (1, 5)
    assert score.claimed == {"derived": (1, 2), "extracted": (0, 1)}
    assert example_score([*others], "y", 100, alpha=0.25) is None
