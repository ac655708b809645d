"""What a job is, what becomes of it, and what does jobs.

with closing(EXECUTORS["processes"](workers=2)) as executor:
    for result in work_through(executor, jobs):
        print(result.key, result.problem or result.value)
"""

import errno
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from modelprint.errors import ModelprintError
from modelprint.training import use_one_thread

Value = TypeVar("Value")
Returned = TypeVar("Returned", covariant=True)

DEATHS = 2
"""How many workers may die of a job before it is given up."""

PAUSE_S = 0.5
"""Seconds to wait when other processes work on all that is left."""

DEBUG = "MODELPRINT_DEBUG"
FULL = (errno.ENOSPC, errno.EDQUOT)


class Busy(Exception):  # noqa: N818 - no error: the work is being done
    """Raised by a job's function when another process works on the same thing; the job is tried again later."""


@dataclass(frozen=True, kw_only=True)
class Job(Generic[Returned]):
    """A function and what it is called with; a pure function, so that it does not matter who calls it and how often.

    Attributes:
        key: Identifies the job.
        label: What a person calls it.
        function: Found again by its module and name in another process.
        arguments: Sent to wherever it is computed.
    """

    key: str
    label: str
    function: Callable[..., Returned]
    arguments: tuple[object, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobResult(Generic[Returned]):
    """What became of a job.

    Attributes:
        key: The job's.
        value: What its function returned; None where there is a problem.
        problem: Why there is no value; empty when there is one.
        seconds: How long it took.
        busy: Another process works on the same thing; the job has to be tried again.
        fatal: The problem is a full disk, which every other job would meet too.
    """

    key: str
    value: Returned | None = None
    problem: str = ""
    seconds: float = 0.0
    busy: bool = False
    fatal: bool = False


@runtime_checkable
class Executor(Protocol):
    """Does jobs. It may keep its workers from one run to the next, until it is closed."""

    def run(self, jobs: Sequence[Job[Value]]) -> Iterator[JobResult[Value]]:
        """Yield the result of each job as soon as it is there, in any order; an iterator left early stops the rest."""

    def close(self) -> None:
        """Stop all workers; may be called again."""


def perform(job: Job[Value]) -> JobResult[Value]:
    """Do one job, on one thread, here and now; an exception becomes a problem."""
    started = time.perf_counter()
    try:
        with use_one_thread():
            value = job.function(*job.arguments)
    except Busy:
        return JobResult(key=job.key, busy=True)
    except Exception as problem:  # whatever it is, the other jobs go on
        if os.environ.get(DEBUG) == "1":
            traceback.print_exc()
        seconds = time.perf_counter() - started
        return JobResult(key=job.key, problem=error_line(problem), seconds=seconds, fatal=disk_is_full(problem))
    return JobResult(key=job.key, value=value, seconds=time.perf_counter() - started)


def work_through(
    executor: Executor, jobs: Sequence[Job[Value]], *, pause: float = PAUSE_S
) -> Iterator[JobResult[Value]]:
    """Yield the result of each job; those that another process works on are tried again after the others.

    Args:
        executor: What does them.
        jobs: Each with a key of its own.
        pause: Seconds to wait when nothing is left but what other processes work on.
    """
    left = {job.key: job for job in jobs}
    if len(left) != len(jobs):
        raise ValueError(f"{len(jobs)} jobs have {len(left)} different keys")
    while left:
        before = len(left)
        for result in executor.run(tuple(left.values())):
            if not result.busy:
                del left[result.key]
                yield result
        if len(left) == before:
            time.sleep(pause)


def error_line(problem: BaseException) -> str:
    """Return one line about a problem, with its type where the message was not written by us."""
    text = " ".join(str(problem).split())
    return text if isinstance(problem, ModelprintError | ValueError) and text else f"{type(problem).__name__}: {text}"


def disk_is_full(problem: BaseException | None) -> bool:
    """Return whether a problem, or one it came from, is a disk without space."""
    while problem is not None:
        # safetensors writes from Rust and has the number in its message only.
        full = isinstance(problem, OSError) and problem.errno in FULL
        if full or f"os error {errno.ENOSPC}" in str(problem):
            return True
        problem = problem.__cause__ or problem.__context__
    return False
