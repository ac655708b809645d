"""Ledgers: what was asked of one model with one fingerprint, so that repeated runs share one alpha. Needs no torch.

A ledger is a file of JSON lines: a header that names fingerprint and oracle, then what happened.

    {"kind": "ledger", "format": 1, "fingerprint": "9f86...", "oracle": "5c0e..."}
    {"kind": "budget", "at": "2026-01-31T12:00:00Z", "fresh": true, "order": [7, 0, 12, ...]}
    {"kind": "run", "at": "2026-01-31T12:00:00Z", "number": 1}
    {"kind": "asked", "index": 7}
    {"kind": "controls", "at": "2026-01-31T12:00:08Z"}
    {"kind": "end", "at": "2026-01-31T12:00:09Z", "outcome": "inconclusive"}

The runs since the last verdict *intact* share one budget: run number k tests at alpha / (k (k + 1)), which adds up to
alpha at most. A run after an undecided one asks the same samples in the same order; after a decided one a new order is
drawn at random, in which samples that were never asked come first. `docs/verification.md` has the proof.
"""

import os
import random
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_state_dir
from pydantic import BaseModel, Field, TypeAdapter

from modelprint.errors import TranscriptError
from modelprint.oracles.line_log import STRICT, LineLog, drop_damaged_line
from modelprint.verification.transcript import utc_now
from modelprint.verification.verdict import Outcome

RUN_LIMIT = 2**31
"""Runs of one budget; a larger number is no count of anything, and alpha could not be divided by it."""

VARIABLE = "MODELPRINT_STATE"
"""Environment variable that moves the folder of ledgers."""


class _Head(BaseModel):
    """The first line: whose ledger it is."""

    model_config = STRICT

    kind: Literal["ledger"] = "ledger"
    format: Literal[1] = 1
    fingerprint: str
    oracle: str


class _BudgetLine(BaseModel):
    """A new order of the samples; `fresh` where the runs are counted from 1 again."""

    model_config = STRICT

    kind: Literal["budget"] = "budget"
    at: str
    fresh: bool
    order: tuple[int, ...]


class _RunLine(BaseModel):
    """A run begins."""

    model_config = STRICT

    kind: Literal["run"] = "run"
    at: str
    number: int


class _AskedLine(BaseModel):
    """A sample is going to be asked."""

    model_config = STRICT

    kind: Literal["asked"] = "asked"
    index: int


class _EndLine(BaseModel):
    """A run has ended; a run without this line was interrupted, and counts as undecided."""

    model_config = STRICT

    kind: Literal["end"] = "end"
    at: str
    outcome: Literal["intact", "tampered", "inconclusive"]


class _ControlsLine(BaseModel):
    """Ordinary pictures were found to get the right labels."""

    model_config = STRICT

    kind: Literal["controls"] = "controls"
    at: str


_Line = _Head | _BudgetLine | _RunLine | _AskedLine | _ControlsLine | _EndLine
_LINE: TypeAdapter[_Line] = TypeAdapter(Annotated[_Line, Field(discriminator="kind")])


def share_alpha(alpha: float, run: int) -> float:
    """Return the level of run number `run` of a budget; the levels of all runs add up to `alpha`. 0: no budget."""
    return alpha / (run * (run + 1)) if run else alpha


def state_folder() -> Path:
    """Return where ledgers are kept that no option places: `MODELPRINT_STATE`, or the user's state folder.

    Raises:
        TranscriptError: The variable is not set and the user has no home folder.
    """
    try:
        return Path(os.environ.get(VARIABLE) or user_state_dir("modelprint", appauthor=False)) / "ledgers"
    except RuntimeError as problem:
        raise TranscriptError(f"there is no home folder for ledgers: set HOME, or {VARIABLE} to a folder") from problem


def name_ledger(digest: str, oracle: str) -> str:
    """Return the file name of the ledger of one fingerprint and one oracle."""
    return f"{digest[:12]}-{oracle[:12]}.ledger.jsonl"


@dataclass(kw_only=True)
class Budget:
    """What a ledger says.

    Attributes:
        order: The samples in the order in which a run asks them.
        open: Whether the next run takes that order too, because no run has decided since it was drawn.
        run: Number of the last run, counted from the last verdict intact.
        asked: Samples that were ever asked.
        outcomes: How the runs ended, oldest first, over all budgets; None for one that was interrupted.
        controls_right: Whether ordinary pictures were found to get the right labels since the runs are counted.
    """

    order: tuple[int, ...] = ()
    open: bool = False
    run: int = 0
    asked: set[int] = field(default_factory=set)
    outcomes: list[Outcome | None] = field(default_factory=list)
    controls_right: bool = False

    def add(self, line: _Line) -> None:
        """Take in one line."""
        if isinstance(line, _BudgetLine):
            self.order, self.open, self.run = line.order, True, 0 if line.fresh else self.run
            self.controls_right = self.controls_right and not line.fresh
        elif isinstance(line, _RunLine):
            self.run = line.number
            self.outcomes.append(None)
        elif isinstance(line, _AskedLine):
            self.asked.add(line.index)
        elif isinstance(line, _ControlsLine):
            self.controls_right = True
        elif isinstance(line, _EndLine) and self.outcomes:
            outcome = Outcome(line.outcome)
            self.outcomes[-1] = outcome
            self.open = self.open and not outcome.decided
            self.run = 0 if outcome is Outcome.INTACT else self.run

    def summary(self, count: int) -> str:
        """Say in a few lines what was asked, and what is left of `count` samples."""
        kinds = [str(outcome or "interrupted") for outcome in self.outcomes]
        runs = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "none"
        following = share_alpha(1.0, self.run + 1)
        lines = {
            "runs": runs,
            "asked": f"{len(self.asked)} of {count} samples; {count - len(self.asked)} were never asked",
            "next run": f"number {self.run + 1} of its budget, at {following:.3g} of alpha; "
            + ("the same samples in the same order" if self.open else "in a new order, samples never asked first"),
        }
        return "\n".join(f"{name:<12} {text}" for name, text in lines.items())


