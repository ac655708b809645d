"""Every executor does every job, and one that fails costs no other."""

import operator
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from modelprint.engine import EXECUTORS, Busy, Executor, Job, JobResult, Serial, perform, work_through
from modelprint.engine.executor import disk_is_full

WORKERS = [
    ("serial", 1),
    ("processes", 2),
    # Ray leaves sockets to the garbage collector, and warns of settings of its own.
    pytest.param("ray", 2, marks=[pytest.mark.filterwarnings("ignore"), pytest.mark.slow]),
]


def job(key: str, function: Callable[..., Any], *arguments: Any) -> Job[Any]:
    """Return a job that is called what its key is."""
    return Job(key=key, label=key, function=function, arguments=arguments)


def results_of(executor: Executor, jobs: list[Job[Any]]) -> dict[str, JobResult[Any]]:
    """Return all results by key."""
    return {result.key: result for result in work_through(executor, jobs, pause=0.01)}


@pytest.mark.parametrize(("name", "workers"), WORKERS)
def test_every_executor_does_every_job_on_one_thread(name: str, workers: int, helpers: Any) -> None:
    """Values come back by key; a function that raises is a problem of its own job only."""
    jobs = [job(f"{n}", operator.mul, n, n) for n in range(5)]
    jobs += [job("wrong", operator.truediv, 1, 0), job("threads", helpers.threads)]

    with closing(EXECUTORS[name](workers=workers)) as executor:
        assert isinstance(executor, Executor)
        results = results_of(executor, jobs)

    assert [results[f"{n}"].value for n in range(5)] == [0, 1, 4, 9, 16]
    assert results["wrong"].problem == "ZeroDivisionError: division by zero"
    assert results["threads"].value == 1
    assert torch.get_num_threads() == 1


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "workers"), WORKERS[1:])
def test_a_worker_that_dies_costs_one_job_at_most(name: str, workers: int, helpers: Any, tmp_path: Path) -> None:
    """A job is tried once more; one that kills every worker is reported, and the others go on."""
    jobs = [job("once", helpers.die_once, str(tmp_path)), job("always", helpers.die)]
    jobs += [job(f"{n}", operator.neg, n) for n in range(4)]

    with closing(EXECUTORS[name](workers=workers)) as executor:
        results = results_of(executor, jobs)

    assert results["once"].value == "alive"
    assert results["always"].problem.startswith("its worker died 2 times")
    assert [results[f"{n}"].value for n in range(4)] == [0, -1, -2, -3]


def test_busy_jobs_come_after_the_others(helpers: Any, tmp_path: Path) -> None:
    """Work that another process is at is asked for again when the rest is done."""
    jobs = [job("busy", helpers.busy_until, str(tmp_path)), job("free", operator.neg, 1)]

    results = list(work_through(Serial(), jobs, pause=0.0))

    assert [(result.key, result.value) for result in results] == [("free", -1), ("busy", "mine")]
    assert issubclass(Busy, Exception)


def test_a_full_disk_is_told_apart(helpers: Any) -> None:
    """Every other job would meet it too; also where only a message from a library tells."""
    assert perform(job("full", helpers.fill_disk)).fatal
    assert not perform(job("wrong", operator.truediv, 1, 0)).fatal
    assert disk_is_full(RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"))


def test_keys_tell_jobs_apart() -> None:
    """Two jobs of one key are a mistake of the caller."""
    with pytest.raises(ValueError, match="2 jobs have 1 different keys"):
        list(work_through(Serial(), [job("a", operator.neg, 1)] * 2))
