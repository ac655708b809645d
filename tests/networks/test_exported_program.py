import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from modelprint.errors import LoadingError
from modelprint.networks.exported_program import read_program

SHAPE = (1, 8, 8)


class Network(nn.Module):
    """A small network with what programs are made of: a buffer, batch norm, sizes, an activation in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, 1, 1, 1), 0.25))
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(64, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.conv(images - self.mean)).relu_()
        left, right = nn.functional.max_pool2d(hidden, 2).chunk(2, dim=2)
        hidden = torch.cat([right, left], 2)
        return self.head(hidden.view(hidden.shape[0], -1))


class SubtractsInPlace(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images -= 0.5
        return images.flatten(1)[:, :4]


def seeded(network: nn.Module) -> nn.Module:
    """Return `network` with random numbers in everything that is not a counter."""
    generator = torch.Generator().manual_seed(3)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return network


def export(path: Path, network: nn.Module | None = None, *, fixed: int | None = None, train: bool = False) -> Path:
    """Export a network for any number of images, or for `fixed` ones."""
    network = (network or seeded(Network())).train(train)
    dims = None if fixed else ({0: torch.export.Dim("batch", min=1, max=1024)},)
    program = torch.export.export(network, (torch.rand(fixed or 2, *SHAPE),), dynamic_shapes=dims)
    torch.export.save(program, path)
    return path


def edit(path: Path, member: str, change: Callable[[Any], None], *, compression: int = zipfile.ZIP_STORED) -> Path:
    """Return a copy of the program in which the JSON of `member` was changed."""
    edited = path.with_name("edited.pt2")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(edited, "w", compression) as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename.endswith(member):
                record = json.loads(content)
                change(record)
                content = json.dumps(record).encode()
            target.writestr(info.filename, content)
    return edited


def graph_of(record: Any) -> Any:
    """Return the graph in the JSON of a program."""
    return record["graph_module"]["graph"]


@pytest.mark.parametrize("fixed", [None, 1, 3])
def test_a_program_answers_as_its_network_does(fixed: int | None, tmp_path: Path) -> None:
    """For any number of images, whatever number it was exported for, and with the same weights by the same names."""
    network = seeded(Network()).eval()
    images = torch.rand(5, *SHAPE)

    program = read_program(export(tmp_path / "model.pt2", network, fixed=fixed), SHAPE)

    assert program.fixed_batch == fixed
    torch.testing.assert_close(program(images), network(images))
    assert {name: tensor.tolist() for name, tensor in program.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in network.state_dict().items()
    }


def test_a_program_has_gradients_in_float64(tmp_path: Path) -> None:
    """Methods that need gradients work on an exported network too."""
    network = seeded(Network()).eval().double()
    program = read_program(export(tmp_path / "model.pt2"), SHAPE).double()
    images = torch.rand(2, *SHAPE, dtype=torch.float64)

    expected = torch.autograd.functional.jacobian(network, images)

    torch.testing.assert_close(torch.autograd.functional.jacobian(program, images), expected)


def test_images_are_left_as_they_were(tmp_path: Path) -> None:
    """Also by a network that subtracts a mean from its input in place."""
    images = torch.rand(2, *SHAPE)
    before = images.clone()

    logits = read_program(export(tmp_path / "model.pt2", SubtractsInPlace()), SHAPE)(images)

    assert torch.equal(images, before)
    torch.testing.assert_close(logits, before.flatten(1)[:, :4] - 0.5)


def add_guard(record: Any, mark: Path) -> None:
    """Put code where torch.export keeps its guards."""
    record["guards_code"] = [f"open({str(mark)!r}, 'w') or True"]


def add_expression(record: Any, mark: Path) -> None:
    """Put code where a symbolic size is."""
    for value in graph_of(record)["tensor_values"].values():
        for size in value["sizes"]:
            if "as_expr" in size:
                size["as_expr"]["expr_str"] = f"open({str(mark)!r}, 'w')"


def add_range(record: Any, mark: Path) -> None:
    """Put code where the range of a symbol is."""
    record["range_constraints"] = {f"open({str(mark)!r}, 'w')": {"min_val": 0, "max_val": 4}}


def add_stack(record: Any, mark: Path) -> None:
    """Put code into the metadata of every node."""
    for node in graph_of(record)["nodes"]:
        node["metadata"] = dict.fromkeys(node["metadata"], f"open({str(mark)!r}, 'w')")


@pytest.mark.parametrize("change", [add_guard, add_expression, add_range, add_stack])
def test_code_in_a_program_never_runs(change: Callable[[Any, Path], None], tmp_path: Path) -> None:
    """Guards, expressions, ranges and metadata are not even read."""
    mark = tmp_path / "ran"
    path = edit(export(tmp_path / "model.pt2"), "model.json", lambda record: change(record, mark))

    program = read_program(path, SHAPE)

    assert program(torch.rand(2, *SHAPE)).shape == (2, 5)
    assert not mark.exists()


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.add.Nothing",
        "torch.ops.profiler._record_function_enter.default",
        "torch.ops.higher_order.cond",
        "os.system",
        "builtins.eval",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.add_.__init__",
    ],
)
def test_an_operator_outside_the_table_is_refused(target: str, tmp_path: Path) -> None:
    """By name, before anything is computed."""

    def change(record: Any) -> None:
        graph_of(record)["nodes"][0]["target"] = target

    path = edit(export(tmp_path / "model.pt2"), "model.json", change)

    with pytest.raises(LoadingError, match="an operator that is not in the table"):
        read_program(path, SHAPE)


def test_a_tensor_stored_as_a_pickle_is_refused(tmp_path: Path) -> None:
    """Before it is read."""

    def change(record: Any) -> None:
        for entry in record["config"].values():
            entry["use_pickle"] = True

    path = edit(export(tmp_path / "model.pt2"), "model_weights_config.json", change)

    with pytest.raises(LoadingError, match="is stored as a pickle"):
        read_program(path, SHAPE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sizes", [{"as_int": 2**40}]),
        ("strides", [{"as_int": 2**40}]),
        ("storage_offset", {"as_int": 2**40}),
        ("sizes", [{"as_int": -1}]),
        ("sizes", [{"as_expr": {"expr_str": "exit()", "hint": None}}]),
        ("dtype", 99),
        ("dtype", "float32"),
    ],
)
def test_a_tensor_takes_no_more_memory_than_the_file_holds(key: str, value: Any, tmp_path: Path) -> None:
    """Sizes are compared with the bytes before a tensor is made."""

    def change(record: Any) -> None:
        record["config"]["head.bias"]["tensor_meta"][key] = value

    path = edit(export(tmp_path / "model.pt2"), "model_weights_config.json", change)

    with pytest.raises(LoadingError, match="not a readable exported program"):
        read_program(path, SHAPE)


def test_a_stride_of_zero_cannot_blow_up_a_tensor(tmp_path: Path) -> None:
    """A tensor has at most as many values as the file holds for it."""

    def change(record: Any) -> None:
        record["config"]["head.bias"]["tensor_meta"] |= {"sizes": [{"as_int": 2**30}], "strides": [{"as_int": 0}]}

    path = edit(export(tmp_path / "model.pt2"), "model_weights_config.json", change)

    with pytest.raises(LoadingError, match="needs more than the 5 values"):
        read_program(path, SHAPE)


def test_a_graph_that_asks_for_much_memory_is_refused_by_its_shapes(tmp_path: Path) -> None:
    """Shapes are followed without memory first."""

    def change(record: Any) -> None:
        graph = graph_of(record)
        size = {"name": "size", "arg": {"as_ints": [2**20, 2**20]}, "kind": 1}
        maker = {"target": "torch.ops.aten.zeros.default", "inputs": [size], "metadata": {}}
        graph["nodes"].insert(0, maker | {"outputs": [{"as_tensor": {"name": "huge"}}]})

    path = edit(export(tmp_path / "model.pt2"), "model.json", change)

    with pytest.raises(LoadingError, match="has more than"):
        read_program(path, SHAPE)


def test_a_compressed_member_is_refused(tmp_path: Path) -> None:
    """Programs are stored as they are; a small file cannot become a large one."""
    path = edit(export(tmp_path / "model.pt2"), "-", lambda record: None, compression=zipfile.ZIP_DEFLATED)

    with pytest.raises(LoadingError, match="is compressed"):
        read_program(path, SHAPE)


@pytest.mark.parametrize("network", [Network(), nn.Sequential(nn.Dropout(), nn.Flatten(), nn.Linear(64, 3))])
def test_a_program_exported_in_training_mode_is_named(network: nn.Module, tmp_path: Path) -> None:
    """Its batch norm would learn from what it is asked, its dropout would answer at random."""
    with pytest.raises(LoadingError, match=r"training mode; call \.eval\(\) before exporting"):
        read_program(export(tmp_path / "model.pt2", network, train=True), SHAPE)


def test_images_of_another_shape_are_refused(tmp_path: Path) -> None:
    """With the shape that was asked for."""
    with pytest.raises(LoadingError, match=r"does not take images of shape \(1, 16, 16\)"):
        read_program(export(tmp_path / "model.pt2"), (1, 16, 16))


class Two(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = images.flatten(1)
        return flat[:, :4], flat[:, 4:8]


def test_a_program_that_returns_several_tables_is_named(tmp_path: Path) -> None:
    """Either of them could be the logits."""
    with pytest.raises(LoadingError, match=r"model\.pt2: it returns 2 values, of which 2 are tables .* logits alone"):
        read_program(export(tmp_path / "model.pt2", Two()), SHAPE)
