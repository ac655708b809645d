"""Observations: the answers of one suspect to one fingerprint, and everything needed to get them again."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from modelprint.bench.detection.outputs import LABEL
from modelprint.bench.lines import SuspectId, parse_line, salvage_lines, suspect_id
from modelprint.errors import BenchError

OBSERVATIONS = "observations.jsonl"
"""The file of observations in the folder of a run."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One suspect asked about all samples of one fingerprint.

    Attributes:
        key: Content hash of suspect, fingerprint and reference.
        plan: Name of the plan.
        scale: At which the plan ran.
        target: Name of the target.
        row: Row of the published table, e.g. "Unlearning".
        kind: Name of the tampering.
        seed: What its random draws came from.
        settings: Its settings.
        batch_norm: "train" or "frozen" where the tampering says so, else empty.
        control: True where nothing was changed: every mismatch is a false alarm.
        goal: What the tampering set out to do; may be empty.
        goal_value: The number that decides, as reached.
        goal_reached: Whether it did what it set out to do.
        steps: Optimisation steps taken.
        notes: What else the tampering says.
        movement: How far the suspect is from the target, by name of the measure.
        fingerprint: Name of the fingerprint in the plan.
        method: How it was crafted.
        form: "8-bit" when sealed by the whole pipeline, "float" when nothing was rounded.
        samples: How many samples it has.
        mismatched: One character per sample in the fingerprint's order: "1" where the label differs, else "0".
        outputs: The same for other forms of answers, by their name in OUTPUTS; empty in lines of early runs.
        orders: By name of a selection rule, the samples' indices, best first.
        reference: Kind whose labels the suspect's are compared with; empty for those of the target.
    """

    key: str
    plan: str
    scale: str
    target: str
    row: str
    kind: str
    seed: int
    settings: dict[str, Any]
    batch_norm: str
    control: bool
    goal: str
    goal_value: float | None
    goal_reached: bool
    steps: int
    notes: str
    movement: dict[str, float]
    fingerprint: str
    method: str
    form: str
    samples: int
    mismatched: str
    outputs: dict[str, str] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=dict)
    reference: str = ""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    def __post_init__(self) -> None:
        for name, bits in {"mismatched": self.mismatched, **self.outputs}.items():
            if len(bits) != self.samples or set(bits) - {"0", "1"}:
                raise ValueError(f"{name} is one 0 or 1 for each of {self.samples} samples, got {bits!r}")

    def bits(self, output: str = LABEL) -> str | None:
        """Return which samples differ in a form of answers; None when that was not looked at."""
        return self.mismatched if output == LABEL else self.outputs.get(output)

    @property
    def suspect(self) -> SuspectId:
        """Which suspect it is about."""
        return suspect_id(self.row, self.kind, self.seed, self.settings)

    @property
    def is_alarm(self) -> bool:
        """Whether the label of any sample differs, so that the fingerprint calls the suspect tampered."""
        return "1" in self.mismatched

    def to_line(self) -> str:
        """Return the one line of JSON, with its end."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False) + "\n"


_READER = TypeAdapter(Observation)


def read_line(text: str) -> Observation:
    """Return the observation of one line.

    Raises:
        ValueError: It is no observation; says why.
    """
    return parse_line(_READER.validate_json, text)


def salvage(path: Path) -> tuple[list[Observation], list[str]]:
    """Return all observations that can be read, and one sentence on every line that cannot; see `salvage_lines`."""
    return salvage_lines(path, read_line)


def read_observations(path: Path) -> list[Observation]:
    """Return the observations in a file.

    Raises:
        BenchError: There is no such file, or a line of it cannot be read.
    """
    if not path.is_file():
        raise BenchError(f"there are no observations at {path}; make some with: modelprint bench run")
    found, problems = salvage(path)
    if problems:
        raise BenchError(f"{problems[0]}; run the plan again to compute what is damaged again")
    return found
