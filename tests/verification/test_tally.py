"""A tally counts each answer once, decides once, and waits while a permutation may explain everything."""

from pathlib import Path

import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.tally import Tally, find_permutation, start_tally
from modelprint.verification.verdict import Observed, Outcome

TEST = SequentialTest(alpha=0.05, beta=0.01, p0=0.1, p1=0.5)
GOLDEN = Path(__file__).parents[1] / "golden"


def observe(index: int, answer: Answer, expected: int = 0) -> Observed:
    """Return one observation."""
    return Observed(index=index, png_sha256=f"{index:064x}", expected=expected, answer=answer)


def test_answers_are_counted_by_kind() -> None:
    """Ties and missing answers count neither way; a missing one may be asked for again."""
    tally = Tally(test=TEST, class_count=2)

    for index, answer in enumerate([Answer(label=0), Answer(label=1), Answer(label=0, tie=True), Answer(problem="x")]):
        tally.add(observe(index, answer))

    assert (tally.matched, tally.mismatched) == (1, 1)
    assert tally.list_unanswered(range(5)) == [3, 4]
    assert tally.decided is None


def test_a_decision_stands() -> None:
    """Two mismatches cross the bound of 20 at 25; the matches that follow do not take it back."""
    tally = Tally(test=TEST, class_count=2)

    for index, label in enumerate([1, 1, 0, 0, 0, 0]):
        tally.add(observe(index, Answer(label=label)))

    assert tally.decided is Outcome.TAMPERED
    assert tally.crossed
    assert tally.done


def test_a_permutation_delays_the_decision_until_it_is_confirmed() -> None:
    """Every label is one higher: after the shift has repeated five times it is inconclusive, with the map."""
    tally = Tally(test=TEST, class_count=3)

    for index in range(6):
        assert tally.decided is None
        tally.add(observe(index, Answer(label=(index + 1) % 3), expected=index % 3))

    assert tally.decided is Outcome.INCONCLUSIVE
    assert tally.remap == {0: 1, 1: 2, 2: 0}


def test_accepted_releases_share_beta() -> None:
    """Two releases and the protected model share it, when one is accepted; without releases there are no candidates."""
    plain, carrying = (Fingerprint.load(GOLDEN / f"format-{number}.mprint") for number in (1, 2))

    assert start_tally(TEST, plain, ()).candidates is None
    assert start_tally(TEST, carrying, ()).test.beta == 0.01
    assert start_tally(TEST, carrying, ("1.4 (int8)",)).test.beta == pytest.approx(0.01 / 3)


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([], {}),
        ([(0, 1), (1, 0), (0, 1)], {0: 1, 1: 0}),
        ([(0, 1), (0, 2)], None),
        ([(0, 1), (2, 1)], None),
    ],
)
def test_a_permutation_maps_one_to_one(pairs: list[tuple[int, int]], found: dict[int, int] | None) -> None:
    """Same in, same out; different in, different out."""
    assert find_permutation(pairs) == found
