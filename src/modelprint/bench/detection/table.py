"""The table of a run: its lines, its cells, and what fingerprints say about controls."""

import re
from dataclasses import dataclass
from functools import cached_property

from modelprint.bench.detection.outputs import LABEL

NS = (1, 5, 10)
"""Numbers of samples asked that the tables show."""

RANDOM = "random"
"""The selection that draws without replacement; the others follow an order and ask its first N samples."""

SUBSETS = "manc-bags"
"""The selection that follows an order in each of many random subsets."""

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")
"""A number in the settings of a line."""

FAR = 0.15
"""A difference to the paper from which on a row has to be explained."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one line of a table is about.

    Attributes:
        row: Row of the published table.
        kind: Name of the tampering that made the suspects.
        batch_norm: Its batch-norm mode, where it has one.
        reference: Kind whose labels the suspects' are compared with; empty for those of the target.
        control: Whether nothing was changed, so that mismatches are false alarms.
        settings: Those in which it differs from another line of the same kind.
    """

    row: str
    kind: str
    batch_norm: str = ""
    reference: str = ""
    control: bool = False
    settings: str = ""

    @property
    def order(self) -> tuple[str | bool | list[float], ...]:
        """What lines of a table are sorted by; settings by their numbers, so that 1e-05 stands before 0.001."""
        numbers = [float(number) for number in NUMBER.findall(self.settings)]
        return self.row, self.kind, self.batch_norm, self.reference, self.control, numbers, self.settings

    @property
    def made_by(self) -> str:
        """What distinguishes its suspects from others of the row."""
        against = f", against {self.reference}" if self.reference else ""
        return self.kind + (f" ({self.settings})" if self.settings else "") + against


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How often one fingerprint sees the suspects of one line with `n` samples. Rates are 0 to 1.

    Attributes:
        line: Which suspects.
        fingerprint: Name in the plan.
        selection: RANDOM, SUBSETS, or the order whose first samples are asked.
        n: Number of samples asked.
        output: Form of the answers.
        rate: Mean over the models; None when no model reached its goal or there are fewer than `n` samples.
        low: Lower end of the 95 % interval.
        high: Upper end.
        models: How many suspects are counted.
        goal_missed: How many are not, because they missed their goal.
        ceiling: The most that the mean can be, given the rate with one sample; None unless drawn at random.
        published: The paper's rate.
    """

    line: Line
    fingerprint: str
    selection: str
    n: int
    output: str = LABEL
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    models: int
    goal_missed: int
    ceiling: float | None = None
    published: float | None = None

    @property
    def difference(self) -> float | None:
        """Our rate minus the paper's."""
        return None if self.rate is None or self.published is None else self.rate - self.published

    @property
    def far(self) -> bool:
        """Whether that is more than 15 points."""
        return self.difference is not None and abs(self.difference) > FAR


@dataclass(frozen=True, kw_only=True)
class FalseAlarms:
    """What a fingerprint says about classifiers in which nothing was changed.

    Attributes:
        fingerprint: Name in the plan.
        controls: How many of them were asked.
        answers: Samples times controls.
        mismatches: How many answers differ.
        upper: One-sided 95 % upper bound of the rate per answer.
    """

    fingerprint: str
    controls: int
    answers: int
    mismatches: int
    upper: float


@dataclass(frozen=True, kw_only=True)
class Table:
    """All scores of a run.

    Attributes:
        lines: In the order of their rows.
        fingerprints: By name.
        selections: Random drawing first, then the orders by name.
        ns: Numbers of samples asked.
        cells: One for each line, fingerprint, selection and number that was observed, by the label.
        by_output: The same for other forms of answers that were asked for.
        false_alarms: One for each fingerprint that controls were asked about.
    """

    lines: tuple[Line, ...]
    fingerprints: tuple[str, ...]
    selections: tuple[str, ...]
    ns: tuple[int, ...]
    cells: tuple[Cell, ...]
    false_alarms: tuple[FalseAlarms, ...]
    by_output: tuple[Cell, ...] = ()

    @cached_property
    def _by_place(self) -> dict[tuple[Line, str, int, str, str], Cell]:
        every = (*self.cells, *self.by_output)
        return {(cell.line, cell.fingerprint, cell.n, cell.selection, cell.output): cell for cell in every}

    def cell(self, line: Line, fingerprint: str, n: int, selection: str = RANDOM, output: str = LABEL) -> Cell | None:
        """Return a cell; None when it was not observed."""
        return self._by_place.get((line, fingerprint, n, selection, output))
