"""Another architecture takes the place of the original, and is found again under its own name."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import LoadingError, TrainingError
from modelprint.loading import NETWORK, load_classifier, load_like, save_weights
from modelprint.networks import NETWORKS
from modelprint.streams import stream
from modelprint.tamperings import SUITE, Suspect, make_suspect
from modelprint.tamperings.architecture import GivenArchitecture, OtherArchitecture, list_other_architectures
from modelprint.tensors import to_images


def untrained(name: str, size: int, *, class_count: int = 10) -> Classifier:
    """A fresh network for square images."""
    channels = NETWORKS[name].image_shape[0]
    network = NETWORKS[name].make(class_count=class_count, channels=channels)
    return Classifier(network, image_shape=(channels, size, size), class_count=class_count, name=name)


@pytest.fixture(scope="module")
def suspect(_trained: Classifier, split: DataSet) -> Suspect:
    """A residual network in place of the tiny one."""
    tampering = OtherArchitecture(network="resnet20", schedule="one-cycle", learning_rate=0.05, epochs=1)
    return make_suspect("architecture-short", tampering, _trained, split, seed=1)


def test_candidates_take_the_images_and_are_not_the_original() -> None:
    """Residual networks take any size, the rest the one they were made for; photographs' networks are too large."""
    residual = ["resnet20", "resnet32", "resnet44", "resnet56"]

    assert list_other_architectures(untrained("resnet20", 32)) == ["resnet32", "resnet44", "resnet56", "cnn6", "vgg11"]
    assert list_other_architectures(untrained("cnn6", 32, class_count=43)) == [*residual, "vgg11"]
    assert list_other_architectures(untrained("lenet5", 28)) == [*residual, "mlp"]
    assert list_other_architectures(untrained("digits", 8)) == residual


def test_a_stored_suspect_comes_back_as_its_own_architecture(
    suspect: Suspect, tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """Loaded beside its original, or by its own name; the original's name is refused with its own."""
    path, images = tmp_path / "s.safetensors", to_images(split.test.pixels)
    save_weights(suspect.classifier, path, suspect.record())

    beside, _ = load_like(tiny_model, path)
    named = load_classifier("resnet20", path, image_shape=(1, 8, 8))

    assert beside.name == "resnet20"
    assert named.image_shape == (1, 8, 8)
    for loaded in (beside, named):
        assert torch.equal(loaded.logits(images), suspect.classifier.logits(images))
    with pytest.raises(LoadingError, match="holds the weights of a resnet20, not of a digits"):
        load_classifier("digits", path)
    with pytest.raises(LoadingError, match=r"resnet20 does not take images of shape \(3, 8, 8\)"):
        load_classifier("resnet20", path, image_shape=(3, 8, 8))


def test_a_file_that_names_no_network_of_ours_is_refused(
    suspect: Suspect, tiny_model: Classifier, tmp_path: Path
) -> None:
    """The name comes from a file and is looked up, never imported."""
    path = tmp_path / "s.safetensors"
    save_file(dict(suspect.classifier.network.state_dict()), path, metadata={NETWORK: "os:system"})

    with pytest.raises(LoadingError, match="unknown network 'os:system'"):
        load_like(tiny_model, path)


def test_the_distance_to_another_architecture_counts_both_whole(suspect: Suspect, tiny_model: Classifier) -> None:
    """They share no tensor: the squares of both lengths add up."""
    lengths = [
        sum(p.pow(2).sum().item() for p in model.network.parameters()) for model in (tiny_model, suspect.classifier)
    ]

    assert suspect.movement.parameters == pytest.approx((sum(lengths) / lengths[0]) ** 0.5, rel=1e-5)
    assert suspect.classifier.name == "resnet20" != tiny_model.name


def test_given_weights_are_taken_as_they_are(
    suspect: Suspect, tiny_model: Classifier, split: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked for by data set and network; the original's own are no choice; without any it is an error."""
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path))
    with pytest.raises(TrainingError, match="no weights of another network for tiny; there are none"):
        make_suspect("architecture-given", SUITE["architecture-given"](), tiny_model, split, seed=0)
    save_weights(suspect.classifier, tmp_path / "weights" / "tiny_resnet20.safetensors")
    save_weights(tiny_model, tmp_path / "weights" / "tiny_digits.safetensors")

    given = make_suspect("architecture-given", SUITE["architecture-given"](), tiny_model, split, seed=0)

    assert given.classifier.digest() == suspect.classifier.digest()
    assert given.classifier.name == given.notes == "resnet20"
    with pytest.raises(TrainingError, match="no weights of digits for tiny; there are resnet20"):
        GivenArchitecture(network="digits").apply(tiny_model, split, stream(0), lambda *_: None)


def test_given_weights_for_other_classes_are_refused(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven classes are not four."""
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path))
    network = NETWORKS["resnet20"].make(class_count=7, channels=1)
    save_file(dict(network.state_dict()), tmp_path / "tiny_resnet20.safetensors")
    (tmp_path / "weights").mkdir()
    (tmp_path / "tiny_resnet20.safetensors").rename(tmp_path / "weights" / "tiny_resnet20.safetensors")

    with pytest.raises(TrainingError, match="resnet20 have 7 classes, not 4"):
        GivenArchitecture().apply(tiny_model, split, stream(0), lambda *_: None)


def test_a_network_that_does_not_fit_is_refused_with_those_that_do(tiny_model: Classifier, split: DataSet) -> None:
    """The original's own architecture is none of them."""
    with pytest.raises(TrainingError, match=r"vgg11 takes images of shape \(1, 8, 8\)"):
        OtherArchitecture(network="vgg11").apply(tiny_model, split, stream(0), lambda *_: None)
