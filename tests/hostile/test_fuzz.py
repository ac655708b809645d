"""The fuzz finds what it is made for, counts every input once, and continues where it was stopped."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from modelprint.engine import Job, JobResult
from modelprint.errors import DataError
from tests.hostile import blocks, fuzz
from tests.hostile.blocks import Block, Figures, make_input, measure, run_block
from tests.hostile.readers import READERS, Reader

CHEAP = "path into a reply"


def read_by(path: Path) -> object:
    """Do what the input says."""
    said = path.read_text()
    if said == "typed":
        raise DataError("no data")
    if said == "long":
        raise DataError("x" * 10_000)
    if said == "untyped":
        raise ZeroDivisionError("by zero\n\x1b")
    if said == "warns":
        warnings.warn("look", stacklevel=1)
    return sum(range(2_000_000)) if said == "slow" else bytearray(LARGE) if said == "large" else said


LARGE = 400 * 2**20
"""More bytes than a process of the suite has freed and kept to use again."""

OBEDIENT = replace(READERS[CHEAP], errors=(DataError,), read=read_by)


def say(text: str, folder: Path, reader: Reader = OBEDIENT) -> Figures:
    """Return what is measured when the reader does `text`."""
    return measure(reader, reader.place(reader, text.encode(), folder), 3)


def test_each_outcome_is_counted(tmp_path: Path) -> None:
    """Accepted, refused by the reader's own error, or untyped; messages stay messages."""
    found = {text: say(text, tmp_path) for text in ("fine", "typed", "long", "warns", "untyped")}

    assert [(one.inputs, one.accepted, one.untyped) for one in found.values()] == [
        (1, 1, 0),
        (1, 0, 0),
        (1, 0, 0),
        (1, 1, 0),
        (1, 0, 1),
    ]
    assert found["warns"].broken == {"3": "a warning: look"}
    assert found["untyped"].broken == {"3": "ZeroDivisionError: by zero \\x1b"}


def test_time_and_memory_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processor time and the peak of memory of one input; above a limit the input is named."""
    monkeypatch.setattr(blocks, "SECONDS", 0.01)
    monkeypatch.setattr(blocks, "GROWTH_MB", 40)
    blocks.start_measuring()

    slow, large = say("slow", tmp_path), say("large", tmp_path)

    assert slow.broken["3"].endswith(" s")
    assert large.growth > 40
    assert large.broken["3"].endswith(" MB")
    assert say("fine", tmp_path).growth < 40


def test_an_input_follows_from_seed_reader_and_number() -> None:
    """So it can be made again from the figures."""
    valid = READERS[CHEAP].valid(Path())

    made = [make_input(CHEAP, seed, index, list(valid)) for seed in (1, 2) for index in range(20)]

    assert made == [make_input(CHEAP, seed, index, list(valid)) for seed in (1, 2) for index in range(20)]
    assert len(set(made)) > 25


def test_all_readers_share_the_inputs() -> None:
    """To the last one, in blocks of a few hundred."""
    planned = fuzz.plan_blocks(100_000, seed=1)

    assert sum(block.stop - block.start for block in planned) == 100_000
    assert {block.reader for block in planned} == set(READERS)
    assert max(block.stop - block.start for block in planned) == fuzz.BLOCK


def test_a_block_is_read_and_its_worst_input_named(tmp_path: Path) -> None:
    """One process, no workers."""
    found = run_block(Block(reader=CHEAP, seed=1, start=10, stop=60), str(tmp_path))

    assert (found.inputs, found.untyped, found.broken) == (50, 0, {})
    assert 10 <= found.slowest_index < 60
    assert not list(tmp_path.glob("at-*"))


@pytest.mark.heavy
def test_a_stopped_run_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the log has is not read again, a torn line is; the figures are those of all inputs."""
    planned = fuzz.plan_blocks(2_500, seed=1, only=CHEAP)
    first = fuzz.fuzz(planned, tmp_path, workers=2)
    log = tmp_path / "blocks.jsonl"
    kept = log.read_text().splitlines(keepends=True)
    log.write_text("".join(kept[:3]) + kept[3][:20] + "\n")

    second = fuzz.fuzz(planned, tmp_path, workers=2)

    assert {json.loads(line)["key"] for line in kept} == {block.key for block in planned}
    for name in ("inputs", "accepted", "untyped"):
        assert getattr(first[CHEAP], name) == getattr(second[CHEAP], name)
    assert second[CHEAP].inputs == 2_500
    assert f"| {CHEAP} | 2500 |" in fuzz.write_table(second)


@pytest.mark.heavy
def test_every_reader_holds(tmp_path: Path) -> None:
    """Three thousand inputs over all readers, as `make fuzz` reads a million."""
    figures = fuzz.fuzz(fuzz.plan_blocks(3_000, seed=5), tmp_path, workers=2)

    assert sum(found.inputs for found in figures.values()) == 3_000
    assert {name: found.broken for name, found in figures.items() if found.broken} == {}


def test_an_input_that_kills_a_worker_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    """A stand-in for worker processes dies at input 7, as often as it is tried."""
    planned = [Block(reader=CHEAP, seed=1, start=0, stop=20)]

    class Dying:
        """Performs jobs here; one that contains input 7 fails there."""

        def run(self, jobs: list[Job[Figures]]) -> object:
            for job in jobs:
                part = fuzz._parse_part(job.key)
                if part.start <= 7 < part.stop:
                    blocks.marker_of(part, tmp_path).write_bytes((7).to_bytes(8, "little"))
                    yield JobResult(key=job.key, problem="its worker died 2 times")
                else:
                    yield JobResult(key=job.key, value=Figures(inputs=part.stop - part.start))

    ((_, found),) = fuzz._run(planned, tmp_path, Dying())  # type: ignore[arg-type]

    assert (found.inputs, found.untyped) == (20, 1)
    assert found.broken == {"7": "its worker died 2 times"}
