"""Files of lines: one JSON object for each thing observed, under a key that follows from all it depends on.

A line holds nothing that differs between two runs of the same plan: no time, no path. The same bytes are written
wherever it is computed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from pydantic import ValidationError

from modelprint.bench.record import first_mistake


@dataclass(frozen=True, kw_only=True)
class SuspectId:
    """Which suspect of a run a line is about; equal in the lines of all studies.

    Attributes:
        row: Row of the plan.
        kind: Name of the tampering.
        seed: What its random draws came from.
        settings: Settings of the tampering as JSON.
    """

    row: str
    kind: str
    seed: int
    settings: str


def suspect_id(row: str, kind: str, seed: int, settings: Mapping[str, Any]) -> SuspectId:
    """Return the identity of a suspect; a tuple among its settings is the list that JSON makes of it."""
    return SuspectId(row=row, kind=kind, seed=seed, settings=json.dumps(settings, sort_keys=True))


@runtime_checkable
class SuspectLine(Protocol):
    """What a study observed of one suspect."""

    @property
    def key(self) -> str:
        """Content hash of all it follows from."""

    @property
    def suspect(self) -> SuspectId:
        """Which suspect it is about."""

    def to_line(self) -> str:
        """Return the one line of JSON, with its end."""


@runtime_checkable
class AlarmLine(SuspectLine, Protocol):
    """A line that says whether a fingerprint calls the suspect tampered."""

    @property
    def fingerprint(self) -> str:
        """Name of the fingerprint."""

    @property
    def is_alarm(self) -> bool:
        """Whether it calls the suspect tampered."""


LineType = TypeVar("LineType", bound=SuspectLine)


def parse_line(read: Callable[[str], LineType], text: str) -> LineType:
    """Return what pydantic's `read` makes of a line of JSON; ValueError names the first entry that is wrong."""
    try:
        return read(text)
    except ValidationError as problem:
        raise ValueError(first_mistake(problem)) from problem


def salvage_lines(path: Path, read: Callable[[str], LineType]) -> tuple[list[LineType], list[str]]:
    """Return what `read` makes of all lines, the last of each key, and one sentence on every line it refuses.

    A last line without its end is what a killed run leaves behind: it is left out and not reported.
    """
    if not path.is_file():
        return [], []
    found, problems = {}, []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            parsed = read(line.decode())
        except (ValueError, OverflowError, RecursionError) as problem:
            problems.append(f"{path}, line {number}: {problem}")
            continue
        found[parsed.key] = parsed
    return list(found.values()), problems
