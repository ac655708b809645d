"""The sequential test: is a model served honestly, or does it flip labels more often than that? Needs no torch.

Source: A. Wald, "Sequential Tests of Statistical Hypotheses", Ann. Math. Statist. 16 (1945), and J. Ville,
"Étude critique de la notion de collectif" (1939): a likelihood ratio starts at 1, and under the hypothesis in its
denominator it exceeds 1/alpha at any time with probability at most alpha. So asking may stop whenever it likes.

"Intact" has to hold against a provider that chooses which answers to withhold. Its evidence is an e-value against all
models that flip a sample with probability `p1` or more: a match multiplies it by (1 - u) / (1 - p1), an unusable answer
by u / p1, and a mismatch by p0 / p1, where u is the share of unusable answers that an honest endpoint may have, less
than p1. A sample that flips earns at most u / p1, whether its answer is shown or withheld, and one that does not earns
at most (1 - u) / (1 - p1), so the expected factor is at most 1 (V. Vovk and R. Wang, "E-values: calibration,
combination and applications", Ann. Statist. 49, 2021). The mean over the shares in OUTAGES is such an e-value too.

Departures: Wald's bounds are (1 - beta)/alpha and beta/(1 - alpha), which keep both error rates only approximately. We
use 1/alpha and beta, which keep each of them exactly and cost a fraction of a query. "Tampered" bets on several flip
rates at once instead of p1 alone; the mean of e-values is one.
"""

import math
from dataclasses import dataclass

OUTAGES = ((0.0, 0.95), (0.05, 0.05))
"""Shares of unusable answers under honest serving, with their weights; each is used up to `p1` / 5 only.

The second one costs no matching answer at the usual error rates. With 50 samples an honest endpoint that
fails to answer 5 % of them still gets its verdict in 99.9 % of the checks (benchmarks/silence.py).
"""

BETS = (0.02, 0.05, 0.1, 0.5, 0.9)
"""Flip rates, besides p1, that the evidence for "tampered" bets on; those at p0 and below are left out.

A provider that sends one request in twenty to another model flips few samples: two of fifty tell against p1 = 0.25, and
for a rate of 0.05 (benchmarks/canaries.py).
"""

BETS_SHARE = 0.5
"""What all these bets stake together; p1 has the rest."""

MOST_MATCHES = 10**9
"""Where the search for the number of matches ends."""


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
    def answers_for_intact(self) -> int:
        """How many answers it takes to say intact when all of them match."""
        return self.matches_for_intact(0, 0)

    def matches_for_intact(self, mismatched: int, unusable: int) -> int:
        """Return how many matches it takes to say intact beside so many mismatches and unusable answers.

        Where p0 and p1 hardly differ the search ends at MOST_MATCHES.
        """
        low, high = 0, 1
        while high < MOST_MATCHES and not self.is_intact(high, mismatched, unusable):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.is_intact(middle, mismatched, unusable) else (middle, high)
        return high

    def is_intact(self, matched: int, mismatched: int, unusable: int) -> bool:
        """Return whether a model that flips samples with probability `p1` or more would seldom get this far."""
        return self.intact_evidence(matched, mismatched, unusable) >= -math.log(self.beta)

    def intact_evidence(self, matched: int, mismatched: int, unusable: int) -> float:
        """Return the logarithm of the e-value against all models that flip samples with probability `p1` or more.

        Args:
            matched: Samples with the expected label.
            mismatched: Samples with another label.
            unusable: Samples whose answer is missing, unreadable, tied or impossible, for whatever reason.
        """
        shown = mismatched * math.log(self.p0 / self.p1)
        parts = [
            math.log(weight)
            + matched * math.log((1 - max(share, self.p0)) / (1 - self.p1))
            + _withheld(unusable, share / self.p1)
            # From u = p1 on, withholding an answer would pay; the bound keeps the price of one at a factor of 5.
            for share, weight in ((min(share, self.p1 / 5), weight) for share, weight in OUTAGES)
            if share or not unusable
        ]
        largest = max(parts)
        return shown + largest + math.log(sum(math.exp(part - largest) for part in parts))

    def tampered_evidence(self, matched: int, mismatched: int) -> float:
        """Return the logarithm of the e-value against honest serving: the mean likelihood ratio of several flip rates.

        It is at most the largest of these ratios, and smaller than that by the stake on it.

        Args:
            matched: Samples with the expected label.
            mismatched: Samples with another label.
        """
        bets = [rate for rate in BETS if rate > self.p0 and rate != self.p1]
        stakes = {self.p1: 1 - BETS_SHARE * bool(bets), **{rate: BETS_SHARE / len(bets) for rate in bets}}
        ratios = [self.ratio(matched, mismatched, rate) for rate in stakes]
        largest = max(ratios)
        mean = sum(stake * math.exp(one - largest) for stake, one in zip(stakes.values(), ratios, strict=True))
        return largest + min(math.log(mean), 0.0)

    def ratio(self, matched: int, mismatched: int, rate: float | None = None) -> float:
        """Return the log likelihood ratio of flip rate `rate`, p1 when None, to p0 for so many answers."""
        chosen = self.p1 if rate is None else rate
        return mismatched * math.log(chosen / self.p0) + matched * math.log((1 - chosen) / (1 - self.p0))


def _withheld(count: int, factor: float) -> float:
    """Return the logarithm of `factor` to the power of `count`, 0 for no answers whatever the factor is."""
    return count * math.log(factor) if count else 0.0
