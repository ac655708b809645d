"""The layers that hold the weights of a network, for everything that treats weights by layer."""

from torch import nn

from modelprint.errors import LoadingError


def list_layers(network: nn.Module, *, only_linear: bool = False) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
    """Return the convolution and linear layers with their names.

    Raises:
        LoadingError: There is none. A change of every layer of such a network would change nothing.
    """
    kinds = (nn.Linear,) if only_linear else (nn.Conv2d, nn.Linear)
    found = [(name, module) for name, module in network.named_modules() if isinstance(module, kinds)]
    if not found:
        wanted = "linear layer" if only_linear else "convolution or linear layer"
        raise LoadingError(
            f"the network has no {wanted} of torch.nn, as an exported program has none; give it as a factory"
        )
    return found
