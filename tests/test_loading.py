"""Classifiers come from safetensors, factories and exported programs; pickles and foreign weights are refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import load_data, weights_path
from modelprint.errors import LoadingError
from modelprint.fast.known import logits_on
from modelprint.loading import load_classifier, save_weights


def saved(model: Classifier, folder: Path) -> Path:
    """Save `model` and return where."""
    save_weights(model, folder / "weights.safetensors")
    return folder / "weights.safetensors"


def test_named_network_with_weights_answers_as_saved(tiny_model: Classifier, tmp_path: Path) -> None:
    """Class count and channels are read off the weights."""
    loaded = load_classifier("digits", saved(tiny_model, tmp_path))

    assert (loaded.class_count, loaded.image_shape) == (4, (1, 8, 8))
    assert loaded.digest() == tiny_model.digest()


@pytest.mark.parametrize(
    "content", [b"\x80\x02}q\x00.", b"PK\x03\x04 a torch zip", b"\x00" * 40, b"no file of any kind"]
)
def test_pickles_and_garbage_are_refused_unread(content: bytes, tmp_path: Path) -> None:
    """One line, naming the file."""
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)

    with pytest.raises(LoadingError, match=r"weights\.safetensors"):
        load_classifier("digits", path)


def test_a_pickle_by_its_ending_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """The message says how to convert."""
    path = tmp_path / "model.pth"
    torch.save({}, path)

    with pytest.raises(LoadingError, match=r"safetensors\.torch\.save_file"):
        load_classifier("digits", path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: w | {"linear.weight": torch.zeros(4, 9)},
            r"linear.weight has shape \(4, 9\), but digits needs \(4, 512",
        ),
        (lambda w: {k: v for k, v in w.items() if k != "linear.bias"}, "1 missing .such as linear.bias"),
        (lambda w: w | {"extra": torch.zeros(1)}, "1 unexpected .such as extra"),
        (lambda w: w | {"linear.bias": torch.full((4,), torch.nan)}, "linear.bias holds values that are not finite"),
    ],
)
def test_foreign_weights_are_named(change: object, message: str, tiny_model: Classifier, tmp_path: Path) -> None:
    """Shapes, names and values are checked before anything is used."""
    save_file(change(tiny_model.network.state_dict()), tmp_path / "w.safetensors")  # type: ignore[operator]

    with pytest.raises(LoadingError, match=message):
        load_classifier("digits", tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("no-such-net", "unknown network 'no-such-net'; known are resnet20"),
        ("digits", "needs a weights file"),
        ("no_such_module:make", "No module named"),
        ("collections:OrderedDict", "returned a OrderedDict"),
        ("missing.pt2", "missing.pt2: give the shape of its images"),
    ],
)
def test_what_is_no_network_is_explained(network: str, message: str) -> None:
    """Unknown names, modules and files."""
    with pytest.raises(LoadingError, match=message):
        load_classifier(network)


def test_a_factory_in_the_working_folder_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that returns a torch module, with the image shape said beside it."""
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, 5))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    made = load_classifier("my_networks:make", image_shape=(3, 2, 2))

    assert made.class_count == 5
    with pytest.raises(LoadingError, match="--image-shape"):
        load_classifier("my_networks:make")
    with pytest.raises(LoadingError, match="does not take images of shape"):
        load_classifier("my_networks:make", image_shape=(3, 5, 5))


def exported(model: Classifier, path: Path) -> Path:
    """Export `model` for any batch size."""
    batch = torch.export.Dim("batch", min=1, max=1024)
    program = torch.export.export(
        model.network, (torch.zeros(2, *model.image_shape),), dynamic_shapes={"images": {0: batch}}
    )
    torch.export.save(program, path)
    return path


def test_an_exported_program_answers_as_the_network(tiny_model: Classifier, tmp_path: Path) -> None:
    """`.pt2` in, the same logits out, for any batch size."""
    path, images = exported(tiny_model, tmp_path / "model.pt2"), torch.rand(5, 1, 8, 8)

    loaded = load_classifier(str(path), image_shape=(1, 8, 8))

    torch.testing.assert_close(loaded.logits(images), tiny_model.logits(images))
    with pytest.raises(LoadingError, match="carries its weights inside"):
        load_classifier(str(path), path, image_shape=(1, 8, 8))


def test_a_damaged_exported_program_is_one_line(tmp_path: Path) -> None:
    """No traceback of the archive reader."""
    (tmp_path / "broken.pt2").write_bytes(b"PK nothing")

    with pytest.raises(LoadingError, match="not a readable exported program"):
        load_classifier(str(tmp_path / "broken.pt2"), image_shape=(1, 8, 8))


@pytest.mark.parametrize("ending", ["relu", "linear"])
def test_the_head_is_the_last_linear_layer_or_there_is_none(ending: str) -> None:
    """Only a linear layer whose output is the logits counts."""
    layers = [nn.Flatten(), nn.Linear(4, 3), *([nn.ReLU()] if ending == "relu" else [])]
    model = Classifier(nn.Sequential(*layers), image_shape=(1, 2, 2), class_count=3)
    images = torch.rand(2, 1, 2, 2)

    if ending == "linear":
        assert model.head is layers[1]
        assert torch.equal(model.features(images), images.flatten(1))
    else:
        with pytest.raises(LoadingError, match="does not end in a linear layer"):
            _ = model.head


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("depth", "accuracy"), [(20, 91.73), (32, 92.63), (44, 93.10), (56, 93.39)])
def test_public_residual_networks_reach_their_published_accuracy(depth: int, accuracy: float) -> None:
    """On all 10,000 test images of CIFAR-10, to the second decimal."""
    test = load_data("cifar10").test
    model = load_classifier(f"resnet{depth}", weights_path(f"cifar10_resnet{depth}"))

    right = (logits_on(model, test).argmax(1).numpy() == test.labels).mean()

    assert round(100 * right, 2) == accuracy


@pytest.mark.data
def test_public_resnet20_is_right_on_the_first_thousand_test_images() -> None:
    """A quick form of the slow test: 915 of the first 1,000."""
    test = load_data("cifar10").test.take(range(1000))
    model = load_classifier("resnet20", weights_path("cifar10_resnet20"))

    assert (logits_on(model, test).argmax(1).numpy() == test.labels).sum() == 915
