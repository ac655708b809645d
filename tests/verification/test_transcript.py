"""A transcript survives a crash, continues only what it belongs to, and never destroys what is no transcript."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelprint.errors import TranscriptError
from modelprint.oracles import line_log
from modelprint.oracles.oracle import Answer
from modelprint.verification.transcript import Header, Recording, Transcript, read_transcript, utc_now
from modelprint.verification.verdict import Observed, Outcome, Verdict

HEADER = Header(fingerprint="f" * 64, oracle={"kind": "fake"}, alpha=1e-3, beta=1e-2, p0=1e-4, p1=0.25, queries=20)
ANSWERS = tuple(
    Observed(index=index, png_sha256=f"{index:064x}", expected=1, answer=Answer(label=index % 2, named="Käse"))
    for index in range(3)
)
VERDICT = Verdict(
    outcome=Outcome.TAMPERED,
    reasons=("2 of 3 labels differ",),
    p_value=1e-4,
    alpha=1e-3,
    beta=1e-2,
    p0=1e-4,
    p1=0.25,
    queries=20,
    asked=3,
    answered=3,
    matched=1,
    mismatched=2,
    tied=0,
    failed=0,
    observations=ANSWERS,
    remap=None,
    fingerprint="f" * 64,
    oracle={"kind": "fake"},
)


@pytest.fixture
def written(tmp_path: Path) -> Transcript:
    """A transcript of three answers, cut short before a verdict."""
    transcript = Transcript(tmp_path / "t.jsonl", clock=lambda: "2026-01-31T12:00:00Z")
    transcript.start(HEADER)
    for observed in ANSWERS:
        transcript.add(observed)
    return transcript


def test_a_line_is_one_json_object(written: Transcript) -> None:
    """Any tool can read it: the header first, then what was asked, expected and answered."""
    lines = [json.loads(line) for line in written.path.read_text().splitlines()]

    assert lines[0] == {
        "kind": "header",
        "started": "2026-01-31T12:00:00Z",
        "format": 1,
        "fingerprint": "f" * 64,
        "oracle": {"kind": "fake"},
        "alpha": 1e-3,
        "beta": 1e-2,
        "p0": 1e-4,
        "p1": 0.25,
        "queries": 20,
        "accept": [],
        "rules": 1,
        "min_answers": 0,
        "run": 0,
        "order": [],
        "controls": 0,
        "forms": [],
        "answers": "label",
    }
    assert [(line["kind"], line["index"], line["answer"]["label"]) for line in lines[1:]] == [
        ("answer", 0, 0),
        ("answer", 1, 1),
        ("answer", 2, 0),
    ]


def test_what_is_written_is_what_is_read(written: Transcript) -> None:
    """Header and answers come back equal."""
    assert read_transcript(written.path) == Recording(header=HEADER, observations=ANSWERS, outcome=None)


def test_a_verdict_ends_it(written: Transcript) -> None:
    """The outcome is read back; an answer after a decision is refused."""
    written.finish(VERDICT)
    assert read_transcript(written.path).outcome is Outcome.TAMPERED

    written.add(ANSWERS[0])
    with pytest.raises(TranscriptError, match="line 6: an answer after the verdict tampered"):
        read_transcript(written.path)


def test_an_inconclusive_run_may_go_on(written: Transcript) -> None:
    """Giving up is not a decision."""
    written.finish(replace(VERDICT, outcome=Outcome.INCONCLUSIVE))
    written.add(ANSWERS[0])

    assert read_transcript(written.path).outcome is None


def test_starting_again_takes_up_the_answers(written: Transcript) -> None:
    """The same verification continues; the file is not touched by looking."""
    before = written.path.read_bytes()

    recording = written.start(HEADER)

    assert recording.observations == ANSWERS
    assert written.path.read_bytes() == before


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_torn_last_line_is_dropped(written: Transcript, data: st.DataObject) -> None:
    """Wherever a crash cuts the file, what was whole is kept and the next line starts a new one."""
    whole = written.path.read_bytes()
    size = data.draw(st.integers(0, len(whole)))
    torn = Transcript(written.path.with_name("torn.jsonl"))
    torn.path.write_bytes(whole[:size])

    recording = torn.start(HEADER)
    torn.add(ANSWERS[0])

    kept = max(whole[:size].count(b"\n") - 1, 0)
    assert recording.observations == ANSWERS[:kept]
    assert read_transcript(torn.path).observations == (*ANSWERS[:kept], ANSWERS[0])


def test_reading_leaves_a_torn_line_where_it_is(written: Transcript) -> None:
    """Only whoever writes may repair."""
    torn = written.path.read_bytes()[:-5]
    written.path.write_bytes(torn)

    assert read_transcript(written.path).observations == ANSWERS[:2]
    assert written.path.read_bytes() == torn


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"fingerprint": "0" * 64}, "fingerprint"),
        ({"oracle": {"kind": "other"}}, "oracle"),
        ({"alpha": 0.1}, "alpha"),
        ({"beta": 0.1}, "beta"),
        ({"p0": 0.01}, "p0"),
        ({"p1": 0.5}, "p1"),
        ({"queries": 19}, "queries"),
    ],
)
def test_another_verification_is_not_continued(written: Transcript, change: dict[str, object], name: str) -> None:
    """Mixing two tests in one file would break the error rates; the message says what differs."""
    before = written.path.read_bytes()

    with pytest.raises(TranscriptError, match=f"belongs to another verification: its {name} is "):
        written.start(HEADER.model_copy(update=change))

    assert written.path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"my thesis", b"my thesis\n", b"{}\n", b'{"kind": "answer"}\n', b"\x00" * 100, b"\n", b'{"kind": "headless"'],
)
def test_a_file_that_is_no_transcript_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    """A mistyped name costs nothing."""
    path = tmp_path / "thesis.txt"
    path.write_bytes(content)

    with pytest.raises(TranscriptError, match=r"thesis\.txt: "):
        Transcript(path).start(HEADER)

    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda lines: [*lines[:2], b"{oops}", *lines[2:]], "line 3: "),
        (lambda lines: lines[1:], "line 1: a transcript has one header, in its first line"),
        (lambda lines: [lines[0], *lines], "line 2: a transcript has one header, in its first line"),
        (lambda lines: [lines[0].replace(b'"format": 1', b'"format": 2'), *lines[1:]], "line 1: header.format: "),
        (lambda lines: [lines[0].replace(b"0.25", b"NaN"), *lines[1:]], "line 1: "),
        (
            lambda lines: [lines[0].replace(b'"queries": 20', b'"queries": "20"'), *lines[1:]],
            "line 1: header.queries: ",
        ),
        (lambda lines: [lines[0], lines[1].replace(b'"label": 0', b'"label": 0.5')], "line 2: answer.answer.label: "),
        (lambda lines: [lines[0], lines[1].replace(b'"index"', b'"inde\\u001bx"')], "line 2: answer"),
        (lambda lines: [lines[0], b'{"kind": "novelty"}'], "line 2: "),
        (lambda lines: [lines[0], b"[" * 5000], "line 2: "),
    ],
)
def test_a_damaged_line_is_named(written: Transcript, spoil: object, expected: str) -> None:
    """The message says which line and what about it, in one printable line."""
    assert callable(spoil)
    written.path.write_bytes(b"\n".join(spoil(written.path.read_bytes().splitlines())) + b"\n")

    with pytest.raises(TranscriptError) as caught:
        read_transcript(written.path)

    assert expected in str(caught.value)
    assert str(caught.value).isprintable()


def test_empty_missing_and_huge_files_are_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commonest mistakes have plain messages."""
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(bytes(101))
    monkeypatch.setattr(line_log, "LOG_BYTES", 100)

    with pytest.raises(TranscriptError, match="empty: empty, or cut off in its first line"):
        read_transcript(tmp_path / "empty")
    with pytest.raises(TranscriptError, match="none: cannot be read: No such file"):
        read_transcript(tmp_path / "none")
    with pytest.raises(TranscriptError, match="large: larger than 100 bytes"):
        read_transcript(tmp_path / "large")


def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    """Starting writes the header, so a wrong folder shows at once."""
    with pytest.raises(TranscriptError, match=r"nowhere/t\.jsonl: cannot be written: No such file"):
        Transcript(tmp_path / "nowhere" / "t.jsonl").start(HEADER)


def test_an_answer_is_on_the_disk_when_adding_returns(written: Transcript, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is forced out before the next question, so a power cut loses no spent sample."""
    forced: list[int] = []
    monkeypatch.setattr(line_log.os, "fsync", lambda number: forced.append(os.fstat(number).st_size))

    written.add(ANSWERS[0])

    assert forced == [written.path.stat().st_size]


def test_the_clock_tells_utc() -> None:
    """Times end in Z and have no fractions."""
    assert len(utc_now()) == len("2026-01-31T12:00:00Z")
    assert utc_now().endswith("Z")
