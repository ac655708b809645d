"""The classifiers that the benchmark tampers with: given weights, or a recipe that makes the same ones every time.

A trained target is kept in the cache under a name that follows from its recipe and its data, with a record of how it
was made: the command, the seed, the seconds it took and the accuracy it has.
"""

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from filelock import FileLock

from modelprint.cache import cache_folder, content_key
from modelprint.classifier import Classifier
from modelprint.data import DataSet, load_data, weights_path
from modelprint.errors import LoadingError
from modelprint.fast.folding import to_channels_last
from modelprint.fast.known import accuracy_on
from modelprint.loading import RECORD, load_classifier, read_weights, save_weights
from modelprint.networks import NETWORKS
from modelprint.progress import Progress, ignore_progress
from modelprint.streams import derive, stream
from modelprint.training import Augmentation, ImageBatches, Recipe, train, use_one_thread

REVISION = 1
"""Raised whenever training changes its result, so that old entries are not found any more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A classifier to be protected.

    Attributes:
        name: As plans and commands call it.
        network: A name in NETWORKS.
        data: A name in SETS, perhaps followed by @ and the share of its training images to train on.
        weights: Weights file without its ending, in the `weights` folder of a data folder; None: it is trained.
        recipe: How it is trained; None when its weights are given.
        augment: How training images are varied.
        seed: Of the initial weights, the order of the images and their augmentation.
        accuracy: Measured test accuracy, 0 to 1; other machines may differ by a few images. None: not measured yet.
    """

    name: str
    network: str
    data: str
    weights: str | None = None
    recipe: Recipe | None = None
    augment: Augmentation = "none"
    seed: int = 1
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if (self.weights is None) == (self.recipe is None):
            raise ValueError(f"target {self.name} needs either weights or a recipe")

    @property
    def command(self) -> str:
        """The command that makes it, or looks at it when it is there."""
        return f"modelprint bench target {self.name}"


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """What there is to know about a target that is there.

    Attributes:
        name: As plans and commands call it.
        network: A name in NETWORKS.
        data: A name in SETS, perhaps followed by @ and the share of its training images to train on.
        file: Where its weights are.
        digest: SHA-256 of its weights.
        accuracy: On the test images, 0 to 1, measured now.
        trained: How it was made; empty when its weights were given.
    """

    name: str
    network: str
    data: str
    file: Path
    digest: str
    accuracy: float
    trained: dict[str, object]


def _one_cycle(learning_rate: float, epochs: int, *, batch: int = 64) -> Recipe:
    return Recipe(
        learning_rate=learning_rate,
        momentum=0.9,
        weight_decay=5e-4,
        batch=batch,
        epochs=epochs,
        schedule="one-cycle",
    )


_ALL = (
    Target(name="cifar10-resnet20", network="resnet20", data="cifar10", weights="cifar10_resnet20", accuracy=0.9173),
    Target(
        name="gtsrb-cnn6", network="cnn6", data="gtsrb", recipe=_one_cycle(0.05, 20), augment="crop", accuracy=0.9796
    ),
    Target(name="mnist-lenet5", network="lenet5", data="mnist", recipe=_one_cycle(0.05, 8), accuracy=0.993),
    Target(
        name="mnist-mlp",
        network="mlp",
        data="mnist",
        recipe=Recipe(optimiser="adam", batch=256, epochs=50),
        accuracy=0.9772,
    ),
    Target(name="fashion-lenet5", network="lenet5", data="fashion-mnist", recipe=_one_cycle(0.05, 12), accuracy=0.9207),
    Target(
        name="faces-mlp",
        network="mlp-faces",
        data="faces",
        recipe=Recipe(optimiser="adam", batch=32, epochs=200),
        accuracy=0.975,
    ),
    Target(
        name="cifar10-vgg11",
        network="vgg11",
        data="cifar10",
        recipe=_one_cycle(0.05, 4, batch=128),
        augment="crop-flip",
        accuracy=0.8309,
    ),
    Target(
        name="fashion-lenet5-half",
        network="lenet5",
        data="fashion-mnist@0.5",
        recipe=_one_cycle(0.05, 12),
        accuracy=0.9066,
    ),
    Target(
        name="fashion-lenet5-half-2",
        network="lenet5",
        data="fashion-mnist@0.5",
        recipe=_one_cycle(0.05, 12),
        seed=2,
        accuracy=0.9093,
    ),
    Target(
        name="cifar10-cnn3-half",
        network="cnn3",
        data="cifar10@0.5",
        recipe=_one_cycle(0.1, 12, batch=128),
        augment="crop-flip",
        accuracy=0.6764,
    ),
    Target(
        name="cifar10-cnn4-half",
        network="cnn4",
        data="cifar10@0.5",
        recipe=_one_cycle(0.1, 12, batch=128),
        augment="crop-flip",
        accuracy=0.7996,
    ),
    Target(
        name="imagenet-lite0",
        network="efficientnet-lite0",
        data="imagenet-sample",
        weights="imagenet_efficientnet_lite0",
        accuracy=0.87,
    ),
    Target(
        name="digits", network="digits", data="digits", recipe=_one_cycle(0.05, 15), augment="crop", accuracy=0.9861
    ),
    Target(
        name="digits-2",
        network="digits",
        data="digits",
        recipe=_one_cycle(0.05, 15),
        augment="crop",
        seed=2,
        accuracy=0.9861,
    ),
)
TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
"""Every target. The benchmark's plans name its entries."""


