"""How much a network's answer to an image changes when its weights change a little, and the gradient by the pixels.

Source: Z. He, T. Zhang and R. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, Eq. 7: the
squared norm of the derivative of all probabilities by the weights W, S = sum_k |dp_k/dW|^2.

All objectives follow from the logits z and the products G_kj = <dz_k/dW, dz_j/dW> of their gradients. With the
probabilities p = softmax(z) and the unit vector e_k, dp_k/dz = p_k (e_k - p), so

    paper      S = sum_k p_k^2 (e_k - p)' G (e_k - p)
    paper-log  log S
    released   v' G v,  v_j = r_j - p_j sum_k r_k,  r_k = p_k / (p_k + 1e-8) for the first 40 classes, 0 for the others

For the weight matrix of a last linear layer G is |h|^2 times the identity, h being the layer's input; its biases add 1
to |h|^2. Then only the logits and h are differentiated, once, by the pixels.

`released` is what the published code maximises instead of Eq. 7: the squared gradient of the sum of log(p_k + 1e-8).
The 1e-8 matters: without it the value would grow up to a one-hot answer; with it, classes below 1e-8 drop out one by
one, and an answer as certain as that has no sensitivity again.

Departures: the published code takes the mean over the entries of W where we take the sum, a constant factor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.margins import top_two_gap
from modelprint.errors import CraftingError
from modelprint.fast.folding import freeze_weights, make_quick_copy
from modelprint.tensors import Images, Logits

Objective = Literal["paper-log", "paper", "released"]
Grams = Float[Tensor, "n classes classes"]
"""Products of the gradients of each two logits, image by image."""

RELEASED_CLASSES = 40
"""How many classes, by index, the published code sums over."""
RELEASED_OFFSET = 1e-8
"""What it adds to each probability before the logarithm."""

TOGETHER = 2**25
"""Most numbers in the gradients at a time: 128 MiB in float32, and a few times that in the backward pass."""
LIMIT = 2**28
"""Most numbers in the gradients of one image; more are refused."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SensitivityReading:
    """Measurements of some images.

    Attributes:
        value: Sensitivity, by the chosen objective.
        gap: Largest logit minus the second largest.
        slope: Norm of the gap's gradient by the weights: how fast it closes.
    """

    value: Float[Tensor, " n"]
    gap: Float[Tensor, " n"]
    slope: Float[Tensor, " n"]

    @property
    def yardstick(self) -> Float[Tensor, " n"]:
        """The smallest change of the weights that closes the gap, to first order: small is good."""
        return self.gap / self.slope.clamp_min(torch.finfo(self.slope.dtype).tiny)


@runtime_checkable
class Sensitivity(Protocol):
    """The sensitivity of one network by one objective."""

    at_once: int
    """How many images it may be given together."""

    def __call__(self, images: Images) -> SensitivityReading:
        """Measure each image; the value can be differentiated."""


def measure_sensitivity(sensitivity: Sensitivity, images: Images) -> tuple[SensitivityReading, Images]:
    """Measure `images` and the gradient of the value by the pixels, as many images at once as memory allows."""
    readings, gradients = [], []
    for chunk in images.detach().split(sensitivity.at_once):
        x = chunk.clone().requires_grad_()
        reading = sensitivity(x)
        gradients.append(torch.autograd.grad(reading.value.sum(), x)[0])
        readings.append({name: tensor.detach() for name, tensor in vars(reading).items()})
    together = SensitivityReading(**{name: torch.cat([one[name] for one in readings]) for name in readings[0]})
    return together, torch.cat(gradients)


class LastLayer:
    """Sensitivity to the last linear layer, in closed form.

    Attributes:
        at_once: Practically no bound; the caller bounds the batch.
    """

    at_once = 2**20

    def __init__(self, model: Classifier, objective: Objective, *, biases: bool = False) -> None:
        """Take a copy of `model` that is quick to evaluate.

        Args:
            model: Stays as it is; LoadingError when it does not end in a linear layer.
            objective: See the module.
            biases: Count the layer's biases among the weights.
        """
        self.objective = objective
        self.biases = biases
        quick = make_quick_copy(model)
        self._network, self._dtype = quick.network, quick.dtype
        self._inputs: list[Tensor] = []
        quick.head.register_forward_pre_hook(lambda _, inputs: self._inputs.append(inputs[0]))

    def __call__(self, images: Images) -> SensitivityReading:
        """Measure each image; the value can be differentiated."""
        logits = self._network(images.to(self._dtype).contiguous(memory_format=torch.channels_last))
        features = self._inputs.pop()
        value = last_layer_sensitivity(features, logits, self.objective, biases=self.biases)
        slope = (2 * (features.square().sum(1) + float(self.biases))).sqrt()
        return SensitivityReading(value=value, gap=top_two_gap(logits), slope=slope)


