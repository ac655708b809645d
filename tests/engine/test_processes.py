"""Processes: workers live from one run to the next, and one that dies is replaced."""

import operator
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelprint.engine import Executor, Job, JobResult, Processes, work_through


def job(key: str, function: Callable[..., Any], *arguments: Any) -> Job[Any]:
    """Return a job that is called what its key is."""
    return Job(key=key, label=key, function=function, arguments=arguments)


def results_of(executor: Executor, jobs: list[Job[Any]]) -> dict[str, JobResult[Any]]:
    """Return all results by key."""
    return {result.key: result for result in work_through(executor, jobs, pause=0.01)}


@pytest.mark.heavy
def test_the_problem_says_how_a_process_died(helpers: Any) -> None:
    """By its exit code or the signal."""
    with closing(Processes(workers=1)) as executor:
        results = results_of(executor, [job("exit", helpers.die), job("kill", os.abort)])

    assert results["exit"].problem.endswith("with exit code 3")
    assert results["kill"].problem.endswith("by signal SIGABRT")


def test_processes_live_from_one_run_to_the_next(helpers: Any) -> None:
    """Starting one takes seconds, so it is kept, until the executor is closed."""
    with closing(Processes(workers=1)) as executor:
        first, second = (results_of(executor, [job("where", helpers.where)])["where"].value for _ in range(2))

    assert first == second != os.getpid()


@pytest.mark.heavy
def test_a_run_left_early_leaves_no_worker_busy(helpers: Any, tmp_path: Path) -> None:
    """The worker in the middle of a job is stopped; the executor can be used again."""
    with closing(Processes(workers=2)) as executor:
        running = executor.run([job("wait", helpers.wait_for, str(tmp_path)), job("quick", operator.neg, 1)])
        assert next(running).key == "quick"
        running.close()  # type: ignore[attr-defined]

        assert results_of(executor, [job("again", operator.neg, 2)])["again"].value == -2


@pytest.mark.heavy
def test_a_result_that_cannot_be_sent_is_a_problem(helpers: Any) -> None:
    """It is no death of a worker."""
    with closing(Processes(workers=1)) as executor:
        results = results_of(executor, [job("odd", helpers.unsendable), job("fine", operator.neg, 1)])

    assert results["odd"].problem.startswith("its result cannot be sent")
    assert results["fine"].value == -1


def test_no_workers_are_refused() -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match="workers is at least 1, got 0"):
        Processes(workers=0)
