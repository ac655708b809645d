"""What is sealed is what the victim, its relatives and the settings give."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels, ByViews
from modelprint.oracles.local import LocalOracle
from modelprint.ownership import CExamples, Clusters, Contrastive, Judge, Models, Uap, Universal, check, seal
from modelprint.ownership.packing import unpack
from modelprint.ownership.references import Relatives
from modelprint.ownership.sealing import find_weaknesses
from modelprint.tensors import to_images

MODELS = Models(
    unrelated={"retrain-all-short": 2},
    copies={"finetune-all-1e-3": 2},
    learnt_unrelated={"retrain-all-short": 2},
    learnt_copies={"finetune-all-1e-3": 1},
)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def views() -> Uap:
    """Few and small views."""
    return Uap(
        pattern=Universal(radius=40, rate=0.1, steps=10),
        views=Clusters(points=5, views=4),
        encoder=Contrastive(epochs=20),
    )


def test_examples_are_held_against_every_reference(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Matches are those of the models themselves, made again from their seeds."""
    method = CExamples(steps=40)

    sealed = seal(tiny_model, split, method, MODELS, seed=0, count=12, created=NOW)

    evidence = sealed.evidence
    assert isinstance(evidence, ByLabels)
    pixels, labels = np.stack([one.pixels for one in evidence.pictures]), torch.tensor(evidence.labels)
    assert (tiny_model.labels(to_images(pixels)) == labels).all()
    relatives = Relatives(model=tiny_model, data=split, models=MODELS, seed=0)
    again = [int((one.classifier.labels(to_images(pixels)) == labels).sum()) for one in relatives.make_references()]
    assert [one.matches for one in sealed.references] == again
    assert sealed.provenance.settings["steps"] == 40
    assert sealed.provenance.settings["models"]["unrelated"] == {"retrain-all-short": 2}
    assert sealed.provenance.created == "2026-01-31T12:00:00Z"
    sealed.save(tmp_path / "own.mprint")
    assert OwnershipFingerprint.load(tmp_path / "own.mprint").digest == sealed.digest


def test_views_are_held_against_every_reference(
    tiny_model: Classifier, split: DataSet, views: Uap, tmp_path: Path
) -> None:
    """What the file says of them is what asking them again gives, after it was read."""
    seal(tiny_model, split, views, MODELS, seed=0, created=NOW).save(tmp_path / "own.mprint")

    sealed = OwnershipFingerprint.load(tmp_path / "own.mprint")

    evidence = sealed.evidence
    assert isinstance(evidence, ByViews)
    opened = unpack(sealed, evidence)
    relatives = Relatives(model=tiny_model, data=split, models=MODELS, seed=0)
    again = [opened.encoder.encode(opened.views.ask(one.classifier)) for one in relatives.make_references()]
    np.testing.assert_array_equal(torch.stack(again).numpy(), evidence.represented)
    np.testing.assert_array_equal(opened.views.ask(tiny_model).values.numpy(), evidence.victim)
    learnt = {
        one.reference.model_sha256 for kind in ("copy", "unrelated") for one in relatives.make_training_models(kind)
    }
    assert set(evidence.seen) == {*learnt, tiny_model.digest()}
    assert sealed.provenance.settings["encoder"]["epochs"] == 20


def test_the_victim_itself_is_found(tiny_model: Classifier, split: DataSet, views: Uap) -> None:
    """By either method, at the rate that two references allow."""
    judge = Judge(alpha=0.34, beta=0.34)
    for method in (CExamples(steps=40), views):
        sealed = seal(tiny_model, split, method, MODELS, seed=0, count=12, created=NOW)
        verdict = check(LocalOracle(tiny_model), sealed, judge=judge).verdict
        assert verdict.similarity == pytest.approx(1, abs=1e-6)
        assert verdict.outcome == "copy"


def test_what_weakens_a_file_is_said(tiny_model: Classifier, split: DataSet) -> None:
    """Poor references, no copies, and more classes than an endpoint's answer keeps scores of."""
    alone = replace(MODELS, copies={})
    sealed = seal(tiny_model, split, CExamples(steps=5), alone, seed=0, count=4, created=NOW)
    good = tuple(replace(one, accuracy=0.9) for one in sealed.references)

    assert any("may seem more similar than they are" in one for one in find_weaknesses(sealed))
    assert find_weaknesses(replace(sealed, references=good)) == [
        "without reference copies no suspect can be called unrelated; --copies makes some"
    ]


def test_what_cannot_be_sealed_is_refused(tiny_model: Classifier, split: DataSet) -> None:
    """Too many examples, and a reference that is the victim."""
    with pytest.raises(ValueError, match="count is 1 to 10000, got 10001"):
        seal(tiny_model, split, CExamples(), MODELS, seed=0, count=10_001)
    with pytest.raises(ValueError, match="the victim is among the references"):
        seal(tiny_model, split, CExamples(steps=2), Models(unrelated={}, copies={"none": 1}), seed=0, count=4)
