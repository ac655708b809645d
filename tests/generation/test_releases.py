"""A fingerprint carries the labels that other releases really give, and only those that are sure."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modelprint.calibration import PRECISIONS, PROFILES, Forms
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import PROTECTED, Release
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.generation.releases import KnownRelease, label_releases
from modelprint.generation.report import GenerationReport
from modelprint.methods import Bisection
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture, Pixels
from modelprint.tensors import Images, to_images
from modelprint.verification import Outcome, verify


def sealed(
    model: Classifier, data: DataSet, *releases: KnownRelease, **others: Any
) -> tuple[Fingerprint, GenerationReport]:
    """Generate by bisection, whose samples are as near to a boundary as eight bits allow."""
    asked = {"profile": "exact", "count": 40, "allow_fewer": True, "measures": NOTHING} | others
    return generate(model, data, Bisection(), releases=releases, **asked)


def labelled(pixels: Pixels, *releases: KnownRelease) -> tuple[Release, ...]:
    """Label by the plain profile."""
    return label_releases(releases, pixels, natural=pixels, profile=PROFILES["exact"], multiple=3.0)


def older(model: Classifier) -> Classifier:
    """Return a classifier that leans towards class 0."""
    other = model.copy()
    with torch.no_grad():
        other.head.bias[0] += 0.05
    return other


class Served:
    """Answers as a classifier does in a precision, one image at a time."""

    def __init__(self, model: Classifier, precision: str, natural: Pixels) -> None:
        self.forms = Forms(model, natural)
        self.precision = precision

    def ask(self, picture: Picture) -> Answer:
        image = to_images(picture.pixels[None], torch.float64)
        return Answer(label=int(PRECISIONS[self.precision](self.forms, image).argmax()))

    def describe(self) -> dict[str, str]:
        return {"kind": "served"}


def test_another_precision_that_answers_is_named(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """The real int8 and bfloat16 forms of a classifier are distinguished from it and from each other, out of a file."""
    pytest.importorskip("onnxruntime")
    releases = [KnownRelease(name=name, model=tiny_model, precision=name) for name in ("int8", "bf16")]
    fingerprint, report = sealed(tiny_model, split, *releases, count=64)
    fingerprint.save(tmp_path / "tiny.mprint")
    loaded = Fingerprint.load(tmp_path / "tiny.mprint")

    found = {name: verify(Served(tiny_model, name, split.train.pixels), loaded) for name in ("fp32", "int8", "bf16")}

    assert found["fp32"].outcome is Outcome.INTACT
    for name in ("int8", "bf16"):
        assert found[name].outcome is Outcome.TAMPERED
        assert found[name].identification is not None
        assert found[name].identification.names == (name,)
    assert report.separations == loaded.separations
    assert min(report.separations[PROTECTED].values()) > 0


def test_an_older_release_has_its_own_labels_and_digest(tiny_model: Classifier, split: DataSet) -> None:
    """They are those of its weights, sample by sample."""
    other = older(tiny_model)

    fingerprint, _ = sealed(tiny_model, split, KnownRelease(name="1.3", model=other))

    (release,) = fingerprint.releases
    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    own = [sample.label for sample in fingerprint.samples]
    assert [label for label in release.labels if label is not None] == [
        label
        for label, sure in zip(other.labels(to_images(pixels)).tolist(), release.labels, strict=True)
        if sure is not None
    ]
    assert list(release.labels) != own
    assert (release.name, release.precision, release.model_sha256) == ("1.3", None, other.digest())


def test_releases_leave_the_samples_as_they_are(tiny_model: Classifier, split: DataSet) -> None:
    """The same are crafted with and without them."""
    plain, _ = sealed(tiny_model, split)

    carrying, _ = sealed(tiny_model, split, KnownRelease(name="1.3", model=older(tiny_model)))

    assert carrying.samples == plain.samples


def test_a_label_near_the_boundary_of_a_release_is_not_sure(tiny_model: Classifier, split: DataSet) -> None:
    """A release that gives its two leading classes nearly equal logits may answer either way."""
    pixels = split.train.pixels[:8]
    logits = tiny_model.double().logits(to_images(pixels[:1], torch.float64))[0]
    first, second = logits.topk(2).indices
    level = tiny_model.copy()
    with torch.no_grad():
        level.head.bias[second] += (logits[first] - logits[second]).float()

    (release,) = labelled(pixels, KnownRelease(name="level", model=level))

    assert release.labels[0] is None
    assert any(label is not None for label in release.labels)


def test_a_label_that_depends_on_the_other_images_is_not_sure(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may compute any number of images together."""

    def crowded(forms: Forms, images: Images) -> torch.Tensor:
        logits = forms.single.logits(images)
        logits[0] += 100.0 * torch.eye(4)[3] * (len(images) > 1)
        return logits

    monkeypatch.setitem(PRECISIONS, "crowded", crowded)
    pixels = split.train.pixels[:8]

    (release,) = labelled(pixels, KnownRelease(name="x", model=tiny_model, precision="crowded"))

    assert release.labels == (None, *tiny_model.labels(to_images(pixels)).tolist()[1:])


