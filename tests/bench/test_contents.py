"""Contents of a run are asked for by the class of their lines."""

from modelprint.bench.contents import RunContents, Timing
from modelprint.bench.lines import SuspectId, suspect_id
from modelprint.bench.record import RunRecord


class Line:
    """A line of no study."""

    def __init__(self, key: str) -> None:
        self.key, self.suspect = key, suspect_id("row", "kind", 1, {"share": (1, 2)})

    def to_line(self) -> str:
        return self.key


class Other(Line):
    """A line of another one."""


def test_lines_are_found_by_their_class() -> None:
    """In their order; all of them for what they have in common."""
    lines = (Line("a"), Other("b"), Line("c"))
    run = RunContents(record=RunRecord(plan="p", scale="smoke"), lines=lines)

    assert run.lines_of(Other) == (lines[1],)
    assert run.lines_of(Line) == lines


def test_a_tuple_in_settings_is_the_list_that_json_has() -> None:
    """So that a suspect of a plan is the one of a line that was read."""
    assert Line("a").suspect == suspect_id("row", "kind", 1, {"share": [1, 2]})
    assert Line("a").suspect == SuspectId(row="row", kind="kind", seed=1, settings='{"share": [1, 2]}')


def test_the_stage_is_the_first_word() -> None:
    """Whatever follows."""
    assert Timing(part="c-examples vanilla", seconds=1.0).stage == "c-examples"
