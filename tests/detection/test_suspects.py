"""Local suspects are asked about every sample."""

from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.detection import Detection, detect, detection_rate, mean_rates
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.loading import save_weights
from modelprint.methods import Bisection


@pytest.fixture
def fingerprint(tiny_model: Classifier, split: DataSet) -> Fingerprint:
    """Sixteen samples near the boundaries of the tiny model."""
    return generate(tiny_model, split, Bisection(), count=16, profile="exact", seed=1, measures=NOTHING)[0]


def of_kind(kind: str, mismatched: list[bool], **others: str) -> Detection:
    """A detection with its rates at one and two queries."""
    rates = {queries: detection_rate(sum(mismatched), len(mismatched), queries) for queries in (1, 2)}
    return Detection(name=f"a {kind}", record={"kind": kind}, mismatched=tuple(mismatched), rates=rates, **others)


def test_the_intact_model_is_never_detected(tiny_model: Classifier, fingerprint: Fingerprint, tmp_path: Path) -> None:
    """Its own weights match on every sample, whichever weights the model handed over for the architecture has."""
    save_weights(tiny_model, tmp_path / "intact.safetensors", {"kind": "none"})
    with torch.no_grad():
        tiny_model.head.weight.zero_()

    (found,) = detect(tiny_model, fingerprint, [("intact", tmp_path / "intact.safetensors")])

    assert (found.name, found.kind, found.record) == ("intact", "none", {"kind": "none"})
    assert (found.mismatches, found.samples, found.problem) == (0, 16, "")
    assert found.rates == {1: 0.0, 5: 0.0, 10: 0.0}


def test_a_model_that_always_says_the_same_is_detected_by_the_samples_of_other_labels(
    tiny_model: Classifier, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    """Which samples mismatch is known by their labels; the rates follow, up to the number of samples."""
    with torch.no_grad():
        tiny_model.head.weight.zero_()
        tiny_model.head.bias.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0]))
    save_weights(tiny_model, tmp_path / "constant.safetensors")

    (found,) = detect(tiny_model, fingerprint, [("constant", tmp_path / "constant.safetensors")], queries=(1, 3, 17))

    expected = [sample.label != 2 for sample in fingerprint.samples]
    assert list(found.mismatched) == expected
    assert found.rates == {1: sum(expected) / 16, 3: detection_rate(sum(expected), 16, 3)}
    assert found.kind == "constant"


def test_bad_files_do_not_stop_the_others(tiny_model: Classifier, fingerprint: Fingerprint, tmp_path: Path) -> None:
    """A missing file, garbage, other shapes, a folder and an overflow are problems, each of its own suspect."""
    good, garbage, other, overflowing = (tmp_path / f"{name}.safetensors" for name in "abcd")
    save_weights(tiny_model, good)
    garbage.write_bytes(b"no weights at all")
    wrong = tiny_model.copy()
    wrong.network.set_submodule("linear", torch.nn.Linear(7, 4))
    save_weights(wrong, other)
    huge = tiny_model.copy()
    with torch.no_grad():
        huge.head.weight.fill_(3e38)
    save_weights(huge, overflowing)
    files = [tmp_path / "missing.safetensors", garbage, other, tmp_path, overflowing, good]

    found = detect(tiny_model, fingerprint, [(path.name, path) for path in files])

    assert [bool(detection.problem) for detection in found] == [True] * 5 + [False]
    assert "no weights file" in found[0].problem
    assert "shape" in found[2].problem
    assert "not finite to 16 of 16" in found[4].problem
    assert found[0].to_record()["problem"] == found[0].problem
    assert found[5].to_record()["rates"] == {"1": 0.0, "5": 0.0, "10": 0.0}


def test_samples_of_another_shape_are_refused(tiny_model: Classifier, fingerprint: Fingerprint) -> None:
    """Nothing can be asked then, so it is an error and not a problem of one suspect."""
    model = Classifier(tiny_model.network, image_shape=(3, 8, 8), class_count=4, name="colourful")

    with pytest.raises(ValueError, match=r"colourful takes images of shape \(3, 8, 8\)"):
        detect(model, fingerprint, [])


def test_mean_rates_are_taken_kind_by_kind() -> None:
    """The mean is over models; suspects with a problem are left out; kinds come as they first appear."""
    detections = [
        of_kind("prune", [True, True, False, False]),
        of_kind("int8", [True, True, True, True]),
        Detection(name="broken", record={"kind": "prune"}, problem="truncated"),
        of_kind("prune", [False, False, False, False]),
    ]

    prune, int8 = mean_rates(detections)

    assert (prune.kind, prune.models, prune.rates) == ("prune", 2, {1: 0.25, 2: (5 / 6) / 2})
    assert prune.low < 0.25 < prune.high
    assert (int8.kind, int8.models, int8.rates, int8.low, int8.high) == ("int8", 1, {1: 1.0, 2: 1.0}, 1.0, 1.0)
