"""Several jobs at a time, in processes of this machine.

A pool of our own: that of the standard library breaks as a whole when one worker dies, and cannot say of which job.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from modelprint.engine.executor import DEATHS, Job, JobResult, Value, error_line, perform
from modelprint.memory import keep_freed_memory

# A forked process inherits the locks of torch's threads but not the threads, and may wait for ever.
_SPAWN = multiprocessing.get_context("spawn")


class Processes:
    """A pool of processes that live until it is closed; one that dies is replaced, and its job tried again."""

    def __init__(self, *, workers: int = 2) -> None:
        if workers < 1:
            raise ValueError(f"workers is at least 1, got {workers}")
        self._count = workers
        self._workers: list[_Worker] = []

    def run(self, jobs: Sequence[Job[Value]]) -> Iterator[JobResult[Value]]:
        """Yield the result of each job as soon as it is there."""
        waiting, deaths = deque(jobs), Counter[str]()
        try:
            while waiting or self._busy_workers():
                self._hand_out(waiting)
                ready = wait([worker.connection for worker in self._busy_workers()])
                for worker in [worker for worker in self._busy_workers() if worker.connection in ready]:
                    job = worker.job
                    result = worker.take()
                    if result is None:
                        self._workers.remove(worker)
                        deaths[job.key] += 1
                        if deaths[job.key] < DEATHS:
                            waiting.append(job)
                            continue
                        problem = f"its worker died {DEATHS} times, the last time {worker.end()}"
                        result = JobResult(key=job.key, problem=problem)
                    yield result
        finally:
            for worker in self._busy_workers():
                worker.stop()
                self._workers.remove(worker)

    def close(self) -> None:
        """Stop all workers."""
        while self._workers:
            self._workers.pop().stop()

    def _busy_workers(self) -> "list[_Worker]":
        return [worker for worker in self._workers if worker.current is not None]

    def _hand_out(self, waiting: deque[Job[Value]]) -> None:
        """Give every idle worker a job, and start workers while there are jobs for them."""
        idle = [worker for worker in self._workers if worker.current is None]
        while waiting and (idle or len(self._workers) < self._count):
            if not idle:
                idle.append(_Worker())
                self._workers.append(idle[0])
            idle.pop().give(waiting.popleft())


class _Worker:
    """One process, and the job it is at."""

    def __init__(self) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.current: Job[Any] | None = None
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        # As long as we hold this end as well, the death of the worker would not end the connection.
        theirs.close()

    @property
    def job(self) -> Job[Any]:
        """What it is at."""
        assert self.current is not None
        return self.current

    def give(self, job: Job[Any]) -> None:
        """Let it start with `job`."""
        self.current = job
        with suppress(OSError):  # it died while it was idle, which `take` finds out
            self.connection.send(job)

    def take(self) -> JobResult[Any] | None:
        """Return what it sent; None when it is dead."""
        self.current = None
        try:
            result: JobResult[Any] = self.connection.recv()
        except (EOFError, OSError):
            self.stop()
            return None
        return result

    def stop(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def end(self) -> str:
        """Say how it ended, once it is stopped."""
        code = self._process.exitcode or 0
        return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


def _serve(connection: Connection) -> None:
    """Do the jobs that come in, until there are no more or the sender is gone."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but the parent decides what it means
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job: Job[Any] = connection.recv()
        except EOFError:
            return
        result = perform(job)
        try:
            connection.send(result)
        except (TypeError, ValueError, AttributeError) as problem:  # a value that cannot be sent
            connection.send(JobResult(key=job.key, problem=f"its result cannot be sent: {error_line(problem)}"))


def _end_with_parent() -> None:
    """End this process when its parent does: a killed run must not go on holding its locks."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