def test_a_release_with_the_labels_of_the_protected_model_is_warned_about(
    tiny_model: Classifier, split: DataSet
) -> None:
    """The report has the numbers, and a warning for each pair that no sample tells apart."""
    releases = [KnownRelease(name="fp32", model=tiny_model, precision="fp32")]
    releases += [KnownRelease(name=name, model=older(tiny_model)) for name in ("1.2", "1.3")]

    _, report = sealed(tiny_model, split, *releases)

    assert report.warnings == (
        "warning: no sample tells fp32 from the protected model: a check cannot say which of them answers",
        "warning: no sample tells 1.3 from 1.2: a check cannot say which of them answers",
    )
    count = report.separations[PROTECTED]["1.2"]
    assert f"separated    1.2 from the protected model by {count} samples, from 1.3 by 0" in report.summary()


@pytest.mark.parametrize(
    ("names", "precision", "said"),
    [
        (["1.3", "1.3"], None, "two releases are called '1.3'"),
        (["a\nb"], None, "1 to 100 printable characters"),
        (["x" * 101], None, "1 to 100 printable characters"),
        ([PROTECTED], None, "cannot be called 'the protected model'"),
        (["1.3"], "int4", "release 1.3: there is no precision 'int4'; choose one of fp32, tf32, fp16, bf16, int8"),
    ],
)
def test_names_and_precisions_are_checked_before_any_work(
    names: list[str], precision: str | None, said: str, tiny_model: Classifier, split: DataSet
) -> None:
    """A wrong name is a ValueError at once, not after an hour of crafting."""
    releases = [KnownRelease(name=name, model=tiny_model, precision=precision) for name in names]
    small = replace(split, train=split.train.take(range(1)))  # crafting 40 from it would be another error

    with pytest.raises(ValueError, match=said):
        sealed(tiny_model, small, *releases, allow_fewer=False)


def test_a_release_of_other_classes_is_refused(tiny_model: Classifier, split: DataSet) -> None:
    """Both counts are in the message."""
    other = Classifier(tiny_model.network, image_shape=(1, 8, 8), class_count=5, name="finer")

    with pytest.raises(ValueError, match=r"release 1.3 takes .* knows 5 classes, but tiny has \(1, 8, 8\) and 4"):
        sealed(tiny_model, split, KnownRelease(name="1.3", model=other))


@pytest.mark.parametrize(
    ("logits", "said"),
    [
        (lambda forms, images: 1 / 0, "release x cannot be computed in odd here: ZeroDivisionError: division by zero"),
        (lambda forms, images: torch.full((len(images), 4), torch.nan), "gives logits that are not finite in odd"),
        (lambda forms, images: torch.zeros(len(images), 4), "honest serving may change every label of release x"),
    ],
)
def test_a_release_that_cannot_be_compared_is_an_error(
    logits: Any, said: str, tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails, has no numbers, or nothing but ties."""
    monkeypatch.setitem(PRECISIONS, "odd", logits)

    with pytest.raises(CraftingError, match=said):
        labelled(split.train.pixels[:4], KnownRelease(name="x", model=tiny_model, precision="odd"))
