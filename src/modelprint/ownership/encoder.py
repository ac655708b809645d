"""A contrastive encoder: answers of a victim and its copies are mapped close together, those of other models apart.

Source: Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial Perturbations", CVPR
2022, https://arxiv.org/abs/2202.08602, its supplement (B, C.1, E), and the public code
(pengzirui/Model-fingerprinting-and-ownership-verification), read as a description: it cannot be run. A perceptron maps
the responses of one view to 50 and 20 numbers, rectified; Adam with a rate of 5e-4 and batches of 512 lowers a
contrastive loss at temperature 0.2.

Departures and gaps filled: the paper's encoder is given probabilities, in which nothing but the leading classes can be
seen; `space="probabilities"` does that, and the default takes their logarithms, from a ten-thousandth up, less their
mean over the classes. The code has three labels (victim, other, copy), which drives copies away from their victim,
against the paper's figure C; `classes="published"` does that, and the default has two, with the victim among its
copies. The code's last layer of four outputs has no part in its loss and is not made. Ten passes are few for an encoder
that learns from a handful of models, so here there are a hundred. The code keeps a fifth of the views for validation;
views of one model depend on each other, so all of them are used for training here, and models that the encoder never
saw judge it. The paper's similarity is the mean cosine to the victim's fingerprint without saying to which view; here
each view is compared with the same view of the victim, of which all pictures are the same.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.errors import LoadingError
from modelprint.loading import fill_network, read_weights
from modelprint.ownership.contrast import LOSSES, LossName
from modelprint.ownership.views import Responses
from modelprint.progress import Progress, ignore_progress
from modelprint.streams import derive, stream
from modelprint.tensors import Labels
from modelprint.training import Recipe, TensorBatches, train, use_one_thread
from modelprint.work import save_tensors

ClassScheme = Literal["two", "published"]
Space = Literal["logarithms", "probabilities"]
FLOOR = 1e-4
"""Probabilities below it count as this much: an endpoint that rounds to four decimals shows no more."""
SCALE = 3.0
"""Divides logarithms, so that the perceptron is given numbers about as large as one."""
FORMAT = "modelprint.encoder"
"""Metadata key of what an encoder's file says of it."""
VICTIM, OTHER, COPY = 0, 1, 2
"""The labels of the public code."""


