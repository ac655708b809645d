"""Executors: the same results whoever does the work, and what becomes of jobs that fail."""

import gc
import operator
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from modelprint.engine import EXECUTORS, Busy, Executor, Job, JobResult, Processes, Serial, perform, work_through
from modelprint.engine.executor import disk_is_full

WORKERS = [
    ("serial", 1),
    ("processes", 2),
    # Ray leaves sockets to the garbage collector, and warns of settings of its own.
    pytest.param("ray", 2, marks=[pytest.mark.filterwarnings("ignore"), pytest.mark.slow]),
]

HELPERS = """
import errno, os, time
from pathlib import Path
import torch
from modelprint.engine import Busy

def threads():
    return torch.get_num_threads()

def die_once(folder):
    mark = Path(folder) / "died"
    if mark.exists():
        return "alive"
    mark.write_text("")
    os.kill(os.getpid(), 9)

def die():
    os._exit(3)

def wait_for(folder):
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)

def fill_disk():
    raise OSError(errno.ENOSPC, "No space left on device", "here")

def unsendable():
    return lambda: None

def busy_until(folder):
    if not (Path(folder) / "free").exists():
        (Path(folder) / "free").write_text("")
        raise Busy
    return "mine"

def where():
    return os.getpid()
"""


@pytest.fixture(scope="module")
def helpers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Functions that workers, too, can import."""
    folder = tmp_path_factory.mktemp("helpers")
    (folder / "jobs_of_tests.py").write_text(HELPERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))
        import jobs_of_tests

        yield jobs_of_tests


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Let Ray's warnings come in the test that ignores them."""
    yield
    gc.collect()


def job(key: str, function: Callable[..., Any], *arguments: Any) -> Job:
    """Return a job that is called what its key is."""
    return Job(key=key, label=key, function=function, arguments=arguments)


def done(executor: Executor, jobs: list[Job]) -> dict[str, JobResult]:
    """Return all outcomes by key."""
    return {outcome.key: outcome for outcome in work_through(executor, jobs, pause=0.01)}


@pytest.mark.parametrize(("name", "workers"), WORKERS)
def test_every_executor_does_every_job_on_one_thread(name: str, workers: int, helpers: Any) -> None:
    """Values come back by key; a function that raises is a problem of its own job only."""
    jobs = [job(f"{n}", operator.mul, n, n) for n in range(5)]
    jobs += [job("wrong", operator.truediv, 1, 0), job("threads", helpers.threads)]

    with closing(EXECUTORS[name](workers=workers)) as executor:
        assert isinstance(executor, Executor)
        outcomes = done(executor, jobs)

    assert [outcomes[f"{n}"].value for n in range(5)] == [0, 1, 4, 9, 16]
    assert outcomes["wrong"].problem == "ZeroDivisionError: division by zero"
    assert outcomes["threads"].value == 1
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(("name", "workers"), WORKERS[1:])
def test_a_worker_that_dies_costs_one_job_at_most(name: str, workers: int, helpers: Any, tmp_path: Path) -> None:
    """A job is tried once more; one that kills every worker is reported, and the others go on."""
    jobs = [job("once", helpers.die_once, str(tmp_path)), job("always", helpers.die)]
    jobs += [job(f"{n}", operator.neg, n) for n in range(4)]

    with closing(EXECUTORS[name](workers=workers)) as executor:
        outcomes = done(executor, jobs)

    assert outcomes["once"].value == "alive"
    assert outcomes["always"].problem.startswith("its worker died 2 times")
    assert [outcomes[f"{n}"].value for n in range(4)] == [0, -1, -2, -3]


def test_the_problem_says_how_a_process_died(helpers: Any) -> None:
    """By its exit code or the signal."""
    with closing(Processes(workers=1)) as executor:
        outcomes = done(executor, [job("exit", helpers.die), job("kill", os.abort)])

    assert outcomes["exit"].problem.endswith("with exit code 3")
    assert outcomes["kill"].problem.endswith("by signal SIGABRT")


def test_processes_live_from_one_run_to_the_next(helpers: Any) -> None:
    """Starting one takes seconds, so it is kept, until the executor is closed."""
    with closing(Processes(workers=1)) as executor:
        first, second = (done(executor, [job("where", helpers.where)])["where"].value for _ in range(2))

    assert first == second != os.getpid()


def test_a_run_left_early_leaves_nobody_at_work(helpers: Any, tmp_path: Path) -> None:
    """The worker in the middle of a job is stopped; the executor can be used again."""
    with closing(Processes(workers=2)) as executor:
        running = executor.run([job("wait", helpers.wait_for, str(tmp_path)), job("quick", operator.neg, 1)])
        assert next(running).key == "quick"
        running.close()  # type: ignore[attr-defined]

        assert done(executor, [job("again", operator.neg, 2)])["again"].value == -2


def test_a_result_that_cannot_be_sent_is_a_problem(helpers: Any) -> None:
    """It is no death of a worker."""
    with closing(Processes(workers=1)) as executor:
        outcomes = done(executor, [job("odd", helpers.unsendable), job("fine", operator.neg, 1)])

    assert outcomes["odd"].problem.startswith("its result cannot be sent")
    assert outcomes["fine"].value == -1


def test_busy_jobs_come_after_the_others(helpers: Any, tmp_path: Path) -> None:
    """Work that somebody else is at is asked for again when the rest is done."""
    jobs = [job("busy", helpers.busy_until, str(tmp_path)), job("free", operator.neg, 1)]

    outcomes = list(work_through(Serial(), jobs, pause=0.0))

    assert [(outcome.key, outcome.value) for outcome in outcomes] == [("free", -1), ("busy", "mine")]
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


@pytest.mark.parametrize(("name", "workers"), [("serial", 2), ("processes", 0), ("ray", 0)])
def test_a_wrong_number_of_workers_is_refused(name: str, workers: int) -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match="workers"):
        EXECUTORS[name](workers=workers)
