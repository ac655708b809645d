"""The labels of an oracle: asked one picture at a time, never twice for the same picture, and recorded in a file."""

import json
from pathlib import Path

import torch

from modelprint.cache import write_text_atomically
from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.pixels import Picture, Pixels
from modelprint.tensors import Labels

PATIENCE = 3
"""Questions about one picture before the work ends without an answer."""

UNSTEADY = -1
"""Label of a picture whose answers differ, or are a tie."""


class LabelSource:
    """Asks an oracle for labels, one picture at a time, and remembers the answers.

    Attributes:
        asked: How many questions were asked.
        recalled: How many were answered from the record of an interrupted call.
    """

    def __init__(self, oracle: Oracle, class_count: int, limit: int | None, record: Path | None) -> None:
        """Take the oracle, its number of classes, the most questions to ask, and the file of the record."""
        self.asked = 0
        self.recalled = 0
        self._oracle = oracle
        self._class_count = class_count
        self._limit = limit
        self._record = record
        self._known = {} if record is None else _load_or_start(record, oracle)
        self._before = set(self._known)

    def __call__(self, pixels: Pixels) -> Labels:
        """Return the label of each image.

        Raises:
            OracleError: There is no answer, or no more questions may be asked.
        """
        return torch.tensor([self._label(Picture.of(one)) for one in pixels], dtype=torch.int64)

    def ask_again(self, picture: Picture) -> int:
        """Ask about `picture` even if its label is known; UNSTEADY when the answer is a tie."""
        answer = self._ask(picture)
        assert answer.label is not None
        return UNSTEADY if answer.tie else answer.label

    def _label(self, picture: Picture) -> int:
        key = picture.sha256
        if key not in self._known:
            label = self._ask(picture).label
            assert label is not None
            self._known[key] = label
            if self._record is not None:
                with self._record.open("a", encoding="utf-8") as file:
                    file.write(f"{key} {label}\n")
        elif key in self._before:
            self._before.remove(key)
            self.recalled += 1
        return self._known[key]

    def _ask(self, picture: Picture) -> Answer:
        """Return an answer with a label, which may be that of a tie."""
        problem = ""
        for _ in range(PATIENCE):
            if self.asked == self._limit:
                raise OracleError(f"all {self._limit} questions that were allowed are asked{self._resume_hint()}")
            self.asked += 1
            answer = self._oracle.ask(picture)
            if answer.label is not None and 0 <= answer.label < self._class_count:
                return answer
            problem = answer.problem or f"class {answer.label} of {self._class_count}"
        raise OracleError(f"no label in {PATIENCE} questions about one picture: {problem}{self._resume_hint()}")

    def _resume_hint(self) -> str:
        return "" if self._record is None else f"; answers so far are in {self._record}, and count when you try again"


def _load_or_start(record: Path, oracle: Oracle) -> dict[str, int]:
    """Return the answers in `record`, which is started again, empty, when it belongs to another oracle."""
    head = json.dumps(oracle.describe(), sort_keys=True)
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    entries = [line.split(" ") for line in lines[1:]] if lines[:1] == [head] else []
    # The last line may have been cut off.
    known = {entry[0]: int(entry[1]) for entry in entries if len(entry) == 2 and entry[1].isdecimal()}
    write_text_atomically(record, "\n".join([head, *(f"{key} {label}" for key, label in known.items()), ""]))
    return known
