"""The trade-off: a bound that holds and is reached, and rates of samples whose answers are known."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import BenchError, CraftingError, OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.intervals import exact_interval
from modelprint.methods.junction import Junction
from modelprint.tamperings import SUITE
from modelprint.tamperings.tampering import Tampered
from modelprint.tradeoff.measure import (
    Tradeoff,
    covert_names,
    largest_changes,
    measure_tradeoff,
    most_confident,
)
from modelprint.tradeoff.report import write_tradeoff

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


def test_confident_disagreement_needs_a_large_change() -> None:
    """Over random pairs of classifiers, no label differs above the bound; from either side."""
    rng = np.random.default_rng(0)
    for classes in (2, 3, 10):
        scale = 10 ** rng.uniform(-3, 1, (20_000, 1))
        before = torch.from_numpy(rng.normal(size=(20_000, classes)) * scale)
        after = before + torch.from_numpy(rng.normal(size=(20_000, classes)) * scale + rng.normal(size=(20_000, 1)) * 9)
        differ = before.argmax(1) != after.argmax(1)
        bounds = torch.tensor([most_confident(float(change)) for change in largest_changes(before, after)])

        assert differ.sum() > 1000
        for logits in (before, after):
            assert (logits.softmax(1).amax(1)[differ] <= bounds[differ] + 1e-6).all()


@pytest.mark.parametrize("d", [1e-4, 0.3, 5.0])
def test_the_bound_is_reached(d: float) -> None:
    """The leader falls by d and its rival rises by d to just above it; nothing else is near."""
    before = torch.tensor([[2 * d, 0.0, -60.0]], dtype=torch.float64)
    after = before + torch.tensor([[-d, d * (1 + 1e-9), 0.0]], dtype=torch.float64)
    change = float(largest_changes(before, after))

    assert (int(before.argmax()), int(after.argmax())) == (0, 1)
    assert change == pytest.approx(2 * d)
    assert float(before.softmax(1).amax()) == pytest.approx(most_confident(change), abs=1e-8)


def test_what_all_logits_have_in_common_is_no_change() -> None:
    """Adding seven everywhere leaves the bound at one half: two classes that tie."""
    before = torch.tensor([[1.0, 2.0, 4.0]])

    assert most_confident(float(largest_changes(before, before + 7))) == 0.5
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        most_confident(-1.0)


def test_percentiles_become_settings() -> None:
    """As they are written; out of range, twice or nothing is refused."""
    assert covert_names("none, 1,2.50,p10") == ("none", "p1", "p2.5", "p10")
    for text in ("0", "50", "-3", "nan", "ten", "inf"):
        with pytest.raises(ValueError, match=f"above 0 and below 50, or none for no covertness, got '{text}'"):
            covert_names(text)
    for text in ("", "1,1", "1,1.0"):
        with pytest.raises(ValueError, match="different ones and at least one"):
            covert_names(text)


def test_detection_of_known_changes(tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None) -> None:
    """A common shift is never seen; one class raised out of reach changes every label but its own."""
    found = measured(tiny_model, split, tmp_path, "alike", "first", "overwhelming")

    for point in found.points:
        labels = [sample.label for sample in found.fingerprints[point.name].samples]
        alike, first, overwhelming = point.sights
        assert (alike.mismatches, alike.rate) == (0, 0.0)
        assert alike.largest < 1e-4
        assert first.largest == pytest.approx(2, abs=1e-4)
        assert first.bound == pytest.approx(0.8808, abs=1e-4)
        # The mean over four classes is one half: one class is 1.5 above it, three are 0.5 below.
        assert first.logit_rms == pytest.approx(0.75**0.5, abs=1e-4)
        assert overwhelming.rate == sum(label != 0 for label in labels) / len(labels)
        assert (overwhelming.low, overwhelming.high) == exact_interval(overwhelming.mismatches, len(labels))
        assert all(sight.rate <= sight.possible for sight in point.sights)
    assert found.bound("overwhelming") == pytest.approx(1)


def test_covert_samples_are_surer(tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None) -> None:
    """Near the tie of two classes the leader has at most one half; in the band it is as sure as natural images are."""
    near, covert = measured(tiny_model, split, tmp_path, "first").points

    assert near.confidence <= 0.51
    assert covert.confidence > near.confidence
    assert covert.natural >= 10
    assert near.natural < 10


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
    assert [point.sights[0] for point in again.points] == [point.sights[0] for point in whole.points]
    assert not (tmp_path / "parts" / "partial").exists()


def test_a_folder_of_other_fingerprints_is_left_alone(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None
) -> None:
    """Another seed or fewer samples belong into another folder; the error says which file differs in what."""
    measured(tiny_model, split, tmp_path, "first", covert=("none",), count=4)
    before = (tmp_path / "none.mprint").read_bytes()

    with pytest.raises(BenchError, match=r"none\.mprint was sealed with another count"):
        measured(tiny_model, split, tmp_path, "first", covert=("none",), count=3)
    with pytest.raises(BenchError, match=r"none\.mprint was sealed with another seed; name another folder"):
        measure_tradeoff(
            tiny_model, split, ("first",), ("none",), method=FAST, count=4, folder=tmp_path, profile="exact", seed=2
        )

    assert (tmp_path / "none.mprint").read_bytes() == before


def test_a_point_without_samples_says_why(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are measured all the same; without any sample at all there is nothing to report."""
    from modelprint.cli.tradeoff import tradeoff

    generate = tradeoff.generate

    def none_is_covert(*given: object, **named: object) -> object:
        if "p10" in str(given[2]):
            raise CraftingError("only 0 of 4 samples can be sealed")
        return generate(*given, **named)

    monkeypatch.setattr(tradeoff, "generate", none_is_covert)

    near, covert = measured(tiny_model, split, tmp_path, "first", count=4).points

    assert near.samples == 4
    assert (covert.samples, covert.sights, covert.problem) == (0, (), "only 0 of 4 samples can be sealed")
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


