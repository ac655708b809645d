"""The figure of times shows the longest parts, and what remains as one bar."""

from modelprint.bench.contents import Timing, part_of_label
from modelprint.bench.time_bars import BARS, longest_parts


def test_what_remains_is_one_bar() -> None:
    """Jobs of one part are added up; the shortest parts come together at the end."""
    timings = [Timing(part=f"suspect {place}", seconds=float(place)) for place in range(1, BARS + 3)]

    bars = longest_parts([*timings, Timing(part="suspect 1", seconds=0.5)])

    assert len(bars) == BARS + 1
    assert (bars[0].name, bars[0].stage, bars[0].seconds) == (f"suspect {BARS + 2}", "suspect", BARS + 2)
    assert (bars[-1].name, bars[-1].stage, bars[-1].seconds) == ("2 others", "others", 1.5 + 2.0)
    assert longest_parts([]) == []


def test_a_part_has_no_seed() -> None:
    """Only the seed at the end goes."""
    assert part_of_label("suspect prune-20, seed 3") == "suspect prune-20"
    assert part_of_label("target digits") == "target digits"
