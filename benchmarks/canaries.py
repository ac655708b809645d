"""How often a share of changed answers is called tampered, by betting on p1 alone and on several flip rates.

Exact: the probability of every number of matches and mismatches is computed, answer by answer.

    python benchmarks/canaries.py --p0 1e-3 --queries 50
"""

import argparse
from collections.abc import Callable

from modelprint.verification.sequential import SequentialTest

RATES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.8)


def detect(test: SequentialTest, weigh: Callable[[int, int], float], rate: float, queries: int) -> tuple[float, float]:
    """Return the probability of a verdict tampered, and the mean number of answers until any verdict or the last one.

    Args:
        test: Its bounds.
        weigh: Evidence for tampered of so many matches and mismatches.
        rate: Probability that an answer differs.
        queries: Most answers.
    """
    going, tampered, asked = {0: 1.0}, 0.0, 0.0  # mismatches -> probability that no verdict was reached
    for count in range(1, queries + 1):
        asked += sum(going.values())
        stepped: dict[int, float] = {}
        for flips, share in going.items():
            stepped[flips] = stepped.get(flips, 0.0) + share * (1 - rate)
            stepped[flips + 1] = stepped.get(flips + 1, 0.0) + share * rate
        going = {}
        for flips, share in stepped.items():
            if flips >= 2 and weigh(count - flips, flips) >= test.upper:
                tampered += share
            elif not test.is_intact(count - flips, flips, 0):
                going[flips] = share
    return tampered, asked


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--p0", type=float, default=1e-3)
    parser.add_argument("--p1", type=float, default=0.25)
    parser.add_argument("--alpha", type=float, default=1e-3)
    parser.add_argument("--beta", type=float, default=1e-2)
    parser.add_argument("--queries", type=int, default=50)
    given = parser.parse_args()
    test = SequentialTest(alpha=given.alpha, beta=given.beta, p0=given.p0, p1=given.p1)
    print(
        "| labels that differ | tampered, p1 alone | tampered, several rates | answers, p1 alone | answers, several |"
    )
    print("|---:|---:|---:|---:|---:|")
    for rate in (given.p0, *RATES):
        alone, several = (detect(test, weigh, rate, given.queries) for weigh in (test.ratio, test.tampered_evidence))
        print(f"| {rate:.4g} | {alone[0]:.3g} | {several[0]:.3g} | {alone[1]:.1f} | {several[1]:.1f} |")


if __name__ == "__main__":
    main()
