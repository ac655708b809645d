"""Steps of a graph, on nodes written by hand."""

from typing import Any

import pytest
import torch

from modelprint.networks.exported_graph import DEVICE, UnsupportedError, build_steps, run_step


def node(target: str, arguments: dict[str, Any], result: str) -> dict[str, Any]:
    """Return a node as the JSON of a program has it."""
    inputs = [{"name": name, "arg": value, "kind": 1} for name, value in arguments.items()]
    return {"target": f"torch.ops.aten.{target}", "inputs": inputs, "outputs": [{"as_tensor": {"name": result}}]}


def named(name: str) -> dict[str, Any]:
    """Return an argument that is a tensor of the graph."""
    return {"as_tensor": {"name": name}}


NODES = [
    node("mul.Tensor", {"self": named("x"), "other": named("w")}, "product"),
    node("add.Tensor", {"self": named("product"), "other": named("x"), "alpha": {"as_int": 10}}, "sum"),
]


def test_steps_compute_what_the_nodes_say_and_forget_what_is_not_needed() -> None:
    """By hand: 2 * 3 + 10 * 2 = 26; the product is dropped as soon as it is added."""
    values = {"x": torch.tensor([2.0]), "w": torch.tensor([3.0]), DEVICE: torch.device("cpu")}

    first, second = build_steps(NODES, ["sum"])
    run_step(first, values, limit=10)
    between = set(values)
    run_step(second, values, limit=10)

    assert between == {"x", "product", DEVICE}
    assert set(values) == {"sum", DEVICE}
    assert values["sum"].item() == 26


def test_a_result_with_too_many_values_is_refused() -> None:
    """The limit holds for every step."""
    values = {"x": torch.zeros(11), "w": torch.zeros(1), DEVICE: torch.device("cpu")}

    with pytest.raises(ValueError, match="has more than 10 entries"):
        run_step(build_steps(NODES, ["sum"])[0], values, limit=10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (node("mul.Tensor", {"self": named("x"), "nothing": named("w")}, "product"), "has no arguments"),
        (node("mul.Tensor", {"self": named("x"), "other": {"as_graph": {}}}, "product"), "takes as_graph"),
        (node("open.default", {"self": named("x")}, "product"), "not in the table"),
        (node("dropout.default", {"input": named("x"), "train": {"as_bool": True}}, "y"), "training mode"),
    ],
)
def test_a_node_that_cannot_be_computed_is_refused(changed: dict[str, Any], message: str) -> None:
    """Before any step runs."""
    with pytest.raises(UnsupportedError, match=message):
        build_steps([changed], ["product"])
