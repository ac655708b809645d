"""A local classifier: maps images in [0, 1] to logits; normalisation is part of the network."""

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.errors import LoadingError
from modelprint.tensors import Images, Labels, Logits

BATCH = 256
"""Images of 32 x 32 pixels per forward pass."""


class Classifier:
    """A network with its image shape and number of classes.

    Attributes:
        network: Maps images in [0, 1] to logits; kept in evaluation mode.
        image_shape: Channels, height and width of its images.
        class_count: Number of classes.
        name: Name in messages and provenance.
    """

    def __init__(
        self, network: nn.Module, *, image_shape: tuple[int, int, int], class_count: int, name: str = "classifier"
    ) -> None:
        self.network = set_evaluation_mode(network)
        self.image_shape = image_shape
        self.class_count = class_count
        self.name = name

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of the weights."""
        return next((p.dtype for p in self.network.parameters()), torch.float32)

    @property
    def batch(self) -> int:
        """Images per forward pass: fewer when they are large, so that a layer's output fits into the CPU cache.

        With 5 instead of 256 images of 224x224, EfficientNet-Lite0 is three times as fast.
        """
        _, height, width = self.image_shape
        return min(max(BATCH * 32 * 32 // (height * width), 1), BATCH)

    def logits(self, images: Images, *, batch: int | None = None) -> Logits:
        """Return the logits of `images`, computed without gradients in the type of the weights.

        Args:
            images: In [0, 1].
            batch: Images per forward pass; `self.batch` when None.
        """
        with torch.no_grad():
            return torch.cat([self.network(chunk.to(self.dtype)) for chunk in images.split(batch or self.batch)])

    def labels(self, images: Images, *, batch: int | None = None) -> Labels:
        """Return the top-1 class of each image; the lowest index wins a tie."""
        return self.logits(images, batch=batch).argmax(1)

    def features(self, images: Images, *, batch: int | None = None) -> Float[Tensor, "n features"]:
        """Return the inputs of the last linear layer; LoadingError when the network does not end in one."""
        head = self.head
        collected: list[Tensor] = []
        handle = head.register_forward_pre_hook(lambda _, inputs: collected.append(inputs[0]))
        try:
            self.logits(images, batch=batch)
        finally:
            handle.remove()
        return torch.cat(collected)

    @property
    def head(self) -> nn.Linear:
        """The last linear layer, whose output is the logits; LoadingError when the network does not end in one."""
        seen: list[tuple[nn.Linear, Tensor]] = []
        with _record_linear_outputs(self.network, seen), torch.no_grad():
            logits = self.network(torch.zeros(1, *self.image_shape, dtype=self.dtype))
        # Compare memory, not values: an activation after the layer may leave these values unchanged.
        if not seen or seen[-1][1].data_ptr() != logits.data_ptr():
            raise LoadingError(
                f"{self.name} does not end in a linear layer, so its last layer cannot be separated; "
                "choose a tampering or a method that treats all layers alike"
            )
        return seen[-1][0]

    def digest(self) -> str:
        """Return the hexadecimal SHA-256 of all parameters and buffers, by name, type and shape."""
        content = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            content.update(f"{name}\x1f{tensor.dtype}\x1f{tuple(tensor.shape)}\x1f".encode())
            content.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return content.hexdigest()

    def copy(self) -> "Classifier":
        """Return a deep copy."""
        return self.with_network(copy.deepcopy(self.network))

    def double(self) -> "Classifier":
        """Return a copy that computes in float64."""
        return self.with_network(copy.deepcopy(self.network).double())

    def with_network(self, network: nn.Module) -> "Classifier":
        """Return a classifier with the same image shape, classes and name, and another network."""
        return Classifier(network, image_shape=self.image_shape, class_count=self.class_count, name=self.name)


@contextmanager
def _record_linear_outputs(network: nn.Module, seen: list[tuple[nn.Linear, Tensor]]) -> Iterator[None]:
    def note(module: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(module, nn.Linear):
            seen.append((module, output))

    handles = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, nn.Linear)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def set_evaluation_mode(network: nn.Module) -> nn.Module:
    """Put `network` into evaluation mode; an exported graph is always in it, and its `eval` raises an error."""
    if not isinstance(network, torch.fx.GraphModule):
        network.eval()
    return network
