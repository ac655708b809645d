"""The sequential test: is a model served honestly, or does it flip labels more often than that? Needs no torch.

Source: A. Wald, "Sequential Tests of Statistical Hypotheses", Ann. Math. Statist. 16 (1945), and J. Ville,
"Étude critique de la notion de collectif" (1939): a likelihood ratio starts at 1, and under the hypothesis in its
denominator it exceeds 1/alpha at any time with probability at most alpha. So asking may stop whenever it likes.

Departures: Wald's bounds are (1 - beta)/alpha and beta/(1 - alpha), which keep both error rates only approximately. We
use 1/alpha and beta, which keep each of them exactly and cost a fraction of a query.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SequentialTest:
    """The likelihood ratio of "tampered" against "served honestly".

    Attributes:
        alpha: Largest probability of calling an intact model tampered.
        beta: Largest probability of calling a model intact whose samples flip with probability `p1`.
        p0: Flip rate per sample under honest serving.
        p1: Flip rate per sample under the weakest tampering to be seen.
    """

    alpha: float
    beta: float
    p0: float
    p1: float

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is a probability above 0 and below 1, got {getattr(self, name)}")
        if not 0 < self.p0 < self.p1 < 1:
            raise ValueError(f"flip rates need 0 < p0 < p1 < 1, got p0 {self.p0} and p1 {self.p1}")

    @property
    def upper(self) -> float:
        """Log likelihood ratio from which on the model is called tampered."""
        return -math.log(self.alpha)

    @property
    def lower(self) -> float:
        """Log likelihood ratio from which on, downwards, the model is called intact."""
        return math.log(self.beta)

    @property
    def answers_for_intact(self) -> int:
        """How many answers it takes to say intact when all of them match."""
        return math.ceil(self.lower / math.log((1 - self.p1) / (1 - self.p0)))

    def ratio(self, matched: int, mismatched: int) -> float:
        """Return the log likelihood ratio of so many matches and mismatches."""
        return mismatched * math.log(self.p1 / self.p0) + matched * math.log((1 - self.p1) / (1 - self.p0))
