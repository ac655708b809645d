"""From the plain arrays in a file to the views, answers and encoder of a comparison, and back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.errors import FingerprintError, LoadingError
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByViews
from modelprint.ownership.encoder import Contrastive, Encoder
from modelprint.ownership.uap import Perturbation
from modelprint.ownership.views import Responses, Views

Represented = Float[Tensor, "views features"]
"""The representation of the answers of one model."""

LAYERS = {
    "hidden_weight": "0.weight",
    "hidden_bias": "0.bias",
    "features_weight": "2.weight",
    "features_bias": "2.bias",
}
"""What the encoder calls its weights, by their names in the file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Unpacked:
    """What a suspect is asked about, and what its answers are compared with.

    Attributes:
        views: The views.
        victim: What the victim answered.
        encoder: Compares the answers.
    """

    views: Views
    victim: Responses
    encoder: Encoder


def pack(views: Views, victim: Responses, encoder: Encoder, represented: Sequence[Represented]) -> ByViews:
    """Return what a file holds of these.

    Args:
        views: All views that are asked.
        victim: What the victim answered.
        encoder: Compares the answers.
        represented: Its representation of the answers of each reference.
    """
    weights = encoder.network.state_dict()
    pattern = views.perturbation
    return ByViews(
        pixels=views.pixels,
        index=views.index,
        levels=pattern.levels,
        victim=victim.values.numpy(),
        represented=torch.stack(list(represented)).numpy(),
        weights={name: weights[layer].numpy() for name, layer in LAYERS.items()},
        fooled=pattern.fooled,
        tested=pattern.tested,
        wanted=pattern.wanted,
        encoder=asdict(encoder.settings),
        seen=encoder.seen,
    )


def unpack(fingerprint: OwnershipFingerprint, evidence: ByViews) -> Unpacked:
    """Return what `pack` was given.

    Raises:
        FingerprintError: The settings of the encoder are invalid, or do not fit its weights.
    """
    pattern = Perturbation(
        levels=evidence.levels, fooled=evidence.fooled, tested=evidence.tested, wanted=float(evidence.wanted)
    )
    classes = len(fingerprint.class_names)
    views = Views(pixels=evidence.pixels, index=evidence.index, perturbation=pattern, class_count=classes)
    victim = Responses(
        values=torch.from_numpy(evidence.victim),
        points=views.points,
        views=views.digest,
        model=fingerprint.provenance.model_sha256,
    )
    tensors = {layer: torch.from_numpy(np.ascontiguousarray(evidence.weights[name])) for name, layer in LAYERS.items()}
    try:
        settings = Contrastive.read(evidence.encoder)
        encoder = Encoder.from_tensors(settings, tensors, views.points, classes, evidence.seen, Path("the fingerprint"))
    except (TypeError, ValueError, LoadingError) as problem:
        raise FingerprintError(f"the encoder in the fingerprint cannot be used: {problem}") from problem
    return Unpacked(views=views, victim=victim, encoder=encoder)
