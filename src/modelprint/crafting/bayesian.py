"""Bayesian optimisation of many functions at once: each has its own Gaussian process; all are computed together.

Source: what GPyOpt 1.2 does when it is asked for a lower confidence bound, normalised values and a squared-exponential
kernel: fit length scale, variance and noise by maximum likelihood, draw 1000 random points, maximise the bound from the
best five, take the highest.

Departures: one fit, from the kernel that is given, where GPyOpt adds four from random values near 1. The noise stays
above 1e-6, which keeps every matrix positive definite; GPyOpt's stays above 1e-9. The processes are written out here,
since those of BoTorch would fit all runs as one problem, and one run's answer would depend on the others.

The length scale matters from where it starts. In a box of side 6 and 32 dimensions two random points are about 14
apart; under a kernel of length scale 1 they are unrelated (exp(-98)), its likelihood is flat in the length scale, no
fit changes it, and the search is random.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.crafting.quasi_newton import minimise

CANDIDATES = 1000
"""Random points at which the bound is evaluated."""
CLIMBED = 5
"""How many of the best of these the optimisation starts from."""
NOISE = 0.01
"""Variance of the noise before a fit, in normalised values."""
NOISE_FLOOR = 1e-6
VARIANCE_FLOOR = 1e-10
"""Smallest predicted variance, as in GPyOpt."""
SMALLEST, LARGEST = 1e-3, 1e3
"""Bounds of the length scale, and of the variance in normalised values, in a fit."""

Points = Float[Tensor, "runs n d"]
Parameters = Float[Tensor, "runs 3"]
"""Logarithms of length scale, variance and noise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """The trials so far, run by run.

    Attributes:
        points: float64.
        values: The objective at each point, float64.
    """

    points: Points
    values: Float[Tensor, "runs n"]

    def plus(self, points: Float[Tensor, "runs d"], values: Float[Tensor, " runs"]) -> "Trials":
        """Return these trials and one more in each run."""
        return Trials(
            points=torch.cat([self.points, points[:, None]], 1), values=torch.cat([self.values, values[:, None]], 1)
        )

    @property
    def best(self) -> Float[Tensor, "runs d"]:
        """The point of the highest value of each run."""
        return self.points[torch.arange(len(self.points)), self.values.argmax(1)]


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """The model of a function between its trials, and the choice of the next one.

    Attributes:
        length_scale: Of the kernel at the start of each fit, in units of the domain.
        refit: Fit length scale, variance and noise before each trial; otherwise they stay as given, 1 and 0.01.
        weight: Of the standard deviation in the bound: larger explores more.
        towards: "highest" values, or "lowest".
    """

    length_scale: float = 1.0
    refit: bool = True
    weight: float = 1.0
    towards: Literal["highest", "lowest"] = "highest"

    def __post_init__(self) -> None:
        if not SMALLEST <= self.length_scale <= LARGEST:
            raise ValueError(f"length_scale lies between {SMALLEST:g} and {LARGEST:g}, got {self.length_scale}")
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"weight must be finite and not negative, got {self.weight}")

    def suggest(self, trials: Trials, bound: float, rng: torch.Generator) -> Float[Tensor, "runs d"]:
        """Return the next point to try in each run, in [-bound, bound]^d."""
        runs, _, d = trials.points.shape
        values = normalise(trials.values if self.towards == "highest" else -trials.values)
        parameters = torch.tensor([self.length_scale, 1.0, NOISE], dtype=torch.float64).log().repeat(runs, 1)
        if self.refit:
            parameters = fit_parameters(parameters, trials.points, values)
        processes = GaussianProcesses(parameters, trials.points, values)
        candidates = (2 * torch.rand(runs, CANDIDATES, d, generator=rng, dtype=torch.float64) - 1) * bound
        best = processes.bound(candidates, self.weight).topk(CLIMBED, 1).indices
        start = candidates.gather(1, best[..., None].expand(-1, -1, d))
        return self._climb(processes, start, bound)

    def _climb(self, processes: "GaussianProcesses", start: Points, bound: float) -> Float[Tensor, "runs d"]:
        """Maximise the bound from all points of `start`; return the highest end of each run."""
        latest = start.flatten(0, 1).clone()

        def evaluate(
            points: Float[Tensor, "active d"], active: list[int]
        ) -> tuple[Float[Tensor, " active"], Float[Tensor, "active d"]]:
            latest[active] = points
            x = latest.view_as(start).clone().requires_grad_()
            value = -processes.bound(x, self.weight)
            (gradient,) = torch.autograd.grad(value.sum(), x)
            return value.detach().flatten()[active], gradient.flatten(0, 1)[active]

        d = start.shape[2]
        ends, values = minimise(evaluate, latest.clone(), [-bound] * d, [bound] * d)
        lowest = values.view(start.shape[:2]).argmin(1)
        return ends.view_as(start)[torch.arange(len(start)), lowest]


