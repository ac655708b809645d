"""Load and save classifiers: safetensors, exported `.pt2` programs, `package.module:factory`; never pickles.

A safetensors file is data and safe to read from any source. So is a `.pt2` program, whose graph is computed by our own
interpreter of known operators. A factory is the code of its author and is executed; it is imported from the installed
modules, and from a folder only when that is given.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from math import prod
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

from modelprint.classifier import Classifier, contain_exit
from modelprint.errors import LoadingError
from modelprint.files import open_regular, refuse_damage
from modelprint.fingerprint.parts import check_normalisation
from modelprint.networks import NETWORKS
from modelprint.networks.exported_archive import list_members
from modelprint.networks.exported_program import read_program
from modelprint.networks.factory import call_factory
from modelprint.networks.forms import convert_to_form, form_of
from modelprint.networks.int8 import Int8Linear
from modelprint.networks.normalise import Normalised
from modelprint.networks.onnx_network import OnnxNetwork
from modelprint.networks.outputs import SelectOutput, select_logits
from modelprint.work import save_tensors

PICKLE_ENDINGS = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".th", ".ckpt", ".tar"}
CONVERT = "convert it: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
Normalisation = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation: one number for each channel, or one for all."""

COUNTER = "num_batches_tracked"
WRAPPERS = {"module.": "nn.DataParallel", "_orig_mod.": "torch.compile"}
"""What wrappers of a network put before all names, and which wrapper it is."""
INT8_LAYERS = "modelprint.int8_layers"
FORM = "modelprint.form"
NETWORK = "modelprint.network"
RECORD = "modelprint.record"


def load_classifier(
    network: str,
    weights: Path | None = None,
    *,
    image_shape: tuple[int, int, int] | None = None,
    search_path: Path | None = None,
    normalisation: Normalisation | None = None,
) -> Classifier:
    """Return a classifier from a network's name and its weights.

    Args:
        network: A name in NETWORKS; "package.module:factory", called without arguments, returning a torch module or a
            Classifier; or the path of a `.pt2` file written by torch.export.
        weights: A safetensors file. Needed for a named network, optional for a factory, refused for `.pt2`.
        image_shape: Channels, height and width of the images; needed for `.pt2`, for a factory that returns a module,
            and for a named network with images of another than its default size.
        search_path: A folder to import a factory from when no installed module has its name. Without it only installed
            modules are imported.
        normalisation: Mean and standard deviation for each channel, or one for all of them, when the network takes
            normalised images; built-in networks take images in [0, 1].

    Raises:
        LoadingError: Unknown network, unreadable weights, weights of other shapes, or a network that is random or
            returns no logits; the message names the first.
        ValueError: The normalisation does not fit the channels.
    """
    classifier = _load(network, weights, image_shape, search_path)
    return classifier if normalisation is None else normalise_outside(classifier, normalisation)


def normalise_outside(classifier: Classifier, normalisation: Normalisation) -> Classifier:
    """Return a classifier of images in [0, 1] whose network takes them normalised; ValueError as in `load_classifier`.

    Args:
        classifier: Its network takes normalised images.
        normalisation: Mean and standard deviation for each channel, or one for all of them.
    """
    channels = classifier.image_shape[0]
    mean, std = (tuple(numbers) * channels if len(numbers) == 1 else tuple(numbers) for numbers in normalisation)
    check_normalisation(mean, std, channels)
    return classifier.with_network(Normalised(classifier.network, mean, std))


def _load(
    network: str, weights: Path | None, image_shape: tuple[int, int, int] | None, search_path: Path | None
) -> Classifier:
    if network.endswith(".pt2"):
        if weights is not None:
            raise LoadingError(f"{network} carries its weights inside; leave out {weights}")
        return _load_exported(Path(network), _require_shape(image_shape, network))
    if ":" in network:
        return _load_made(network, call_factory(network, search_path), weights, image_shape)
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
    tensors = _drop_wrapper(tensors, shapes)
    inner = {name.removeprefix("network."): tensor for name, tensor in tensors.items()}
    first = next((inner[n] for n, t in shapes.items() if t.ndim == 4 and n in inner), None)
    head = next(n for n, t in reversed(shapes.items()) if t.ndim == 2)
    last = inner.get(head, inner.get(f"{head}_int8"))
    channels = first.shape[1] if first is not None and first.ndim == 4 else channels
    class_count = last.shape[0] if last is not None and last.ndim == 2 else architecture.class_count
    if (channels, class_count) != (architecture.image_shape[0], architecture.class_count):
        _check_size(network, channels, class_count, tensors, path)
    plain = architecture.make(class_count=class_count, channels=channels)
    module = fill_network(plain, tensors, metadata, path, network)
    if isinstance(module, OnnxNetwork):
        (channels, height, width), class_count = module.image_shape, module.class_count
    return Classifier(module, image_shape=(channels, height, width), class_count=class_count, name=network)


