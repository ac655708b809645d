"""Logs of JSON lines: appended to during a run, one line at a time, and safe against a crash. Needs no torch.

Each line is written in one step. A crash can therefore leave one damaged line at the end, which is dropped when the log
is continued. The first line is a header; its `kind` tells one kind of log from another, and a file that does not begin
with it is never changed.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from modelprint.errors import ModelprintError

LOG_BYTES = 256 * 2**20
"""Largest log we read."""

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
"""How the lines of a log are read."""

LineT = TypeVar("LineT")


@dataclass(frozen=True, kw_only=True)
class LineLog:
    """One file of JSON lines.

    Attributes:
        path: The file; it need not exist yet.
        noun: What messages call it, e.g. "transcript".
        error: What is raised when it cannot be read or written, or is not such a log.
        synced: Whether each line is forced to the disk, which survives a power cut; without it a line survives only the
            end of the process, and costs a few milliseconds less.
    """

    path: Path
    noun: str
    error: type[ModelprintError]
    synced: bool = True

    def start(self, header: Mapping[str, Any]) -> bytes:
        """Return the undamaged lines of the file; when it has none, write `header` and return nothing.

        A damaged last line stays until `cut` is called, so that the caller can first check whose log this is.
        """
        content = self.read() if self.path.exists() else b""
        lines = drop_damaged_line(content)
        if not lines:
            first = json.dumps({"kind": header["kind"]})[:-1].encode()
            if content and not (first.startswith(content) or content.startswith(first)):
                raise self.error(f"{self.path}: not a {self.noun}; it is left as it is")
            self.cut(0)
            self.append(header)
        return lines

    def append(self, line: Mapping[str, Any]) -> None:
        """Write one line."""
        try:
            with self.path.open("ab") as file:
                file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                file.flush()
                if self.synced:
                    os.fsync(file.fileno())
        except OSError as problem:
            raise self.error(f"{self.path}: cannot be written: {problem.strerror or problem}") from problem

    def cut(self, size: int) -> None:
        """Shorten the file to `size` bytes, where it is longer."""
        try:
            if self.path.exists() and self.path.stat().st_size > size:
                os.truncate(self.path, size)
        except OSError as problem:
            raise self.error(f"{self.path}: cannot be written: {problem.strerror or problem}") from problem

    def read(self) -> bytes:
        """Return the bytes of the file, never more than the limit."""
        try:
            with self.path.open("rb") as file:
                content = file.read(LOG_BYTES + 1)
        except OSError as problem:
            raise self.error(f"{self.path}: cannot be read: {problem.strerror or problem}") from problem
        if len(content) > LOG_BYTES:
            raise self.error(f"{self.path}: larger than {LOG_BYTES} bytes, the most a {self.noun} may have")
        return content

    def parse(self, read: Callable[[bytes], LineT], number: int, text: bytes) -> LineT:
        """Return what `read`, a validator of pydantic, makes of line `number`, or say what is wrong with it."""
        try:
            return read(text)
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            where = ascii(".".join(map(str, first["loc"])))[1:-1] or "damaged"
            raise self.error(f"{self.path}: line {number}: {where}: {first['msg']}") from problem

    def refuse_another(self, found: BaseModel, expected: BaseModel, owner: str, advice: str) -> None:
        """Refuse to continue a log whose header has another value than `expected` in any field.

        Args:
            found: The header in the file.
            expected: The header that this run would write.
            owner: What the log belongs to otherwise, e.g. "another verification".
            advice: What to do next.
        """
        for name, value in expected.model_dump().items():
            there = getattr(found, name)
            if there != value:
                raise self.error(f"{self.path}: belongs to {owner}: its {name} is {there}, not {value}; {advice}")


def drop_damaged_line(content: bytes) -> bytes:
    """Return `content` without a last line that has no end, which a crash has damaged."""
    return content[: content.rfind(b"\n") + 1]
