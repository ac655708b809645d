"""The crafting loop, with a steadiness whose answers are scripted."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Bool

from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.parts import UNKNOWN_MODEL, ProfileRecord
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.loop import (
    FUTILE,
    Judgement,
    Request,
    Steadiness,
    count_to_craft,
    craft_rounds,
    find_new,
    seal_blank,
    seal_selection,
    select_samples,
)
from modelprint.methods.method import Crafted
from modelprint.pixels import Pixels
from modelprint.tensors import Images, to_images, to_pixels

EXACT = ProfileRecord(name="exact", floor=0.0, multiple=0.0, flip_rate=1e-4)


class Scripted:
    """Returns the sources as samples; which are usable, lasting and steady is given by their row in the round."""

    def __init__(
        self,
        *,
        usable: Callable[[int], bool] = lambda row: True,
        lasting: Callable[[int], bool] = lambda row: True,
        steady: Callable[[int], bool] = lambda row: True,
        change: Callable[[Images], Images] = lambda images: images,
    ) -> None:
        self.usable, self.lasting, self.steady, self.change = usable, lasting, steady, change
        self.sources: list[Pixels] = []
        self.calls: list[str] = []
        self.candidates: list[Pixels] = []

    def craft(self, sources: Pixels, index: int) -> Crafted:
        self.calls.append(f"craft {index}")
        self.sources.append(sources)
        usable = torch.tensor([self.usable(row) for row in range(len(sources))])
        return Crafted(images=self.change(to_images(sources)), usable=usable)

    def round(self, images: Images, origins: Pixels, index: int) -> tuple[Pixels, Bool[np.ndarray, " n"]]:
        self.calls.append(f"round {index}")
        return to_pixels(images), np.array([self.lasting(row) for row in range(len(images))], dtype=bool)

    def observe(self, pixels: Pixels) -> None:
        self.calls.append(f"observe {len(pixels)}")
        self.candidates.append(pixels)

    def judge(self) -> Judgement:
        rows = [row for part in self.candidates for row in range(len(part))]
        return Judgement(
            labels=torch.tensor([row % 4 for row in rows], dtype=torch.int64),
            steady=torch.tensor([self.steady(row) for row in rows], dtype=torch.bool),
            margins=torch.ones(len(rows), dtype=torch.float64),
            confidences=torch.full((len(rows),), 1 + 1e-12, dtype=torch.float64),
        )

    def label_sources(self, sources: Pixels) -> list[int | None]:
        return [index % 4 if index % 2 else None for index in range(len(sources))]

    def explain_loss(self) -> str:
        return "not steady in this test"


def request(data: DataSet, **changes: Any) -> Request:
    """Ask for eight samples."""
    provenance = provenance_of("tiny", UNKNOWN_MODEL, data, "scripted", {}, 1, datetime(2026, 1, 31, tzinfo=UTC))
    given = {"count": 8, "seed": 1, "expected_flip_rate": 0.25, "allow_fewer": False, "provenance": provenance}
    return Request(data=data, **(given | changes))


def test_a_round_crafts_rounds_and_observes_in_this_order(split: DataSet) -> None:
    """One round is enough when everything is steady."""
    steadiness = Scripted()
    assert isinstance(steadiness, Steadiness)

    selection = select_samples(request(split), steadiness)

    assert steadiness.calls == ["craft 0", "round 0", "observe 8"]
    assert selection.counts == {
        **dict.fromkeys(("given_up", "lost_rounding", "duplicates", "lost_steadiness", "spare"), 0),
        "crafted": 8,
        "kept": 8,
        "rounds": 1,
    }


def test_each_loss_is_counted_where_it_happens(split: DataSet) -> None:
    """Of 8: row 0 is given up; of the other 7 row 0 changes its label; of the other 6 two are the same."""

    def repeat(images: Images) -> Images:
        images = images.clone()
        images[3] = images[2]
        return images

    steadiness = Scripted(usable=lambda row: row != 0, lasting=lambda row: row != 0, change=repeat)

    (first, *_) = craft_rounds(request(split), steadiness)

    assert first.counts == {"crafted": 8, "given_up": 1, "lost_rounding": 1, "duplicates": 1}
    assert len(first.pixels) == len(first.origins) == 5


def test_values_that_are_not_finite_are_given_up(split: DataSet) -> None:
    """They never reach the rounding."""

    def spoil(images: Images) -> Images:
        images = images.clone()
        images[1, 0, 0, 0] = torch.nan
        return images

    steadiness = Scripted(change=spoil)

    rounds = craft_rounds(request(split, allow_fewer=True), steadiness)

    assert rounds[0].counts["given_up"] == 1
    assert len(steadiness.candidates[0]) == 7


def test_later_rounds_use_new_sources(split: DataSet) -> None:
    """Half are steady: 8 crafted, 4 missing, so 1.25 x 4 / 0.5 = 10 in the second round."""
    steadiness = Scripted(steady=lambda row: row % 2 == 0)

    rounds = craft_rounds(request(split), steadiness)

    assert [one.counts["crafted"] for one in rounds] == [8, 10]
    used = np.concatenate(steadiness.sources)
    assert len(np.unique(used.reshape(len(used), -1), axis=0)) == 18


@pytest.mark.parametrize("allow_fewer", [False, True])
def test_crafting_ends_early_when_nothing_can_be_kept(allow_fewer: bool, split: DataSet) -> None:
    """Eight and then as many as make forty, instead of all sources there are."""
    rounds = craft_rounds(request(split, allow_fewer=allow_fewer), Scripted(steady=lambda row: False))

    assert sum(one.counts["crafted"] for one in rounds) == FUTILE < len(split.train)


def test_pixels_of_an_earlier_round_are_repeated(split: DataSet) -> None:
    """The same black image in every round is new once."""
    steadiness = Scripted(change=torch.zeros_like)

    rounds = craft_rounds(request(split), steadiness)

    assert len(rounds) == 4
    assert [len(part) for part in steadiness.candidates] == [1, 0, 0, 0]
    assert sum(one.counts["duplicates"] for one in rounds) == sum(one.counts["crafted"] for one in rounds) - 1


def test_too_few_samples_are_an_error_with_all_counts(split: DataSet) -> None:
    """The reason why candidates are lost is that of the steadiness."""
    with pytest.raises(
        CraftingError,
        match=r"only 0 of 8 samples can be sealed: of \d+ crafted, 0 were given up, 0 lost to rounding, 0 repeated and "
        r"\d+ not steady in this test; .* \(there are 64\) or change the settings of scripted",
    ):
        select_samples(request(split), Scripted(steady=lambda row: False))


def test_fewer_are_sealed_where_that_is_allowed(split: DataSet) -> None:
    """One in each round is steady."""
    selection = select_samples(request(split, allow_fewer=True), Scripted(steady=lambda row: row == 0))

    assert len(selection.samples) == selection.counts["kept"] == selection.counts["rounds"] == 4


def test_labels_take_turns_and_a_confidence_is_at_most_one(split: DataSet) -> None:
    """Rows have the labels 0, 1, 2, 3, 0, ...; spare samples are left out."""
    selection = select_samples(request(split, count=6), Scripted())

    assert sorted(sample.label for sample in selection.samples[:4]) == [0, 1, 2, 3]
    assert {sample.confidence for sample in selection.samples} == {1.0}


@pytest.mark.parametrize(
    ("count", "steady", "crafted", "left", "expected"),
    [(10, 10, 10, 100, 0), (10, 8, 10, 100, 4), (10, 0, 10, 100, 25), (10, 0, 10, 7, 7), (10, 12, 20, 100, 0)],
)
def test_what_is_missing_is_divided_by_the_yield(
    count: int, steady: int, crafted: int, left: int, expected: int
) -> None:
    """1.25 x 2 / 0.8 = 3.1 is 4; a yield below one half counts as one half; no more than there are sources."""
    assert count_to_craft(count, steady, crafted, left) == expected


def test_new_pixels_are_those_not_seen_before() -> None:
    """A, A, B after B: only the first A is new."""
    a, b = np.zeros((1, 1, 2, 2), dtype=np.uint8), np.ones((1, 1, 2, 2), dtype=np.uint8)
    seen = {b.tobytes()}

    assert find_new(np.concatenate([a, a, b]), seen).tolist() == [True, False, False]
    assert find_new(np.concatenate([a, b]), seen).tolist() == [False, False]


@pytest.mark.parametrize("count", [0, 10_001])
def test_an_impossible_count_is_refused(count: int, split: DataSet) -> None:
    """The message has both ends."""
    with pytest.raises(ValueError, match=f"count is 1 to 10000 samples, got {count}"):
        request(split, count=count)


def test_a_blank_sample_shows_what_no_file_can_hold(split: DataSet) -> None:
    """A flip rate of 1.5 is no probability."""
    seal_blank(request(split), EXACT)

    with pytest.raises(ValueError, match="expected_flip_rate lies between"):
        seal_blank(request(split, expected_flip_rate=1.5), EXACT)


def test_the_file_has_the_counts_and_the_notes(split: DataSet) -> None:
    """Rounding and steadiness lose one each of the first eight, and more are crafted."""
    asked = request(split, preprocessing_note="none")
    selection = select_samples(asked, Scripted(lasting=lambda row: row != 3, steady=lambda row: row != 5))

    fingerprint = seal_selection(asked, selection, EXACT, notes={"zoo": "two"})

    made = fingerprint.provenance
    assert (made.crafted, made.lost_rounding, made.lost_steadiness) == tuple(
        selection.counts[name] for name in ("crafted", "lost_rounding", "lost_steadiness")
    )
    assert made.lost_rounding >= 1 and made.lost_steadiness >= 1
    assert made.notes == {"zoo": "two"}
    assert [sample.source_label for sample in fingerprint.samples] == [None, 1, None, 3, None, 1, None, 3]
    assert fingerprint.preprocessing.note == "none"
    assert fingerprint.preprocessing.colour == "L"
