"""What a file says besides its samples is what the model does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from modelprint.calibration import Forms
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.by_weights import label_ordinary
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import Measures
from modelprint.generation.report import GenerationReport
from modelprint.methods import Bisection, Natural
from modelprint.networks.normalise import Normalised
from modelprint.tensors import to_images


@pytest.fixture
def sealed(tiny_model: Classifier, split: DataSet) -> tuple[Fingerprint, GenerationReport]:
    """Return a file of 24 samples with everything that is measured by default."""
    measures = Measures(expected_flip_rate=0.2)
    return generate(tiny_model, split, Bisection(), count=24, profile="exact", measures=measures, allow_fewer=True)


def test_controls_are_test_images_that_the_model_is_sure_of(
    sealed: tuple[Fingerprint, GenerationReport], tiny_model: Classifier, split: DataSet
) -> None:
    """Eight of them, classes in turn; label by the data and by the model agree."""
    fingerprint, _ = sealed
    pixels = np.stack([control.picture.pixels for control in fingerprint.controls])
    logits = tiny_model.logits(to_images(pixels))
    gaps = logits.topk(2, dim=1).values

    assert [control.label for control in fingerprint.controls] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert logits.argmax(1).tolist() == [control.label for control in fingerprint.controls]
    assert (gaps[:, 0] - gaps[:, 1]).tolist() == pytest.approx([one.margin for one in fingerprint.controls], rel=1e-4)
    assert {one.tobytes() for one in pixels} <= {one.tobytes() for one in split.test.pixels}


def test_each_sample_says_what_its_source_is_called(
    sealed: tuple[Fingerprint, GenerationReport], tiny_model: Classifier
) -> None:
    """By the model, not by the data."""
    samples = sealed[0].samples
    sources = np.stack([sample.source.pixels for sample in samples if sample.source is not None])

    assert [sample.source_label for sample in samples] == tiny_model.labels(to_images(sources)).tolist()


def test_both_rates_are_measured_and_reported(sealed: tuple[Fingerprint, GenerationReport]) -> None:
    """The file has the counts, the report the rates; releases that are preprocessing tell nothing apart."""
    fingerprint, report = sealed
    assert fingerprint.honest_flips is not None and report.rates is not None
    assert fingerprint.honest_flips.answers >= 3000 and fingerprint.honest_flips.flips == 0
    assert fingerprint.profile.flip_rate == report.rates.flip_rate < 1e-3
    assert [rate.tampering for rate in fingerprint.sensitivity] == [rate.tampering for rate in report.rates.sensitivity]
    assert fingerprint.expected_flip_rate == 0.2
    assert fingerprint.provenance.notes["expected_flip_rate"] == "given by the owner, not measured"
    assert fingerprint.models == () and report.separations == {}
    assert "mean-std" in report.rates.preprocessings
    assert "p0 " in report.summary()


def test_a_method_that_sees_nothing_is_refused(tiny_model: Classifier, split: DataSet) -> None:
    """Sure natural images keep their label after anything; with `weak` the file claims 0.05."""
    easy = Measures(noise_answers=0)
    with pytest.raises(CraftingError, match="the samples see too little"):
        generate(tiny_model, split, Natural(), count=12, profile="exact", measures=easy)

    fingerprint, _ = generate(
        tiny_model, split, Natural(), count=12, profile="exact", measures=replace(easy, weak=True)
    )

    assert fingerprint.expected_flip_rate == 0.05


def test_a_model_that_does_not_fit_the_data_is_refused_before_any_work(split: DataSet) -> None:
    """An untrained network is near chance; that may be allowed."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    torch.nn.init.zeros_(network[1].weight)
    forms = Forms(Classifier(network, image_shape=(1, 8, 8), class_count=4, name="untrained"))

    with pytest.raises(CraftingError, match=r"untrained gives 25\.0% of 32 ordinary images"):
        label_ordinary(forms, split, Measures(), 0)
    assert label_ordinary(forms, split, Measures(any_accuracy=True), 0) is not None
    assert label_ordinary(forms, split, Measures(ordinary=0), 0) is None


def test_a_normalisation_outside_is_in_the_file(tiny_model: Classifier, split: DataSet) -> None:
    """One number for each channel; the labels are those of network and normalisation together."""
    outside = tiny_model.with_network(Normalised(tiny_model.network, (0.0,), (1.0,)))
    measures = Measures(noise_answers=0, expected_flip_rate=0.25)

    made, _ = generate(outside, split, Bisection(), count=6, profile="exact", measures=measures)

    assert (made.preprocessing.mean, made.preprocessing.std) == ((0.0,), (1.0,))
    assert made.preprocessing.note == "normalised outside the network"