class Layers:
    """Sensitivity to any set of parameters, by the exact gradient of each logit of each image.

    Attributes:
        at_once: How many images keep the gradients below `TOGETHER` numbers.
    """

    def __init__(self, model: Classifier, objective: Objective, patterns: Sequence[str]) -> None:
        """Choose the parameters.

        Args:
            model: Stays as it is.
            objective: See the module.
            patterns: Which parameters, see `matching`.
        """
        self.objective = objective
        copy = model.copy()
        self._network, self._dtype = freeze_weights(copy.network), copy.dtype
        self._chosen = choose_parameters(self._network, patterns)
        count = sum(parameter.numel() for parameter in self._chosen.values())
        size = model.class_count * count
        if size > LIMIT:
            raise CraftingError(
                f"the gradients of {model.class_count} logits by {count} parameters of {model.name} are {size} numbers "
                f"for one image, and we hold at most {LIMIT}; choose fewer layers"
            )
        self.at_once = max(1, TOGETHER // size)

    def __call__(self, images: Images) -> SensitivityReading:
        """Measure each image; the value can be differentiated."""
        logits, grams = gradient_products(self._network, self._chosen, images.to(self._dtype))
        top = F.one_hot(logits.topk(2, dim=1).indices, logits.shape[1]).to(logits.dtype)
        difference = top[:, 0] - top[:, 1]
        slope = torch.einsum("nj,njk,nk->n", difference, grams, difference).clamp_min(0).sqrt()
        value = layer_sensitivity(grams, logits, self.objective)
        return SensitivityReading(value=value, gap=top_two_gap(logits), slope=slope)


def choose_parameters(network: nn.Module, patterns: Sequence[str]) -> dict[str, Tensor]:
    """Return the parameters of `network` that match `patterns`.

    Args:
        network: Whose parameters to choose.
        patterns: Names of parameters such as "conv1.weight", with * for anything; "all" is "*".

    Raises:
        ValueError: A pattern that no parameter has.
    """
    named = {name: parameter.detach() for name, parameter in network.named_parameters()}
    chosen: dict[str, Tensor] = {}
    for pattern in patterns:
        found = {n: p for n, p in named.items() if fnmatchcase(n, "*" if pattern == "all" else pattern)}
        if not found:
            known = ", ".join([*named][:8]) + (", ..." if len(named) > 8 else "")
            raise ValueError(f"no parameter is called {pattern!r}; there are {known or 'none'}")
        chosen |= found
    return chosen


def gradient_products(network: nn.Module, chosen: Mapping[str, Tensor], images: Images) -> tuple[Logits, Grams]:
    """Return the logits, and the products of their gradients by the `chosen` parameters of `network`, differentiable.

    Args:
        network: In evaluation mode, so that images do not influence each other.
        chosen: Parameters by name.
        images: In the type of the weights. Holds images x classes x parameters numbers.
    """

    def logits_of(parameters: dict[str, Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
        logits = torch.func.functional_call(network, parameters, (image[None],))[0]
        return logits, logits

    each = torch.func.vmap(torch.func.jacrev(logits_of, has_aux=True), in_dims=(None, 0))
    jacobians, logits = each(dict(chosen), images)
    flat = [jacobian.flatten(2) for jacobian in jacobians.values()]
    grams = torch.stack([jacobian @ jacobian.mT for jacobian in flat]).sum(0)
    return logits, grams


def layer_sensitivity(grams: Grams, logits: Logits, objective: Objective) -> Float[Tensor, " n"]:
    """Return the sensitivity from `grams`, the products of the logits' gradients."""
    if objective == "released":
        v = _released_weights(logits)
        return torch.einsum("nj,njk,nk->n", v, grams, v)
    # With w_k = (e_k - p) / (1 - p_k), of size 1, neither (1 - p_k) nor w_k' G w_k is a difference of nearly equals.
    log_p = logits.log_softmax(1)
    rest = log_rest(log_p)
    own = torch.eye(logits.shape[1], dtype=torch.bool, device=logits.device)
    directions = (log_p[:, None, :] - rest[:, :, None]).masked_fill(own, -torch.inf).exp().neg() + own
    lengths = torch.einsum("nkj,njl,nkl->nk", directions, grams, directions)
    log_s = torch.logsumexp(2 * log_p + 2 * rest + _log(lengths), 1)
    return log_s if objective == "paper-log" else log_s.exp()


def last_layer_sensitivity(
    features: Float[Tensor, "n features"], logits: Logits, objective: Objective, *, biases: bool = False
) -> Float[Tensor, " n"]:
    """Return the sensitivity to a last linear layer in closed form.

    Args:
        features: Its inputs.
        logits: Its outputs.
        objective: See the module.
        biases: Count its biases among the weights.
    """
    size = features.square().sum(1) + float(biases)
    if objective == "released":
        return size * _released_weights(logits).square().sum(1)
    # |e_k - p|^2 = (1 - p_k)^2 + (sum of the squares of the others)
    log_p = logits.log_softmax(1)
    squares = torch.logaddexp(2 * log_rest(log_p), log_rest(2 * log_p))
    log_s = torch.logsumexp(2 * log_p + squares, 1) + _log(size)
    return log_s if objective == "paper-log" else log_s.exp()


def _released_weights(logits: Logits) -> Logits:
    """Return the derivative by each logit of the sum that the published code differentiates."""
    p = logits.softmax(1)
    counted = (torch.arange(p.shape[1], device=p.device) < RELEASED_CLASSES).to(p.dtype)
    r = counted * p / (p + RELEASED_OFFSET)
    return r - r.sum(1, keepdim=True) * p


def log_rest(logs: Logits) -> Logits:
    """Return, for each class, the logarithm of the sum of exp(logs) over the others; exact where one dominates."""
    top = logs.argmax(1, keepdim=True)
    is_top = torch.zeros_like(logs, dtype=torch.bool).scatter(1, top, True)
    without_top = torch.logsumexp(logs.masked_fill(is_top, -torch.inf), 1, keepdim=True)
    # For any class but the largest the others are at least half of the sum, so nothing cancels.
    total = torch.logsumexp(logs, 1, keepdim=True)
    shares = (logs - total).exp().masked_fill(is_top, 0)
    return torch.where(is_top, without_top, total + torch.log1p(-shares))


def _log(values: Tensor) -> Tensor:
    """Return the logarithm; of zero, that of the smallest number there is, with a gradient of zero."""
    return values.clamp_min(torch.finfo(values.dtype).tiny).log()
