"""The report of generation, line by line."""

from modelprint.generation.report import GenerationReport


def test_the_summary_has_a_line_for_each_count() -> None:
    """What was crafted, lost and kept can be read off."""
    report = GenerationReport(
        crafted=120,
        given_up=1,
        lost_rounding=2,
        duplicates=3,
        lost_steadiness=4,
        spare=10,
        kept=100,
        rounds=2,
        floor=1.25e-5,
        multiple=3.0,
    )

    assert report.summary().splitlines() == [
        "crafted      120 in 2 round(s)",
        "given up     1 by the method",
        "rounding     2 lost, their label changed at 8 bits",
        "repeated     3 with the pixels of another",
        "steadiness   4 lost, honest serving may change their label",
        "spare        10 steady, but not needed",
        "kept         100, margins at least 3 times the noise floor of 1.25e-05 logits",
    ]


def test_releases_that_no_sample_distinguishes_are_a_warning() -> None:
    """Each pair once, and only where the count is zero."""
    report = GenerationReport(
        **dict.fromkeys(("crafted", "given_up", "lost_rounding", "duplicates", "lost_steadiness", "spare", "kept"), 0),
        rounds=1,
        floor=0.0,
        multiple=3.0,
        separations={"the protected model": {"1.2": 4, "1.3": 0}, "1.2": {"1.3": 2}},
    )

    assert report.warnings == (
        "warning: no sample tells 1.3 from the protected model: a check cannot say which of them answers",
    )
