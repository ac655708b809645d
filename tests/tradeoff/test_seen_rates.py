"""Suspects without labels are refused."""

from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import OracleError
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


def test_a_suspect_that_overflows_is_named(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, shifts: None
) -> None:
    """There is no label to compare."""
    with pytest.raises(OracleError, match="the suspect infinite gives logits that are not finite to 4 of 4"):
        measured(tiny_model, split, tmp_path, "infinite", covert=("none",), count=4)