@dataclass(frozen=True, kw_only=True)
class Contrastive:
    """How an encoder is made.

    Attributes:
        classes: "two": the victim among its copies against all others; "published": three, the victim by itself.
        space: What is represented: "logarithms" of probabilities, or "probabilities" as published.
        loss: "supervised" or "published".
        temperature: Divides cosines; small looks at near neighbours only.
        hidden: Width of the hidden layer.
        features: Numbers in a representation.
        learning_rate: Of Adam.
        batch: Views in a step.
        epochs: Passes over all views; the code has 10.
    """

    classes: ClassScheme = "two"
    space: Space = "logarithms"
    loss: LossName = "supervised"
    temperature: float = 0.2
    hidden: int = 50
    features: int = 20
    learning_rate: float = 5e-4
    batch: int = 512
    epochs: int = 100

    def __post_init__(self) -> None:
        for name, known in (
            ("classes", get_args(ClassScheme)),
            ("space", get_args(Space)),
            ("loss", tuple(LOSSES)),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, got {getattr(self, name)!r}")
        if not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature must be positive and finite, got {self.temperature}")
        for name in ("hidden", "features"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        _ = self.recipe

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Contrastive":
        """Return the settings in a file; TypeError or ValueError when they are invalid."""
        # Files of before there was a choice hold encoders of probabilities.
        return cls(**{"space": "probabilities", **written})

    def inputs(self, responses: Responses) -> Float[Tensor, "views length"]:
        """Return the input of the perceptron for some responses."""
        if self.space == "probabilities":
            return responses.values
        logarithms = responses.values.clamp_min(FLOOR).log().unflatten(1, (-1, responses.class_count))
        centred: Tensor = logarithms - logarithms.mean(dim=2, keepdim=True)
        return centred.flatten(1) / SCALE

    @property
    def recipe(self) -> Recipe:
        """Optimiser, batch and epochs."""
        return Recipe(optimiser="adam", learning_rate=self.learning_rate, batch=self.batch, epochs=self.epochs)

    def label(self, role: int) -> int:
        """Return the label of VICTIM, OTHER or COPY."""
        return VICTIM if self.classes == "two" and role == COPY else role

    def fit(
        self,
        victim: Responses,
        copies: Sequence[Responses],
        others: Sequence[Responses],
        seed: int,
        progress: Progress = ignore_progress,
    ) -> "Encoder":
        """Return an encoder that is trained on what these models answered.

        Args:
            victim: Responses of the victim.
            copies: Of models extracted or derived from it.
            others: Of models that are none of its copies.
            seed: Equal seeds give equal encoders, bit for bit, on one machine.
            progress: Called after each step.

        Raises:
            ValueError: There is no copy or no other, or models answered to different views.
            TrainingError: The loss is no longer a number.
        """
        if not copies or not others:
            raise ValueError(
                f"an encoder learns from at least one copy and one other model, got {len(copies)} and {len(others)}"
            )
        roles = [VICTIM, *[COPY] * len(copies), *[OTHER] * len(others)]
        models = [victim, *copies, *others]
        for other in models[1:]:
            check_same_views(victim, other)
        labels = torch.tensor([self.label(role) for role in roles]).repeat_interleave(len(victim))
        batches = TensorBatches(inputs=torch.cat([self.inputs(model) for model in models]), labels=labels)
        network = _make_network(self, victim.values.shape[1], seed)
        rng = stream(seed, "encoder", "training")

        def contrast(network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
            loss = LOSSES[self.loss](network(inputs), labels, self.temperature)
            loss.backward()
            return loss

        with use_one_thread():
            train(network, batches, self.recipe, rng, objective=contrast, phase="encoding", progress=progress)
        seen = tuple(sorted({model.model for model in models}))
        return Encoder(network.requires_grad_(False), self, victim.points, victim.class_count, seen)


class Encoder:
    """Maps responses to representations that separate copies from other models.

    Attributes:
        network: The perceptron.
        settings: How it was made.
        points: Points of a view it takes.
        class_count: Classes whose probabilities it takes.
        seen: The models it was trained on, the victim among them; it cannot judge them.
    """

    def __init__(
        self, network: nn.Module, settings: Contrastive, points: int, class_count: int, seen: tuple[str, ...]
    ) -> None:
        self.network = network.eval()
        self.settings = settings
        self.points = points
        self.class_count = class_count
        self.seen = seen

    def encode(self, responses: Responses) -> Float[Tensor, "views features"]:
        """Return the representation of each view; ValueError when the views have another length."""
        if (responses.points, responses.class_count) != (self.points, self.class_count):
            raise ValueError(
                f"the encoder takes {self.points} points of {self.class_count} classes, these responses have "
                f"{responses.points} of {responses.class_count}; an encoder serves another victim only where both agree"
            )
        with torch.no_grad():
            features: Float[Tensor, "views features"] = self.network(self.settings.inputs(responses))
        return features

    def save(self, path: Path) -> None:
        """Write the encoder as safetensors, whole or not at all; OSError when that cannot be done."""
        facts = {
            "settings": asdict(self.settings),
            "points": self.points,
            "class_count": self.class_count,
            "seen": self.seen,
        }
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        save_tensors(tensors, path, {"format": "pt", FORMAT: json.dumps(facts, sort_keys=True)})

    @classmethod
    def load(cls, path: Path) -> "Encoder":
        """Return the encoder in `path`; LoadingError when there is none."""
        tensors, metadata = read_weights(path)
        if FORMAT not in metadata:
            raise LoadingError(f"{path} holds no encoder")
        try:
            facts = json.loads(metadata[FORMAT])
            settings = Contrastive.read(facts["settings"])
            points, class_count = int(facts["points"]), int(facts["class_count"])
            seen = tuple(map(str, facts["seen"]))
        except (ValueError, TypeError, KeyError, RecursionError) as problem:
            raise LoadingError(f"{path}: what it says of its encoder cannot be read: {problem}") from None
        return cls.from_tensors(settings, tensors, points, class_count, seen, path)

    @classmethod
    def from_tensors(
        cls,
        settings: Contrastive,
        tensors: Mapping[str, Tensor],
        points: int,
        class_count: int,
        seen: tuple[str, ...],
        path: Path,
    ) -> "Encoder":
        """Return the encoder with the weights in `tensors`, read from `path`; LoadingError when they do not fit."""
        # The tensors bound what is built from the sizes that are claimed.
        length = 2 * points * class_count
        expected = {"0.weight": (settings.hidden, length), "2.weight": (settings.features, settings.hidden)}
        if any(name not in tensors or tuple(tensors[name].shape) != shape for name, shape in expected.items()):
            raise LoadingError(f"{path}: its weights are not those of {points} points of {class_count} classes")
        network = fill_network(_make_network(settings, length, seed=0), tensors, {}, path, "the encoder")
        return cls(network.requires_grad_(False), settings, points, class_count, seen)


def similarities(victim: Responses, suspect: Responses, encoder: Encoder | None = None) -> Float[Tensor, " views"]:
    """Return the cosine of each view of `suspect` with the same view of `victim`, -1..1.

    Args:
        victim: Responses of the victim.
        suspect: Responses of the model in question, to the same views.
        encoder: Maps both; None compares the responses themselves, the plainest of all comparisons.

    Raises:
        ValueError: They answered to different views, or the encoder takes others.
    """
    check_same_views(victim, suspect)
    first, second = (one.values if encoder is None else encoder.encode(one) for one in (victim, suspect))
    return cosines(first, second)


def cosines(first: Float[Tensor, "views n"], second: Float[Tensor, "views n"]) -> Float[Tensor, " views"]:
    """Return the cosine of each row with the same row of the other, -1..1."""
    return F.cosine_similarity(first.double(), second.double(), dim=1).float()


def similarity(victim: Responses, suspect: Responses, encoder: Encoder | None = None) -> float:
    """Return the mean of `similarities` over the views: the paper's similarity of two models."""
    return similarities(victim, suspect, encoder).double().mean().item()


def check_same_views(victim: Responses, other: Responses) -> None:
    """Refuse to compare answers to different questions."""
    if victim.views != other.views:
        raise ValueError(
            f"models were asked about different views ({victim.views[:12]} and {other.views[:12]}); ask both about the "
            "victim's"
        )


def _make_network(settings: Contrastive, length: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "encoder", "weights"))
        return nn.Sequential(
            nn.Linear(length, settings.hidden),
            nn.ReLU(),
            nn.Linear(settings.hidden, settings.features),
            nn.ReLU(),
        )
