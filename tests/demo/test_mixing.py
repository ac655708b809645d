"""Two fingerprints of one model are mixed in a fixed pattern."""

from dataclasses import replace
from pathlib import Path

from modelprint.demo.mixing import QUERIES, SHARE, mix, select_nearest
from modelprint.fingerprint.integrity import Fingerprint

GOLDEN = Fingerprint.load(Path(__file__).parents[1] / "golden" / "format-1.mprint")


def with_margins(method: str, margins: list[float], floor: float = 0.01) -> Fingerprint:
    """Return a fingerprint by `method` of samples with these margins, all of label 0."""
    samples = tuple(replace(GOLDEN.samples[0], margin=margin, label=0) for margin in margins)
    profile = replace(GOLDEN.profile, floor=floor, multiple=2.0)
    return replace(GOLDEN, samples=samples, profile=profile, provenance=replace(GOLDEN.provenance, method=method))


def test_every_fifth_sample_is_from_the_first_and_the_others_are_the_nearest() -> None:
    """Sixteen smallest margins of the second, four first ones of the first, in places 5, 10, 15 and 20."""
    first = with_margins("misentry", [5.0, 6.0, 7.0, 8.0, 9.0])
    second = with_margins("bisection", [1 + index / 100 for index in reversed(range(40))])

    mixed = mix(first, second)

    margins = [sample.margin for sample in mixed.samples]
    assert len(margins) == QUERIES
    assert margins[SHARE - 1 :: SHARE] == [5.0, 6.0, 7.0, 8.0]
    assert [margin for margin in margins if margin < 5] == [1 + index / 100 for index in range(16)]
    assert mixed.provenance.method == "misentry+bisection"


def test_margins_below_the_larger_noise_floor_are_left_out() -> None:
    """Twice 0.5: the sample of margin 0.9 is too close, whichever fingerprint measured the noise."""
    first = with_margins("misentry", [0.9, 5.0], floor=0.01)
    second = with_margins("bisection", [0.9, 1.5], floor=0.5)

    mixed = mix(first, second)

    assert mixed.profile.floor == 0.5
    assert sorted(sample.margin for sample in mixed.samples) == [1.5, 5.0]


def test_labels_take_turns() -> None:
    """The nearest of each label come before the second nearest of any."""
    sample = GOLDEN.samples[0]
    samples = [replace(sample, label=label, margin=margin) for label, margin in [(0, 1.0), (0, 2.0), (1, 9.0)]]

    assert [one.margin for one in select_nearest(samples, 2)] == [1.0, 9.0]
    assert [one.margin for one in select_nearest(samples, 5)] == [1.0, 9.0, 2.0]
