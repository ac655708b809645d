"""The trade-off: rates of samples whose answers are known."""

from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.intervals import exact_interval
from modelprint.methods.junction import Junction
from modelprint.tamperings import SUITE
from modelprint.tamperings.tampering import Tampered
from modelprint.tradeoff.curve import Tradeoff
from modelprint.tradeoff.measure import measure_tradeoff

FAST = Junction(k=(2,), steps=5, rounds=1, pixels=6, pairs=300, candidates=8)


class ShiftHead:
    """A tampering whose change of the logits is known: it adds to the bias of the head."""

    deterministic = True

    def __init__(self, shifts: tuple[float, ...]) -> None:
        self.shifts = shifts

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: object) -> Tampered:
        changed = model.copy()
        with torch.no_grad():
            changed.head.bias += torch.tensor(self.shifts)
        return Tampered(network=changed.network)


@pytest.fixture
def shifts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tamperings that raise all logits alike, one of them a lot, or one of them without end."""
    from dataclasses import make_dataclass

    def tampering(*amounts: float) -> type:
        # A plain dataclass without settings, as a tampering is one.
        return make_dataclass(
            "Shift", [], bases=(ShiftHead,), namespace={"__init__": lambda s: ShiftHead.__init__(s, amounts)}
        )

    monkeypatch.setitem(SUITE, "alike", tampering(3.0, 3.0, 3.0, 3.0))
    monkeypatch.setitem(SUITE, "first", tampering(2.0, 0.0, 0.0, 0.0))
    monkeypatch.setitem(SUITE, "overwhelming", tampering(50.0, 0.0, 0.0, 0.0))
    monkeypatch.setitem(SUITE, "infinite", tampering(float("inf"), 0.0, 0.0, 0.0))


def measured(
    model: Classifier,
    split: DataSet,
    folder: Path,
    *kinds: str,
    covert: tuple[str, ...] = ("none", "p10"),
    count: int = 8,
) -> Tradeoff:
    """Return curves of the tiny model."""
    return measure_tradeoff(
        model, split, kinds, covert, method=FAST, count=count, folder=folder, profile="exact", seed=1
    )


def test_detection_of_known_changes(tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None) -> None:
    """A common shift is never seen; one class raised out of reach changes every label but its own."""
    found = measured(tiny_model, split, tmp_path, "alike", "first", "overwhelming")

    for point in found.points:
        labels = [sample.label for sample in found.fingerprints[point.name].samples]
        alike, first, overwhelming = point.seen
        assert (alike.mismatches, alike.rate) == (0, 0.0)
        assert alike.largest < 1e-4
        assert first.largest == pytest.approx(2, abs=1e-4)
        assert first.bound == pytest.approx(0.8808, abs=1e-4)
        # The mean over four classes is one half: one class is 1.5 above it, three are 0.5 below.
        assert first.logit_rms == pytest.approx(0.75**0.5, abs=1e-4)
        assert overwhelming.rate == sum(label != 0 for label in labels) / len(labels)
        assert (overwhelming.low, overwhelming.high) == exact_interval(overwhelming.mismatches, len(labels))
        assert all(seen.rate <= seen.possible for seen in point.seen)
    assert found.bound("overwhelming") == pytest.approx(1)


def test_covert_samples_are_surer(tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None) -> None:
    """Near the tie of two classes the leader has at most one half; in the band it is as sure as natural images are."""
    near, covert = measured(tiny_model, split, tmp_path, "first").points

    assert near.confidence <= 0.51
    assert covert.confidence > near.confidence
    assert covert.natural >= 10
    assert near.natural < 10


@pytest.mark.heavy
def test_an_interrupted_measurement_goes_on(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished points are not crafted again, the result is the same, and no unfinished work stays."""
    whole = measured(tiny_model, split, tmp_path / "whole", "first")
    craft = Junction.craft
    crafted: list[str | None] = []

    def stop_at_the_second(self: Junction, *given: object) -> object:
        if self.covert and not crafted:
            crafted.append(self.covert)
            raise KeyboardInterrupt
        crafted.append(self.covert)
        return craft(self, *given)

    monkeypatch.setattr(Junction, "craft", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        measured(tiny_model, split, tmp_path / "parts", "first", covert=("p10",))
    crafted.append("stopped")

    parts = measured(tiny_model, split, tmp_path / "parts", "first")
    crafted.append("finished")
    again = measured(tiny_model, split, tmp_path / "parts", "first", "alike")

    assert crafted[:4] == ["p10", "stopped", None, "p10"]
    assert crafted[-1] == "finished"
    assert parts.points == whole.points
    assert [point.seen[0] for point in again.points] == [point.seen[0] for point in whole.points]
    assert not (tmp_path / "parts" / "partial").exists()


def test_a_point_without_samples_says_why(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are measured all the same; without any sample at all there is nothing to report."""
    from modelprint.tradeoff import sealer

    generate = sealer.generate

    def none_is_covert(*given: object, **named: object) -> object:
        if "p10" in str(given[2]):
            raise CraftingError("only 0 of 4 samples can be sealed")
        return generate(*given, **named)

    monkeypatch.setattr(sealer, "generate", none_is_covert)

    near, covert = measured(tiny_model, split, tmp_path, "first", count=4).points

    assert near.samples == 4
    assert (covert.samples, covert.seen, covert.problem) == (0, (), "only 0 of 4 samples can be sealed")
    with pytest.raises(CraftingError, match="only 0 of 4"):
        measured(tiny_model, split, tmp_path, "first", covert=("p10",), count=4)


@pytest.mark.parametrize(
    ("kinds", "method", "count", "said"),
    [
        (("nonsense",), FAST, 4, "there is no 'nonsense'; choose one of none"),
        (("none", "none"), FAST, 4, "tamperings are different ones and at least one, got none, none"),
        ((), FAST, 4, "at least one, got none"),
        (("none",), FAST, 0, "count is at least 1 sample, got 0"),
        (("none",), Junction(k=(5,)), 4, "k is 2 to 4, the classes that tiny knows, got 5"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    kinds: tuple[str, ...],
    method: Junction,
    count: int,
    said: str,
    tiny_model: Classifier,
    split: DataSet,
    tmp_path: Path,
) -> None:
    """An unknown tampering, one twice, none, no samples, more classes than there are."""
    with pytest.raises(ValueError, match=said):
        measure_tradeoff(tiny_model, split, kinds, ("none",), method=method, count=count, folder=tmp_path / "out")

    assert not (tmp_path / "out").exists()
