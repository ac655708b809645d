"""The status says how far a run is, row by row."""

import json
from dataclasses import replace

import pytest

from modelprint.bench.detection.observation import OBSERVATIONS
from modelprint.bench.folder import RunFolder
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.status import status, status_of_folder
from modelprint.errors import BenchError


def test_the_status_says_what_is_there(whole: RunFolder, tiny_plan: str) -> None:
    """Row by row, without touching anything; a run may be under way."""
    lines = whole.file(OBSERVATIONS).read_bytes().splitlines(keepends=True)
    whole.file(OBSERVATIONS).write_bytes(b"".join([*lines[:5], b"garbage\n"]))

    found = status_of_folder(whole.path)

    assert [(row.kind, row.found, row.planned) for row in found.rows] == [
        ("prune-20", 3, 3), ("flip-sign", 2, 6), ("bit-flip", 0, 3), ("none", 0, 3)
    ]  # fmt: skip
    assert (found.found, found.planned, found.running) == (5, 15, False)
    assert len(found.damaged) == 1
    assert json.loads(json.dumps(found.to_record()))["planned"] == 15
    assert status(parse_plan(tiny_plan), "laptop", RunFolder(whole.path / "none")).found == 0
    with pytest.raises(BenchError, match="is no folder of a run"):
        status_of_folder(whole.path / "none")
    with pytest.raises(BenchError, match="holds a run of plan tiny at scale laptop"):
        status(replace(parse_plan(tiny_plan), name="other"), "laptop", whole)
