"""Transcripts: every question and answer of a verification, one JSON line each, safe against a crash. Needs no torch.

The first line says which test is run on what; each answer follows as soon as it is there, forced to the disk before the
next question; a verdict ends a run. A verification that was interrupted continues from its transcript, so that no
answered sample is asked twice, and `modelprint.verification.replay` reaches the verdict again without the endpoint.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from modelprint.errors import TranscriptError
from modelprint.oracles.oracle import Answer
from modelprint.verification.verdict import Observed, Outcome, Verdict

TRANSCRIPT_BYTES = 256 * 2**20
"""Largest transcript we read."""

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Header(BaseModel):
    """The first line: which test, on which fingerprint, of which oracle.

    Attributes:
        format: Format number of the transcript.
        fingerprint: Digest of the fingerprint.
        oracle: What is asked, without secrets.
        alpha: Largest probability of a false alarm.
        beta: Largest probability of missing a tampering of flip rate `p1`.
        p0: Flip rate per sample under honest serving.
        p1: Flip rate per sample that counts as tampering.
        queries: How many samples may be asked.
        accept: Releases that are as good as the protected model.
    """

    model_config = STRICT

    format: Literal[1] = 1
    fingerprint: str
    oracle: dict[str, str]
    alpha: float
    beta: float
    p0: float
    p1: float
    queries: int
    accept: tuple[str, ...] = ()


class _HeaderLine(Header):
    """The header as it is written."""

    kind: Literal["header"]
    started: str


class _AnswerLine(BaseModel):
    """One answer as it is written."""

    model_config = STRICT

    kind: Literal["answer"]
    at: str
    index: int
    png_sha256: str
    expected: int
    answer: Answer


class _VerdictLine(BaseModel):
    """The end of a run as it is written; only the outcome is read again, the rest follows from the answers."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    kind: Literal["verdict"]
    outcome: Literal["intact", "tampered", "inconclusive"]


_Line = Annotated[_HeaderLine | _AnswerLine | _VerdictLine, Field(discriminator="kind")]
_LINE: TypeAdapter[_HeaderLine | _AnswerLine | _VerdictLine] = TypeAdapter(_Line)
_HEADER_START = b'{"kind": "header"'


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a transcript holds.

    Attributes:
        header: Its first line.
        observations: Its answers, in the order they came.
        outcome: How its last run ended; None when that was cut short.
    """

    header: Header
    observations: tuple[Observed, ...]
    outcome: Outcome | None


def utc_now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Transcript:
    """A file that a verification writes as it goes, and continues from.

    Attributes:
        path: The JSON lines file; it need not exist yet.
        clock: Gives the times in it.
    """

    path: Path
    clock: Callable[[], str] = utc_now

    def start(self, header: Header) -> Record:
        """Begin a transcript, or take up the one that is there.

        Raises:
            TranscriptError: When the file belongs to another verification, or is damaged.
        """
        content = _content(self.path) if self.path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]  # a line without its end was torn by a crash
        if not whole:
            if content and not (_HEADER_START.startswith(content) or content.startswith(_HEADER_START)):
                raise TranscriptError(f"{self.path}: not a transcript; it is left as it is")
            self._write({"kind": "header", "started": self.clock(), **header.model_dump()}, keep=0)
            return Record(header=header, observations=(), outcome=None)
        record = _parse(self.path, whole)
        _compare(self.path, found=record.header, wanted=header)
        if whole != content:
            self._cut(len(whole))
        return record

    def add(self, observed: Observed) -> None:
        """Write one answer; it is on the disk when this returns."""
        self._write({"kind": "answer", "at": self.clock(), **asdict(observed)})

    def finish(self, verdict: Verdict) -> None:
        """Write how the run ended."""
        self._write({"kind": "verdict", "at": self.clock(), **verdict.numbers()})

    def _write(self, line: Mapping[str, Any], keep: int | None = None) -> None:
        """Append a line; with `keep`, cut the file to that many bytes before."""
        if keep is not None and self.path.exists():
            self._cut(keep)
        try:
            with self.path.open("ab") as file:
                file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise TranscriptError(f"{self.path}: cannot be written: {problem.strerror or problem}") from problem

    def _cut(self, size: int) -> None:
        """Shorten the file to `size` bytes."""
        try:
            os.truncate(self.path, size)
        except OSError as problem:
            raise TranscriptError(f"{self.path}: cannot be written: {problem.strerror or problem}") from problem


def read_transcript(path: Path | str) -> Record:
    """Read a transcript without changing it; a torn last line is left out.

    Raises:
        TranscriptError: When the file cannot be read, or is not a transcript.
    """
    content = _content(Path(path))
    return _parse(Path(path), content[: content.rfind(b"\n") + 1])


def _content(path: Path) -> bytes:
    """Return the bytes of the file, never more than the limit."""
    try:
        with path.open("rb") as file:
            content = file.read(TRANSCRIPT_BYTES + 1)
    except OSError as problem:
        raise TranscriptError(f"{path}: cannot be read: {problem.strerror or problem}") from problem
    if len(content) > TRANSCRIPT_BYTES:
        raise TranscriptError(f"{path}: larger than {TRANSCRIPT_BYTES} bytes, the most a transcript may have")
    return content


def _parse(path: Path, content: bytes) -> Record:
    """Return what the whole lines in `content` say."""
    header: Header | None = None
    observations: list[Observed] = []
    outcome: Outcome | None = None
    for number, text in enumerate(content.splitlines(), start=1):
        line = _read_line(path, number, text)
        if isinstance(line, _HeaderLine) != (number == 1):
            raise TranscriptError(f"{path}: line {number}: a transcript has one header, in its first line")
        if isinstance(line, _HeaderLine):
            header = Header(**line.model_dump(include=set(Header.model_fields)))
        elif isinstance(line, _VerdictLine):
            outcome = Outcome(line.outcome)
        elif outcome is not None and outcome.decided:
            raise TranscriptError(f"{path}: line {number}: an answer after the verdict {outcome}")
        else:
            outcome = None  # a run that ended without a decision is being continued
            observations.append(
                Observed(index=line.index, png_sha256=line.png_sha256, expected=line.expected, answer=line.answer)
            )
    if header is None:
        raise TranscriptError(f"{path}: empty, or cut off in its first line")
    return Record(header=header, observations=tuple(observations), outcome=outcome)


def _read_line(path: Path, number: int, text: bytes) -> _HeaderLine | _AnswerLine | _VerdictLine:
    """Return one line, or say what is wrong with it."""
    try:
        return _LINE.validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise TranscriptError(f"{path}: line {number}: {ascii(where)[1:-1] or 'damaged'}: {first['msg']}") from problem


def _compare(path: Path, *, found: Header, wanted: Header) -> None:
    """Refuse to continue a transcript of another verification."""
    for name, value in wanted.model_dump().items():
        there = getattr(found, name)
        if there != value:
            raise TranscriptError(
                f"{path}: belongs to another verification: its {name} is {there}, not {value}; "
                "name a new file, or ask for the same test"
            )