def target_model(target: Target, *, progress: Progress = ignore_progress) -> tuple[Classifier, DataSet]:
    """Return the classifier and its data; one without given weights is trained once and kept.

    A kept file that is damaged, or whose weights are not those of its record, is logged and made again.

    Raises:
        DataError: The data set or the weights are not there; says where they were looked for and what to do.
    """
    data = load_data(target.data)
    if target.weights is not None:
        return load_classifier(target.network, weights_path(target.weights)), data
    path = target_path(target, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A second process waits for the first instead of training the same network beside it.
    with FileLock(path.with_suffix(".lock")):
        kept = _load_kept(target, path)
        if kept is None:
            _make(target, data, path, progress)
            kept = load_classifier(target.network, path)
    return kept, data


def target_path(target: Target, data: DataSet) -> Path:
    """Return where the weights are, or would be, kept; `data` is the target's."""
    if target.weights is not None:
        return weights_path(target.weights)
    assert target.recipe is not None
    inputs = [REVISION, target.network, asdict(target.recipe), target.augment, target.seed, data.digest]
    return cache_folder() / "targets" / f"{target.name}-{content_key(inputs)}.safetensors"


def target_facts(target: Target, *, progress: Progress = ignore_progress) -> TargetFacts:
    """Return where the target is, how it was made and how good it is; makes it when it is not there."""
    model, data = target_model(target, progress=progress)
    path = target_path(target, data)
    return TargetFacts(
        name=target.name,
        network=target.network,
        data=target.data,
        file=path,
        digest=model.digest(),
        accuracy=accuracy_on(model, data.test),
        trained={} if target.recipe is None else _read_record(path),
    )


def _load_kept(target: Target, path: Path) -> Classifier | None:
    """Return the classifier kept at `path`; None, after a warning, when the file is damaged."""
    if not path.is_file():
        return None
    try:
        model, record = load_classifier(target.network, path), _read_record(path)
    except LoadingError as problem:
        log.warning("%s; training %s again", problem, target.name)
        return None
    if record.get("classifier") != model.digest():
        log.warning("%s does not hold the weights of its record; training %s again", path, target.name)
        return None
    return model


def _read_record(path: Path) -> dict[str, object]:
    _, metadata = read_weights(path)
    try:
        record = json.loads(metadata.get(RECORD, "{}"))
    except json.JSONDecodeError as problem:
        raise LoadingError(f"{path}: its record is no JSON: {problem}") from problem
    if not isinstance(record, dict):
        raise LoadingError(f"{path}: its record is a {type(record).__name__}, not a JSON object")
    return record


def _make(target: Target, data: DataSet, path: Path, progress: Progress) -> None:
    started = time.process_time()
    with use_one_thread():
        model = train_target(target, data, progress)
    record = {
        "command": target.command,
        "seed": target.seed,
        "seconds": round(time.process_time() - started, 1),
        "accuracy": accuracy_on(model, data.test),
        "classifier": model.digest(),
        "torch": torch.__version__,
    }
    save_weights(model, path, record)


def train_target(target: Target, data: DataSet, progress: Progress = ignore_progress) -> Classifier:
    """Train the target by its recipe; the same seed, data and thread count give the same weights."""
    assert target.recipe is not None
    class_count = len(data.class_names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(target.seed, "target", target.network, "start"))
        network = NETWORKS[target.network].make(class_count=class_count, channels=data.image_shape[0])
    to_channels_last(network)
    batches = ImageBatches(data=data.train, augment=target.augment)
    rng = stream(target.seed, "target", target.network, "training")
    train(network, batches, target.recipe, rng, phase=f"training {target.name}", progress=progress)
    # Back, so that the network and its saved copy agree to the last bit.
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return Classifier(network, image_shape=data.image_shape, class_count=class_count, name=target.network)
