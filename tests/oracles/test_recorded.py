"""No answer is paid for twice, and none is taken from a log that belongs to something else."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.oracles.recorded import RecordedOracle, has_class, has_label
from modelprint.pixels import Picture

PICTURES = [Picture.of(np.full((1, 2, 2), grey, dtype=np.uint8)) for grey in range(4)]
ANSWERS = {
    PICTURES[0].sha256: Answer(label=1, named="Käse", ranking=((1, 0.1 + 0.2), (None, 0.05)), printed=("0.3", "0.050")),
    PICTURES[1].sha256: Answer(label=0, named=0, tie=True, server={"via": "a\u2028b"}, status=200, attempts=2),
    PICTURES[2].sha256: Answer(label=2, named="cat"),
    PICTURES[3].sha256: Answer(label=3, named="dog"),
}


class Counting:
    """Answers from a table and counts."""

    def __init__(self, answer: Callable[[Picture], Answer] | None = None, name: str = "counting") -> None:
        self.answer = answer or (lambda picture: ANSWERS[picture.sha256])
        self.asked: list[str] = []
        self.name = name

    def ask(self, picture: Picture) -> Answer:
        self.asked.append(picture.sha256)
        return self.answer(picture)

    def describe(self) -> dict[str, str]:
        return {"kind": "counting", "name": self.name}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three answers, in a folder that was not there."""
    path = tmp_path / "new" / "answers.jsonl"
    oracle = RecordedOracle(Counting(), path, subject="five")
    for picture in PICTURES[:3]:
        oracle.ask(picture)
    return path


def test_it_is_an_oracle_and_answers_as_the_wrapped_one(log: Path) -> None:
    """Every field of an answer, whether it was just given or read from the log."""
    fresh, resumed = RecordedOracle(Counting()), RecordedOracle(Counting(), log, subject="five")

    assert isinstance(fresh, Oracle)
    assert fresh.describe() == Counting().describe()
    for picture in PICTURES:
        assert fresh.ask(picture) == resumed.ask(picture) == ANSWERS[picture.sha256]


def test_a_picture_is_asked_about_once(tmp_path: Path) -> None:
    """With and without a file."""
    for path in (None, tmp_path / "answers.jsonl"):
        inner = Counting()
        oracle = RecordedOracle(inner, path)

        for picture in [*PICTURES, *PICTURES]:
            oracle.ask(picture)

        assert inner.asked == [picture.sha256 for picture in PICTURES]
        assert (oracle.asked, oracle.recalled) == (4, 0)


def test_a_log_is_continued(log: Path) -> None:
    """Three of four answers are there; the fourth is asked for and kept."""
    inner = Counting()
    oracle = RecordedOracle(inner, log, subject="five")

    assert [oracle.knows(picture) for picture in PICTURES] == [True, True, True, False]
    for picture in [*PICTURES, *PICTURES]:
        oracle.ask(picture)

    assert inner.asked == [PICTURES[3].sha256]
    assert (oracle.asked, oracle.recalled) == (1, 3)
    assert len(log.read_bytes().splitlines()) == 5


def test_asking_again_reaches_the_oracle_and_changes_nothing(log: Path) -> None:
    """What is kept stays what it was."""
    before = log.read_bytes()
    oracle = RecordedOracle(Counting(lambda picture: Answer(label=7)), log, subject="five")

    assert oracle.ask_again(PICTURES[0]).label == 7
    assert oracle.ask(PICTURES[0]).label == 1
    assert log.read_bytes() == before


def test_an_answer_without_a_label_is_asked_for_again(tmp_path: Path) -> None:
    """By default; what else is not worth keeping is up to the caller."""
    answers = iter([Answer(problem="busy"), Answer(label=9), Answer(label=1)])
    oracle = RecordedOracle(
        Counting(lambda picture: next(answers)), tmp_path / "a.jsonl", keep=lambda answer: answer.label == 1
    )

    assert [oracle.ask(PICTURES[0]) for _ in range(4)] == [
        Answer(problem="busy"),
        Answer(label=9),
        Answer(label=1),
        Answer(label=1),
    ]
    assert len((tmp_path / "a.jsonl").read_bytes().splitlines()) == 2
    assert not has_label(Answer(problem="busy"))


