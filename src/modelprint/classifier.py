"""A local classifier: maps images in [0, 1] to logits; normalisation is part of the network."""

import copy
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.errors import LoadingError
from modelprint.tensors import Images, Labels, Logits

BATCH = 256
"""Images of 32 x 32 pixels per forward pass."""

REPEATS = 4
"""Images that are asked twice to find a network that is random."""

REPEAT_TOLERANCE = 1e-4
"""Largest difference between two answers to one image, relative to the largest logit."""

Add = Callable[[bytes], object]
"""Adds bytes to a digest."""

SPARSE = frozenset({torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc})


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
        """The floating-point type of the weights in which images are computed; float32 when they have none.

        Integers and eight-bit floats are storage: a network with such weights converts them itself.
        """
        types = (p.dtype for p in self.network.parameters())
        return next((one for one in types if one.is_floating_point and one.itemsize > 1), torch.float32)

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

        Raises:
            LoadingError: The network ended the program, e.g. with `sys.exit`.
        """
        with torch.no_grad(), contain_exit(self.name):
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
        """Return the hexadecimal SHA-256 of all parameters, buffers and extra state, by name, type and shape.

        Raises:
            LoadingError: The extra state holds an object whose content is unknown.
        """
        content = hashlib.sha256()
        for name, entry in sorted(self.network.state_dict().items()):
            try:
                _add_entry(content.update, name, entry)
            except TypeError as problem:
                raise LoadingError(f"{self.name}: {problem}, so its weights have no digest") from None
        return content.hexdigest()

    def check_repeatable(self) -> None:
        """Ask a few images twice.

        Raises:
            LoadingError: An image gets different logits, or the network changes the images that it is given.
        """
        images = _make_ramps(self.image_shape).to(self.dtype)
        given = images.clone()
        # One by one, since some networks take no more; a program of a fixed batch would fill up each batch.
        batch = getattr(self.network, "fixed_batch", None) or 1
        first, second = self.logits(given, batch=batch), self.logits(images.clone(), batch=batch)
        if not torch.equal(given, images):
            raise LoadingError(
                f"{self.name} changes its images in place; in its forward, write x = x - mean instead of x -= mean"
            )
        scale = first.abs().nan_to_num(posinf=0).amax().clamp(min=1)
        different = ((first - second).abs() > REPEAT_TOLERANCE * scale).any()
        if different or not torch.equal(first.isfinite(), second.isfinite()):
            raise LoadingError(
                f"{self.name} gives the same image different logits; does its forward use random numbers, such as "
                "dropout with training=True, or was it exported in training mode?"
            )

    def has_gradient(self) -> bool:
        """Return whether the logits have a gradient by the images; integer layers and `torch.no_grad` stop it."""
        images = torch.zeros(1, *self.image_shape, dtype=self.dtype, requires_grad=True)
        try:
            (gradient,) = torch.autograd.grad(self.network(images).sum(), images, allow_unused=True)
        except RuntimeError:
            return False
        return gradient is not None

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


@contextmanager
def contain_exit(name: str) -> Iterator[None]:
    """Turn an exception that would end the program into a LoadingError; KeyboardInterrupt is the user's.

    The code of a network is its author's. Its `sys.exit(0)` would end the program with an exit code that is a verdict.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as problem:
        raise LoadingError(f"{name} failed: {describe_error(problem)}") from problem


def describe_error(problem: BaseException) -> str:
    """Return "KIND: MESSAGE", or the kind alone when there is no message."""
    message = str(problem)
    return f"{type(problem).__name__}: {message}" if message else type(problem).__name__


def _make_ramps(image_shape: tuple[int, int, int]) -> Images:
    """Return images with all grey levels, each from another one on."""
    size = prod(image_shape)
    ramp = torch.linspace(0, 1, size)
    return torch.stack([ramp.roll(index * size // REPEATS) for index in range(REPEATS)]).reshape(-1, *image_shape)


def _add_entry(add: Add, name: str, entry: object) -> None:
    """Add one entry of a state dict; TypeError when it holds an object of unknown content."""
    if isinstance(entry, Tensor):
        _add_tensor(add, name, entry)
    elif isinstance(entry, Mapping):
        add(f"{name}\x1fmapping\x1f{len(entry)}\x1f".encode())
        for key in sorted(entry, key=repr):
            _add_entry(add, f"{name}[{key!r}]", entry[key])
    elif isinstance(entry, list | tuple):
        add(f"{name}\x1fsequence\x1f{len(entry)}\x1f".encode())
        for index, one in enumerate(entry):
            _add_entry(add, f"{name}[{index}]", one)
    elif isinstance(entry, bytes | bytearray | io.BytesIO):
        plain = entry.getvalue() if isinstance(entry, io.BytesIO) else bytes(entry)
        add(f"{name}\x1fbytes\x1f{len(plain)}\x1f".encode() + plain)
    elif entry is None or isinstance(entry, bool | int | float | complex | str | torch.dtype):
        add(f"{name}\x1f{type(entry).__name__}\x1f{entry!r}\x1f".encode())
    else:
        raise TypeError(f"the entry {name} of its state is a {type(entry).__name__}")


def _add_tensor(add: Add, name: str, tensor: Tensor) -> None:
    """Add a tensor: of a dense one name, type, shape and bytes, of another one also what its bytes mean."""
    add(f"{name}\x1f{tensor.dtype}\x1f{tuple(tensor.shape)}\x1f".encode())
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        add(f"{tensor.qscheme()}\x1f".encode())
        if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
            _add_entry(add, f"{name}.scale", [tensor.q_scale(), tensor.q_zero_point()])
        else:
            scales = [tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()]
            _add_entry(add, f"{name}.scales", [tensor.q_per_channel_axis(), *scales])
        tensor = tensor.int_repr()
    elif tensor.layout in SPARSE:
        add(f"{tensor.layout}\x1f".encode())
        entries = (tensor if tensor.layout is torch.sparse_coo else tensor.to_sparse_coo()).coalesce()
        _add_tensor(add, f"{name}.indices", entries.indices())
        tensor = entries.values()
    elif tensor.layout is not torch.strided:
        add(f"{tensor.layout}\x1f".encode())
        tensor = tensor.to_dense()
    # As bytes, since NumPy does not know all types, such as bfloat16; for those it knows, these are its bytes.
    flat = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1)
    if flat.is_complex():
        flat = torch.view_as_real(flat).reshape(-1)
    add(flat.view(torch.uint8).numpy().tobytes())
