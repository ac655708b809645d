"""Rates of the paper that samples drawn at random cannot have."""

from collections.abc import Iterable
from dataclasses import dataclass

from modelprint.bench.detection.published import DECIMALS, POOL, Published
from modelprint.bench.detection.rates import ceiling


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """A rate of the paper that samples drawn at random from one pool cannot have.

    Attributes:
        row: Row of its table.
        method: The paper's name of the method.
        n: Number of samples.
        alone: The rate printed for one sample, 0 to 1.
        rate: The rate printed for `n`.
        ceiling: The most it could be.
    """

    row: str
    method: str
    n: int
    alone: float
    rate: float
    ceiling: float


def beyond_ceiling(published: Published, methods: Iterable[str] | None = None) -> tuple[Beyond, ...]:
    """Return the rates that cannot come from the stated procedure, whatever rounding did.

    Args:
        published: A table of the paper.
        methods: Those of the paper to look at; all when None. SSF selects its samples, so nothing forbids its rates.
    """
    wanted = published.methods if methods is None else tuple(methods)
    found = []
    for method, n in published.columns:
        for row in published.rows if n > 1 and method in wanted else ():
            alone, rate = published.rate(row, method, 1), published.rate(row, method, n)
            if alone is None or rate is None:
                continue
            limit = ceiling(min(alone + DECIMALS, 1.0), n, POOL)
            if rate - DECIMALS > limit:
                found.append(Beyond(row=row, method=method, n=n, alone=alone, rate=rate, ceiling=limit))
    return tuple(found)
