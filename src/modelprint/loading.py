"""Load and save classifiers: safetensors, exported `.pt2` programs, `package.module:factory`; never pickles.

A safetensors file is data and safe to read from any source. So is a `.pt2` program, whose graph is computed by our own
interpreter of known operators. A factory is the code of its author and is executed.
"""

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from modelprint.cache import write_atomically
from modelprint.classifier import Classifier
from modelprint.errors import LoadingError
from modelprint.networks import NETWORKS
from modelprint.networks.exported_program import read_program
from modelprint.networks.forms import convert_to_form, form_of
from modelprint.networks.int8 import Int8Linear
from modelprint.networks.onnx_network import OnnxNetwork

PICKLE_ENDINGS = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".th", ".ckpt", ".tar"}
COUNTER = "num_batches_tracked"
INT8_LAYERS = "modelprint.int8_layers"
FORM = "modelprint.form"
NETWORK = "modelprint.network"
RECORD = "modelprint.record"


def load_classifier(
    network: str, weights: Path | None = None, *, image_shape: tuple[int, int, int] | None = None
) -> Classifier:
    """Return a classifier from a network's name and its weights.

    Args:
        network: A name in NETWORKS; "package.module:factory", called without arguments, returning a torch module or a
            Classifier; or the path of a `.pt2` file written by torch.export.
        weights: A safetensors file. Needed for a named network, optional for a factory, refused for `.pt2`.
        image_shape: Channels, height and width of the images; needed for `.pt2`, for a factory that returns a module,
            and for a named network with images of another than its default size.

    Raises:
        LoadingError: Unknown network, unreadable weights, or weights of other shapes; the message names the first.
    """
    if network.endswith(".pt2"):
        if weights is not None:
            raise LoadingError(f"{network} carries its weights inside; leave out {weights}")
        return _load_exported(Path(network), _require_shape(image_shape, network))
    if ":" in network:
        return _call_factory(network, weights, image_shape)
    if network not in NETWORKS:
        raise LoadingError(
            f"unknown network {network!r}; known are {', '.join(NETWORKS)}, "
            'a "package.module:factory" or the path of a .pt2 file'
        )
    if weights is None:
        raise LoadingError(f"network {network} needs a weights file (.safetensors)")
    tensors, metadata = read_weights(weights)
    classifier = _load_named(network, weights, tensors, metadata)
    if image_shape in (None, classifier.image_shape):
        return classifier
    return _wrap(classifier.network, image_shape, network)


