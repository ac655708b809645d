"""Exported programs: the graph of a `.pt2` file, computed operator by operator. A file is data and never runs as code.

torch.export.load is not used: it compiles guards of the archive with `exec`, hands shape expressions to a parser that
evaluates them, and unpickles sample inputs. Here the graph is read as JSON, every operator is looked up in a table of
known ones (`exported_operators`), and shape expressions, guards, metadata and sample inputs are left unread.
"""

import copy
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modelprint.errors import LoadingError
from modelprint.networks.exported_archive import Archive, read_archive
from modelprint.networks.exported_graph import (
    DEVICE,
    TRAINED,
    VALUE_LIMIT,
    UnsupportedError,
    Values,
    build_steps,
    run_step,
)
from modelprint.networks.exported_operators import writes_in_place

BATCH_LIMIT = 1024
"""Most images that a program may compute at a time."""


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
    except UnsupportedError as problem:
        raise LoadingError(f"{path}: {problem}") from problem
    except Exception as problem:  # a hostile graph makes every operator of the tables fail in its own way
        if isinstance(problem, RuntimeError) and not isinstance(problem, RecursionError):
            reason = str(problem).partition("\n")[0]
            raise LoadingError(f"{path} does not take images of shape {image_shape}: {reason}") from problem
        raise LoadingError(
            f"{path} is not a readable exported program: {type(problem).__name__}: {problem}"
        ) from problem
    return program


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
        _check_constant_weights(graph["nodes"], self._places)
        self._steps = build_steps(graph["nodes"], self._outputs)

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
            run_step(step, values, VALUE_LIMIT * len(images))
        found = [values[name] for name in self._outputs]
        tables = [one for one in found if isinstance(one, Tensor) and one.ndim == 2 and one.is_floating_point()]
        if len(found) == 1 and isinstance(found[0], Tensor):
            return found[0]
        if len(tables) != 1:
            raise UnsupportedError(
                f"it returns {len(found)} values, of which {len(tables)} are tables of numbers, n x classes; export a "
                "network that returns its logits alone"
            )
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
                raise UnsupportedError(f"it takes an input of kind {kind}, which is not supported")
        if len(images) != 1:
            raise UnsupportedError(f"it takes {len(images)} inputs, expected one tensor of images")
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
            raise UnsupportedError(TRAINED)
        if kind == "user_output" and "as_tensor" in entry["arg"]:
            names.append(entry["arg"]["as_tensor"]["name"])
    if not names:
        raise UnsupportedError("it returns no tensor")
    return tuple(names)


def _check_constant_weights(nodes: Sequence[Mapping[str, Any]], weights: Collection[str]) -> None:
    """Refuse a program that writes into its weights, so that it would answer in another way each time."""
    for node in nodes:
        if writes_in_place(node["target"]) and node["inputs"][0]["arg"].get("as_tensor", {}).get("name") in weights:
            raise UnsupportedError(TRAINED)


def _fixed_batch(meta: Mapping[str, Any] | None) -> int | None:
    """Return the batch that the graph was exported for; None where it takes any."""
    size = meta["sizes"][0].get("as_int") if meta else None
    if size is None:
        return None
    if not isinstance(size, int) or not 1 <= size <= BATCH_LIMIT:
        raise UnsupportedError(f"it takes {size!r} images at a time, expected 1 to {BATCH_LIMIT}"[:200])
    return size
