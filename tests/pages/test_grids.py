"""Numbers are written the way people read them, and whatever a file holds becomes one line."""

import pytest

from modelprint.pages.grids import duration, format_value, mean, number, percent, points, two_digits


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0"), (2.44e-5, "2.4e-05"), (0.0123, "0.012"), (0.25, "0.25"), (13.6, "14")],
)
def test_two_digits_count(value: float | None, text: str) -> None:
    """Distances span ten powers of ten."""
    assert two_digits(value) == text


def test_rates_are_per_cent_and_differences_points() -> None:
    """With a sign where there can be two."""
    assert [percent(0.684), percent(0.0247, 2), percent(None)] == ["68.4", "2.47", "-"]
    assert [points(-0.169), points(0.29)] == ["-16.9", "+29.0"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.23, "1.2 s"), (90.0, "1.5 min"), (3599.0, "60.0 min"), (3600.0, "1 h 00 min"), (9000.0, "2 h 30 min")],
)
def test_times_are_in_words(seconds: float, text: str) -> None:
    """Seconds, minutes, hours."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ({}, "-"),
        (True, "yes"),
        (0, "0"),
        (0.91731, "0.9173"),
        ("text", "text"),
        ({"zoo": ["a", "b"], "steps": 20}, "zoo a, b, steps 20"),
    ],
)
def test_anything_is_one_line(value: object, text: str) -> None:
    """Settings and versions of any shape."""
    assert format_value(value) == text


def test_numbers_are_told_from_what_only_looks_like_one() -> None:
    """A flag is no number, and neither is a text, nor what no float can hold."""
    assert [number(3), number(0.5), number(True), number("3"), number(None)] == [3.0, 0.5, None, None, None]
    assert number(10**400) is None


def test_a_mean_is_over_what_there_is() -> None:
    """A missing rate is not a rate of zero."""
    assert mean([0.2, None, 0.4]) == pytest.approx(0.3)
    assert mean([None]) is None
