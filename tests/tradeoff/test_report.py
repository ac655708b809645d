"""The report of a trade-off has every number, and equal measurements give equal files."""

import json
from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.methods.junction import Junction
from modelprint.tamperings import SUITE
from modelprint.tamperings.tampering import Tampered
from modelprint.tradeoff.curve import Tradeoff
from modelprint.tradeoff.measure import measure_tradeoff
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


def test_the_report_has_every_figure(tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None) -> None:
    """Markdown and page say the same, the page loads nothing, the picture is a PNG, the numbers are all there."""
    found = measured(tiny_model, split, tmp_path, "first", "alike", count=4)

    paths = write_tradeoff(found, tmp_path, "modelprint tradeoff --seed 1")

    text, page = paths[0].read_text(), paths[1].read_text()
    assert [path.name for path in paths] == ["tradeoff.md", "tradeoff.html", "tradeoff.png", "tradeoff.json"]
    assert "    modelprint tradeoff --seed 1\n" in text
    for point in found.points:
        for seen in point.seen:
            assert f"| {seen.kind} | {point.name} |" in text
        assert f"{point.confidence:.4f}" in text
        assert f"{point.confidence:.4f}" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "impossible for first" in page
    assert page.count('<img src="data:image/png;base64,') >= 8
    assert paths[2].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    record = json.loads(paths[3].read_text())
    assert record["points"][0]["sights"][0]["bound"] == found.points[0].seen[0].bound
    assert record["fingerprints"]["p10"] == Fingerprint.load(tmp_path / "p10.mprint").digest


def test_equal_measurements_give_equal_files(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None
) -> None:
    """No date and nothing random is in them."""
    found = measured(tiny_model, split, tmp_path / "prints", "first", count=4)

    first, second = (write_tradeoff(found, tmp_path / name) for name in ("a", "b"))

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
