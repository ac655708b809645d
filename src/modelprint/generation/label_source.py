"""The labels of an oracle: asked one picture at a time, never twice for the same picture, and recorded in a file."""

from functools import partial
from pathlib import Path

import torch

from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.oracles.recorded import RecordedOracle, has_class
from modelprint.pixels import Picture, Pixels
from modelprint.tensors import Labels

PATIENCE = 3
"""Questions about one picture before the work ends without an answer."""

UNSTEADY = -1
"""Label of a picture whose answers differ, or are a tie."""


class LabelSource:
    """Asks an oracle for labels, one picture at a time, and remembers the answers."""

    def __init__(self, oracle: Oracle, class_count: int, limit: int | None, record: Path | None) -> None:
        """Take the oracle, its number of classes, the most questions to ask, and the file of the record.

        Raises:
            OracleError: The record belongs to another oracle, or is damaged.
        """
        self._class_count = class_count
        self._limit = limit
        self._recorded = RecordedOracle(oracle, record, keep=partial(has_class, class_count=class_count))

    @property
    def asked(self) -> int:
        """How many questions were asked."""
        return self._recorded.asked

    @property
    def recalled(self) -> int:
        """How many pictures were answered from the record of an interrupted call."""
        return self._recorded.recalled

    def __call__(self, pixels: Pixels) -> Labels:
        """Return the label of each image.

        Raises:
            OracleError: There is no answer, or no more questions may be asked.
        """
        return torch.tensor([self._ask(Picture.of(one)).label for one in pixels], dtype=torch.int64)

    def ask_again(self, picture: Picture) -> int:
        """Ask about `picture` even if its label is known; UNSTEADY when the answer is a tie."""
        answer = self._ask(picture, again=True)
        assert answer.label is not None
        return UNSTEADY if answer.tie else answer.label

    def recall(self, picture: Picture) -> int | None:
        """Return the label of a picture that was asked about already; None when it was not, and for a tie."""
        if not self._recorded.knows(picture):
            return None
        answer = self._recorded.ask(picture)
        return None if answer.tie else answer.label

    def _ask(self, picture: Picture, *, again: bool = False) -> Answer:
        """Return an answer with a label, which may be that of a tie."""
        if not again and self._recorded.knows(picture):
            return self._recorded.ask(picture)
        problem = ""
        for _ in range(PATIENCE):
            if self.asked == self._limit:
                raise OracleError(f"all {self._limit} questions that were allowed are asked{self._resume_hint()}")
            answer = self._recorded.ask_again(picture) if again else self._recorded.ask(picture)
            if has_class(answer, self._class_count):
                return answer
            problem = answer.problem or f"class {answer.label} of {self._class_count}"
        raise OracleError(f"no label in {PATIENCE} questions about one picture: {problem}{self._resume_hint()}")

    def _resume_hint(self) -> str:
        path = self._recorded.path
        return "" if path is None else f"; answers so far are in {path}, and count when you try again"
