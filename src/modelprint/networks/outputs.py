"""Networks that return more than logits: the one table of logits is chosen when the network is loaded."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

LOGITS = "logits"
"""The entry that is chosen by its name."""


class SelectOutput(nn.Module):
    """A network that returns several outputs, of which one is the logits.

    Attributes:
        network: The network.
        key: The entry of its outputs, or the position in them.
    """

    def __init__(self, network: nn.Module, key: str | int) -> None:
        super().__init__()
        self.network = network
        self.key = key

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.network(images)[self.key]
        return logits


def select_logits(network: nn.Module, output: Any) -> tuple[nn.Module, Tensor]:
    """Return a network that returns logits alone, `network` itself when it does already, and the logits in `output`.

    Args:
        network: The network.
        output: What it returned for one batch.

    Raises:
        ValueError: There is no entry `logits`, and not exactly one table of floating-point numbers, n x classes; the
            message lists what there is.
    """
    if isinstance(output, Tensor):
        return network, output
    if isinstance(output, Mapping):
        entries: dict[Any, Any] = dict(output)
    elif isinstance(output, list | tuple):
        entries = dict(enumerate(output))
    else:
        raise ValueError(f"returns a {type(output).__name__}, expected a tensor of logits, n x classes")
    names = getattr(output, "_fields", entries)  # those of a named tuple, or the keys
    named = [key for key, name in zip(entries, names, strict=True) if name == LOGITS]
    tables = [key for key, entry in entries.items() if is_table(entry)]
    if named and named[0] in tables:
        tables = named
    if len(tables) != 1:
        listed = ", ".join(f"{key}: {_describe(entry)}" for key, entry in entries.items()) or "nothing"
        raise ValueError(
            f"returns {listed}; expected an entry called {LOGITS}, or exactly one table of floating-point numbers, "
            "n x classes"
        )
    return SelectOutput(network, tables[0]), entries[tables[0]]


def is_table(entry: object) -> bool:
    """Return whether `entry` may be logits: floating-point numbers with two axes."""
    return isinstance(entry, Tensor) and entry.ndim == 2 and entry.is_floating_point()


def _describe(entry: object) -> str:
    if isinstance(entry, Tensor):
        return f"{str(entry.dtype).removeprefix('torch.')} {tuple(entry.shape)}"
    return type(entry).__name__
