"""The folder of a run is read without trusting it."""

from pathlib import Path

import pytest

from modelprint.bench.reading import read_run
from modelprint.bench.record import RunRecord
from modelprint.errors import BenchError


def test_what_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """With the name of its file, and without the place of the folder."""
    (tmp_path / "record.json").write_text(RunRecord(plan="p", scale="smoke", problems=("a job failed",)).to_json())
    (tmp_path / "observations.jsonl").write_text("{}\n")
    (tmp_path / "timings.jsonl").write_text('{"label": "suspect a, seed 1", "seconds": 2}\n{"seconds": -1}\n')
    (tmp_path / "plan.toml").write_text('suspects = [{ row = "B" }, { row = "A" }, { row = "B" }]')

    run = read_run(tmp_path)

    assert run.problems[0] == "a job failed"
    assert run.problems[1].startswith("observations.jsonl, line 1: ")
    assert run.problems[2] == "timings.jsonl, line 2: not a timing"
    assert [(timing.part, timing.stage, timing.seconds) for timing in run.timings] == [("suspect a", "suspect", 2.0)]
    assert (run.rows, run.lines, run.folder) == (("B", "A"), (), tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    """The file that is missing is named."""
    with pytest.raises(BenchError, match=r"is no folder of a run: it has no record\.json"):
        read_run(tmp_path)
