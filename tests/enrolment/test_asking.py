"""Questions to deployments: order, threads, limits, logs and hints."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from modelprint.enrolment.asking import PATIENCE, Deployments
from modelprint.enrolment.plan import Turn
from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture

PICTURES = [Picture.of(np.full((1, 2, 2), grey, dtype=np.uint8)) for grey in range(12)]


class Answering:
    """Answers with the grey level modulo three, and notes what it was asked."""

    def __init__(self, name: str = "answering", failing: int = 0) -> None:
        self.name, self.failing = name, failing
        self.asked: list[int] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def ask(self, picture: Picture) -> Answer:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.asked.append(int(picture.pixels[0, 0, 0]))
            failed = len(self.asked) <= self.failing
        time.sleep(0.002)
        with self._lock:
            self._now -= 1
        if failed:
            return Answer(problem="busy")
        return Answer(label=int(picture.pixels[0, 0, 0]) % 3, server={"via": self.name})

    def describe(self) -> dict[str, str]:
        return {"kind": "answering", "name": self.name}


def test_answers_come_by_deployment_and_picture() -> None:
    """Whatever the order of the questions."""
    oracles = [Answering("a"), Answering("b")]
    deployments = Deployments(oracles, 3, concurrency=4, seed=1)

    for turn in (Turn(name="plain"), Turn(name="mixed", shuffled=True), Turn(name="many", concurrent=True)):
        answers = deployments.ask_turn(PICTURES, turn, "asking")

        assert [[one.label for one in of_one] for of_one in answers] == [[grey % 3 for grey in range(12)]] * 2
    assert deployments.asked == 72
    assert oracles[0].asked[:12] == list(range(12))
    assert oracles[0].asked[12:24] != list(range(12))
    assert deployments.hints == ({"via": ["a"]}, {"via": ["b"]})


def test_several_questions_are_asked_at_a_time_only_where_wanted() -> None:
    """At most as many as allowed."""
    alone, several = Answering(), Answering()

    Deployments([alone], 3, concurrency=4).ask_turn(PICTURES, Turn(name="alone"), "asking")
    Deployments([several], 3, concurrency=4).ask_turn(PICTURES, Turn(name="many", concurrent=True), "asking")

    assert alone.most == 1
    assert 2 <= several.most <= 4


def test_a_paused_turn_waits_unless_all_is_answered(tmp_path: Path) -> None:
    """An interrupted run does not wait for what it knows."""
    waits: list[float] = []
    turn = Turn(name="later", paused=True)

    for _ in range(2):
        deployments = Deployments([Answering()], 3, folder=tmp_path, pause=7.0, sleep=waits.append)
        deployments.ask_turn(PICTURES, turn, "asking")

    assert waits == [7.0]
    assert (deployments.asked, deployments.recalled) == (0, 12)


def test_an_answer_is_waited_for_a_few_times() -> None:
    """Then the error says why; an answer beyond the classes is none."""
    assert Deployments([Answering(failing=PATIENCE - 1)], 3).ask_label(PICTURES[4]) == 1

    with pytest.raises(OracleError, match=r"no label in 3 questions about one picture: busy$"):
        Deployments([Answering(failing=PATIENCE)], 3).ask_label(PICTURES[4])
    with pytest.raises(OracleError, match="class 2 of 2"):
        Deployments([Answering()], 2).ask_label(PICTURES[2])


def test_the_limit_holds_for_all_threads(tmp_path: Path) -> None:
    """Not one question more; the log is named."""
    oracle = Answering()
    deployments = Deployments([oracle], 3, concurrency=4, most_questions=5, folder=tmp_path)

    with pytest.raises(OracleError, match=r"all 5 questions that were allowed are asked; the answers so far are in"):
        deployments.ask_turn(PICTURES, Turn(name="many", concurrent=True), "asking")

    assert len(oracle.asked) == 5


def test_a_log_of_another_enrolment_is_refused(tmp_path: Path) -> None:
    """The subject is part of it."""
    Deployments([Answering()], 3, folder=tmp_path, subject="one").ask_label(PICTURES[0])

    with pytest.raises(OracleError, match="another oracle or another check"):
        Deployments([Answering()], 3, folder=tmp_path, subject="other").ask_label(PICTURES[0])


def test_a_deployment_is_needed() -> None:
    """Without one there is nothing to enrol."""
    with pytest.raises(ValueError, match="at least one deployment"):
        Deployments([], 3)