class GaussianProcesses:
    """One Gaussian process per run: mean 0, squared-exponential kernel, conditioned on the values at some points.

    Attributes:
        likelihood: Logarithm of the density of the values, run by run.
    """

    def __init__(self, parameters: Parameters, points: Points, values: Float[Tensor, "runs n"]) -> None:
        length, self._variance, self._noise = parameters.exp().T[:, :, None, None]
        self._length = length
        self._scaled = points / length
        self._distances = _squared_distances(self._scaled, self._scaled)
        self._kernel = self._variance * (-0.5 * self._distances).exp()
        identity = torch.eye(points.shape[1], dtype=points.dtype)
        self._factor = torch.linalg.cholesky(self._kernel + self._noise * identity)
        self._weights = torch.cholesky_solve(values[..., None], self._factor)
        fit = (values[..., None] * self._weights).sum((1, 2))
        volume = self._factor.diagonal(dim1=1, dim2=2).log().sum(1)
        self.likelihood = -0.5 * fit - volume - 0.5 * values.shape[1] * math.log(2 * math.pi)

    @property
    def likelihood_gradient(self) -> Parameters:
        """The gradient of the likelihood in the parameters."""
        pull = self._weights @ self._weights.mT - torch.cholesky_inverse(self._factor)
        by_length = (pull * self._kernel * self._distances).sum((1, 2))
        by_variance = (pull * self._kernel).sum((1, 2))
        by_noise = pull.diagonal(dim1=1, dim2=2).sum(1) * self._noise[:, 0, 0]
        return 0.5 * torch.stack([by_length, by_variance, by_noise], 1)

    def predict(self, points: Points) -> tuple[Float[Tensor, "runs n"], Float[Tensor, "runs n"]]:
        """Return mean and variance, noise included, of a value at each of `points`."""
        kernel = self._variance * (-0.5 * _squared_distances(self._scaled, points / self._length)).exp()
        known = torch.linalg.solve_triangular(self._factor, kernel, upper=False).square().sum(1)
        variance = self._variance[..., 0] + self._noise[..., 0] - known
        return (kernel * self._weights).sum(1), variance.clamp_min(VARIANCE_FLOOR)

    def bound(self, points: Points, weight: float) -> Float[Tensor, "runs n"]:
        """Return the mean plus `weight` standard deviations."""
        mean, variance = self.predict(points)
        return mean + weight * variance.sqrt()


def normalise(values: Float[Tensor, "runs n"]) -> Float[Tensor, "runs n"]:
    """Return `values` with mean 0 and standard deviation 1, run by run; all zero where they are equal."""
    centred = values - values.mean(1, keepdim=True)
    return centred / centred.square().mean(1, keepdim=True).sqrt().clamp_min(1e-30)


def fit_parameters(start: Parameters, points: Points, values: Float[Tensor, "runs n"]) -> Parameters:
    """Return the parameters under which the values of each run are likeliest, from `start`."""

    def evaluate(
        parameters: Float[Tensor, "active 3"], active: list[int]
    ) -> tuple[Float[Tensor, " active"], Float[Tensor, "active 3"]]:
        processes = GaussianProcesses(parameters, points[active], values[active])
        return -processes.likelihood, -processes.likelihood_gradient

    lower = [math.log(SMALLEST), math.log(SMALLEST), math.log(NOISE_FLOOR)]
    return minimise(evaluate, start, lower, [math.log(LARGEST)] * 3)[0]


def _squared_distances(
    first: Float[Tensor, "runs n d"], second: Float[Tensor, "runs m d"]
) -> Float[Tensor, "runs n m"]:
    lengths = first.square().sum(2)[:, :, None] + second.square().sum(2)[:, None, :]
    return (lengths - 2 * first @ second.mT).clamp_min(0)
