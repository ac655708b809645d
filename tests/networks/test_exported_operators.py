"""The table of operators: what is in it is found, and nothing else is."""

import torch

from modelprint.networks.exported_operators import ATEN, PYTHON, find_operator, writes_in_place


def test_operators_of_the_table_are_found() -> None:
    """By the name that torch.export gives them, with and without a change in place."""
    assert find_operator("torch.ops.aten.relu.default") is torch.ops.aten.relu.default
    assert find_operator("torch.ops.aten.relu_.default") is torch.ops.aten.relu_.default
    assert find_operator("_operator.mul") is PYTHON["_operator.mul"]
    quantise = find_operator("torch.ops.quantized_decomposed.quantize_per_tensor.default")
    assert quantise is torch.ops.quantized_decomposed.quantize_per_tensor.default


def test_every_name_in_the_table_is_an_operator_of_this_torch() -> None:
    """A misspelt name would refuse programs for no reason."""
    assert [name for name in sorted(ATEN) if not hasattr(torch.ops.aten, name)] == []


def test_operators_that_reach_files_or_code_are_not_in_the_table() -> None:
    """Neither by name nor by attributes of the namespaces."""
    for target in (
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.record_stream.default",
        "torch.ops.aten.relu.nothing",
        "torch.ops.aten.relu.__init__",
        "torch.ops.aten.__doc__.default",
        "torch.ops.quantized_decomposed.add.default",
        "torch.ops.load_library",
        "_operator.methodcaller",
        "_operator.attrgetter",
        "math.trunc\n",
    ):
        assert find_operator(target) is None, target


def test_a_name_with_an_underscore_at_its_end_writes_in_place() -> None:
    """As all operators of ATen are named."""
    assert writes_in_place("torch.ops.aten.add_.Tensor")
    assert not writes_in_place("torch.ops.aten.add.Tensor")
    assert not writes_in_place("_operator.add")
