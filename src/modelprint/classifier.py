"""A classifier: a network in our hands, with normalisation inside, images in [0, 1] in and logits out."""

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
"""Images of 32 by 32 that are computed together."""


class Classifier:
    """A network, the images it takes and the classes it knows.

    Attributes:
        network: Maps images in [0, 1] to logits; kept in evaluation mode.
        image_shape: Channels, height and width of its images.
        class_count: Number of classes.
        name: What messages and provenance call it.
    """

    def __init__(
        self, network: nn.Module, *, image_shape: tuple[int, int, int], class_count: int, name: str = "classifier"
    ) -> None:
        self.network = evaluation_mode(network)
        self.image_shape = image_shape
        self.class_count = class_count
        self.name = name

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of the weights."""
        return next((p.dtype for p in self.network.parameters()), torch.float32)

    @property
    def batch(self) -> int:
        """How many images to compute together: fewer when they are large, so that a layer's output stays in the cache.

        With 5 images of 224x224 in place of 256 an EfficientNet-Lite0 answers three times as fast.
        """
        _, height, width = self.image_shape
        return min(max(BATCH * 32 * 32 // (height * width), 1), BATCH)

    def logits(self, images: Images, *, batch: int | None = None) -> Logits:
        """Return the logits of `images`, computed without gradients in the type of the weights.

        Args:
            images: In [0, 1].
            batch: How many at a time; `self.batch` when None.
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
        with _watching(self.network, seen), torch.no_grad():
            logits = self.network(torch.zeros(1, *self.image_shape, dtype=self.dtype))
        # The same memory, not only the same values: an activation behind the layer may happen to change nothing here.
        if not seen or seen[-1][1].data_ptr() != logits.data_ptr():
            raise LoadingError(
                f"{self.name} does not end in a linear layer, so its last layer cannot be taken apart; "
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
        """Return an independent copy; changing one leaves the other as it is."""
        return self.with_network(copy.deepcopy(self.network))

    def double(self) -> "Classifier":
        """Return a copy that computes in float64."""
        return self.with_network(copy.deepcopy(self.network).double())

    def with_network(self, network: nn.Module) -> "Classifier":
        """Return a classifier of the same images and classes around another network."""
        return Classifier(network, image_shape=self.image_shape, class_count=self.class_count, name=self.name)


@contextmanager
def _watching(network: nn.Module, seen: list[tuple[nn.Linear, Tensor]]) -> Iterator[None]:
    def note(module: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(module, nn.Linear):
            seen.append((module, output))

    handles = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, nn.Linear)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def evaluation_mode(network: nn.Module) -> nn.Module:
    """Put `network` into evaluation mode; an exported graph is in it for good and refuses to be told."""
    if not isinstance(network, torch.fx.GraphModule):
        network.eval()
    return network
