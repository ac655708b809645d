"""What a tampering is, what it leaves behind, and how far that is from the original."""

import copy
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.fast.folding import fold_batch_norm
from modelprint.fast.known import logits_on
from modelprint.networks.forms import Folded, InBatches
from modelprint.networks.int8 import Int8Linear
from modelprint.networks.onnx_network import OnnxNetwork
from modelprint.progress import Progress, ignore_progress
from modelprint.streams import stream


@dataclass(frozen=True, kw_only=True, eq=False)
class Tampered:
    """What a tampering hands back.

    Attributes:
        network: The changed network, in evaluation mode.
        steps: Optimisation steps taken.
        goal: What it set out to do, with the number that decides; empty when applying it is all there is to it.
        goal_value: The number reached.
        goal_reached: Whether it did what it set out to do.
        notes: What else is worth knowing, e.g. which weight was flipped.
        architecture: Name in NETWORKS of the network, where it is another one than the original's.
    """

    network: nn.Module
    steps: int = 0
    goal: str = ""
    goal_value: float | None = None
    goal_reached: bool = True
    notes: str = ""
    architecture: str = ""


@runtime_checkable
class Tampering(Protocol):
    """A way to change a classifier: a frozen dataclass of its settings."""

    @property
    def deterministic(self) -> bool:
        """Whether every seed gives the same suspect."""

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return a changed copy of the network of `model`, which stays as it is; `data` is what it was made for."""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """How far a suspect is from its original. A detection rate without this is not comparable.

    Attributes:
        parameters: L2 distance of all parameters, relative to the L2 norm of the original's. A suspect with folded
            batch norms is compared with the original folded likewise; integers count as the floats they stand for.
        buffers: The same for floating-point buffers (batch-norm statistics).
        logit_rms: Root mean square change of the logits on the test images.
        labels_changed: Share of test images whose label changes.
        accuracy_before: Test accuracy of the original, 0..1.
        accuracy_after: Test accuracy of the suspect, 0..1.
    """

    parameters: float
    buffers: float
    logit_rms: float
    labels_changed: float
    accuracy_before: float
    accuracy_after: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Suspect:
    """A classifier after a tampering, and what was done to it.

    Attributes:
        classifier: The changed classifier.
        kind: The tampering's name in SUITE.
        settings: Its settings.
        seed: What its random draws came from.
        steps: Optimisation steps taken.
        goal_reached: Whether the tampering did what it set out to do; the benchmark shows one that did
            not, and leaves it out of its rates.
        movement: How far it moved.
        seconds: How long it took to make.
        notes: What else is worth knowing.
        goal: What the tampering set out to do; empty when applying it is all there is to it.
        goal_value: The number that decides, as reached.
    """

    classifier: Classifier
    kind: str
    settings: Mapping[str, object]
    seed: int
    steps: int
    goal_reached: bool
    movement: Movement
    seconds: float
    notes: str = ""
    goal: str = ""
    goal_value: float | None = None

    def record(self) -> dict[str, object]:
        """Return everything but the classifier, ready for JSON."""
        return {
            "kind": self.kind,
            "settings": dict(self.settings),
            "seed": self.seed,
            "steps": self.steps,
            "goal_reached": self.goal_reached,
            "movement": asdict(self.movement),
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "goal": self.goal,
            "goal_value": self.goal_value,
        }


def make_suspect(
    kind: str,
    tampering: Tampering,
    model: Classifier,
    data: DataSet,
    seed: int,
    *,
    progress: Progress = ignore_progress,
) -> Suspect:
    """Apply `tampering` to a copy of `model` and measure how far it moved.

    Args:
        kind: Name of the tampering; also the name of its random stream.
        tampering: What to do.
        model: The original.
        data: The training set is what tamperings learn from, the test set what the movement is measured on.
        seed: Equal seeds give equal suspects.
        progress: Told about long work.
    """
    started = time.perf_counter()
    tampered = tampering.apply(model, data, stream(seed, "tampering", kind), progress)
    seconds = time.perf_counter() - started
    # Training lays weights out channels-last; back, so that a suspect and its saved copy agree to the last bit.
    classifier = model.with_network(tampered.network.to(memory_format=torch.contiguous_format))  # type: ignore[call-overload]
    classifier.name = tampered.architecture or model.name
    return Suspect(
        classifier=classifier,
        kind=kind,
        settings=asdict(tampering),  # type: ignore[call-overload]
        seed=seed,
        steps=tampered.steps,
        goal_reached=tampered.goal_reached,
        movement=measure(model, classifier, data.test),
        seconds=seconds,
        notes=tampered.notes,
        goal=tampered.goal,
        goal_value=tampered.goal_value,
    )


def measure(before: Classifier, after: Classifier, test: LabelledImages) -> Movement:
    """Return how far `after` is from `before`, on weights and on `test`."""
    old, new = logits_on(before, test), logits_on(after, test)
    labels = torch.from_numpy(test.labels)
    original, changed = _make_comparable(before.network, after.network)
    return Movement(
        parameters=relative_distance(named_weights(original), named_weights(changed)),
        buffers=relative_distance(_float_buffers(original), _float_buffers(changed)),
        logit_rms=(new - old).pow(2).mean().sqrt().item(),
        labels_changed=(new.argmax(1) != old.argmax(1)).double().mean().item(),
        accuracy_before=(old.argmax(1) == labels).double().mean().item(),
        accuracy_after=(new.argmax(1) == labels).double().mean().item(),
    )


def _make_comparable(before: nn.Module, after: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Return both networks in a form in which their tensors can be compared."""
    if isinstance(after, Folded):
        return fold_batch_norm(before), after.network
    if isinstance(after, OnnxNetwork):
        folded = fold_batch_norm(before)
        changed = copy.deepcopy(folded)
        # The exporter leaves out what changes nothing, such as a bias of zeros: it counts as unchanged.
        changed.load_state_dict(after.float_weights(), strict=False)
        return folded, changed
    return before, after.network if isinstance(after, InBatches) else after


def named_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return all parameters by name; an int8 layer is represented by the float weights it stands for."""
    weights = {name: parameter.detach() for name, parameter in network.named_parameters()}
    for name, module in network.named_modules():
        if isinstance(module, Int8Linear):
            weights[f"{name}.weight"] = module.dequantise()
            weights[f"{name}.bias"] = module.bias
    return weights


def _float_buffers(network: nn.Module) -> dict[str, Tensor]:
    statistics = ("running_mean", "running_var")
    return {name: buffer for name, buffer in network.named_buffers() if name.endswith(statistics)}


def relative_distance(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """Return the L2 distance of two networks' tensors, relative to the norm of `before`; 0 when that is nothing.

    A tensor that only one of them has, under its name and in its shape, counts with its whole length, as if the other
    had zeros in its place.
    """
    shared = {name for name in before if name in after and before[name].shape == after[name].shape}
    change = sum(_square(after[name].double() - before[name].double()) for name in before if name in shared)
    change += sum(_square(t) for tensors in (before, after) for name, t in tensors.items() if name not in shared)
    size = sum(map(_square, before.values()))
    return (change / size) ** 0.5 if size else 0.0


def _square(tensor: Tensor) -> float:
    return tensor.double().pow(2).sum().item()
