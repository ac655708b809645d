"""Contrastive losses: they pull vectors of one label together and push those of different labels apart.

Sources: `published` is the loss in the public code of Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via
Universal Adversarial Perturbations", CVPR 2022 (pengzirui/Model-fingerprinting-and-ownership-verification): for each
vector minus the logarithm of the share that its own label has in the sum of exp(cosine / temperature) over the batch,
the vector itself counted on both sides. `supervised` is P. Khosla et al., "Supervised Contrastive Learning", NeurIPS
2020, https://arxiv.org/abs/2004.11362, equation (2): the mean of the logarithms over the other vectors of the label,
the vector itself counted nowhere; a vector without others of its label is left out.

Departures: none.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Float
from torch import Tensor

from modelprint.tensors import Labels

Vectors = Float[Tensor, "n features"]
"""Representations, of any length above 0."""
LossName = Literal["published", "supervised"]


def published_loss(vectors: Vectors, labels: Labels, temperature: float) -> Float[Tensor, ""]:
    """Return the loss of the public code; 0 where all vectors have one label."""
    cosines, same = _compare(vectors, labels, temperature)
    own = cosines.masked_fill(~same, -torch.inf)
    return (cosines.logsumexp(1) - own.logsumexp(1)).mean()


def supervised_loss(vectors: Vectors, labels: Labels, temperature: float) -> Float[Tensor, ""]:
    """Return the supervised contrastive loss; 0 where no vector has another of its label."""
    cosines, same = _compare(vectors, labels, temperature)
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    log_share = cosines - cosines.masked_fill(itself, -torch.inf).logsumexp(1, keepdim=True)
    positive = same & ~itself
    count = positive.sum(1)
    means = torch.where(positive, log_share, 0.0).sum(1) / count.clamp_min(1)
    return -means.sum() / (count > 0).sum().clamp_min(1)


LOSSES: dict[str, Callable[[Vectors, Labels, float], Tensor]] = {
    "published": published_loss,
    "supervised": supervised_loss,
}
"""Every loss, by its name."""


def _compare(vectors: Vectors, labels: Labels, temperature: float) -> tuple[Float[Tensor, "n n"], Bool[Tensor, "n n"]]:
    units = F.normalize(vectors, dim=1)
    return units @ units.T / temperature, labels[:, None] == labels[None, :]
