"""A profile holds its own ways of serving and those of the milder ones; JPEG has one for every quality."""

import pytest
import torch

from modelprint.calibration import FLOAT64, PRECISIONS, PROFILES, Forms, Profile, find_profile, measure
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tensors import to_images

MILDER = {"fp32": "exact", "tf32": "fp32", "fp16": "tf32", "bf16": "tf32", "int8": "tf32", "jpeg-75": "fp32"}
WRONG = ["fp33", "FP32", *(f"jpeg-{end}" for end in ("0", "101", "x", "", "090", "9.5", "-1", "\u0669", "9\n"))]


@pytest.mark.parametrize(("coarse", "mild"), MILDER.items())
def test_a_profile_holds_the_milder_one_first(coarse: str, mild: str) -> None:
    """The reference comes first in all of them, then what is implied, then what is new."""
    inner, outer = list(find_profile(mild).variants), list(find_profile(coarse).variants)

    assert outer[0] == FLOAT64
    assert outer[: len(inner)] == inner
    assert len(outer) > len(inner)


@pytest.mark.parametrize("name", WRONG)
def test_an_unknown_name_is_refused_with_the_choices(name: str) -> None:
    """Also a quality that JPEG does not have."""
    with pytest.raises(ValueError, match="choose one of exact, fp32, tf32, fp16, bf16, int8, or jpeg-1 to jpeg-100"):
        find_profile(name)


@pytest.mark.parametrize("quality", [1, 9, 10, 75, 99, 100])
def test_every_quality_of_jpeg_has_a_profile(quality: int) -> None:
    """Its name says the quality; it has both ways of storing colour."""
    profile = find_profile(f"jpeg-{quality}")

    assert profile.name == f"jpeg-{quality}"
    assert set(profile.variants) - set(PROFILES["fp32"].variants) == {
        f"JPEG {quality}, 4:2:0",
        f"JPEG {quality}, 4:4:4",
    }


def test_steady_samples_keep_their_labels_in_all_variants_of_all_profiles(
    tiny_model: Classifier, split: DataSet
) -> None:
    """What is steady among others is so alone: measured again, in other batches, no variant gives another label."""
    forms = Forms(tiny_model, split.train.pixels)
    every = [*PROFILES.values(), find_profile("jpeg-100")]
    whole = Profile(name="all", variants={name: way for profile in every for name, way in profile.variants.items()})
    pixels = split.test.pixels
    noise = measure(forms, pixels, whole)
    steady = noise.find_steady(1.0)

    again = measure(forms, pixels[steady.numpy()], whole)

    assert 0 < steady.sum() < len(pixels)
    for name, logits in again.logits.items():
        assert torch.equal(logits.argmax(1), noise.labels[steady]), name


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_stands_for_a_variant_of_its_profile(name: str, tiny_model: Classifier, split: DataSet) -> None:
    """Its answers differ from the reference, by less than the largest logit."""
    if name == "int8":
        pytest.importorskip("onnxruntime")
    images = to_images(split.test.pixels[:8], torch.float64)
    forms = Forms(tiny_model, split.train.pixels)

    logits = PRECISIONS[name](forms, images)

    reference = forms.double.logits(images)
    assert PRECISIONS[name] in PROFILES[name].variants.values()
    assert 0 < (logits.double() - reference).abs().max() < reference.abs().max()
