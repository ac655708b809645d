"""Walks by labels alone, on images whose label follows from their sum."""

import numpy as np
import pytest

from modelprint.enrolment.walking import WalkSettings, explore, step, walk
from modelprint.pixels import Picture

SETTINGS = WalkSettings()
GREY = np.full((3, 8, 8), 100, dtype=np.uint8)


def by_sum(picture: Picture) -> int:
    """Return 1 for images brighter than GREY, else 0."""
    return int(picture.pixels.sum(dtype=np.int64) > GREY.sum(dtype=np.int64))


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_ends_at_one_value_by_one_grey_level(seed: int) -> None:
    """The two ends have different labels, the first that of the start, and differ as little as eight bits allow."""
    ends = list(walk(GREY, 0, by_sum, SETTINGS, np.random.default_rng(seed)))

    assert [label for _, label in ends] == [0, 1]
    (near, _), (far, _) = ends
    difference = near.astype(int) - far.astype(int)
    assert np.abs(difference).sum() == 1
    assert [by_sum(Picture.of(end)) for end, _ in ends] == [0, 1]
    assert np.abs(near.astype(int) - GREY).max() <= 1


def test_a_walk_far_from_any_boundary_gives_up() -> None:
    """After its tries, each with twice as many values."""
    asked: list[Picture] = []

    def constant(picture: Picture) -> int:
        asked.append(picture)
        return 0

    assert list(walk(GREY, 0, constant, SETTINGS, np.random.default_rng(0))) == []
    assert [int((one.pixels != GREY).sum()) for one in asked] == [24, 48, 96, 192, 192, 192]


def test_a_tie_is_no_end() -> None:
    """The image whose label is a tie is not returned, the one beside it is."""
    ends = list(walk(GREY, 0, lambda picture: by_sum(picture) and None, SETTINGS, np.random.default_rng(0)))

    assert [label for _, label in ends] == [0]


def test_the_ends_of_the_range_go_the_other_way() -> None:
    """No value leaves 0 to 255, and each moves by one."""
    pixels = np.array([[[0, 255, 0, 255, 7]]], dtype=np.uint8)

    stepped = step(pixels, np.arange(5), np.random.default_rng(0)).astype(int).ravel()

    assert stepped[:4].tolist() == [1, 254, 1, 254]
    assert abs(stepped[4] - 7) == 1
    assert pixels.ravel().tolist() == [0, 255, 0, 255, 7]


def test_exploring_ranks_by_flip_rate_and_stays_within_its_questions() -> None:
    """The best first; the questions are no more than announced; the same seed asks the same."""
    asked: list[str] = []

    def ask(picture: Picture) -> int:
        asked.append(picture.sha256)
        return by_sum(picture)

    spots = explore(4, GREY, 0, 3, ask, SETTINGS, seed=1)
    first, asked = asked, []
    again = explore(4, GREY, 0, 3, ask, SETTINGS, seed=1)

    measured = [spot.flip_rate for spot in spots if spot.neighbours == SETTINGS.neighbours]
    assert measured == sorted(measured, reverse=True)  # type: ignore[type-var]
    assert len(measured) == SETTINGS.finalists
    assert len(first) <= SETTINGS.most_questions(3)
    assert asked == first
    assert [spot.flips for spot in spots] == [spot.flips for spot in again]
    assert all(spot.moved == int((spot.pixels != GREY).sum()) and spot.origin == 4 for spot in spots)


def test_settings_are_positive() -> None:
    """A walk without a try is none."""
    with pytest.raises(ValueError, match="tries must be at least 1, got 0"):
        WalkSettings(tries=0)
