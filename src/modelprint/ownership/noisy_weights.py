"""A network whose weights are drawn many times around their own values, and the mean of its input gradients.

The weights of convolutions and linear layers move, biases included; batch norms stay as they are. One draw serves a
whole batch of images, since a network of other weights for each image would be as slow as one image at a time.

Batch norms are folded away for speed, and the bounds of the noise with them: where a batch norm multiplies a channel
by s, a weight that is uniform within its bound becomes one that is uniform within |s| times the bound.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.conv import _ConvNd

from modelprint.fast.folding import NORMS, fold_batch_norm, freeze_weights, to_channels_last
from modelprint.tensors import Images, Labels, Logits

Weights = Mapping[str, Tensor]
"""Tensors that take the place of a network's own, by name; empty for the network as it is."""


class NoisyWeights:
    """Draws the weights of a network, each uniformly within a bound around its own value.

    Attributes:
        network: The network that the draws are for: a quick form of the one given, with the same answers.
    """

    def __init__(self, network: nn.Module, bound: float, *, relative: bool = False) -> None:
        """Fold the network and the bounds.

        Args:
            network: In evaluation mode; it is left as it is.
            bound: Largest change of a weight; 0: draws are the network as it is.
            relative: The bound counts in units of the root mean square of a layer's tensor.

        Raises:
            ValueError: `network` shows no convolution or linear layer, and the bound is not 0.
        """
        self.network = _make_quick(network)
        bounds = _list_layers(_make_quick(_replace_by_bounds(network, bound, relative))) if bound else {}
        # What folding adds where there was no bias has a bound of zero, and stays.
        centres = _list_layers(self.network)
        self._moving = [(name, centres[name], size.abs()) for name, size in bounds.items() if size.any()]

    def draw(self, rng: torch.Generator) -> dict[str, Tensor]:
        """Return one draw of all tensors that move, by their names in `network`."""
        counts = [centre.numel() for _, centre, _ in self._moving]
        # One call for all layers: small tensors cost more to ask for than to fill.
        flat = torch.rand(sum(counts), generator=rng).mul_(2).sub_(1)
        return {
            name: centre + bounds * noise.view(centre.shape).to(centre)
            for (name, centre, bounds), noise in zip(self._moving, flat.split(counts), strict=True)
        }


def _make_quick(network: nn.Module) -> nn.Module:
    folded = fold_batch_norm(network)
    # Tracing dissolves a layer of a user-defined class, and the noise would miss its weights.
    whole = _list_layers(network).keys() <= _list_layers(folded).keys()
    return to_channels_last(freeze_weights(folded if whole else copy.deepcopy(network)))


def _list_layers(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters of convolutions and linear layers by name."""
    layers = [(name, m) for name, m in network.named_modules() if isinstance(m, _ConvNd | nn.Linear)]
    return {f"{name}.{own}".lstrip("."): p for name, m in layers for own, p in m.named_parameters(recurse=False)}


def _replace_by_bounds(network: nn.Module, bound: float, relative: bool) -> nn.Module:
    """Return a copy of `network` that has the bound of each weight in its place.

    Batch norms keep what they multiply with and lose what they add, so folding multiplies the bounds alone.
    """
    bounds = copy.deepcopy(network).requires_grad_(False)
    weights = _list_layers(bounds).values()
    if not weights:
        raise ValueError(
            "weight noise needs convolutions or linear layers, and this network shows none (an exported program "
            "hides them); load it by its name and weights, or set the noise to 0"
        )
    for weight in weights:
        weight.fill_(bound * (weight.square().mean().sqrt().item() if relative else 1.0))
    for norm in (m for m in bounds.modules() if isinstance(m, NORMS)):
        for added in (norm.running_mean, norm.bias):
            if added is not None:
                added.zero_()
    return bounds


def target_loss(logits: Logits, labels: Labels) -> Float[Tensor, " n"]:
    """Return the cross-entropy of `labels`, in nats.

    It is log(1 + exp(x)) with the log odds x of all other classes together against the label. In this form float32
    tells a loss of 1e-12 from zero, and the gradient of an image that the network is sure of keeps its sign.
    """
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(1)
    return F.softplus(others - own[:, 0])


def mean_gradient(network: nn.Module, draws: Sequence[Weights], images: Images, labels: Labels) -> Images:
    """Return the gradient of the loss by each image, the mean over `draws` of the weights."""
    # Where channels lie last, as in the weights, convolutions on a CPU need not rearrange them.
    x = images.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    total = torch.zeros_like(x)
    for weights in draws:
        logits = functional_call(network, dict(weights), (x,)) if weights else network(x)
        total += torch.autograd.grad(target_loss(logits, labels).sum(), x)[0]
    mean: Images = total / len(draws)
    return mean
