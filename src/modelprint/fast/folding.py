"""Fold batch norms into the convolution or linear layer before them: the same function with half the layers."""

import copy

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from modelprint.classifier import Classifier

FOLDS = {nn.Conv1d: fuse_conv_bn_eval, nn.Conv2d: fuse_conv_bn_eval, nn.Linear: fuse_linear_bn_eval}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Return a copy of an evaluation-mode `network` whose batch norms are folded where that is exact.

    A batch norm is folded if it is the only user of the output of a convolution or linear layer. Networks that cannot
    be traced are returned as a plain copy. Outputs agree up to rounding, about 1e-6 of a logit's size.
    """
    network = copy.deepcopy(network)
    if isinstance(network, fx.GraphModule):
        return network
    try:
        traced = fx.symbolic_trace(network)
    except Exception:  # tracing runs the user's forward with proxies and may raise any kind of error
        return network
    modules = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        _fold_node(traced, modules, node)
    traced.recompile()
    traced.delete_all_unused_submodules()
    return traced


def _fold_node(traced: fx.GraphModule, modules: dict[str, nn.Module], node: fx.Node) -> None:
    if node.op != "call_module" or not isinstance(modules[str(node.target)], NORMS):
        return
    before = node.args[0]
    if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
        return
    layer, norm = modules[str(before.target)], modules[str(node.target)]
    fuse = FOLDS.get(type(layer))
    if fuse is None:
        return
    fused = fuse(layer, norm)  # type: ignore[operator]
    parent, _, leaf = str(before.target).rpartition(".")
    setattr(modules[parent] if parent else traced, leaf, fused)
    modules[str(before.target)] = fused
    node.replace_all_uses_with(before)
    traced.graph.erase_node(node)


def make_quick_copy(model: Classifier) -> Classifier:
    """Return a copy of `model` for many evaluations: folded, channels-last, without weight gradients."""
    return model.with_network(to_channels_last(freeze_weights(fold_batch_norm(model.network))))


def freeze_weights(network: nn.Module) -> nn.Module:
    """Switch off weight gradients, so that a backward pass computes input gradients only; returns `network`."""
    for parameter in network.parameters():  # TorchScript modules lack `requires_grad_` of their own
        parameter.requires_grad_(False)
    return network


def to_channels_last(network: nn.Module) -> nn.Module:
    """Convert weights to channels-last, the faster layout on CPUs; returns `network`."""
    laid_out: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid_out
