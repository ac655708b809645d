"""Exported programs: the graph of a `.pt2` file, computed operator by operator. A file is data and never runs as code.

torch.export.load is not used: it compiles guards of the archive with `exec`, hands shape expressions to a parser that
evaluates them, and unpickles sample inputs. Here the graph is read as JSON, every operator is looked up in a table of
known ones (`exported_operators`), and shape expressions, guards, metadata and sample inputs are left unread.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modelprint.errors import LoadingError
from modelprint.networks.exported_archive import DTYPES, Archive, read_archive
from modelprint.networks.exported_operators import Operator, find_operator, writes_in_place

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


def read_program(path: Path, image_shape: tuple[int, int, int]) -> "ExportedProgram":
    """Return the network in an exported program.

    Raises:
        LoadingError: It is damaged, of an unknown version, uses an operator that is not in the tables, takes more than
            one image tensor, or changes its own buffers (it was exported in training mode).
    """
    archive = read_archive(path)
    try:
        program = ExportedProgram(archive)
        program.check_sizes(image_shape)
    except _UnsupportedError as problem:
        raise LoadingError(f"{path}: {problem}") from problem
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as problem:
        raise LoadingError(
            f"{path} is not a readable exported program: {type(problem).__name__}: {problem}"
        ) from problem
    except RuntimeError as problem:
        reason = str(problem).partition("\n")[0]
        raise LoadingError(f"{path} does not take images of shape {image_shape}: {reason}") from problem
    return program


class _UnsupportedError(Exception):
    """Why a well-formed program is not computed."""


@dataclass(frozen=True, kw_only=True)
class _Step:
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


class ExportedProgram(nn.Module):
    """A network whose layers are the steps of an exported graph.

    Parameters and buffers have the names of the exported network, so `state_dict()` is the same.

    Attributes:
        fixed_batch: How many images the graph computes at a time; None when it takes any number.
    """

    def __init__(self, archive: Archive) -> None:
        super().__init__()
        graph = archive.program["graph_module"]["graph"]
        signature = archive.program["graph_module"]["signature"]
        self._places: dict[str, str] = {}
        self._image = self._take_inputs(signature["input_specs"], archive)
        for name in sorted(archive.weights.keys() - self._places.values()):  # unused ones, such as counters
            self._register(None, name, archive.weights[name], name in archive.parameters)
        self._outputs = _output_names(signature["output_specs"])
        self.fixed_batch = _fixed_batch(graph["tensor_values"].get(self._image))
        self._writes = any(writes_in_place(node["target"]) for node in graph["nodes"])
        self._steps = _steps(graph["nodes"], self._outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of `images`, n c h w in [0, 1]."""
        if self.fixed_batch is None:
            return self._compute(images)
        return torch.cat([self._compute_padded(chunk, self.fixed_batch) for chunk in images.split(self.fixed_batch)])

    def _compute_padded(self, images: Tensor, size: int) -> Tensor:
        """Compute a batch of `size`, filled up with copies of the last image."""
        missing = size - len(images)
        padded = torch.cat([images, images[-1:].expand(missing, *images.shape[1:])]) if missing else images
        return self._compute(padded)[: len(images)]

    def _compute(self, images: Tensor) -> Tensor:
        # An operator that writes in place must not change the caller's images.
        values: Values = {self._image: images.clone() if self._writes else images, DEVICE: images.device}
        values |= {name: self._tensor(place) for name, place in self._places.items()}
        for step in self._steps:
            _run(step, values, VALUE_LIMIT * len(images))
        found = [values[name] for name in self._outputs]
        tables = [one for one in found if isinstance(one, Tensor) and one.ndim == 2 and one.is_floating_point()]
        if len(found) == 1 and isinstance(found[0], Tensor):
            return found[0]
        if len(tables) != 1:
            raise ValueError(f"the program returns {len(found)} values, {len(tables)} of them tables of logits")
        return tables[0]

    def check_sizes(self, image_shape: tuple[int, int, int]) -> None:
        """Follow the shapes of all values for one batch, without memory for them.

        Raises:
            ValueError: A value would have more than VALUE_LIMIT entries for an image.
            RuntimeError: The graph does not take images of this shape.
        """
        shapes = copy.deepcopy(self).to("meta")
        shapes(torch.empty(self.fixed_batch or 1, *image_shape, device="meta"))

    def _tensor(self, place: str) -> Tensor:
        module, _, leaf = place.rpartition(".")
        tensor: Tensor = getattr(self.get_submodule(module), leaf)
        return tensor

    def _take_inputs(self, specs: Sequence[Mapping[str, Any]], archive: Archive) -> str:
        """Register parameters, buffers and constants; returns the name of the image input."""
        images = []
        for spec in specs:
            ((kind, entry),) = spec.items()
            if kind == "user_input":
                images.append(entry["arg"]["as_tensor"]["name"])
            elif kind in ("parameter", "buffer"):
                name = entry[f"{kind}_name"]
                source = archive.weights if name in archive.weights else archive.constants
                persistent = bool(entry.get("persistent", True))
                self._register(entry["arg"]["name"], name, source[name], kind == "parameter", persistent)
            elif kind == "tensor_constant":
                name = entry["tensor_constant_name"]
                self._register(entry["arg"]["name"], name, archive.constants[name], False, False)
            else:
                raise _UnsupportedError(f"it takes an input of kind {kind}, which is not supported")
        if len(images) != 1:
            raise _UnsupportedError(f"it takes {len(images)} inputs, expected one tensor of images")
        return str(images[0])

    def _register(
        self, name: str | None, place: str, tensor: Tensor, is_parameter: bool, persistent: bool = True
    ) -> None:
        """Register a tensor at the place `place`; the graph calls it `name`, None where it does not use it."""
        module: nn.Module = self
        *outer, leaf = place.split(".")
        for part in outer:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module.get_submodule(part)
        if is_parameter and tensor.is_floating_point():
            module.register_parameter(leaf, nn.Parameter(tensor))
        else:
            module.register_buffer(leaf, tensor, persistent=persistent)
        if name is not None:
            self._places[name] = place


