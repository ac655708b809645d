"""Two workers against one: how much of the ideal half of the time is left after everything the engine does.

    make bench            # or: pytest benchmarks/test_engine.py -s

Equal jobs of about a second of arithmetic each, which share nothing. Efficiency is the time of the serial executor over
twice the time of two workers, with and without the start of the workers. Two plain processes that divide the jobs
between them show what the machine itself allows: two cores that share caches, power or a physical core do not compute
twice as much as one. Ratios are printed, nothing is asserted about time.
"""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from modelprint.engine import EXECUTORS, Executor, Job, work_through

JOBS = 8
WORKERS = 2


def equal_jobs(count: int, rounds: int) -> list[Job]:
    """Return jobs that hash as often as `rounds` says."""
    return [
        Job(
            key=f"{index:02}",
            label=f"hashing {index}",
            function=hashlib.pbkdf2_hmac,
            arguments=("sha256", b"word", f"{index}".encode(), rounds),
        )
        for index in range(count)
    ]


def rounds_for(wanted: float) -> int:
    """Return how many rounds take about `wanted` seconds here."""
    trial = 200_000
    return round(trial * wanted / seconds(lambda: hashlib.pbkdf2_hmac("sha256", b"word", b"salt", trial)))


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def values(executor: Executor, jobs: Sequence[Job]) -> dict[str, bytes]:
    """Return what the jobs return."""
    return {outcome.key: outcome.value for outcome in work_through(executor, jobs)}


def plain_processes(rounds: int) -> None:
    """Do the jobs' arithmetic in two processes without any engine."""
    code = f"import hashlib\nfor i in range({JOBS // WORKERS}): hashlib.pbkdf2_hmac('sha256', b'word', b'0', {rounds})"
    for process in [subprocess.Popen([sys.executable, "-c", code]) for _ in range(WORKERS)]:
        process.wait()


@pytest.mark.filterwarnings("default")  # Ray warns about its own resources when it ends
def test_two_workers_against_one() -> None:
    """Prints seconds and efficiency of processes and Ray, both with the start of the workers and without."""
    rounds = rounds_for(1.0)
    jobs = equal_jobs(JOBS, rounds)
    with closing(EXECUTORS["serial"]()) as executor:
        expected: dict[str, bytes] = {}
        serial = seconds(lambda: expected.update(values(executor, jobs)))
    yardstick = seconds(lambda: plain_processes(rounds))

    print(f"\n{JOBS} jobs, serial {serial:.2f} s; two plain processes {yardstick:.2f} s", end="")
    print(f" (efficiency {serial / (WORKERS * yardstick):.2f}, what the machine allows)")
    for name in ("processes", "ray"):
        with closing(EXECUTORS[name](workers=WORKERS)) as executor:
            started = seconds(lambda: values(executor, equal_jobs(WORKERS, 1)))
            found: dict[str, bytes] = {}
            parallel = seconds(lambda: found.update(values(executor, jobs)))  # noqa: B023 - called at once
        efficiency = serial / (WORKERS * parallel)
        print(
            f"{name}: {parallel:.2f} s, efficiency {efficiency:.2f}, of plain processes {yardstick / parallel:.2f}; "
            f"start {started:.2f} s, efficiency with it {serial / (WORKERS * (parallel + started)):.2f}"
        )
        assert found == expected
