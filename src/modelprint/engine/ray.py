"""Several jobs at a time, on this machine or on a Ray cluster. Needs the extra `ray`.

Every machine of a cluster needs this package, the same data, and best the same cache folder on a shared disk: a machine
without it makes again what others have made.
"""

import logging
import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from modelprint.cache import VARIABLE
from modelprint.engine.executor import DEATHS, Job, JobResult, Value, error_line, perform
from modelprint.errors import BenchError
from modelprint.memory import keep_freed_memory

ADDRESS = "RAY_ADDRESS"
"""Environment variable with the address of a cluster."""

SHARED = (VARIABLE, "MODELPRINT_DATA", "MODELPRINT_DEBUG")
"""Environment variables that workers get too."""


def _perform(job: Job[Value]) -> JobResult[Value]:
    """Do a job in a worker, a process of ours."""
    keep_freed_memory()
    return perform(job)


class Ray:
    """Workers of a Ray cluster: one that is started here, or the one at an address."""

    def __init__(self, *, workers: int = 2, address: str = "") -> None:
        if workers < 1:
            raise ValueError(f"workers is at least 1, got {workers}")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
        import ray

        self._ray: Any = ray
        self._count = workers
        self._address = address or os.environ.get(ADDRESS, "")
        self._connected = False

    def run(self, jobs: Sequence[Job[Value]]) -> Iterator[JobResult[Value]]:
        """Yield the result of each job as soon as it is there; as many are under way as there are workers."""
        self._connect()
        ray = self._ray
        task = ray.remote(num_cpus=1, max_retries=DEATHS - 1)(_perform)
        waiting = deque(jobs)
        under_way: dict[Any, Job[Value]] = {}
        try:
            while waiting or under_way:
                while waiting and len(under_way) < self._count:
                    job = waiting.popleft()
                    under_way[task.remote(job)] = job
                done, _ = ray.wait(list(under_way), num_returns=1)
                yield self._fetch(done[0], under_way.pop(done[0]))
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._connected:
            self._ray.shutdown()
            self._connected = False

    def _fetch(self, reference: Any, job: Job[Value]) -> JobResult[Value]:
        ray = self._ray
        try:
            result: JobResult[Value] = ray.get(reference)
        except ray.exceptions.WorkerCrashedError:
            return JobResult(key=job.key, problem=f"its worker died {DEATHS} times")
        except ray.exceptions.RayError as problem:
            return JobResult(key=job.key, problem=error_line(problem))
        return result

    def _connect(self) -> None:
        if self._connected:
            return
        shared = {name: os.environ[name] for name in SHARED if name in os.environ}
        where: dict[str, Any] = {"address": self._address}
        if not self._address:
            where = {"address": "local", "num_cpus": self._count, "include_dashboard": False}
        quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
        try:
            self._ray.init(**where, **quiet, runtime_env={"env_vars": shared})
        except (ConnectionError, RuntimeError, ValueError) as problem:
            raise BenchError(f"Ray cannot be reached or started: {error_line(problem)}") from problem
        self._connected = True
