"""Classifiers come from safetensors, factories and exported programs; pickles and foreign weights are refused."""

import json
import os
import random
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import load_data, weights_path
from modelprint.errors import LoadingError
from modelprint.fast.known import logits_on
from modelprint.loading import load_classifier, load_like, save_weights


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


def test_a_factory_in_a_folder_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that returns a torch module, with the image shape said beside it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, 5))\n"
    )

    made = load_classifier("my_networks:make", image_shape=(3, 2, 2), search_path=tmp_path)

    assert made.class_count == 5
    with pytest.raises(LoadingError, match="--image-shape"):
        load_classifier("my_networks:make")
    with pytest.raises(LoadingError, match="does not take images of shape"):
        load_classifier("my_networks:make", image_shape=(3, 5, 5))


OUTPUTS = {
    "tuple": "(features, logits)",
    "dictionary": "{'logits': logits, 'features': logits}",
    "two": "(logits, logits)",
    "random": "logits + torch.rand(())",
    "in_place": "logits + images.sub_(0.5).sum()",
    "exits": "sys.exit(1)",
    "maps": "logits[:, :, None, None]",
}


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one module, whose factories return networks with the outputs of OUTPUTS."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    lines = ["import sys", "import torch", "from torch import nn"]
    for name, output in OUTPUTS.items():
        lines += [
            f"class {name.title()}(nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
            "        torch.manual_seed(0)",
            "        self.linear = nn.Linear(12, 5)",
            "    def forward(self, images):",
            "        logits, features = self.linear(images.flatten(1)), images * 2",
            f"        return {output}",
            f"def {name}():",
            f"    return {name.title()}()",
            f"def made_{name}():",
            "    from modelprint.classifier import Classifier",
            f"    return Classifier({name}(), image_shape=(3, 2, 2), class_count=5, name='mine')",
        ]
    (tmp_path / "outputs_of_networks.py").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("maker", ["tuple", "dictionary", "made_tuple", "made_dictionary"])
def test_one_of_several_outputs_is_the_logits(maker: str, factories: Path, tmp_path: Path) -> None:
    """Of a bare module and of a Classifier; weights are read with the names of the network or as they were saved."""
    network = f"outputs_of_networks:{maker}"

    made = load_classifier(network, image_shape=(3, 2, 2), search_path=factories)
    save_file({"linear.weight": torch.ones(5, 12), "linear.bias": torch.zeros(5)}, tmp_path / "own.safetensors")
    filled = load_classifier(network, tmp_path / "own.safetensors", image_shape=(3, 2, 2), search_path=factories)
    save_weights(filled, tmp_path / "saved.safetensors")
    again = load_classifier(network, tmp_path / "saved.safetensors", image_shape=(3, 2, 2), search_path=factories)

    assert (made.class_count, made.image_shape) == (5, (3, 2, 2))
    assert filled.logits(torch.ones(2, 3, 2, 2)).tolist() == [[12.0] * 5] * 2
    assert filled.digest() == again.digest() != made.digest()


