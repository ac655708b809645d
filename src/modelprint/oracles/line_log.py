"""Logs of JSON lines: appended to during a run, one line at a time, and safe against a crash. Needs no torch.

Each line is written in one step. A crash can therefore leave one damaged line at the end, which is dropped when the log
is continued. The first line is a header; its `kind` tells one kind of log from another, and a file that does not begin
with it is never changed. Who writes a log holds it: a second process is refused with the name of the first.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from modelprint.errors import ModelprintError

LOG_BYTES = 256 * 2**20
"""Largest log we read."""

VALUE_LIMIT = 200
"""Characters of a value that are repeated in a message."""

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
"""How the lines of a log are read."""

LineT = TypeVar("LineT")

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # a system without flock: two processes on one log are then not noticed
    flock = None  # type: ignore[assignment]


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

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Refuse every other writer, of this process or another one, while the block runs.

        The lock is a file beside the log. The operating system frees it when its holder dies, however it dies.
        """
        real = Path(os.path.realpath(self.path))
        place = real.with_name(f".{real.name}.lock")
        handle = self._lock(place)
        try:
            yield
        finally:
            place.unlink(missing_ok=True)  # before it is freed, so that what we remove is held by us
            os.close(handle)

    def _lock(self, place: Path) -> int:
        """Return the number of the locked file at `place`; our error when someone else has locked it."""
        while True:
            try:
                handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as problem:
                raise self.error(f"{place}: cannot be written: {problem.strerror or problem}") from problem
            try:
                if flock is not None:
                    flock(handle, LOCK_EX | LOCK_NB)
            except BlockingIOError as problem:
                holder = ascii(os.read(handle, 200).decode(errors="replace"))[1:-1] or "another process"
                os.close(handle)
                raise self.error(
                    f"{self.path}: {holder} is writing to this {self.noun}; wait until it ends, or name another file"
                ) from problem
            except OSError:
                return handle  # a file system without locks
            if _is_same(handle, place):
                with suppress(OSError):
                    os.truncate(handle, 0)
                    os.write(handle, f"process {os.getpid()} on {socket.gethostname()}, since {_now()},".encode())
                return handle
            os.close(handle)  # its holder has removed it in between

    def append(self, line: Mapping[str, Any]) -> None:
        """Write one line; when that fails, the log is as it was."""
        size = None
        try:
            size = self.path.stat().st_size if self.path.exists() else 0
            with self.path.open("ab") as file:
                file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                file.flush()
                if self.synced:
                    os.fsync(file.fileno())
        except OSError as problem:
            if size is not None:
                with suppress(OSError):
                    os.truncate(self.path, size)
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
        if self.path.exists() and not self.path.is_file():  # a pipe would be waited for, a device may never end
            raise self.error(f"{self.path}: cannot be read: it is not a regular file")
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
                said, wanted = (str(one)[:VALUE_LIMIT] for one in (there, value))
                raise self.error(f"{self.path}: belongs to {owner}: its {name} is {said}, not {wanted}; {advice}")


def drop_damaged_line(content: bytes) -> bytes:
    """Return `content` without a last line that has no end, which a crash has damaged."""
    return content[: content.rfind(b"\n") + 1]


def _is_same(handle: int, place: Path) -> bool:
    """Whether the open file `handle` is still the one at `place`."""
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