def _load_named(network: str, path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Classifier:
    holds = metadata.get(NETWORK, network)
    if holds != network and holds in NETWORKS:
        raise LoadingError(f"{path} holds the weights of a {holds}, not of a {network}")
    architecture = NETWORKS[network]
    channels, height, width = architecture.image_shape
    # Take the order of the layers from the network: a file sorts them by name, and a depthwise convolution looks like
    # one on grey images.
    with torch.device("meta"):
        shapes = architecture.make(class_count=architecture.class_count, channels=channels).state_dict()
    inner = {name.removeprefix("network."): tensor for name, tensor in tensors.items()}
    first = next((inner[n] for n, t in shapes.items() if t.ndim == 4 and n in inner), None)
    head = next(n for n, t in reversed(shapes.items()) if t.ndim == 2)
    last = inner.get(head, inner.get(f"{head}_int8"))
    channels = first.shape[1] if first is not None and first.ndim == 4 else channels
    class_count = last.shape[0] if last is not None and last.ndim == 2 else architecture.class_count
    plain = architecture.make(class_count=class_count, channels=channels)
    module = fill_network(plain, tensors, metadata, path, network)
    if isinstance(module, OnnxNetwork):
        (channels, height, width), class_count = module.image_shape, module.class_count
    return Classifier(module, image_shape=(channels, height, width), class_count=class_count, name=network)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file.

    Raises:
        LoadingError: The file is missing, a pickle, or damaged.
    """
    if not path.is_file():
        raise LoadingError(f"no weights file at {path}")
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file starts with eight bytes, the length of its header, and the header, a JSON object.
    foreign = start[8:] != b"{" and start[:1] in (b"P", b"\x80")
    if path.suffix in PICKLE_ENDINGS or foreign:
        raise LoadingError(
            f"{path} looks like a pickle, which can run code when opened and is never loaded; "
            "convert it: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
        )
    try:
        with safe_open(path, framework="pt") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}, tensors.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as problem:
        raise LoadingError(f"{path} is not a readable safetensors file: {problem}") from problem


def fill_network(
    network: nn.Module, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path, name: str
) -> nn.Module:
    """Return `network`, in the form that the file names, filled with `tensors`.

    All names and shapes must agree, except step counters of batch norms. `network` itself may be changed.

    Raises:
        LoadingError: A name, a shape or the form does not fit, or a value is not finite.
    """
    if FORM in metadata:
        try:
            network = convert_to_form(metadata[FORM], network, tensors)
        except ValueError as problem:
            raise LoadingError(f"{path}: {problem}") from None
    for layer in filter(None, metadata.get(INT8_LAYERS, "").split(",")):
        linear = dict(network.named_modules()).get(layer)
        if not isinstance(linear, nn.Linear):
            raise LoadingError(f"{path} names an int8 layer {layer!r}, which is not a linear layer of {name}")
        network.set_submodule(layer, Int8Linear(linear.in_features, linear.out_features))
    expected = network.state_dict()
    missing = [n for n in expected if n not in tensors and not n.endswith(COUNTER)]
    extra = [n for n in tensors if n not in expected and not n.endswith(COUNTER)]
    if missing or extra:
        raise LoadingError(
            f"{path} does not hold the weights of {name}: {len(missing)} missing{_name_first(missing)}, "
            f"{len(extra)} unexpected{_name_first(extra)}"
        )
    for key, tensor in tensors.items():
        if key in expected and tensor.shape != expected[key].shape:
            raise LoadingError(
                f"{path}: {key} has shape {tuple(tensor.shape)}, but {name} needs {tuple(expected[key].shape)}"
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise LoadingError(f"{path}: {key} holds values that are not finite")
    network.load_state_dict(dict(tensors), strict=False)
    return network.eval()


def _name_first(names: list[str]) -> str:
    return f" (such as {names[0]})" if names else ""


def save_weights(classifier: Classifier, path: Path, record: Mapping[str, object] | None = None) -> None:
    """Write the weights of `classifier` as safetensors, atomically; OSError when that fails.

    Args:
        classifier: The classifier to save.
        path: The file; missing folders above it are created.
        record: Facts to store with the weights as JSON, e.g. what a tampering did.
    """
    network = classifier.network
    int8 = [name for name, module in network.named_modules() if isinstance(module, Int8Linear)]
    metadata = {INT8_LAYERS: ",".join(int8), FORM: form_of(network)}
    if classifier.name in NETWORKS:
        metadata[NETWORK] = classifier.name
    if record is not None:
        metadata[RECORD] = json.dumps(record, sort_keys=True)
    stored = {"format": "pt", **{key: text for key, text in metadata.items() if text}}
    tensors = {name: tensor.contiguous().clone() for name, tensor in network.state_dict().items()}

    def write(draft: Path) -> None:
        try:
            save_file(tensors, draft, metadata=stored)
        except SafetensorError as problem:
            raise OSError(f"{path} could not be written: {problem}") from None

    write_atomically(path, write)


def load_like(model: Classifier, path: Path) -> tuple[Classifier, dict[str, object]]:
    """Return the classifier in `path`, with the image shape and classes of `model`, and the record in the file.

    The architecture is that of `model` unless the file names another one. LoadingError when the file does not fit.
    """
    tensors, metadata = read_weights(path)
    loaded = _make_like(model, metadata.get(NETWORK, model.name), path)
    loaded.network = fill_network(loaded.network, tensors, metadata, path, loaded.name)
    try:
        record = json.loads(metadata.get(RECORD, "{}"))
    except json.JSONDecodeError as problem:
        raise LoadingError(f"{path}: its record is not JSON: {problem}") from problem
    if not isinstance(record, dict):
        raise LoadingError(f"{path}: its record is a {type(record).__name__}, not a JSON object")
    return loaded, record


def _make_like(model: Classifier, network: str, path: Path) -> Classifier:
    if network == model.name:
        return model.copy()
    if network not in NETWORKS:
        raise LoadingError(f"{path} holds an unknown network {network!r}; known are {', '.join(NETWORKS)}")
    made = NETWORKS[network].make(class_count=model.class_count, channels=model.image_shape[0])
    return Classifier(made, image_shape=model.image_shape, class_count=model.class_count, name=network)


def _require_shape(image_shape: tuple[int, int, int] | None, network: str) -> tuple[int, int, int]:
    if image_shape is None:
        raise LoadingError(f"{network}: give the shape of its images, e.g. --image-shape 3,32,32")
    return image_shape


def _call_factory(network: str, weights: Path | None, image_shape: tuple[int, int, int] | None) -> Classifier:
    module_name, _, attribute = network.partition(":")
    # The path of a console script lacks the working folder, where the user's module most likely is.
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
        made = factory()
    except Exception as problem:  # the user's own code may raise any kind of error; report it in one line
        raise LoadingError(f"{network} failed: {type(problem).__name__}: {problem}") from problem
    if isinstance(made, nn.Module):
        made = _wrap(made, _require_shape(image_shape, network), network)
    if not isinstance(made, Classifier):
        raise LoadingError(f"{network} returned a {type(made).__name__}, not a torch module or a Classifier")
    if weights is not None:
        tensors, metadata = read_weights(weights)
        made.network = fill_network(made.network, tensors, metadata, weights, network)
    return made


def _wrap(module: nn.Module, image_shape: tuple[int, int, int], name: str) -> Classifier:
    classifier = Classifier(module, image_shape=image_shape, class_count=0, name=name)
    try:
        logits = classifier.logits(torch.zeros(1, *image_shape))
    except Exception as problem:  # a network may raise any kind of error on an image of that shape
        raise LoadingError(f"{name} does not take images of shape {image_shape}: {problem}") from problem
    if logits.ndim != 2:
        raise LoadingError(f"{name} answers one image with shape {tuple(logits.shape)}, expected (1, classes)")
    classifier.class_count = logits.shape[1]
    return classifier


def _load_exported(path: Path, image_shape: tuple[int, int, int]) -> Classifier:
    if not path.is_file():
        raise LoadingError(f"no exported program at {path}")
    return _wrap(read_program(path, image_shape), image_shape, path.name)
