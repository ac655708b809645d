"""Ways to get jobs done: one after the other, in processes of this machine, on a Ray cluster. Knows no benchmark.

An executor is one file and one line in `EXECUTORS`. Each computes a job on one thread, so all of them give the same
results to the last bit.
"""

from collections.abc import Callable

from modelprint.engine.executor import Busy, Executor, Job, JobResult, perform, work_through
from modelprint.engine.processes import Processes
from modelprint.engine.ray import Ray
from modelprint.engine.serial import Serial

EXECUTORS: dict[str, Callable[..., Executor]] = {
    "serial": Serial,
    "processes": Processes,
    "ray": Ray,
}

__all__ = ["EXECUTORS", "Busy", "Executor", "Job", "JobResult", "perform", "work_through"]
