"""Controls: changes that keep every output, up to rounding. A check that calls one tampered is wrong.

Honest owners and servers make such changes: they fold batch norms, reorder channels (as pruning and compiling tools
do), and compute in other batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Int64
from torch import Tensor, fx, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.networks.forms import Folded, InBatches
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class FoldBatchNorm:
    """Fold batch norms into the layers before them, where that is exact."""

    @property
    def deterministic(self) -> bool:
        """The result is always the same."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the folded network."""
        return Tampered(network=Folded(model.copy().network))


@dataclass(frozen=True, kw_only=True)
class SmallBatches:
    """Compute a few images at a time.

    Attributes:
        size: Largest number of images at a time.
    """

    size: int = 7

    def __post_init__(self) -> None:
        if not 1 <= self.size < 10**6:
            raise ValueError(f"size is a number of images from 1 to 999999, got {self.size}")

    @property
    def deterministic(self) -> bool:
        """The result is always the same."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with split batches."""
        return Tampered(network=InBatches(model.copy().network, self.size))


@dataclass(frozen=True, kw_only=True)
class PermuteChannels:
    """Reorder the channels between two layers, wherever no other layer uses them."""

    @property
    def deterministic(self) -> bool:
        """The order differs with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with its private channels reordered."""
        network = model.copy().network
        links = list(find_private_links(network))
        for link in links:
            link.permute(torch.randperm(link.width, generator=rng))
        return Tampered(network=network, notes=f"channels reordered in {len(links)} places")


@dataclass(frozen=True, eq=False)
class Link:
    """Two layers and the channelwise layers between them, whose channels nothing else uses.

    Attributes:
        source: The layer whose outputs are the channels.
        between: Batch norms and depthwise convolutions between the two.
        sink: The layer whose inputs are the channels; a linear layer after a convolution has several columns for each.
    """

    source: nn.Conv2d | nn.Linear
    between: tuple[nn.Module, ...]
    sink: nn.Conv2d | nn.Linear

    @property
    def width(self) -> int:
        """The number of channels."""
        return len(self.source.weight)

    def permute(self, order: Int64[Tensor, " channels"]) -> None:
        """Reorder the channels in all layers of the link."""
        for module in (self.source, *self.between):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.ndim:
                    tensor.data = tensor.data[order]
        columns = self.sink.weight.shape[1] // self.width
        taken = (order[:, None] * columns + torch.arange(columns)).flatten()
        self.sink.weight.data = self.sink.weight.data[:, taken]


def find_private_links(network: nn.Module) -> Iterator[Link]:
    """Yield the links of a network; none when its forward pass cannot be traced."""
    try:
        graph = fx.Tracer().trace(network)
    except Exception:  # tracing runs the user's forward with proxies and may raise any kind of error
        return
    calls = [node.target for node in graph.nodes if node.op == "call_module"]
    # A layer that is called twice would need the same order for two neighbours.
    modules = {name: module for name, module in network.named_modules() if calls.count(name) == 1}
    for node in graph.nodes:
        source = modules.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(source, nn.Conv2d | nn.Linear) and not _is_depthwise(source):
            link = _find_link(source, node, modules)
            if link is not None:
                yield link


KEEPING = (nn.ReLU, nn.ReLU6, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Identity, nn.Flatten)
"""Layers that treat all channels equally and keep their order; flattened channels stay contiguous."""
FLATTENING_CALLS = (torch.flatten, "flatten")
KEEPING_CALLS = (F.relu, F.relu6, torch.relu, "relu", *FLATTENING_CALLS)


def _find_link(source: nn.Conv2d | nn.Linear, node: fx.Node, modules: dict[str, nn.Module]) -> Link | None:
    """Find the next layer that mixes channels; None when the path forks or contains an unknown operation."""
    between: list[nn.Module] = []
    flat = False
    while len(node.users) == 1:
        node = next(iter(node.users))
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        flat = flat or isinstance(module, nn.Flatten) or node.target in FLATTENING_CALLS
        if module is not None and _is_channelwise(module, len(source.weight)):
            between.append(module)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            return Link(source, tuple(between), module) if _is_compatible(source, module, flat) else None
        elif not (isinstance(module, KEEPING) or (module is None and node.target in KEEPING_CALLS)):
            return None
    return None


def _is_channelwise(module: nn.Module, width: int) -> bool:
    """Return whether a layer has separate parameters for each of `width` channels."""
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return module.num_features == width
    return _is_depthwise(module) and len(next(module.parameters())) == width


def _is_compatible(source: nn.Conv2d | nn.Linear, sink: nn.Conv2d | nn.Linear, flat: bool) -> bool:
    """Return whether the inputs of the sink are the channels of the source, each contiguous."""
    if any(isinstance(layer, nn.Conv2d) and layer.groups > 1 for layer in (source, sink)):
        return False
    given, taken = len(source.weight), sink.weight.shape[1]
    if isinstance(source, nn.Conv2d) and isinstance(sink, nn.Linear):
        return flat and taken % given == 0
    return type(source) is type(sink) and taken == given


def _is_depthwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels == layer.out_channels > 1
