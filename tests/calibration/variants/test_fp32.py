"""Stacks that compute in float32 agree to a few units in the last place."""

import pytest
import torch
from torch import nn

from modelprint.calibration import Forms, suppress_warnings
from modelprint.calibration.variants import fp32
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tensors import to_images


@pytest.fixture
def two_layers() -> Classifier:
    """A network that is quickly compiled."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 8, 4))
    return Classifier(network, image_shape=(1, 8, 8), class_count=4, name="two layers")


def test_compiled_answers_are_near_and_the_last_batch_may_be_short(two_layers: Classifier, split: DataSet) -> None:
    """Twenty images in a batch of 64 are one compilation and twenty answers; asked again, nothing is compiled."""
    forms, images = Forms(two_layers), to_images(split.test.pixels[:20], torch.float64)
    # Whether the compiler knows the instructions of this processor is taken as given: trying takes half of the time.
    tried = torch._inductor.config.patch({"cpp.vec_isa_ok": True})
    try:
        with suppress_warnings(), torch._dynamo.config.patch(disable=False), tried:
            first, again = fp32.compile_network(forms, images), fp32.compile_network(forms, images[:3])
    except Exception as problem:  # whatever the compiler has to say
        pytest.skip(f"nothing can be compiled here: {type(problem).__name__}")

    assert torch.equal(again, first[:3])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert torch.allclose(first, two_layers.logits(images), atol=1e-4)


def test_compiling_that_is_switched_off_is_a_reason(tiny_model: Classifier) -> None:
    """Otherwise torch would silently compute as ever, and the profile would claim what was not measured."""
    with pytest.raises(RuntimeError, match="TORCH_COMPILE_DISABLE"):
        fp32.compile_network(Forms(tiny_model), torch.zeros(1, 1, 8, 8, dtype=torch.float64))


def test_an_exported_graph_takes_batches_of_all_sizes(tiny_model: Classifier, split: DataSet) -> None:
    """One image or many, answers as from the network."""
    forms = Forms(tiny_model)
    for count in (1, 5):
        images = to_images(split.test.pixels[:count], torch.float64)
        assert torch.allclose(fp32.export(forms, images), tiny_model.logits(images), atol=1e-5)


@pytest.mark.parametrize("nnpack", [True, False])
def test_own_convolutions_leave_the_switches_as_they_were(nnpack: bool, tiny_model: Classifier) -> None:
    """Both libraries are on again afterwards, and the answers are near."""
    if nnpack and not torch.backends.nnpack.is_available():
        pytest.skip("PyTorch cannot use NNPACK here")
    images = torch.rand(20, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    with suppress_warnings():  # as in `measure`: torch warns of its own switch
        logits = fp32.disable_onednn(Forms(tiny_model), images, nnpack=nnpack)

    assert torch.allclose(logits, tiny_model.logits(images), atol=1e-4)
    assert torch.backends.mkldnn.enabled
    assert torch._C._get_nnpack_enabled()


def test_nnpack_that_is_not_there_is_a_reason(tiny_model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some processors and some builds of PyTorch lack it."""
    monkeypatch.setattr(torch.backends.nnpack, "is_available", lambda: False)

    with pytest.raises(RuntimeError, match="NNPACK"):
        fp32.disable_onednn(Forms(tiny_model), torch.zeros(1, 1, 8, 8, dtype=torch.float64), nnpack=True)
