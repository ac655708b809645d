"""An oracle whose answers are kept in a file, so that an interrupted run does not ask for them again. Needs no torch.

The file is a log of JSON lines: a header with the oracle's description, then one line for each answer as it arrives.

    {"kind": "answers", "format": 1, "oracle": {"kind": "http", "url": "https://..."}, "subject": "5c0e..."}
    {"kind": "answer", "png_sha256": "9f86...", "answer": {"label": 3, "named": "cat", "tie": false, ...}}
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from modelprint.errors import OracleError
from modelprint.oracles.line_log import STRICT, LineLog
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.pixels import Picture

ADVICE = "name another folder, or delete this file to ask again"


class _LogHeader(BaseModel):
    """The first line: whose answers these are, and what they are for."""

    model_config = STRICT

    kind: Literal["answers"] = "answers"
    format: Literal[1] = 1
    oracle: dict[str, str]
    subject: str = ""


class _LoggedAnswer(BaseModel):
    """One answer as it is written."""

    model_config = STRICT

    kind: Literal["answer"] = "answer"
    png_sha256: str
    answer: Answer


_LINE: TypeAdapter[_LogHeader | _LoggedAnswer] = TypeAdapter(
    Annotated[_LogHeader | _LoggedAnswer, Field(discriminator="kind")]
)


def has_label(answer: Answer) -> bool:
    """Whether an answer names a class, also when two classes share the best score."""
    return answer.label is not None


def has_class(answer: Answer, class_count: int) -> bool:
    """Whether the label of an answer is one of so many classes."""
    return answer.label is not None and 0 <= answer.label < class_count


class RecordedOracle:
    """Wraps any oracle; asks it about each picture once, and keeps the answers. Several threads may ask.

    Attributes:
        oracle: The wrapped oracle.
        path: The log; None keeps the answers in memory only.
        asked: How many questions the wrapped oracle was asked.
        recalled: How many pictures were answered from the log of an earlier run.
    """

    def __init__(
        self,
        oracle: Oracle,
        path: Path | None = None,
        *,
        subject: str = "",
        keep: Callable[[Answer], bool] = has_label,
    ) -> None:
        """Read the log at `path`, or begin it.

        Args:
            oracle: The oracle to wrap.
            path: The log; its folder is made when it is not there.
            subject: What the answers are for, e.g. the digest of a fingerprint; a log for another subject is refused.
            keep: Which answers are worth keeping; the others are asked for again.

        Raises:
            OracleError: The file is the log of another oracle or subject, is damaged, or is not such a log.
        """
        self.oracle, self.path = oracle, path
        self.asked = self.recalled = 0
        self._keep = keep
        self._lock = threading.Lock()
        self._log: LineLog | None = None
        self._answers: dict[str, Answer] = {}
        if path is not None:
            self._log = LineLog(path=path, noun="log of answers", error=OracleError, synced=False)
            self._answers = _read_or_start(self._log, _LogHeader(oracle=oracle.describe(), subject=subject))
        self._earlier = set(self._answers)

    def ask(self, picture: Picture) -> Answer:
        """Return the answer that is kept for `picture`, or ask for one and keep it."""
        key = picture.sha256
        if key not in self._answers:
            answer = self.ask_again(picture)
            return self._store(key, answer) if self._keep(answer) else answer
        with self._lock:
            if key in self._earlier:
                self._earlier.remove(key)
                self.recalled += 1
        return self._answers[key]

    def ask_again(self, picture: Picture) -> Answer:
        """Ask the wrapped oracle even if an answer is kept; the new one is not."""
        with self._lock:
            self.asked += 1
        return self.oracle.ask(picture)

    def _store(self, key: str, answer: Answer) -> Answer:
        """Keep an answer, unless another thread was first with the same picture; return the one kept."""
        with self._lock:
            if key not in self._answers:
                self._answers[key] = answer
                if self._log is not None:
                    self._log.append(_LoggedAnswer(png_sha256=key, answer=answer).model_dump())
            return self._answers[key]

    def knows(self, picture: Picture) -> bool:
        """Whether an answer about `picture` is kept, so that asking costs nothing."""
        return picture.sha256 in self._answers

    def describe(self) -> dict[str, str]:
        """Return the description of the wrapped oracle."""
        return self.oracle.describe()


def _read_or_start(log: LineLog, header: _LogHeader) -> dict[str, Answer]:
    """Return the answers in `log`, by the SHA-256 of the picture; begin it when there is none."""
    try:
        log.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise log.error(f"{log.path.parent}: cannot be made: {problem.strerror or problem}") from problem
    content = log.start(header.model_dump())
    answers = {}
    for number, text in enumerate(content.splitlines(), start=1):
        line = log.parse(_LINE.validate_json, number, text)
        if isinstance(line, _LogHeader) != (number == 1):
            raise log.error(f"{log.path}: line {number}: a {log.noun} has one header, in its first line")
        if isinstance(line, _LogHeader):
            log.refuse_another(line, header, "another oracle or another check", ADVICE)
        else:
            answers[line.png_sha256] = line.answer
    if content:
        log.cut(len(content))
    return answers
