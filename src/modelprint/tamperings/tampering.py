"""The interface of tamperings, their results, and the distance between suspect and original."""

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
    """The result of a tampering.

    Attributes:
        network: The changed network, in evaluation mode.
        steps: Optimisation steps taken.
        goal: The goal with its number, in words; empty if the tampering has none.
        goal_value: The number reached.
        goal_reached: Whether the goal was reached.
        notes: Further facts, e.g. which weight was flipped.
        architecture: Name in NETWORKS of the network, if it differs from the original's.
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
        """Return a changed copy of the network of `model`, which itself is not changed; `data` is its data set."""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """The distance between a suspect and its original. Detection rates are not comparable without it.

    Attributes:
        parameters: L2 distance of all parameters, relative to the L2 norm of the original's. A suspect with folded
            batch norms is compared with the folded original; integers count as the floats they represent.
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
    """A classifier after a tampering, and a record of the tampering.

    Attributes:
        classifier: The changed classifier.
        kind: The tampering's name in SUITE.
        settings: Its settings.
        seed: Seed of its random draws.
        steps: Optimisation steps taken.
        goal_reached: Whether the tampering reached its goal; if not, the benchmark shows the suspect but excludes it
            from rates.
        movement: Distance from the original.
        seconds: Time to make it.
        notes: Further facts.
        goal: The goal, in words; empty if the tampering has none.
        goal_value: The number reached.
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

    def summary(self) -> str:
        """Return kind, goal and movement, one line each."""
        moved, notes = self.movement, f"; {self.notes}" if self.notes else ""
        lines = {
            "suspect": f"{self.kind}, seed {self.seed}, {self.steps} steps{notes}",
            "goal": "reached" if self.goal_reached else "not reached",
            "parameters": f"moved by {moved.parameters:.3g} of their length, buffers by {moved.buffers:.3g} of theirs",
            "logits": f"{moved.logit_rms:.3g} RMS change on the test images",
            "labels": f"{moved.labels_changed:.2%} changed on the test images",
            "accuracy": f"{moved.accuracy_before:.2%} before, {moved.accuracy_after:.2%} after",
        }
        return "\n".join(f"{name:<12} {text}" for name, text in lines.items())


def make_suspect(
    kind: str,
    tampering: Tampering,
    model: Classifier,
    data: DataSet,
    seed: int,
    *,
    progress: Progress = ignore_progress,
) -> Suspect:
    """Apply `tampering` to a copy of `model` and measure the distance.

    Args:
        kind: Name of the tampering; also the name of its random stream.
        tampering: The tampering.
        model: The original.
        data: Tamperings train on the training set; the movement is measured on the test set.
        seed: Equal seeds give equal suspects.
        progress: Receives progress reports.
    """
    started = time.perf_counter()
    tampered = tampering.apply(model, data, stream(seed, "tampering", kind), progress)
    seconds = time.perf_counter() - started
    # Training uses channels-last weights; undo this, so that a suspect and its saved copy agree to the last bit.
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
    """Return the distance between `before` and `after`, in weights and in outputs on `test`."""
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
    """Return both networks in forms whose tensors can be compared."""
    if isinstance(after, Folded):
        return fold_batch_norm(before), after.network
    if isinstance(after, OnnxNetwork):
        folded = fold_batch_norm(before)
        changed = copy.deepcopy(folded)
        # The exporter omits tensors without effect, such as a bias of zeros: they count as unchanged.
        changed.load_state_dict(after.float_weights(), strict=False)
        return folded, changed
    return before, after.network if isinstance(after, InBatches) else after


def named_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return all parameters by name; for an int8 layer, the float weights that it represents."""
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
    """Return the L2 distance of two networks' tensors, relative to the norm of `before`; 0 when that is 0.

    A tensor without a counterpart of the same name and shape counts as if the other network had zeros.
    """
    shared = {name for name in before if name in after and before[name].shape == after[name].shape}
    change = sum(_square(after[name].double() - before[name].double()) for name in before if name in shared)
    change += sum(_square(t) for tensors in (before, after) for name, t in tensors.items() if name not in shared)
    size = sum(map(_square, before.values()))
    return (change / size) ** 0.5 if size else 0.0


def _square(tensor: Tensor) -> float:
    return tensor.double().pow(2).sum().item()
