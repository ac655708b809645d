"""Transcripts: every question and answer of a verification, one JSON line each, safe against a crash. Needs no torch.

The first line says which test is run on what; each answer follows as soon as it is there, forced to the disk before the
next question; a verdict ends a run. A verification that was interrupted continues from its transcript, so that no
answered sample is asked twice, and `modelprint.verification.replay` reaches the verdict again without the endpoint.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from modelprint.errors import TranscriptError
from modelprint.oracles.line_log import STRICT, LineLog, drop_damaged_line
from modelprint.oracles.oracle import Answer
from modelprint.verification.controls import Trial
from modelprint.verification.verdict import Observed, Outcome, Verdict


class Header(BaseModel):
    """The first line: which test, on which fingerprint, of which oracle.

    Attributes:
        format: Format number of the transcript.
        fingerprint: Digest of the fingerprint.
        oracle: What is asked, without secrets.
        alpha: Largest probability of a false alarm of this run.
        beta: Largest probability of missing a tampering of flip rate `p1`.
        p0: Flip rate per sample under honest serving.
        p1: Flip rate per sample that counts as tampering.
        queries: How many samples may be asked.
        accept: Releases that are as good as the protected model.
        rules: Which rules decide; those of the first transcripts, which name none, are 1.
        min_answers: How many usable answers a verdict needs.
        run: Which run of its ledger this is, from 1; 0 without a ledger.
        order: The samples that may be asked, in that order; empty for the first ones in the order of the file.
        controls: How many ordinary pictures are asked before a verdict tampered; 0 for none.
        forms: Other ways of sending a picture that may be tried then.
        answers: What of an answer counts.
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
    rules: Literal[1, 2, 3] = 1
    min_answers: int = 0
    run: int = 0
    order: tuple[int, ...] = ()
    controls: int = 0
    forms: tuple[str, ...] = ()
    answers: Literal["auto", "label", "order", "scores"] = "label"

    @property
    def questions(self) -> Sequence[int]:
        """The samples that may be asked, in that order."""
        return self.order or range(self.queries)


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


class _TrialLine(BaseModel):
    """One answer about a control, or about a sample sent in another way, as it is written."""

    model_config = STRICT

    kind: Literal["trial"]
    at: str
    form: str
    subject: Literal["control", "sample"]
    index: int
    png_sha256: str
    expected: int
    answer: Answer


class _VerdictLine(BaseModel):
    """The end of a run as it is written; only the outcome is read again, the rest follows from the answers."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    kind: Literal["verdict"]
    at: str = ""
    outcome: Literal["intact", "tampered", "inconclusive"]


_LINE: TypeAdapter[_HeaderLine | _AnswerLine | _TrialLine | _VerdictLine] = TypeAdapter(
    Annotated[_HeaderLine | _AnswerLine | _TrialLine | _VerdictLine, Field(discriminator="kind")]
)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a transcript holds.

    Attributes:
        header: Its first line.
        observations: Its answers, in the order they came.
        outcome: How its last run ended; None when that was cut short.
        ended: When that was, in UTC; None when it was cut short.
        trials: Its answers about controls, and about samples in other ways, in the order they came.
    """

    header: Header
    observations: tuple[Observed, ...]
    outcome: Outcome | None
    ended: str | None = None
    trials: tuple[Trial, ...] = ()


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

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Refuse other writers while the block runs; TranscriptError says who holds the file already."""
        with _log(self.path).hold():
            yield

    def read_header(self) -> Header | None:
        """Return the header of the transcript that is there; None when there is none, or only a part of a line.

        Raises:
            TranscriptError: When the file cannot be read, or is not a transcript.
        """
        log = _log(self.path)
        content = drop_damaged_line(log.read()) if self.path.exists() else b""
        return _parse(log, content).header if content else None

    def start(self, header: Header) -> Recording:
        """Begin a transcript, or continue the one that is there.

        Raises:
            TranscriptError: When the file belongs to another verification, or is damaged.
        """
        log = _log(self.path)
        lines = log.start({"kind": "header", "started": self.clock(), **header.model_dump()})
        if not lines:
            return Recording(header=header, observations=(), outcome=None)
        recording = _parse(log, lines)
        log.refuse_another(
            recording.header, header, "another verification", "name a new file, or ask for the same test"
        )
        log.cut(len(lines))
        return recording

    def add(self, observed: Observed) -> None:
        """Write one answer; it is on the disk when this returns."""
        _log(self.path).append({"kind": "answer", "at": self.clock(), **_write(observed)})

    def add_trial(self, trial: Trial) -> None:
        """Write one answer about a control, or about a sample in another way; it is on the disk when this returns."""
        place = {"form": trial.form, "subject": trial.subject}
        _log(self.path).append({"kind": "trial", "at": self.clock(), **place, **_write(trial.observed)})

    def finish(self, verdict: Verdict) -> None:
        """Write how the run ended."""
        _log(self.path).append({"kind": "verdict", "at": self.clock(), **verdict.numbers()})


def read_transcript(path: Path | str) -> Recording:
    """Read a transcript without changing it; a damaged last line is left out.

    Raises:
        TranscriptError: When the file cannot be read, or is not a transcript.
    """
    log = _log(Path(path))
    return _parse(log, drop_damaged_line(log.read()))


def _log(path: Path) -> LineLog:
    return LineLog(path=path, noun="transcript", error=TranscriptError)


def _write(observed: Observed) -> dict[str, Any]:
    """Return an answer as it is written: without how it was judged, which follows from all answers."""
    return {name: value for name, value in asdict(observed).items() if name != "differs"}


def _parse(log: LineLog, content: bytes) -> Recording:
    """Return what the undamaged lines in `content` say."""
    header: Header | None = None
    observations: list[Observed] = []
    trials: list[Trial] = []
    outcome: Outcome | None = None
    ended: str | None = None
    for number, text in enumerate(content.splitlines(), start=1):
        line = log.parse(_LINE.validate_json, number, text)
        if isinstance(line, _HeaderLine) != (number == 1):
            raise TranscriptError(f"{log.path}: line {number}: a transcript has one header, in its first line")
        if isinstance(line, _HeaderLine):
            header = Header(**line.model_dump(include=set(Header.model_fields)))
        elif isinstance(line, _VerdictLine):
            outcome, ended = Outcome(line.outcome), ascii(line.at)[1:-1]
        elif outcome is not None and outcome.decided:
            raise TranscriptError(f"{log.path}: line {number}: an answer after the verdict {outcome}")
        else:
            outcome = ended = None  # a run that ended without a decision is being continued
            seen = Observed(index=line.index, png_sha256=line.png_sha256, expected=line.expected, answer=line.answer)
            if isinstance(line, _TrialLine):
                trials.append(Trial(form=line.form, subject=line.subject, observed=seen))
            else:
                observations.append(seen)
    if header is None:
        raise TranscriptError(f"{log.path}: empty, or cut off in its first line")
    return Recording(
        header=header, observations=tuple(observations), outcome=outcome, ended=ended, trials=tuple(trials)
    )