def _output_names(specs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the outputs; a program that also changes its own state is refused."""
    names = []
    for spec in specs:
        ((kind, entry),) = spec.items()
        if kind in ("buffer_mutation", "parameter_mutation"):
            raise _UnsupportedError(TRAINED)
        if kind == "user_output" and "as_tensor" in entry["arg"]:
            names.append(entry["arg"]["as_tensor"]["name"])
    if not names:
        raise _UnsupportedError("it returns no tensor")
    return tuple(names)


def _fixed_batch(meta: Mapping[str, Any] | None) -> int | None:
    """Return the batch that the graph was exported for; None where it takes any."""
    size = meta["sizes"][0].get("as_int") if meta else None
    return size if isinstance(size, int) and size > 0 else None


def _steps(nodes: Sequence[Mapping[str, Any]], outputs: Sequence[str]) -> tuple[_Step, ...]:
    """Return the steps of a graph, each with the names that are not needed after it."""
    needed, steps = set(outputs), []
    for node in reversed(nodes):
        used: set[str] = set()
        step = _step(node, used)
        last = (used | {name for name in step.results if name}) - needed
        needed |= used
        steps.append(_Step(**{**vars(step), "last": tuple(sorted(last))}))
    return tuple(reversed(steps))


def _step(node: Mapping[str, Any], used: set[str]) -> _Step:
    target = node["target"]
    called = find_operator(target)
    if called is None:
        raise _UnsupportedError(f"it uses {str(target)[:80]!r}, an operator that is not in the table of known ones")
    if any(given["name"] in TRAINING and given["arg"].get("as_bool") for given in node["inputs"]):
        raise _UnsupportedError(TRAINED)
    arguments, keywords = _arguments(called, node["inputs"], used)
    outputs = node["outputs"]
    single = len(outputs) == 1 and "as_tensors" not in outputs[0]
    listed = outputs[0]["as_tensors"] if len(outputs) == 1 and not single else None
    results = tuple(one["name"] for one in listed) if listed is not None else tuple(map(_result, outputs))
    return _Step(operator=called, arguments=arguments, keywords=keywords, results=results, single=single, last=())


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
        raise _UnsupportedError(f"{called} has no arguments {', '.join(sorted(set(fetched)))}"[:200])
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
    raise _UnsupportedError(f"an operator returns {kind}, which is not supported")


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
    raise _UnsupportedError(f"an operator takes {kind}, which is not supported")


DEVICE = "\0device"
"""Name under which the device of the images is found; no graph has such a name."""


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


def _run(step: _Step, values: Values, limit: int) -> None:
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