def _check_size(network: str, channels: int, class_count: int, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse channels and classes that would make a network larger than the file: a shape needs no values behind it."""
    stated = f"{path}: its shapes are those of a {network} for {channels} channels and {class_count} classes"
    if channels < 1 or class_count < 1:
        raise LoadingError(f"{stated}; there is at least one of each")
    with refuse_damage(stated, LoadingError), torch.device("meta"):
        made = NETWORKS[network].make(class_count=class_count, channels=channels).state_dict()
    needed, held = (sum(prod(tensor.shape) for tensor in one.values()) for one in (made, tensors))
    # A folded network has fewer values than the plain one, by less than half.
    if needed > 2 * held:
        raise LoadingError(f"{stated}, which has {needed} values, but the file holds {held}")


def _drop_wrapper(tensors: Mapping[str, Tensor], expected: Collection[str]) -> Mapping[str, Tensor]:
    """Return `tensors` without a prefix that all their names have and no expected name has."""
    for prefix in (*WRAPPERS, *WRAPPERS):  # one wrapper may be inside the other
        if tensors and all(name.startswith(prefix) for name in tensors):
            if any(name.startswith(prefix) for name in expected):
                return tensors
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file.

    Raises:
        LoadingError: The file is missing, a pickle, or damaged.
    """
    if not path.is_file():
        raise LoadingError(f"no weights file at {path}")
    with open_regular(path, LoadingError) as file:
        start = file.read(9)
    # A safetensors file starts with eight bytes, the length of its header, and the header, a JSON object.
    if start[8:] != b"{" or path.suffix in PICKLE_ENDINGS:
        foreign = _describe_foreign(path, start)
        if foreign:
            raise LoadingError(f"{path} {foreign}")
    damaged = f"{path} is not a readable safetensors file"
    with refuse_damage(damaged, LoadingError), safe_open(path, framework="pt") as tensors:
        return {name: tensors.get_tensor(name) for name in tensors.keys()}, tensors.metadata() or {}  # noqa: SIM118


def _describe_foreign(path: Path, start: bytes) -> str:
    """Say what a file that is not safetensors, by its first bytes or its ending, is instead; empty when unknown."""
    if start[8:] == b"{":
        return f"has the ending {path.suffix} of a pickle, but looks like safetensors; rename it to .safetensors"
    members = list_members(path)
    if any(name.endswith("models/model.json") for name in members):
        return "is an exported program; give it as --network, with the ending .pt2"
    if any("/code/" in name for name in members):
        return f"is TorchScript, which contains code and is never loaded; {CONVERT}"
    if path.suffix in PICKLE_ENDINGS or start[:1] in (b"P", b"\x80"):
        return f"looks like a pickle, which can run code when opened and is never loaded; {CONVERT}"
    if start.startswith(b"\x89HDF"):
        return f"is HDF5, as Keras writes it, not safetensors; {CONVERT}"
    return "is a page of HTML; was the download an error page?" if start.lstrip()[:1] == b"<" else ""


def fill_network(
    network: nn.Module, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path, name: str
) -> nn.Module:
    """Return `network`, in the form that the file names, filled with `tensors`.

    All names and shapes must agree, except step counters of batch norms, and except a prefix `module.` or `_orig_mod.`
    of all names. `network` itself may be changed.

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
    tensors = _drop_wrapper(tensors, expected)
    missing = [n for n in expected if n not in tensors and not n.endswith(COUNTER)]
    extra = [n for n in tensors if n not in expected and not n.endswith(COUNTER)]
    if missing or extra:
        raise LoadingError(
            f"{path} does not hold the weights of {name}: {len(missing)} missing{_name_first(missing)}, "
            f"{len(extra)} unexpected{_name_first(extra)}{_describe_prefixes(extra, tensors)}"
        )
    for key, tensor in tensors.items():
        entry = expected.get(key, tensor)
        if not isinstance(entry, Tensor):
            raise LoadingError(f"{name} keeps {key} as a {type(entry).__name__}, which no safetensors file holds")
        if tensor.shape != entry.shape:
            raise LoadingError(f"{path}: {key} has shape {tuple(tensor.shape)}, but {name} needs {tuple(entry.shape)}")
        if tensor.is_complex() and not entry.is_complex():
            raise LoadingError(f"{path}: {key} holds complex numbers, but {name} needs {entry.dtype}")
        # Eight-bit floats have no test of their own.
        finite = tensor.float() if tensor.is_floating_point() and tensor.itemsize == 1 else tensor
        if tensor.is_floating_point() and not torch.isfinite(finite).all():
            raise LoadingError(f"{path}: {key} holds values that are not finite")
    with refuse_damage(f"{path} does not fill {name}", LoadingError):
        network.load_state_dict(dict(tensors), strict=False)
    return network.eval()


def _describe_prefixes(extra: Collection[str], tensors: Collection[str]) -> str:
    """Say which of the unexpected names begin with the prefix of a wrapper."""
    found = [
        f"; {count} of {len(tensors)} names begin with {prefix} ({wrapper})"
        for prefix, wrapper in WRAPPERS.items()
        if (count := sum(name.startswith(prefix) for name in extra))
    ]
    return "".join(found)


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
    save_tensors(tensors, path, stored)


def load_like(model: Classifier, path: Path) -> tuple[Classifier, dict[str, object]]:
    """Return the classifier in `path`, with the image shape and classes of `model`, and the record in the file.

    The architecture is that of `model` unless the file names another one. LoadingError when the file does not fit.
    """
    tensors, metadata = read_weights(path)
    loaded = _make_like(model, metadata.get(NETWORK, model.name), path)
    loaded.network = _fill_inside(loaded.network, tensors, metadata, path, loaded.name)
    try:
        record = json.loads(metadata.get(RECORD, "{}"))
    except (ValueError, RecursionError) as problem:
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


def _load_made(
    network: str, made: object, weights: Path | None, image_shape: tuple[int, int, int] | None
) -> Classifier:
    """Return the classifier of what a factory returned, with the weights in a file when there is one."""
    if isinstance(made, nn.Module):
        made = _wrap(made, _require_shape(image_shape, network), network)
    elif isinstance(made, Classifier):
        made = _check_made(made, network)
    else:
        raise LoadingError(f"{network} returned a {type(made).__name__}, not a torch module or a Classifier")
    if weights is None:
        return made
    tensors, metadata = read_weights(weights)
    made.network = _fill_inside(made.network, tensors, metadata, weights, network)
    return made


def _fill_inside(
    network: nn.Module, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path, name: str
) -> nn.Module:
    """Return `network` filled with `tensors`, whose names are its own, or those of the network that it wraps."""
    if isinstance(network, SelectOutput | Normalised) and not tensors.keys() <= network.state_dict().keys():
        network.network = _fill_inside(network.network, tensors, metadata, path, name)
        return network
    return fill_network(network, tensors, metadata, path, name)


def _check_made(made: Classifier, network: str) -> Classifier:
    """Return the classifier that a factory made, after the questions that a bare module is asked."""
    wrapped = _wrap(made.network, made.image_shape, network)
    if wrapped.class_count != made.class_count:
        raise LoadingError(f"{network} says {made.class_count} classes, but answers with {wrapped.class_count} logits")
    made.network = wrapped.network
    return made


def _wrap(module: nn.Module, image_shape: tuple[int, int, int], name: str) -> Classifier:
    """Return the classifier of a module, which is asked for the first time: find its logits and count its classes.

    Raises:
        LoadingError: It does not take such images, returns no logits, is random or changes its images.
    """
    classifier = Classifier(module, image_shape=image_shape, class_count=0, name=name)
    try:
        with torch.no_grad(), contain_exit(name):
            output = module(torch.zeros(1, *image_shape, dtype=classifier.dtype))
    except LoadingError:
        raise
    except Exception as problem:  # a network may raise any kind of error on an image of that shape
        raise LoadingError(f"{name} does not take images of shape {image_shape}: {problem}") from problem
    try:
        classifier.network, logits = select_logits(module, output)
    except ValueError as problem:
        raise LoadingError(f"{name} {problem}") from None
    if logits.ndim != 2:
        raise LoadingError(f"{name} answers one image with shape {tuple(logits.shape)}, expected (1, classes)")
    classifier.class_count = logits.shape[1]
    classifier.check_repeatable()
    return classifier


def _load_exported(path: Path, image_shape: tuple[int, int, int]) -> Classifier:
    if not path.is_file():
        raise LoadingError(f"no exported program at {path}")
    return _wrap(read_program(path, image_shape), image_shape, path.name)
