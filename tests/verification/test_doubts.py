"""What else than a changed model the answers may come from is measured, said, and never a verdict."""

from collections.abc import Iterable

import pytest

from modelprint.oracles.oracle import Answer
from modelprint.verification.doubts import find_doubts, list_cache_hints, state_doubts, state_rounding
from modelprint.verification.verdict import ControlCheck, Observed


def seen(answers: Iterable[Answer], expected: int = 0) -> list[Observed]:
    """Return the answers about samples 0, 1, 2, ... that all expect one label."""
    return [
        Observed(index=index, png_sha256=f"{index:064x}", expected=expected, answer=answer)
        for index, answer in enumerate(answers)
    ]


def labels(*given: int) -> list[Observed]:
    """Return answers with these labels."""
    return seen(Answer(label=label) for label in given)


@pytest.mark.parametrize(
    ("given", "on_source", "flips", "reading"),
    [
        ((1, 1, 1, 1), 4, 4, "pictures"),
        ((1, 1, 2, 1, 1, 2), 4, 6, "pictures"),
        ((2, 3, 2, 3, 2, 3), 0, 6, "weights"),
        ((2, 3), 0, 2, "unclear"),
        ((2, 3, 2), 0, 3, "weights"),
        ((1, 2), 1, 2, "unclear"),
        ((0, 1, 1), 2, 2, "pictures"),
        ((0, 0), 0, 0, "unknown"),
    ],
)
def test_flips_to_the_label_of_the_source_point_to_changed_pictures(
    given: tuple[int, ...], on_source: int, flips: int, reading: str
) -> None:
    """Each sample has a source of class 1; a likelihood ratio of 3 is needed to lean."""
    doubts = find_doubts(labels(*given), [1] * len(given))

    assert (doubts.on_source, doubts.flips, doubts.reading) == (on_source, flips, reading)


def test_a_source_of_the_expected_class_or_of_none_is_not_counted() -> None:
    """A flip can never land on it."""
    doubts = find_doubts(labels(1, 1, 1), [0, None, 1])

    assert (doubts.on_source, doubts.flips) == (1, 1)


def test_there_is_always_a_sentence() -> None:
    """Also when the file says nothing about sources and no control was asked."""
    nothing = state_doubts(find_doubts(labels(1, 1), []), None)
    known = state_doubts(
        find_doubts(labels(2, 2, 3, 3, 2, 3), [1] * 6), ControlCheck(asked=8, usable=8, right=7, questions=8)
    )

    assert "would look the same, and the file cannot tell them apart" in nothing[0]
    assert "no ordinary pictures were asked" in nothing[1]
    assert known[0].startswith("0 of 6 changed labels are those of the source pictures; ")
    assert known[0].endswith("so this looks like changed weights")
    assert known[1].startswith("7 of 8 ordinary pictures get the right label")


def test_few_decimals_and_ties_look_rounded() -> None:
    """Scores from 0 to 1 with four decimals at most; logits and float32 numbers do not."""
    rounded = seen(
        [Answer(label=0, tie=True, ranking=((0, 0.25), (1, 0.25))), Answer(label=1, ranking=((1, 0.5), (0, 0.1)))]
    )
    exact = seen([Answer(label=1, ranking=((1, 0.51234567), (0, 0.25)))] * 3)
    logits = seen([Answer(label=1, ranking=((1, 5.5), (0, -0.5)))] * 3)
    tiny = seen([Answer(label=1, ranking=((1, 0.5), (0, 1e-7)))] * 3)

    found = find_doubts(rounded, [])

    assert (found.decimals, found.tied) == (2, 1)
    assert state_rounding(found) == (
        "the scores look rounded to 2 decimals (1 of the answers tie); ask for labels, or for more decimals",
    )
    assert [find_doubts(one, []).decimals for one in (exact, logits, tiny)] == [None] * 3


def test_a_miss_is_no_sign_of_a_cache() -> None:
    """Only what says that a cache answered, each once."""
    hit, miss = (
        Answer(label=0, server={"X-Cache": "HIT", "age": "17"}),
        Answer(label=0, server={"x-cache": "MISS", "age": "0"}),
    )

    assert list_cache_hints(seen([hit, miss, hit])) == ["X-Cache: HIT", "age: 17"]