@pytest.mark.parametrize(("label", "known"), [(None, False), (-1, False), (0, True), (2, True), (3, False)])
def test_a_label_is_one_of_the_classes(label: int | None, known: bool) -> None:
    """Of three."""
    assert has_class(Answer(label=label), 3) is known


def test_a_line_is_one_json_object(log: Path) -> None:
    """Any tool can read it."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert lines[0] == {
        "kind": "answers",
        "format": 1,
        "oracle": {"kind": "counting", "name": "counting"},
        "subject": "five",
    }
    assert [line["png_sha256"] for line in lines[1:]] == [picture.sha256 for picture in PICTURES[:3]]
    assert lines[1]["answer"]["named"] == "Käse"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_last_line_is_dropped(log: Path, data: st.DataObject) -> None:
    """Wherever a crash cuts the file, the lines before it are kept and the next answer starts a new line."""
    whole = log.read_bytes()
    size = data.draw(st.integers(0, len(whole)))
    cut = log.with_name("cut.jsonl")
    cut.write_bytes(whole[:size])
    inner = Counting()

    oracle = RecordedOracle(inner, cut, subject="five")
    for picture in PICTURES[:3]:
        oracle.ask(picture)

    kept = max(whole[:size].count(b"\n") - 1, 0)
    assert len(inner.asked) == 3 - kept
    assert cut.read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "subject", "difference"),
    [
        ("another", "five", "its oracle is {'kind': 'counting', 'name': 'counting'}, not .*'another'"),
        ("counting", "six", "its subject is five, not six"),
    ],
)
def test_a_log_of_something_else_is_refused(log: Path, name: str, subject: str, difference: str) -> None:
    """With what differs and what to do; the file stays as it is, damaged line and all."""
    before = log.read_bytes() + b'{"kind": "ans'
    log.write_bytes(before)

    with pytest.raises(
        OracleError, match=f"belongs to another oracle or another check: {difference}.*delete this file"
    ):
        RecordedOracle(Counting(name=name), log, subject=subject)

    assert log.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"important notes", "not a log of answers; it is left as it is"),
        (b"important notes\n", "line 1: damaged"),
        (b'{"kind": "answer", "png_sha256": "0", "answer": {}}\n', "one header, in its first line"),
        (b'{"kind": "answers", "format": 2, "oracle": {}, "subject": ""}\n', "line 1: answers.format"),
    ],
)
def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path, content: bytes, problem: str) -> None:
    """Whatever it is, it may be worth more than a few answers."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    with pytest.raises(OracleError, match=problem):
        RecordedOracle(Counting(), path)

    assert path.read_bytes() == content


def test_a_second_header_is_refused(log: Path) -> None:
    """Two logs put together are not one."""
    log.write_bytes(2 * log.read_bytes())

    with pytest.raises(OracleError, match="line 5: a log of answers has one header"):
        RecordedOracle(Counting(), log, subject="five")


def test_a_log_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    """One line with the file and the reason."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OracleError, match="cannot be made"):
        RecordedOracle(Counting(), tmp_path / "file" / "answers.jsonl")


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from modelprint.oracles.oracle import Answer
from modelprint.oracles.recorded import RecordedOracle, has_class, has_label
from modelprint.pixels import Picture

class Two:
    asked = 0
    def ask(self, picture):
        self.asked += 1
        if self.asked == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return Answer(label=self.asked)
    def describe(self):
        return {"kind": "counting", "name": "counting"}

oracle = RecordedOracle(Two(), Path(sys.argv[1]))
for grey in range(4):
    oracle.ask(Picture.of(np.full((1, 2, 2), grey, dtype=np.uint8)))
"""


def test_answers_survive_a_kill(tmp_path: Path) -> None:
    """A process that is killed during its third question leaves the first two answers."""
    path = tmp_path / "answers.jsonl"

    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, check=False)

    inner = Counting()
    oracle = RecordedOracle(inner, path)
    assert done.returncode == -9, done.stderr
    assert [oracle.ask(picture).label for picture in PICTURES] == [1, 2, 2, 3]
    assert inner.asked == [picture.sha256 for picture in PICTURES[2:]]
