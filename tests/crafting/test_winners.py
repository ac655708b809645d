"""Winners differ from what sources show, are spread evenly, and do not depend on what sources show."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modelprint.crafting.winners import choose_winners
from modelprint.streams import stream

UNLUCKY = 20261121
"""A seed whose order of the classes has five of ten where sources taken in turn have them."""


def choose(
    shown: list[int], seed: int, *, class_count: int = 10, k: int | None = None, brackets: int = 1
) -> tuple[list[int], torch.Tensor]:
    """Return the winners, and the classes they are from: `k` random ones, that of the source among them."""
    rng, rows = stream(seed, "classes"), []
    for own in shown:
        others = [label for label in torch.randperm(class_count, generator=rng).tolist() if label != own]
        rows.append([own, *others][: k or class_count])
    classes = torch.tensor(rows).repeat_interleave(brackets, 0)
    winners = choose_winners(
        classes,
        torch.tensor(shown).repeat_interleave(brackets),
        torch.arange(len(shown)).repeat_interleave(brackets),
        torch.zeros(classes.shape, dtype=torch.float64),
        class_count=class_count,
        seed=seed,
    )
    return winners.tolist(), classes


@given(shown=st.lists(st.integers(0, 9), min_size=1, max_size=60), seed=st.integers(0, 2**53 - 1), k=st.integers(2, 10))
def test_no_winner_is_what_its_source_shows(shown: list[int], seed: int, k: int) -> None:
    """Whatever the sources show, however few classes tie; and every winner is one of them."""
    winners, classes = choose(shown, seed, k=k)

    assert all(winner != own for winner, own in zip(winners, shown, strict=True))
    assert all(winner in row for winner, row in zip(winners, classes.tolist(), strict=True))


@pytest.mark.parametrize("seed", [*range(20), UNLUCKY])
@pytest.mark.parametrize("count", [20, 50, 100])
def test_no_order_of_classes_marches_in_step_with_that_of_the_sources(seed: int, count: int) -> None:
    """Sources in turn: each class wins as often as any other, and follows each class of a source as often."""
    shown = [row % 10 for row in range(count)]

    winners, _ = choose(shown, seed)

    won, pairs = Counter(winners), Counter(zip(shown, winners, strict=True))
    assert max(won.values()) - min(won[label] for label in range(10)) <= 2
    assert max(pairs.values()) <= count // 90 + 1
    assert all(winner != own for winner, own in zip(winners, shown, strict=True))


def test_another_seed_gives_other_winners() -> None:
    """And the same seed the same."""
    shown = list(range(10)) * 2

    first, again, other = (choose(shown, seed)[0] for seed in (1, 1, 2))

    assert first == again != other


def test_sources_that_all_show_one_class_expect_all_others() -> None:
    """Nine classes share what the tenth must not have."""
    winners, _ = choose([3] * 45, seed=0)

    assert Counter(winners) == {label: 5 for label in range(10) if label != 3}


def test_samples_of_one_junction_differ_and_the_source_comes_last() -> None:
    """Of three classes, three samples have each; two samples have those that the source does not show."""
    both, _ = choose([0, 1, 2, 3], seed=0, k=3, brackets=2)
    whole, classes = choose([0, 1, 2, 3], seed=0, k=3, brackets=3)

    for own in range(4):
        assert own not in both[2 * own : 2 * own + 2]
        assert whole[3 * own + 2] == own
        assert sorted(whole[3 * own : 3 * own + 3]) == sorted(classes[3 * own].tolist())


def test_the_worth_decides_until_a_class_has_had_its_share() -> None:
    """The best class that the source does not show wins its share, then the next best."""
    classes = torch.arange(4).expand(8, -1)
    worth = torch.tensor([0.9, 0.5, 0.1, 0.0], dtype=torch.float64).expand(8, -1)
    shown = torch.zeros(8, dtype=torch.int64)

    winners = choose_winners(classes, shown, torch.arange(8), worth, class_count=4, seed=0)

    assert winners.tolist() == [1, 1, 2, 2, 3, 3, 1, 2]
