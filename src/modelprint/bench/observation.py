"""Observations: what one fingerprint sees of one suspect, and everything needed to see it again. One JSON line each.

A line holds nothing that differs between two runs of the same plan: no time, no path. Whoever computes it, on whatever
executor, writes the same bytes.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from pydantic import ConfigDict, TypeAdapter, ValidationError

from modelprint.bench.outputs import LABEL
from modelprint.errors import BenchError


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
        reference: Kind whose labels the suspect's are held against; empty for those of the target.
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

    def line(self) -> str:
        """Return the one line of JSON, with its end."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False) + "\n"


@runtime_checkable
class Line(Protocol):
    """What is kept as one line under a key."""

    @property
    def key(self) -> str:
        """Content hash of all it follows from."""

    def line(self) -> str:
        """Return the one line of JSON, with its end."""


Written = TypeVar("Written", bound=Line)

_READER = TypeAdapter(Observation)


def read_line(text: str) -> Observation:
    """Return the observation of one line.

    Raises:
        ValueError: It is no observation; says why.
    """
    return parse_line(_READER.validate_json, text)


def parse_line(read: Callable[[str], Written], text: str) -> Written:
    """Return what pydantic's `read` makes of a line of JSON; ValueError names the first entry that is wrong."""
    try:
        return read(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from problem


def salvage(path: Path) -> tuple[list[Observation], list[str]]:
    """Return all observations that can be read, and one sentence on every line that cannot; see `salvage_lines`."""
    return salvage_lines(path, read_line)


def salvage_lines(path: Path, read: Callable[[str], Written]) -> tuple[list[Written], list[str]]:
    """Return what `read` makes of all lines, the last of each key, and one sentence on every line it refuses.

    A last line without its end is what a killed run leaves behind: it is left out without a word.
    """
    if not path.is_file():
        return [], []
    found, problems = {}, []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            written = read(line.decode())
        except ValueError as problem:
            problems.append(f"{path}, line {number}: {problem}")
            continue
        found[written.key] = written
    return list(found.values()), problems


def read_observations(path: Path) -> list[Observation]:
    """Return the observations in a file.

    Raises:
        BenchError: There is no such file, or a line of it cannot be read.
    """
    if not path.is_file():
        raise BenchError(f"there are no observations at {path}; make some with: modelprint bench run")
    found, problems = salvage(path)
    if problems:
        raise BenchError(f"{problems[0]}; run the plan again to compute what is damaged anew")
    return found
