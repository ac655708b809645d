"""Verdicts when answers are missing: a provider that hides mismatches, and honest endpoints with outages.

    python benchmarks/silence.py --runs 20000 --seed 20261128

A series is one check with up to six reruns: a run that decides nothing is repeated with the same samples in the same
order, as the ledger does. Each run is simulated for all series at once with arrays. The decisions come from the real
`SequentialTest`, and the first series of every setting are asked again by the real `verify` with a ledger; any
difference between the two ends the script with exit code 1. Prints Markdown. Takes a few minutes on one core.
"""

import argparse
import random
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Int

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Sample
from modelprint.intervals import upper_bound
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification.ledger import Ledger, share_alpha
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.tally import CONFIRMATIONS
from modelprint.verification.verdict import Outcome
from modelprint.verification.verifier import ROUNDS, verify

ALPHA, BETA, P0, P1 = 1e-3, 1e-2, 1e-4, 0.25
PATIENCE = 5
RUNS = 7
"""Runs of a series: the first one and six reruns."""
OPEN, INTACT, TAMPERED, UNDECIDED = range(4)
CODES = {Outcome.INTACT: INTACT, Outcome.TAMPERED: TAMPERED, Outcome.INCONCLUSIVE: UNDECIDED}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of a table.

    Attributes:
        samples: How many the fingerprint has.
        flip_rate: Probability that the model gives a sample another label; which samples is fixed for a series.
        hidden: Probability that the answer about a flipped sample is withheld, drawn for each request.
        outage: Probability that any other answer is missing, drawn for each request.
    """

    samples: int
    flip_rate: float
    hidden: float = 0.0
    outage: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What happens in the series of a setting.

    Attributes:
        flips: Whether a sample flips.
        missing: Whether a request gets no answer, by run, round, series and sample.
    """

    flips: Bool[np.ndarray, "series samples"]
    missing: Bool[np.ndarray, "runs rounds series samples"]


@dataclass(frozen=True, kw_only=True)
class Results:
    """How the series ended.

    Attributes:
        outcome: INTACT, TAMPERED or UNDECIDED, after each run; once decided it stays.
        questions: Questions asked up to the end of each run.
    """

    outcome: Int[np.ndarray, "runs series"]
    questions: Int[np.ndarray, "runs series"]


