import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.calibration import (
    FLOAT32,
    FLOAT64,
    PROFILES,
    Forms,
    Noise,
    Profile,
    float32,
    float64,
    join,
    measure,
    reference_labels,
)
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.pixels import Pixels
from modelprint.tensors import to_images

NOT_HERE = {"compiled"} | {
    name for name in PROFILES["fp32"].variants if "CUDA" in name and not torch.cuda.is_available()
}
"""What no test measures: compiling is switched off, and most machines have no GPU."""
FEW = Profile(name="few", variants={FLOAT64: float64, FLOAT32: PROFILES["fp32"].variants[FLOAT32]})


@pytest.fixture
def pixels(split: DataSet) -> Pixels:
    """Twenty images."""
    return split.train.pixels[:20]


class Stubborn(nn.Module):
    """Adds up two halves of an image in float32, whatever it is cast to."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        left, right = images.float().flatten(1).chunk(2, dim=1)
        return torch.stack([left.sum(1), right.sum(1)], dim=1) * self.scale.float()


def classifier_of(network: nn.Module, class_count: int = 2) -> Classifier:
    """Grey 8x8 images, two classes."""
    return Classifier(network, image_shape=(1, 8, 8), class_count=class_count, name="of the test")


def noise_of(*tables: list[list[float]]) -> Noise:
    """Logits by variant, named a, b, c ...; a is the reference."""
    return Noise(logits={name: torch.tensor(table).double() for name, table in zip("abc", tables, strict=False)})


def test_every_way_of_serving_gives_a_trained_classifier_nearly_the_same_logits(
    tiny_model: Classifier, pixels: Pixels
) -> None:
    """All variants of fp32 that this machine can do are measured; their shifts are small, but not all zero."""
    noise = measure(tiny_model, pixels, PROFILES["fp32"])

    assert set(noise.logits) == set(PROFILES["fp32"].variants) - NOT_HERE
    assert set(noise.absent) == NOT_HERE
    assert noise.reference_name == FLOAT64
    assert FLOAT64 not in noise.shifts
    assert 0 < noise.floor < 1e-4
    assert noise.floor == max(noise.shifts.values())
    assert torch.equal(noise.labels, tiny_model.labels(torch.from_numpy(pixels) / 255))


def test_measuring_changes_nothing(tiny_model: Classifier, pixels: Pixels) -> None:
    """Weights, layout, thread count and switches are afterwards as they were."""
    before = (tiny_model.digest(), tiny_model.dtype, torch.get_num_threads(), torch.backends.mkldnn.enabled)
    strides = [parameter.stride() for parameter in tiny_model.network.parameters()]

    measure(tiny_model, pixels, PROFILES["fp32"])

    after = (tiny_model.digest(), tiny_model.dtype, torch.get_num_threads(), torch.backends.mkldnn.enabled)
    assert after == before
    assert [parameter.stride() for parameter in tiny_model.network.parameters()] == strides


@pytest.mark.parametrize("name", ["1 thread", "2 threads"])
def test_the_thread_count_is_restored_after_an_error(name: str, tiny_model: Classifier) -> None:
    """A forward pass that fails halfway leaves the number of threads as it was."""
    before = torch.get_num_threads()
    of_another_size = torch.zeros(1, 3, 8, 8, dtype=torch.float64)

    with pytest.raises(RuntimeError):
        PROFILES["fp32"].variants[name](Forms(tiny_model), of_another_size)

    assert torch.get_num_threads() == before


def test_a_variant_that_fails_is_absent_with_a_reason(
    tiny_model: Classifier, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ONNX Runtime its two variants are missing too, and the rest is measured."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with_it = {"ONNX Runtime, all optimisations", "ONNX Runtime, no optimisation"}

    noise = measure(tiny_model, pixels, PROFILES["fp32"])

    assert set(noise.absent) == NOT_HERE | with_it
    assert all("onnxruntime" in noise.absent[name] for name in with_it)
    assert len(noise.logits) == len(PROFILES["fp32"].variants) - len(NOT_HERE) - 2


def test_a_reason_is_one_printable_line(tiny_model: Classifier, pixels: Pixels) -> None:
    """Line ends, escape codes and length of foreign messages do not reach the file."""

    def fails(forms: Forms, images: Tensor) -> Tensor:
        raise OSError("first\nsecond\x1b[31m" + 400 * "x")

    noise = measure(tiny_model, pixels, Profile(name="p", variants={**FEW.variants, "broken": fails}))

    assert noise.absent["broken"].startswith("OSError: first second [31mxxx")
    assert noise.absent["broken"].isprintable()
    assert len(noise.absent["broken"]) <= 200


def test_a_classifier_that_cannot_be_cast_is_compared_with_float32() -> None:
    """Where float64 is out of reach, single images in float32 are the reference, and the result says so."""
    model = classifier_of(Stubborn())
    pixels = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)

    noise = measure(model, pixels, FEW)

    assert noise.reference_name == FLOAT32
    assert "float32" in noise.absent[FLOAT64]
    assert torch.equal(reference_labels(Forms(model), torch.from_numpy(pixels) / 255), noise.labels)


def test_a_float64_classifier_is_served_in_float32(tiny_model: Classifier, pixels: Pixels) -> None:
    """The variants compute in float32 also when the owner holds float64 weights, so the floor is not zero."""
    noise = measure(tiny_model.double(), pixels, FEW)

    assert noise.floor > 0


def test_a_classifier_of_half_precision_is_served_as_given_too(tiny_model: Classifier, pixels: Pixels) -> None:
    """Its own rounding is honest under every profile; a float32 one has no such variant."""
    half = tiny_model.with_network(tiny_model.copy().network.bfloat16())

    noise = measure(half, pixels, FEW)

    assert torch.equal(noise.logits["bfloat16, as given"], half.logits(to_images(pixels), batch=1).double())
    assert noise.floor >= noise.shifts["bfloat16, as given"] > 0
    assert measure(tiny_model, pixels, FEW).logits.keys() == FEW.variants.keys()


def test_an_exported_program_for_one_image_is_measured_one_at_a_time(tiny_model: Classifier, pixels: Pixels) -> None:
    """Larger batches are absent; float64 and the rest are there."""
    program = torch.export.export(tiny_model.network, (torch.zeros(1, 1, 8, 8),)).module()
    profile = Profile(name="p", variants={**FEW.variants, "batch 7": PROFILES["fp32"].variants["float32, batch 7"]})

    noise = measure(classifier_of(program, class_count=4), pixels, profile)

    assert set(noise.absent) == {"batch 7"}
    assert noise.reference_name == FLOAT64
    assert noise.floor < 1e-4


def test_images_of_another_shape_are_an_error(tiny_model: Classifier) -> None:
    """When not even plain float32 works there is nothing to measure."""
    with pytest.raises(CraftingError, match="tiny cannot be computed"):
        measure(tiny_model, np.zeros((2, 3, 8, 8), dtype=np.uint8), FEW)


def test_logits_that_are_not_finite_are_an_error(tiny_model: Classifier, pixels: Pixels) -> None:
    """A classifier that overflows has no labels to seal; the message counts the images."""
    with torch.no_grad():
        tiny_model.head.bias[0] = torch.inf

    with pytest.raises(CraftingError, match="not finite to 20 of 20 images"):
        measure(tiny_model, pixels, FEW)


def test_progress_counts_the_variants(tiny_model: Classifier, pixels: Pixels) -> None:
    """One step per variant, starting at nothing."""
    reported: list[tuple[int, int]] = []

    measure(tiny_model, pixels, FEW, progress=lambda phase, done, total: reported.append((done, total)))

    assert reported == [(0, 2), (1, 2), (2, 2)]


def test_a_shift_is_how_far_the_two_top_classes_of_the_reference_drift_apart() -> None:
    """The third class may move as it likes, and both top ones may move together."""
    noise = noise_of([[5.0, 3.0, 0.0]], [[6.0, 4.0, 1.5]], [[5.0, 3.25, -7.0]])

    assert noise.shifts == {"b": 0.0, "c": 0.25}
    assert noise.floor == 0.25


def test_a_shift_that_swaps_the_classes_counts_in_full() -> None:
    """From 1 ahead to 1 behind is a drift of 2, although the gap of the two largest logits is 1 on either side."""
    noise = noise_of([[1.0, 0.0]], [[0.0, 1.0]])

    assert noise.floor == 2.0


def test_the_floor_is_the_largest_shift_among_few_images() -> None:
    """Below a thousand images the 99.9th percentile is the maximum; there is no interpolation to below it."""
    reference = [[1.0, 0.0]] * 1500
    served = [[1.0 + index, 0.0] for index in range(1500)]

    assert noise_of(reference[:500], served[:500]).floor == 499
    assert noise_of(reference, served).floor == 1498


def test_an_image_is_steady_when_every_variant_keeps_label_and_margin() -> None:
    """Hand cases, one each: all well; margin lost in c; label lost in b; a tie; exactly at the limit."""
    noise = noise_of(
        [[4.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 4.0, 0.0], [1.5, 0.0, 0.0]],
        [[4.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 5.0], [4.0, 4.0, 0.0], [1.5, 0.0, 0.0]],
        [[4.0, 0.0, 0.0], [4.0, 3.0, 0.0], [4.0, 0.0, 0.0], [4.0, 4.0, 0.0], [1.5, 0.0, 0.0]],
    )

    assert noise.find_steady(3.0, floor=0.5).tolist() == [True, False, False, False, True]
    assert noise.find_steady(0.0, floor=0.5).tolist() == [True, True, False, False, True]
    assert noise.find_steady(3.0).tolist() == [False] * 5  # the drift of 3 in the second image is the floor of all


def test_the_smallest_margin_is_a_multiple_of_the_floor() -> None:
    """With a drift of 0.25 nothing below 0.75 is steady, and so no smaller change of a gap can be seen."""
    noise = noise_of([[5.0, 3.0, 0.0]], [[5.0, 3.25, 0.0]])

    assert noise.smallest_margin() == 0.75
    assert noise.smallest_margin(2.0) == 0.5


def test_margin_and_confidence_come_from_the_reference() -> None:
    """Two logits that differ by log 3 share the probability 3 to 1."""
    noise = noise_of([[float(np.log(3)), 0.0]], [[9.0, 0.0]])

    assert noise.margins.item() == pytest.approx(np.log(3), rel=1e-6)
    assert noise.confidences.item() == pytest.approx(0.75, rel=1e-6)


def test_joined_measurements_have_the_floor_of_all_and_only_shared_variants() -> None:
    """Rows follow one another, and what one part lacks the whole lacks."""
    first = noise_of([[1.0, 0.0]], [[1.5, 0.0]], [[9.0, 0.0]])
    second = Noise(logits=dict(noise_of([[2.0, 0.0]], [[2.25, 0.0]]).logits), absent={"c": "too slow"})

    whole = join([first, second])

    assert whole.shifts == {"b": 0.5}
    assert whole.margins.tolist() == [1.0, 2.0]
    assert whole.absent == {"c": "too slow"}


def test_a_measurement_repeats_bit_for_bit(tiny_model: Classifier, pixels: Pixels) -> None:
    """The same images have the same logits in each variant, measured again."""
    first, second = (measure(tiny_model, pixels, PROFILES["exact"]) for _ in range(2))

    assert list(first.logits) == [FLOAT64, FLOAT32]
    assert all(torch.equal(first.logits[name], second.logits[name]) for name in first.logits)


def test_float32_answers_in_float32(tiny_model: Classifier) -> None:
    """The variant really computes in single precision; only the comparison is in double."""
    answer = float32(Forms(tiny_model), torch.zeros(2, 1, 8, 8, dtype=torch.float64))

    assert answer.dtype == torch.float32
