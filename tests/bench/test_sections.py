"""Sections that belong to no study: setup, times, problems."""

from modelprint.bench.contents import RunContents, Timing
from modelprint.bench.record import RunRecord, TargetRecord
from modelprint.bench.sections import problems_section, setup_section, times_section
from modelprint.bench.study import Setup

RECORD = RunRecord(
    plan="tiny", scale="smoke", planned=4, command="modelprint bench run x", target=TargetRecord(accuracy=0.5)
)


def test_the_setup_has_the_facts_of_the_record_and_of_the_studies() -> None:
    """In this order; what the record does not say is left out."""
    section = setup_section(RunContents(record=RECORD), [Setup(facts=(("suspects", "3"),), text=("So.",))])

    names = [name for name, _ in section.facts]
    assert names == ["plan", "scale", "seed", "test accuracy", "suspects", "observations", *names[-3:]]
    assert dict(section.facts)["test accuracy"] == "50.00 %"
    assert dict(section.facts)["observations"] == "0 of 4 planned"
    assert (section.code, section.text) == ("modelprint bench run x", ("So.",))


def test_times_are_added_up_by_kind_and_by_part() -> None:
    """The longest first; without any there is a sentence."""
    timings = (
        Timing(part="zoo a", seconds=1.0),
        Timing(part="suspect b", seconds=90.0),
        Timing(part="zoo a", seconds=3.0),
    )

    section = times_section(RunContents(record=RECORD, timings=timings))

    assert [[value.text for value in row] for row in section.grids[0].rows] == [
        ["suspect", "1", "1.5 min", "1.5 min"],
        ["zoo", "2", "4.0 s", "2.0 s"],
    ]
    assert times_section(RunContents(record=RECORD)).text == ("No job was timed.",)


def test_problems_are_those_of_the_run_of_its_files_and_of_the_remarks() -> None:
    """A remark about a row that nothing is known of is a mistake in the remarks."""
    run = RunContents(record=RECORD, problems=("a job failed",), remarks={"Prunning": "Because."})

    points = [item.points for item in problems_section(run, ["fingerprint b: damaged"]).items]

    assert points == [
        ("a job failed",),
        ("fingerprint b: damaged",),
        ("a remark is about 'Prunning', a row that was not observed",),
    ]
    assert problems_section(RunContents(record=RECORD), []).text == ("None.",)