@pytest.mark.parametrize(
    ("maker", "message"),
    [
        ("two", r"two returns 0: float32 \(1, 5\), 1: float32 \(1, 5\); expected an entry called logits"),
        ("random", "random gives the same image different logits"),
        ("in_place", "in_place changes its images in place"),
        ("exits", "exits failed: SystemExit: 1"),
        ("maps", r"maps answers one image with shape \(1, 5, 1, 1\), expected \(1, classes\)"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "made_"])
def test_a_network_that_cannot_be_sealed_is_refused_when_it_is_loaded(
    maker: str, message: str, prefix: str, factories: Path
) -> None:
    """With what it does."""
    with pytest.raises(LoadingError, match=message):
        load_classifier(f"outputs_of_networks:{prefix}{maker}", image_shape=(3, 2, 2), search_path=factories)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
def test_the_prefix_of_a_wrapper_is_dropped(prefix: str, tiny_model: Classifier, tmp_path: Path) -> None:
    """Of all names, as nn.DataParallel and torch.compile write them."""
    path = tmp_path / "wrapped.safetensors"
    save_file({f"{prefix}{name}": tensor for name, tensor in tiny_model.network.state_dict().items()}, path)

    assert load_classifier("digits", path).digest() == tiny_model.digest()
    assert load_like(tiny_model, path)[0].digest() == tiny_model.digest()


@pytest.mark.parametrize("numbers", [([0.25], [0.5]), ((0.25,), (0.5,))])
def test_a_normalisation_outside_becomes_part_of_the_classifier(
    numbers: Any, tiny_model: Classifier, tmp_path: Path
) -> None:
    """It takes images in [0, 1]; weights of the plain network, and of the whole, are read into it."""
    path = saved(tiny_model, tmp_path)
    images = torch.rand(3, 1, 8, 8)

    outside = load_classifier("digits", path, normalisation=numbers)

    torch.testing.assert_close(outside.logits(images), tiny_model.logits((images - 0.25) / 0.5))
    again, _ = load_like(outside, path)
    assert again.digest() == outside.digest()
    save_weights(outside, tmp_path / "whole.safetensors")
    assert load_like(outside, tmp_path / "whole.safetensors")[0].digest() == outside.digest()


@pytest.mark.parametrize(
    ("numbers", "said"), [(([0.1, 0.2], [1.0, 1.0]), "for each of 1 channels"), (([0.5], [0.0]), "std is positive")]
)
def test_a_normalisation_has_a_number_for_each_channel(
    numbers: Any, said: str, tiny_model: Classifier, tmp_path: Path
) -> None:
    """And divides by nothing that is not positive."""
    with pytest.raises(ValueError, match=said):
        load_classifier("digits", saved(tiny_model, tmp_path), normalisation=numbers)


def test_a_prefix_of_some_names_is_pointed_out(tiny_model: Classifier, tmp_path: Path) -> None:
    """It is no wrapper of the whole network."""
    path, state = tmp_path / "half.safetensors", tiny_model.network.state_dict()
    save_file({f"_orig_mod.{n}" if n.startswith("linear") else n: tensor for n, tensor in state.items()}, path)

    with pytest.raises(LoadingError, match=rf"2 of {len(state)} names begin with _orig_mod\. \(torch\.compile\)"):
        load_classifier("digits", path)


def archive(path: Path, *members: str) -> Path:
    """Write an archive with empty members."""
    with zipfile.ZipFile(path, "w") as file:
        for member in members:
            file.writestr(member, "")
    return path


def test_other_files_get_a_hint(tiny_model: Classifier, tmp_path: Path) -> None:
    """By what they hold, not by their names."""
    pointer = tmp_path / "pointer.safetensors"
    pointer.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    page = tmp_path / "page.safetensors"
    page.write_bytes(b"<!DOCTYPE html><html></html>")
    keras = tmp_path / "keras.safetensors"
    keras.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(8))
    files = {
        pointer: "Git LFS pointer, .*git lfs pull",
        page: "a page of HTML",
        keras: "HDF5",
        archive(tmp_path / "script.safetensors", "x/code/__torch__.py", "x/data.pkl"): "TorchScript.*convert it",
        archive(tmp_path / "program.safetensors", "x/models/model.json"): "an exported program; give it as --network",
        archive(tmp_path / "pickle.safetensors", "x/data.pkl"): "looks like a pickle",
        saved(tiny_model, tmp_path).rename(tmp_path / "renamed.pt"): "looks like safetensors; rename it",
    }

    for path, hint in files.items():
        with pytest.raises(LoadingError, match=hint):
            load_classifier("digits", path)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"\x80\x02}q\x00.", "looks like a pickle"),
        (struct.pack("<Q", 2) + b"{}", "looks like safetensors; give it as --weights"),
    ],
)
def test_other_programs_get_a_hint(content: bytes, hint: str, tmp_path: Path) -> None:
    """As weights do."""
    (tmp_path / "model.pt2").write_bytes(content)

    with pytest.raises(LoadingError, match=hint):
        load_classifier(str(tmp_path / "model.pt2"), image_shape=(1, 8, 8))


