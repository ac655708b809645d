"""Evaluate a target and many copies of it on the same images; shared layers are computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.errors import LoadingError
from modelprint.fast.folding import fold_batch_norm, freeze_weights, to_channels_last
from modelprint.tensors import Images, Logits


@dataclass(frozen=True, eq=False)
class HeadChange:
    """A copy that differs from the target in the last layer only: the change of its weight and bias."""

    weight: Tensor
    bias: Tensor


class Ensemble:
    """Logits of a target, and their differences for each copy, without cancellation when the trunk is shared.

    If only the last layer differs, the logits differ by (dW) h + db, where h are the target's features. Subtracting two
    sets of float32 logits would lose this difference: fine-tuning at 1e-5 moves logits of about 10 by 5e-5.

    Attributes:
        size: Number of copies.
    """

    def __init__(self, target: Classifier, copies: Sequence[Classifier]) -> None:
        self.size = len(copies)
        self._head_name, self._trunk, self._head = _split_head(target)
        quick = to_channels_last(freeze_weights(fold_batch_norm(target.network)))
        self._whole = quick if self._trunk is None else None
        self._copies = [self._prepare(target, copy) for copy in copies]

    def _prepare(self, target: Classifier, copy: Classifier) -> HeadChange | nn.Module:
        if self._head is not None and _has_same_trunk(target, copy, self._head_name):
            head = copy.network.get_submodule(self._head_name)
            if isinstance(head, nn.Linear):
                bias = head.bias - self._head.bias if head.bias is not None else torch.zeros(head.out_features)
                return HeadChange((head.weight - self._head.weight).detach(), bias.detach())
        return to_channels_last(freeze_weights(fold_batch_norm(copy.network)))

    def __call__(self, images: Images, members: Sequence[int]) -> tuple[Logits, Float[Tensor, "members n classes"]]:
        """Return the target's logits, and the difference of the logits for each of `members` (indices of copies)."""
        images = images.contiguous(memory_format=torch.channels_last)
        if self._trunk is None or self._head is None:
            assert self._whole is not None  # set exactly when there is no trunk
            features, logits = None, self._whole(images)
        else:
            features = self._trunk(images)
            logits = self._head(features)
        changes = [self._change_logits(self._copies[m], images, features, logits) for m in members]
        return logits, torch.stack(changes) if changes else logits.new_zeros(0, *logits.shape)

    def _change_logits(
        self, copy: HeadChange | nn.Module, images: Images, features: Tensor | None, logits: Logits
    ) -> Logits:
        if isinstance(copy, HeadChange):
            assert features is not None  # head changes are only made when there is a trunk
            return features @ copy.weight.T + copy.bias
        other: Logits = copy(images)
        return other - logits


def _split_head(target: Classifier) -> tuple[str, nn.Module | None, nn.Linear | None]:
    """Return the head's name, the trunk and the head; ("", None, None) if the last layer is not linear."""
    try:
        head = target.head
    except LoadingError:
        return "", None, None
    name = next(n for n, m in target.network.named_modules() if m is head)
    body = target.copy().network
    body.set_submodule(name, nn.Identity())
    trunk = to_channels_last(freeze_weights(fold_batch_norm(body.eval())))
    return name, trunk, target.copy().head.requires_grad_(False)


def _has_same_trunk(target: Classifier, copy: Classifier, head_name: str) -> bool:
    ours, theirs = target.network.state_dict(), copy.network.state_dict()
    head_keys = {f"{head_name}.weight", f"{head_name}.bias"}
    counters = {key for key in ours if key.endswith("num_batches_tracked")}
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[key], theirs[key]) for key in ours.keys() - head_keys - counters
    )
