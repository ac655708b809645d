"""The graph of an exported program: its JSON becomes a list of steps, each one known operator and its arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from modelprint.networks.exported_archive import DTYPES
from modelprint.networks.exported_operators import Operator, find_operator

VALUE_LIMIT = 2**28
"""Values in one tensor of the computation of one image, at most."""

MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}

TRAINING = ("train", "training")
"""Arguments that put batch norm and dropout into training mode."""

TRAINED = "it was exported in training mode; call .eval() before exporting"

Values = dict[str, Any]
"""Tensors and sizes by the name that the graph gives them."""

Fetch = Callable[[Values], Any]
"""Returns an argument, given the values computed so far."""

DEVICE = "\0device"
"""Name under which the device of the images is found; no graph has such a name."""


class UnsupportedError(Exception):
    """Why a well-formed program is not computed."""


@dataclass(frozen=True, kw_only=True)
class GraphStep:
    """One operator of the graph.

    Attributes:
        operator: What to call.
        arguments: By position.
        keywords: By name.
        results: Names of what it returns: one name for the value itself, or one for each entry, None for unused ones.
        single: Whether it returns one value.
        last: Names that no later step needs.
    """

    operator: Operator
    arguments: tuple[Fetch, ...]
    keywords: Mapping[str, Fetch]
    results: tuple[str | None, ...]
    single: bool
    last: tuple[str, ...]


def build_steps(nodes: Sequence[Mapping[str, Any]], outputs: Sequence[str]) -> tuple[GraphStep, ...]:
    """Return the steps of a graph, each with the names that are not needed after it."""
    needed, steps = set(outputs), []
    for node in reversed(nodes):
        used: set[str] = set()
        step = _build_step(node, used)
        last = (used | {name for name in step.results if name}) - needed
        needed |= used
        steps.append(GraphStep(**{**vars(step), "last": tuple(sorted(last))}))
    return tuple(reversed(steps))


def _build_step(node: Mapping[str, Any], used: set[str]) -> GraphStep:
    target = node["target"]
    called = find_operator(target)
    if called is None:
        raise UnsupportedError(f"it uses {str(target)[:80]!r}, an operator that is not in the table of known ones")
    if any(given["name"] in TRAINING and given["arg"].get("as_bool") for given in node["inputs"]):
        raise UnsupportedError(TRAINED)
    arguments, keywords = _arguments(called, node["inputs"], used)
    outputs = node["outputs"]
    single = len(outputs) == 1 and "as_tensors" not in outputs[0]
    listed = outputs[0]["as_tensors"] if len(outputs) == 1 and not single else None
    results = tuple(one["name"] for one in listed) if listed is not None else tuple(map(_result, outputs))
    return GraphStep(operator=called, arguments=arguments, keywords=keywords, results=results, single=single, last=())


def _arguments(
    called: Operator, inputs: Sequence[Mapping[str, Any]], used: set[str]
) -> tuple[tuple[Fetch, ...], dict[str, Fetch]]:
    """Return how to come by the arguments of an operator; names that they need are added to `used`."""
    fetched = {given["name"]: _fetch(given["arg"], used) for given in inputs}
    schema = getattr(called, "_schema", None)
    if schema is None:
        return tuple(_fetch(given["arg"], used) for given in inputs), {}
    positional: list[Fetch] = []
    keywords: dict[str, Fetch] = {}
    for one in schema.arguments:
        if one.name == "device" and one.kwarg_only:
            keywords["device"] = fetched["device"] = _fetch_device
        if one.name not in fetched:
            continue
        # Positions stay without a gap: what comes after one that was left out is given by name.
        if one.kwarg_only or len(positional) < schema.arguments.index(one):
            keywords[one.name] = fetched[one.name]
        else:
            positional.append(fetched[one.name])
    if len(positional) + len(keywords) != len(fetched):
        raise UnsupportedError(f"{called} has no arguments {', '.join(sorted(set(fetched)))}"[:200])
    return tuple(positional), keywords


def _result(output: Mapping[str, Any]) -> str | None:
    ((kind, entry),) = output.items()
    if kind == "as_tensor":
        return str(entry["name"])
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        named = entry.get("as_name")
        return None if named is None else str(named)
    if kind == "as_none":
        return None
    raise UnsupportedError(f"an operator returns {kind}, which is not supported")


def _fetch(argument: Mapping[str, Any], used: set[str]) -> Fetch:
    """Return what looks an argument up; names that it needs are added to `used`."""
    ((kind, entry),) = argument.items()
    if kind == "as_tensor":
        return _by_name(entry["name"], used)
    if kind in ("as_tensors", "as_optional_tensors"):
        return _fetch_list([_fetch({"as_tensor": one} if "name" in one else one, used) for one in entry])
    if kind == "as_optional_tensor":
        return _fetch(entry, used)
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        ((form, value),) = entry.items()
        return _by_name(value, used) if form == "as_name" else _constant(value)
    if kind in ("as_sym_ints", "as_sym_floats", "as_sym_bools"):
        return _fetch_list([_fetch({kind[:-1]: one}, used) for one in entry])
    if kind == "as_float":  # JSON has no infinity: it is written as a text
        return _constant(float(entry))
    if kind == "as_floats":
        return _constant([float(one) for one in entry])
    if kind in ("as_int", "as_bool", "as_string", "as_ints", "as_bools", "as_strings"):
        return _constant(entry)
    if kind == "as_none":
        return _constant(None)
    if kind == "as_scalar_type":
        return _constant(DTYPES[entry])
    if kind == "as_memory_format":
        return _constant(MEMORY_FORMATS[entry])
    if kind == "as_layout":
        return _constant(torch.strided)
    if kind == "as_device":  # a program computes where its images are, wherever it was exported
        return _fetch_device
    raise UnsupportedError(f"an operator takes {kind}, which is not supported")


def _fetch_device(values: Values) -> torch.device:
    device: torch.device = values[DEVICE]
    return device


def _constant(value: object) -> Fetch:
    return lambda values: value


def _by_name(name: str, used: set[str]) -> Fetch:
    used.add(name)
    return lambda values: values[name]


def _fetch_list(parts: Sequence[Fetch]) -> Fetch:
    return lambda values: [part(values) for part in parts]


def run_step(step: GraphStep, values: Values, limit: int) -> None:
    """Compute one step, and forget what no later one needs; ValueError when a result has more than `limit` entries."""
    arguments = [fetch(values) for fetch in step.arguments]
    result = step.operator(*arguments, **{name: fetch(values) for name, fetch in step.keywords.items()})
    if step.single:
        result = [result]
    if len(step.results):
        for name, value in zip(step.results, result, strict=True):
            if isinstance(value, Tensor) and value.numel() > limit:
                raise ValueError(f"a value of shape {tuple(value.shape)} has more than {limit} entries")
            if name is not None:
                values[name] = value
    for name in step.last:
        values.pop(name, None)
