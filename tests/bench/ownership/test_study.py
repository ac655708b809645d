"""The study of ownership is a run like any other: the same bytes on every executor, and after every stop."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelprint.bench.detection.observation import OBSERVATIONS
from modelprint.bench.folder import RunFolder
from modelprint.bench.lines import salvage_lines
from modelprint.bench.ownership.observation import (
    MATCHED,
    OWN,
    OWNERSHIP_LINES,
    PLAIN,
    SIBLING,
    OwnershipObservation,
    read_line,
)
from modelprint.bench.report import write_report
from modelprint.bench.status import status_of_folder
from modelprint.engine import EXECUTORS


def observations(folder: RunFolder) -> list[OwnershipObservation]:
    """Return what a run observed about ownership."""
    found, problems = salvage_lines(folder.file(OWNERSHIP_LINES), read_line)
    assert problems == []
    return found


def test_there_is_a_finding_for_every_suspect(whole: RunFolder) -> None:
    """In the plan's order, with all that was asked; the victim is as similar to itself as can be."""
    found = observations(whole)

    assert [(one.kind, one.seed, one.in_training) for one in found] == [
        ("extract-labels", 1, True),
        ("extract-labels", 2, False),
        ("homologous-0", 1, True),
        ("homologous-0", 2, False),
        ("homologous-0", 3, False),
        ("none", 0, False),
        ("extract-labels", 1, False),
    ]
    assert [one.maker for one in found] == [""] * 6 + ["digits-2"]
    assert (found[-1].relation, found[-1].family) == ("unrelated", "another's copy")
    assert all(set(one.similarities) == set(one.codes) == {OWN, SIBLING, MATCHED, PLAIN} for one in found)
    assert all(len(values) == 3 for one in found for values in one.similarities.values())
    victim = found[-2]
    assert all(value == pytest.approx(1) for values in victim.similarities.values() for value in values)
    record = whole.read_record()
    assert record is not None
    told = record.studies["ownership"]
    assert victim.kept == {"vanilla": told["examples"]["vanilla"]["examples"]}
    assert max(victim.gaps) < 1e-6
    assert told["made"]["encoder of digits"]["models"] == 3
    assert told["made"]["pattern and views of digits-2"]["questions"] <= 2 * 5 * 3


def test_the_status_counts_findings(whole: RunFolder) -> None:
    """An observation and a finding of each of six suspects, and a finding of the sibling's copy."""
    status = status_of_folder(whole.path)

    assert (status.planned, status.found) == (13, 13)
    assert [row.planned for row in status.rows] == [5, 6, 2]


@pytest.mark.heavy
def test_processes_find_the_same(whole: RunFolder, run_study: Any, new_cache: Any, tmp_path: Path) -> None:
    """To the last byte, with an empty cache of their own."""
    new_cache("others")

    with closing(EXECUTORS["processes"](workers=2)) as executor:
        summary = run_study(tmp_path / "processes", executor)

    assert (summary.made, summary.missing, summary.problems) == (13, 0, ())
    assert (
        RunFolder(tmp_path / "processes").file(OWNERSHIP_LINES).read_bytes() == whole.file(OWNERSHIP_LINES).read_bytes()
    )


@pytest.mark.heavy
def test_a_stopped_study_goes_on(stops: Any, whole: RunFolder, run_study: Any, new_cache: Any, tmp_path: Path) -> None:
    """Wherever it was; the end is the same to the last byte."""
    new_cache("others")
    stopped = RunFolder(tmp_path / "stopped")
    labels = ("c-examples", "suspect homologous-0, seed 3", "encoder of digits-2", "ownership of homologous-0, seed 2")
    for label in labels:
        with pytest.raises(KeyboardInterrupt):
            run_study(stopped.path, stops(label))
    there = len(observations(stopped))

    summary = run_study(stopped.path)

    assert there == 3
    assert (summary.found, summary.made, summary.missing) == (6 + 3, 4, 0)
    assert stopped.file(OWNERSHIP_LINES).read_bytes() == whole.file(OWNERSHIP_LINES).read_bytes()
    assert stopped.file(OBSERVATIONS).read_bytes() == whole.file(OBSERVATIONS).read_bytes()


def test_a_second_run_has_nothing_to_ask(whole: RunFolder, run_study: Any) -> None:
    """All is there; the file stays as it is."""
    before = whole.file(OWNERSHIP_LINES).read_bytes()

    summary = run_study(whole.path)

    assert (summary.planned, summary.found, summary.made) == (13, 13, 0)
    assert whole.file(OWNERSHIP_LINES).read_bytes() == before


def test_an_aid_that_fails_costs_all_findings_and_is_told(
    fails: Any, run_study: Any, new_cache: Any, tmp_path: Path, whole: RunFolder
) -> None:
    """Observations are made all the same; the next run makes up for it."""
    new_cache("others")

    first = run_study(tmp_path / "run", fails("encoder of digits-2", problem="it died"))
    second = run_study(tmp_path / "run", fails("suspect homologous-0, seed 3", problem="it died"))
    third = run_study(tmp_path / "run")

    assert (first.missing, first.problems) == (7, ("encoder of digits-2: it died",))
    assert (second.missing, len(second.problems)) == (1, 1)
    assert (third.found, third.missing) == (12, 0)
    assert RunFolder(tmp_path / "run").file(OWNERSHIP_LINES).read_bytes() == whole.file(OWNERSHIP_LINES).read_bytes()


def test_a_damaged_aid_is_made_again(whole: RunFolder, run_study: Any, tmp_path: Path) -> None:
    """Its checksum tells, the run says so, and the findings are the same."""
    entry = next((tmp_path / "cache" / "bench" / "ownership").glob("views-*.safetensors"))
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1
    entry.write_bytes(content)
    shutil.rmtree(tmp_path / "again", ignore_errors=True)

    summary = run_study(tmp_path / "again")

    assert [remark for remark in summary.remarks if "damaged cache entry" in remark]
    assert RunFolder(tmp_path / "again").file(OWNERSHIP_LINES).read_bytes() == whole.file(OWNERSHIP_LINES).read_bytes()


def test_a_damaged_finding_is_found_anew(whole: RunFolder, run_study: Any) -> None:
    """The line is told with its number."""
    before = whole.file(OWNERSHIP_LINES).read_bytes()
    lines = before.splitlines(keepends=True)
    broken = json.loads(lines[1]) | {"similarities": {OWN: [7.0]}}
    whole.file(OWNERSHIP_LINES).write_bytes(b"".join([lines[0], json.dumps(broken).encode() + b"\n", *lines[2:]]))

    summary = run_study(whole.path)

    assert (summary.found, summary.made) == (12, 1)
    assert "ownership.jsonl, line 2: " in summary.remarks[0]
    assert whole.file(OWNERSHIP_LINES).read_bytes() == before


def test_the_report_of_a_study_tells_of_ownership(whole: RunFolder, tmp_path: Path) -> None:
    """Both forms have the sections; figures are in the page and beside it, and it loads nothing."""
    markdown, page = write_report(whole.path, tmp_path / "report")

    for text in (markdown.read_text(), page.read_text()):
        for title in (
            "Copies and unrelated models",
            "Border points",
            "C-examples",
            "Which question each method answers",
        ):
            assert title in text
    assert "modelprint bench run x" in markdown.read_text()
    assert page.read_text().count("<svg") >= 3
    assert "://" not in page.read_text()
    assert {"ownership.png", "border.png", "models.png"} <= {path.name for path in (tmp_path / "report").iterdir()}