def header(path: Path, entries: dict[str, Any]) -> Path:
    """Write the header of a safetensors file, with no values behind it."""
    text = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("linear.weight", [30_000_000, 0], "for 1 channels and 30000000 classes, which has .* the file holds 0"),
        ("linear.weight", [0, 0], "for 1 channels and 0 classes; there is at least one of each"),
        ("convolutions.0.weight", [16, 0, 3, 3], "for 0 channels"),
        ("convolutions.0.weight", [0, 50_000_000, 3, 3], "for 50000000 channels and 10 classes, which has"),
        ("convolutions.0.weight", [0, 2**62, 3, 3], f"for {2**62} channels"),
    ],
)
def test_a_shape_without_values_builds_nothing(name: str, shape: list[int], message: str, tmp_path: Path) -> None:
    """A header of a hundred bytes cannot ask for gigabytes."""
    path = header(tmp_path / "w.safetensors", {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}})

    with pytest.raises(LoadingError, match=message):
        load_classifier("digits", path)


def test_values_that_do_not_fit_are_an_error(tiny_model: Classifier, tmp_path: Path) -> None:
    """Complex numbers, and eight-bit floats that are not finite."""
    for tensor, message in (
        (torch.zeros(4, dtype=torch.complex64), "linear.bias holds complex numbers, but digits needs torch.float32"),
        (torch.full((4,), torch.nan).to(torch.float8_e4m3fn), "linear.bias holds values that are not finite"),
    ):
        save_file(tiny_model.network.state_dict() | {"linear.bias": tensor}, tmp_path / "w.safetensors")
        with pytest.raises(LoadingError, match=message):
            load_classifier("digits", tmp_path / "w.safetensors")


@pytest.mark.parametrize("record", ["[" * 100_000, "9" * 5000, "nonsense", "[]"])
def test_a_damaged_record_is_an_error(record: str, tiny_model: Classifier, tmp_path: Path) -> None:
    """Nested deeply, a number of many digits, no JSON, no object."""
    path = tmp_path / "w.safetensors"
    save_file(tiny_model.network.state_dict(), path, metadata={"modelprint.record": record})

    with pytest.raises(LoadingError, match=r"its record is"):
        load_like(tiny_model, path)


def test_a_fifo_is_no_file(tmp_path: Path) -> None:
    """It would be waited for."""
    for name in ("w.safetensors", "model.pt2"):
        os.mkfifo(tmp_path / name)

    with pytest.raises(LoadingError, match="no weights file"):
        load_classifier("digits", tmp_path / "w.safetensors")
    with pytest.raises(LoadingError, match="no exported program"):
        load_classifier(str(tmp_path / "model.pt2"), image_shape=(1, 8, 8))


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


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_compiled_network_is_replaced_by_its_original(
    tiny_model: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Methods need second derivatives, which compiled ones lack."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    saved(tiny_model, tmp_path)
    (tmp_path / "compiles.py").write_text(
        "from pathlib import Path\nimport torch\nfrom modelprint.loading import load_classifier\n"
        "def make():\n    file = Path(__file__).with_name('weights.safetensors')\n"
        "    return torch.compile(load_classifier('digits', file).network)\n"
    )

    loaded = load_classifier("compiles:make", image_shape=(1, 8, 8), search_path=tmp_path)

    assert type(loaded.network) is type(tiny_model.network)
    assert loaded.digest() == tiny_model.digest()


@pytest.mark.parametrize("kind", ["safetensors", "pt2"])
def test_any_damage_is_an_error_of_ours(kind: str, tiny_model: Classifier, tmp_path: Path) -> None:
    """150 files with a few changed bytes in their headers are read, or refused with a LoadingError."""
    rng = random.Random(7)
    whole = (
        saved(tiny_model, tmp_path) if kind == "safetensors" else exported(tiny_model, tmp_path / "m.pt2")
    ).read_bytes()
    path = tmp_path / f"damaged.{kind}"
    end = whole.index(b"}}") if kind == "safetensors" else len(whole)
    refused = 0

    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(end)] = rng.randrange(256)
        path.write_bytes(bytes(changed[: rng.choice([len(whole), rng.randrange(len(whole))])]))
        try:
            if kind == "pt2":
                load_classifier(str(path), image_shape=(1, 8, 8))
            else:
                load_classifier("digits", path)
        except LoadingError:
            refused += 1

    assert refused > 50


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
