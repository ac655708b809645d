"""L-BFGS-B on many independent problems at once. Needs the extra `bo`.

The algorithm is SciPy's and the loop over problems BoTorch's: each problem has its own line search and its own end, so
its result does not depend on the others, while one evaluation serves all unfinished problems.
"""

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.errors import CraftingError, advise_extra

Evaluate = Callable[[Float[Tensor, "active d"], list[int]], tuple[Float[Tensor, " active"], Float[Tensor, "active d"]]]
"""Returns values and gradients at one point of each unfinished problem; the list says which problems these are."""
MOST = 15_000
"""Iterations, SciPy's own limit."""


def minimise(
    evaluate: Evaluate, start: Float[Tensor, "problems d"], lower: list[float], upper: list[float], most: int = MOST
) -> tuple[Float[Tensor, "problems d"], Float[Tensor, " problems"]]:
    """Minimise each problem within the box, from its row of `start`.

    Args:
        evaluate: Values and gradients.
        start: One point per problem, float64.
        lower: Bounds of the box, one per coordinate.
        upper: Likewise.
        most: Iterations after which a problem that has not converged ends.

    Returns:
        Where each problem ended, and its value there.
    """

    def evaluated(points: Any, batch_indices: list[int]) -> tuple[Any, Any]:
        values, gradients = evaluate(torch.from_numpy(points), batch_indices)
        return values.numpy(), gradients.numpy()

    import_botorch()
    from botorch.optim.batched_lbfgs_b import fmin_l_bfgs_b_batched

    bounds = list(zip(lower, upper, strict=True))
    search: Any = fmin_l_bfgs_b_batched  # it has no annotations
    points, values, _ = search(evaluated, start.numpy(), bounds=bounds, maxiter=most, pass_batch_indices=True)
    return torch.from_numpy(points), torch.from_numpy(values).double()


def import_botorch() -> ModuleType:
    """Return BoTorch; CraftingError says how to install it."""
    try:
        with warnings.catch_warnings():
            # A dependency compiles functions in a way that torch has deprecated.
            warnings.simplefilter("ignore")
            import botorch as library
    except ImportError as problem:
        raise CraftingError(
            "Bayesian optimisation and its optimiser come with BoTorch, which is not installed; " + advise_extra("bo")
        ) from problem
    made: ModuleType = library
    return made