def test_a_suspect_that_overflows_is_named(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None
) -> None:
    """There is no label to compare."""
    with pytest.raises(OracleError, match="the suspect infinite gives logits that are not finite to 4 of 4"):
        measured(tiny_model, split, tmp_path, "infinite", covert=("none",), count=4)


def test_the_report_has_every_figure(tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None) -> None:
    """Markdown and page say the same, the page loads nothing, the picture is a PNG, the numbers are all there."""
    found = measured(tiny_model, split, tmp_path, "first", "alike", count=4)

    paths = write_tradeoff(found, tmp_path, "modelprint tradeoff --seed 1")

    text, page = paths[0].read_text(), paths[1].read_text()
    assert [path.name for path in paths] == ["tradeoff.md", "tradeoff.html", "tradeoff.png", "tradeoff.json"]
    assert "    modelprint tradeoff --seed 1\n" in text
    for name in ("rates", "bound", "suspects"):
        assert (tmp_path / "tradeoff" / f"{name}.csv").read_text().startswith(("point,", "suspect,"))
    for point in found.points:
        for sight in point.sights:
            assert f"| {sight.kind} | {point.name} |" in text
        assert f"{point.confidence:.4f}" in text
        assert f"{point.confidence:.4f}" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "impossible for first" in page
    assert page.count('<img src="data:image/png;base64,') >= 8
    assert paths[2].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    record = json.loads(paths[3].read_text())
    assert record["points"][0]["sights"][0]["bound"] == found.points[0].sights[0].bound
    assert record["fingerprints"]["p10"] == Fingerprint.load(tmp_path / "p10.mprint").digest


def test_equal_measurements_give_equal_files(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None
) -> None:
    """No date and nothing random is in them."""
    found = measured(tiny_model, split, tmp_path / "prints", "first", count=4)

    first, second = (write_tradeoff(found, tmp_path / name) for name in ("a", "b"))

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    from modelprint.pages.figures import load_matplotlib

    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(BenchError, match=r"modelprint\[bench\]"):
        load_matplotlib()
