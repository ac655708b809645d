"""Progress is reported once per finished step."""

from modelprint.progress import Progress, ignore_progress, track_steps


def test_each_step_is_reported_after_its_work() -> None:
    """First 0, then the number of finished steps; work and reports alternate."""
    seen: list[object] = []

    for item in track_steps("working", "ab", 2, lambda *report: seen.append(report)):
        seen.append(item)

    assert seen == [("working", 0, 2), "a", ("working", 1, 2), "b", ("working", 2, 2)]


def test_work_that_stops_early_does_not_report_the_step_it_is_in() -> None:
    """A step counts when the loop comes back for the next one."""
    reports: list[int] = []

    for item in track_steps("working", range(5), 5, lambda phase, done, total: reports.append(done)):
        if item == 2:
            break

    assert reports == [0, 1, 2]


def test_the_default_is_a_progress_that_does_nothing(capsys: object) -> None:
    """It fits the interface and prints nothing."""
    assert isinstance(ignore_progress, Progress)
    assert list(track_steps("working", [7], 1, ignore_progress)) == [7]
    assert capsys.readouterr() == ("", "")  # type: ignore[attr-defined]