@dataclass(kw_only=True)
class Ledger:
    """The file of one fingerprint and one oracle that runs read, and write as they go.

    Attributes:
        path: The JSON lines file; it need not exist yet. None keeps it in memory.
        fresh: Whether the next run starts a new budget, whatever the runs before it found.
        clock: Gives the times in it.
        rng: Draws the order of the samples.
    """

    path: Path | None
    fresh: bool = False
    clock: Callable[[], str] = utc_now
    rng: random.Random = field(default_factory=random.SystemRandom)

    def __post_init__(self) -> None:
        self._budget = Budget()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Refuse other writers while the block runs; TranscriptError says who holds the ledger already."""
        if self.path is None:
            yield
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise TranscriptError(f"{self.path.parent}: cannot be made: {problem.strerror or problem}") from problem
        with _log(self.path).hold():
            yield

    def open(self, digest: str, oracle: str, count: int) -> None:
        """Read the ledger, or begin it.

        Args:
            digest: That of the fingerprint.
            oracle: What `modelprint.oracles.oracle.identify` says of the oracle.
            count: Number of samples in the fingerprint.

        Raises:
            TranscriptError: The file is damaged, or belongs to another fingerprint or oracle.
        """
        self._count = count
        if self.path is None:
            return
        log, head = _log(self.path), _Head(fingerprint=digest, oracle=oracle)
        lines = log.start(head.model_dump())
        if lines:
            found, self._budget = _parse(log, lines)
            log.refuse_another(found, head, "another fingerprint or model", "name another file with --ledger")
            _check(log, self._budget, count)
            log.cut(len(lines))

    def begin_run(self) -> tuple[int, tuple[int, ...]]:
        """Write that a run begins; return its number and the order of its questions."""
        if self.fresh or not self._budget.open:
            order = draw_order(self._count, self._budget.asked, self.rng)
            self._write(_BudgetLine(at=self.clock(), fresh=self.fresh or not self._budget.run, order=order))
        self._write(_RunLine(at=self.clock(), number=self._budget.run + 1))
        return self._budget.run, self._budget.order

    def add_question(self, index: int) -> None:
        """Write that a sample is going to be asked."""
        if index not in self._budget.asked:
            self._write(_AskedLine(index=index))

    def add_controls(self) -> None:
        """Write that ordinary pictures get the right labels, so that they need not be asked again in this budget."""
        if not self._budget.controls_right:
            self._write(_ControlsLine(at=self.clock()))

    def end_run(self, run: int, order: tuple[int, ...], outcome: Outcome) -> None:
        """Write how a run has ended; one of no or an earlier budget, continued from its transcript, changes nothing."""
        if run and run == self._budget.run and order == self._budget.order[: len(order)]:
            self._write(_EndLine(at=self.clock(), outcome=outcome.value))

    @property
    def controls_right(self) -> bool:
        """Whether ordinary pictures were found to get the right labels in this budget."""
        return self._budget.controls_right

    @property
    def unasked(self) -> int:
        """How many samples were never asked."""
        return self._count - len(self._budget.asked)

    def _write(self, line: _Line) -> None:
        if self.path is not None:
            _log(self.path).append(line.model_dump())
        self._budget.add(line)


def read_ledger(path: Path, digest: str, count: int) -> Budget:
    """Return what the ledger at `path` says about the fingerprint with this digest, without changing it.

    Raises:
        TranscriptError: The file cannot be read, is damaged, or belongs to another fingerprint.
    """
    log = _log(path)
    head, budget = _parse(log, drop_damaged_line(log.read()))
    if head.fingerprint != digest:
        raise TranscriptError(f"{path}: belongs to fingerprint {head.fingerprint[:16]}, this one is {digest[:16]}")
    _check(log, budget, count)
    return budget


def draw_order(count: int, asked: Collection[int], rng: random.Random) -> tuple[int, ...]:
    """Return the samples 0 to `count` - 1 in random order, those in `asked` last."""
    new, old = [index for index in range(count) if index not in asked], sorted(asked)
    rng.shuffle(new)
    rng.shuffle(old)
    return (*new, *old)


def _log(path: Path) -> LineLog:
    return LineLog(path=path, noun="ledger", error=TranscriptError)


def _parse(log: LineLog, content: bytes) -> tuple[_Head, Budget]:
    """Return the header of a ledger and what its lines add up to."""
    head: _Head | None = None
    budget = Budget()
    for number, text in enumerate(content.splitlines(), start=1):
        line = log.parse(_LINE.validate_json, number, text)
        if isinstance(line, _Head) != (number == 1):
            raise TranscriptError(f"{log.path}: line {number}: a ledger has one header, in its first line")
        if isinstance(line, _Head):
            head = line
        else:
            budget.add(line)
    if head is None:
        raise TranscriptError(f"{log.path}: empty, or cut off in its first line")
    return head, budget


def _check(log: LineLog, budget: Budget, count: int) -> None:
    """Refuse a ledger that is not about `count` samples."""
    every = set(range(count))
    if (
        not budget.asked <= every
        or not 0 <= budget.run < RUN_LIMIT
        or (budget.order and sorted(budget.order) != sorted(every))
    ):
        raise TranscriptError(f"{log.path}: does not go with the {count} samples of the fingerprint")
