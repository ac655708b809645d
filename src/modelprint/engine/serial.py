"""One job after the other, in this process."""

from collections.abc import Iterator, Sequence

from modelprint.engine.executor import Job, JobResult, Value, perform


class Serial:
    """Does every job itself, in the order given."""

    def __init__(self, *, workers: int = 1) -> None:
        if workers != 1:
            raise ValueError(f"serial works alone; choose processes or ray for {workers} workers")

    def run(self, jobs: Sequence[Job[Value]]) -> Iterator[JobResult[Value]]:
        """Yield the result of each job."""
        yield from map(perform, jobs)

    def close(self) -> None:
        """Do nothing: there are no workers."""