def main() -> None:
    """Read the command line, simulate, compare with `verify` and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20_000, help="series of each setting")
    parser.add_argument("--checks", type=int, default=200, help="series of each setting that verify asks again")
    parser.add_argument("--seed", type=int, default=20261128)
    given = parser.parse_args()
    hiding = [Setting(samples=n, flip_rate=P1, hidden=h) for n in (50, 100) for h in (0.25, 0.5, 0.8, 1.0)]
    outages = [Setting(samples=n, flip_rate=P0, outage=o, hidden=o) for o in (0.05, 0.2) for n in (20, 50, 100)]
    differences, tables = 0, []
    for settings, heads, row in ((hiding, HIDING, hiding_row), (outages, OUTAGES, outage_row)):
        lines = [heads, "|" + "---|" * (heads.count("|") - 1)]
        for number, setting in enumerate(settings):
            rng = np.random.default_rng((given.seed, number, setting.samples, int(1000 * setting.hidden)))
            results, wrong = measure(setting, given.runs, given.checks, rng)
            differences += wrong
            lines.append(row(setting, results, given.runs))
        tables.append("\n".join(lines))
    print("\n\n".join(tables))
    compared = given.checks * (len(hiding) + len(outages))
    print(f"\n{compared} series were asked again by `verify`; {differences} ended otherwise.")
    sys.exit(differences > 0)


def measure(setting: Setting, series: int, checks: int, rng: np.random.Generator) -> tuple[Results, int]:
    """Simulate a setting in parts; return the results, and how many series `verify` sees otherwise."""
    parts, wrong = [], 0
    for begin in range(0, series, 2000):
        draws = draw(setting, min(2000, series - begin), rng)
        part = simulate(draws)
        if not parts:
            wrong = sum(not agrees(draws, part, index) for index in range(min(checks, len(draws.flips))))
        parts.append(part)
    outcome = np.concatenate([part.outcome for part in parts], axis=1)
    questions = np.concatenate([part.questions for part in parts], axis=1)
    return Results(outcome=outcome, questions=questions), wrong


def draw(setting: Setting, series: int, rng: np.random.Generator) -> Draws:
    """Draw which samples flip and which requests get no answer."""
    flips = rng.random((series, setting.samples)) < setting.flip_rate
    chance = rng.random((RUNS, ROUNDS, series, setting.samples), dtype=np.float32)
    return Draws(flips=flips, missing=chance < np.where(flips, setting.hidden, setting.outage))


def simulate(draws: Draws) -> Results:
    """Let every series run until it is decided, or the reruns are used up."""
    series, samples = draws.flips.shape
    needed = matches_needed(samples)
    outcome, questions = np.full(series, OPEN), np.zeros(series, dtype=int)
    outcomes, asked = [], []
    for run in range(RUNS):
        ended, count = simulate_run(draws.flips, draws.missing[run], outcome == OPEN, run + 1, needed)
        questions += count
        outcome = np.where((outcome == OPEN) & (ended != UNDECIDED), ended, outcome)
        outcomes.append(np.where(outcome == OPEN, UNDECIDED, outcome))
        asked.append(questions.copy())
    return Results(outcome=np.stack(outcomes), questions=np.stack(asked))


def simulate_run(
    flips: Bool[np.ndarray, "series samples"],
    missing: Bool[np.ndarray, "rounds series samples"],
    active: Bool[np.ndarray, " series"],
    number: int,
    needed: Int[np.ndarray, "mismatches unusables"],
) -> tuple[Int[np.ndarray, " series"], Int[np.ndarray, " series"]]:
    """Return how run `number` ends in each series, and how many questions it asks.

    The same steps as `verify`: a mismatch is a label that is one too high, so that until the first match a permutation
    of the labels explains everything, and the decision waits.
    """
    series, samples = flips.shape
    matched, mismatched, unusable, row, asked = (np.zeros(series, dtype=int) for _ in range(5))
    peak = np.zeros(series)
    ended = np.full(series, OPEN)
    test = SequentialTest(alpha=share_alpha(ALPHA, number), beta=BETA, p0=P0, p1=P1)
    evidence = _tabulate_evidence(test, samples)
    unanswered = np.ones((series, samples), dtype=bool)
    for turn in range(ROUNDS):
        for index in range(samples):
            asking = active & (ended == OPEN) & (row < PATIENCE) & unanswered[:, index]
            silent, flipped = missing[turn, :, index], flips[:, index]
            usable = asking & ~silent
            asked += asking
            unusable += (asking & silent & (turn == 0)).astype(int) - (usable & (turn > 0))
            matched += usable & ~flipped
            mismatched += usable & flipped
            row = np.where(asking, np.where(silent, row + 1, 0), row)
            unanswered[:, index] &= ~usable
            peak = np.maximum(peak, evidence[matched, mismatched])
            crossed = (peak >= test.upper) & (mismatched >= 2)
            waiting = crossed & (matched == 0) & (mismatched <= CONFIRMATIONS)
            remapped = crossed & (matched == 0) & ~waiting
            decision = np.where(remapped, UNDECIDED, np.where(crossed & ~waiting, TAMPERED, OPEN))
            passes = ~crossed & (matched >= needed[mismatched, unusable])
            decision = np.where(passes, INTACT, decision)
            ended = np.where(asking, decision, ended)
    crossed = (peak >= test.upper) & (mismatched >= 2)
    ended = np.where(ended == OPEN, np.where(crossed, TAMPERED, UNDECIDED), ended)
    return np.where(active, ended, UNDECIDED), asked


@cache
def _tabulate_evidence(test: SequentialTest, samples: int) -> np.ndarray:
    """Return the evidence for tampered of every number of matches (rows) and mismatches (columns)."""
    counts = range(samples + 1)
    return np.array([[test.tampered_evidence(matched, mismatched) for mismatched in counts] for matched in counts])


@cache
def matches_needed(samples: int) -> Int[np.ndarray, "mismatches unusables"]:
    """Return how many matches make the verdict intact, by mismatches and unusable answers, from the real test."""
    test = SequentialTest(alpha=ALPHA, beta=BETA, p0=P0, p1=P1)
    table = np.full((samples + 1, samples + 1), samples + 1)
    for mismatches in range(samples + 1):
        for unusables in range(samples + 1 - mismatches):
            table[mismatches, unusables] = test.matches_for_intact(mismatches, unusables)
            if table[mismatches, unusables] > samples:
                break  # more unusable answers take more matches still
    return table


# The same by `verify`


class InOrder(random.Random):
    """Leaves the order of the samples as it is, so that position and sample are the same."""

    def shuffle(self, x: object) -> None:
        """Change nothing."""


class Provider:
    """Answers one run of one series as it was drawn."""

    def __init__(self, fingerprint: Fingerprint, flips: np.ndarray, missing: np.ndarray) -> None:
        self._flips, self._missing = flips, missing
        self._places = {sample.picture.sha256: index for index, sample in enumerate(fingerprint.samples)}
        self._times = [0] * len(flips)
        self.asked = 0

    def ask(self, picture: Picture) -> Answer:
        """Return the label, one too high for a flipped sample, or no answer."""
        index = self._places[picture.sha256]
        turn, self._times[index], self.asked = self._times[index], self._times[index] + 1, self.asked + 1
        if self._missing[turn, index]:
            return Answer(problem="HTTP 500")
        return Answer(label=(index + bool(self._flips[index])) % len(self._flips))

    def describe(self) -> dict[str, str]:
        """Say that it is none of the usual oracles."""
        return {"kind": "simulated"}


def agrees(draws: Draws, results: Results, index: int) -> bool:
    """Whether `verify`, with a ledger, ends every run of one series as the arrays say, after as many questions."""
    fingerprint = seal(draws.flips.shape[1])
    ledger = Ledger(path=None, rng=InOrder())
    questions = 0
    for run in range(RUNS):
        provider = Provider(fingerprint, draws.flips[index], draws.missing[run, :, index])
        verdict = verify(provider, fingerprint, alpha=ALPHA, beta=BETA, ledger=ledger, patience=PATIENCE)
        questions += provider.asked
        if (CODES[verdict.outcome], questions) != (results.outcome[run, index], results.questions[run, index]):
            return False
        if verdict.outcome.decided:
            return True
    return True


@cache
def seal(count: int) -> Fingerprint:
    """Return a fingerprint of so many small grey pictures, each of a class of its own."""
    pictures = [Picture.of(np.full((1, 8, 8), index, dtype=np.uint8)) for index in range(count)]
    zero = "0" * 64
    return Fingerprint(
        samples=tuple(
            Sample(picture=picture, source=None, label=index, margin=1.0, confidence=0.5)
            for index, picture in enumerate(pictures)
        ),
        class_names=tuple(f"class {index}" for index in range(count)),
        profile=ProfileRecord(name="exact", floor=0.0, flip_rate=P0),
        preprocessing=Preprocessing(channels=1, height=8, width=8, colour="L"),
        provenance=Provenance(
            method="natural",
            settings={},
            seed=0,
            network="simulated",
            model_sha256=zero,
            data="none",
            data_sha256=zero,
            created="2026-01-01T00:00:00Z",
            version="0.1.0",
            crafted=count,
            lost_rounding=0,
            lost_steadiness=0,
        ),
        expected_flip_rate=P1,
    )


# The tables


HIDING = "| hidden | samples | wrong intact, 1 run | with 6 reruns | 95 % bound | tampered | undecided | questions |"
OUTAGES = "| outage | samples | tampered | 95 % bound | intact | inconclusive | after one rerun | questions |"


def hiding_row(setting: Setting, results: Results, runs: int) -> str:
    """Return the row of a provider that hides mismatches."""
    passed = [int((results.outcome[run] == INTACT).sum()) for run in (0, -1)]
    cells = [
        f"{setting.hidden:g}",
        setting.samples,
        f"{passed[0]} of {runs}",
        f"{passed[1]} of {runs}",
        f"{100 * upper_bound(passed[1], runs):.2f} %",
        share(results.outcome[-1] == TAMPERED),
        share(results.outcome[-1] == UNDECIDED),
        f"{results.questions[-1].mean():.1f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def outage_row(setting: Setting, results: Results, runs: int) -> str:
    """Return the row of an honest endpoint."""
    wrong = int((results.outcome[-1] == TAMPERED).sum())
    cells = [
        f"{setting.outage:g}",
        setting.samples,
        f"{wrong} of {runs}",
        f"{100 * upper_bound(wrong, runs):.3f} %",
        share(results.outcome[0] == INTACT),
        share(results.outcome[0] == UNDECIDED),
        share(results.outcome[1] == UNDECIDED),
        f"{results.questions[0].mean():.1f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def share(hits: Bool[np.ndarray, " n"]) -> str:
    """Return a share in percent."""
    return f"{100 * float(np.mean(hits)):.1f} %"


if __name__ == "__main__":
    main()
