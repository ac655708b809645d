"""Asking deployments: within a number of questions, several at a time where wanted, and never twice for one answer.

Every answer is kept in a log of `oracles/recorded.py`, one for each deployment and way of asking, so that the same
answers lead to the same questions and an interrupted enrolment goes on where it stopped.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import TypeVar

from modelprint.enrolment.plan import Turn
from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.oracles.recorded import RecordedOracle, has_class
from modelprint.pixels import Picture
from modelprint.progress import Progress, ignore_progress

PATIENCE = 3
"""Questions about one picture before the enrolment stops without an answer."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Deployments:
    """One or several deployments of the same model, e.g. replicas, that all questions go to."""

    def __init__(
        self,
        oracles: Sequence[Oracle],
        class_count: int,
        *,
        subject: str = "",
        folder: Path | None = None,
        concurrency: int = 1,
        most_questions: int | None = None,
        seed: int = 0,
        pause: float = 0.0,
        progress: Progress = ignore_progress,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the oracles and how they are asked.

        Args:
            oracles: At least one.
            class_count: Number of classes; a label beyond it is no answer.
            subject: What the answers are for; a log of another subject is refused.
            folder: Where the logs are; None keeps the answers in memory.
            concurrency: Most questions at a time.
            most_questions: Most questions in all; None for any number.
            seed: Of the order of questions.
            pause: Seconds before a turn that is paused.
            progress: Called after every question of a turn.
            sleep: Waits for some seconds.
        """
        if not oracles:
            raise ValueError("an enrolment needs at least one deployment")
        self.oracles = tuple(oracles)
        self.class_count, self.concurrency = class_count, concurrency
        self.asked = 0
        self.hints: tuple[dict[str, list[str]], ...] = tuple({} for _ in oracles)
        self._subject, self._folder, self._most = subject, folder, most_questions
        self._seed, self._pause, self._progress, self._sleep = seed, pause, progress, sleep
        self._logs: dict[tuple[int, str], RecordedOracle] = {}
        self._lock = threading.Lock()

    @property
    def recalled(self) -> int:
        """How many questions had got their answer in an interrupted run."""
        return sum(log.recalled for log in self._logs.values())

    def ask_turn(self, pictures: Sequence[Picture], turn: Turn, phase: str) -> list[list[Answer]]:
        """Return the answers of each deployment to each picture.

        Args:
            pictures: What is asked about.
            turn: How.
            phase: What progress calls it; together with the turn it names the logs.

        Raises:
            OracleError: A picture got no answer, or the questions are used up.
        """
        logs = [self._open_log(index, f"{phase}, {turn.name}") for index in range(len(self.oracles))]
        if turn.paused and self._pause and not all(log.knows(one) for log in logs for one in pictures):
            self._sleep(self._pause)
        order = [(place, index) for index in range(len(pictures)) for place in range(len(logs))]
        if turn.shuffled:
            random.Random(f"{self._seed} {phase} {turn.name}").shuffle(order)
        found: dict[tuple[int, int], Answer] = {}

        def ask(item: tuple[int, int]) -> None:
            found[item] = self._ask(item[0], logs[item[0]], pictures[item[1]])

        self.run_all(order, ask, f"{phase}: {turn.name}", several=turn.concurrent)
        return [[found[place, index] for index in range(len(pictures))] for place in range(len(logs))]

    def ask_label(self, picture: Picture) -> int | None:
        """Return the label that the first deployment gives a picture on a walk; None when two classes tie.

        Several threads may call. Raises OracleError as `ask_turn` does.
        """
        answer = self._ask(0, self._open_log(0, "walks"), picture)
        return None if answer.tie else answer.label

    def run_all(
        self, items: Sequence[Item], work: Callable[[Item], Result], phase: str, *, several: bool = True
    ) -> list[Result]:
        """Return the result of `work` for each item, some of them at a time; the first error ends it."""
        results: list[Result] = []
        self._progress(phase, 0, len(items))
        if not several or self.concurrency == 1:
            for item in items:
                results.append(work(item))
                self._progress(phase, len(results), len(items))
            return results
        pool = ThreadPoolExecutor(self.concurrency)
        try:
            futures = [pool.submit(work, item) for item in items]
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                self._progress(phase, done, len(items))
            return [future.result() for future in futures]
        finally:
            pool.shutdown(cancel_futures=True)  # after an error or Ctrl-C, what has not begun is not asked

    def _open_log(self, place: int, name: str) -> RecordedOracle:
        with self._lock:
            if (place, name) not in self._logs:
                words = "".join(sign if sign.isalnum() else " " for sign in name).split()
                path = None if self._folder is None else self._folder / f"{'-'.join([*words, str(place)])}.jsonl"
                keep = partial(has_class, class_count=self.class_count)
                oracle = self.oracles[place]
                self._logs[place, name] = RecordedOracle(oracle, path, subject=f"{self._subject} {name}", keep=keep)
            return self._logs[place, name]

    def _ask(self, place: int, log: RecordedOracle, picture: Picture) -> Answer:
        """Return an answer with a label, which may be that of a tie."""
        problem = ""
        for _ in range(PATIENCE):
            if not log.knows(picture):
                self._reserve()
            answer = log.ask(picture)
            if has_class(answer, self.class_count):
                self._note_hints(place, answer)
                return answer
            problem = answer.problem or f"class {answer.label} of {self.class_count}"
        raise OracleError(f"no label in {PATIENCE} questions about one picture: {problem}{self._resume_hint()}")

    def _reserve(self) -> None:
        """Count one question before it is asked."""
        with self._lock:
            if self.asked == self._most:
                raise OracleError(f"all {self._most} questions that were allowed are asked{self._resume_hint()}")
            self.asked += 1

    def _note_hints(self, place: int, answer: Answer) -> None:
        with self._lock:
            for name, value in answer.server.items():
                seen = self.hints[place].setdefault(name, [])
                if value not in seen:
                    seen.append(value)

    def _resume_hint(self) -> str:
        if self._folder is None:
            return ""
        return f"; the answers so far are in {self._folder} and count when the same command is run again"
