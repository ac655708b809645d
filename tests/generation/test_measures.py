"""What is refused, stated and warned about after measuring."""

import pytest

from modelprint.calibration.flips import Flips
from modelprint.errors import CraftingError
from modelprint.fingerprint.blocks import FlipCount, TamperingRate
from modelprint.generation.agreement import Agreement
from modelprint.generation.measures import FLIP_RATE, Measured, Measures, summarise
from modelprint.generation.sensitivity import Sensitivity


def seen(flipped: int) -> Sensitivity:
    """Return a tampering that flips some of 100 labels."""
    rate = TamperingRate(tampering="int8 weights", flipped=flipped, samples=100, moved=0.5)
    return Sensitivity(rates=(rate,), absent={"prune 20 %": "RuntimeError: no"})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"controls": -1}, "controls is a number from 0 to 64, got -1"),
        ({"controls": 65}, "controls is a number from 0 to 64, got 65"),
        ({"noise_answers": 99}, "noise_answers is 100 or more"),
        ({"noise_answers": -1}, "noise_answers is 100 or more"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, int], said: str) -> None:
    """Before any work."""
    with pytest.raises(ValueError, match=said):
        Measures(**wrong)


def test_the_blocks_have_the_counts() -> None:
    """The rate of the profile is the bound that belongs to them."""
    measured = Measured(flips=Flips(answers=3000, flips=1), sensitivity=seen(60))

    assert measured.blocks()["honest_flips"] == FlipCount(answers=3000, flips=1, confidence=0.95)
    assert measured.blocks()["sensitivity"] == seen(60).rates
    assert 1 / 3000 < measured.flip_rate < 2e-3
    assert measured.notes() == {"not tried: prune 20 %": "RuntimeError: no"}


def test_without_measurements_the_rates_are_assumed() -> None:
    """The report says so."""
    lines = summarise(Measured(), 20, 0).lines()

    assert (Measured().flip_rate, Measured().expected_flip_rate) == (FLIP_RATE, 0.25)
    assert lines["p0"] == "0.0001, assumed, not measured"
    assert lines["p1"] == "0.25, assumed, no tampering was tried"


def test_a_rate_that_was_given_wins_and_is_recorded() -> None:
    """The counts are in the file all the same."""
    measured = Measured(sensitivity=seen(0), given=0.3)

    measured.check(weak=False)
    assert measured.expected_flip_rate == 0.3
    assert measured.notes()["expected_flip_rate"] == "given by the owner, not measured"
    lines = summarise(measured, 20, 0).lines()
    assert lines["p1"] == "0.3, as given; measured: int8 weights flips 0 of 100"
    assert lines["not tried"] == "prune 20 % (RuntimeError: no)"


def test_a_file_that_sees_too_little_is_refused() -> None:
    """The message has the counts, and what --weak would cost."""
    measured = Measured(sensitivity=seen(3))

    with pytest.raises(CraftingError, match=r"flips 3 of 100 labels, at least 0\.00823 .*takes 9\d answers"):
        measured.check(weak=False)
    measured.check(weak=True)
    assert measured.expected_flip_rate == 0.05


def test_a_file_that_flips_by_itself_is_refused() -> None:
    """Tampering could not be told from serving."""
    with pytest.raises(CraftingError, match="300 of 1000 answers flipped when served honestly"):
        Measured(flips=Flips(answers=1000, flips=300)).check(weak=False)


def test_too_few_samples_are_announced() -> None:
    """For a verdict intact it takes 17, for naming one of two releases 21; with enough there is no warning."""
    measured = Measured(agreement=Agreement(agreed=9, asked=10, classes=2), flips=Flips(answers=3000, flips=0))

    assert summarise(measured, 16, 0).warnings == (
        "warning: there are 16 samples, but a verdict intact takes 17 matching answers; seal at least as many",
    )
    assert summarise(measured, 20, 2).warnings == (
        "warning: there are 20 samples, but naming a release takes 21 matching answers; seal more",
    )
    assert summarise(measured, 21, 2).warnings == ()
    assert summarise(measured, 17, 0).lines()["intact takes"] == "17 matching answers of 17"
