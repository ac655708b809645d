"""Serial does every job itself, in the order given."""

import operator
import os

import pytest

from modelprint.engine import Job, Serial


def test_jobs_are_done_here_and_in_order() -> None:
    """By this process; one that fails does not stop the others."""
    jobs = [
        Job(key="first", label="first", function=os.getpid),
        Job(key="second", label="second", function=operator.floordiv, arguments=(1, 0)),
        Job(key="third", label="third", function=operator.floordiv, arguments=(7, 2)),
    ]

    first, second, third = Serial().run(jobs)

    assert (first.key, first.value) == ("first", os.getpid())
    assert (second.value, second.problem) == (None, "ZeroDivisionError: integer division or modulo by zero")
    assert (third.value, third.problem) == (3, "")


def test_it_works_alone() -> None:
    """A number of workers is a mistake of the caller."""
    with pytest.raises(ValueError, match="serial works alone; choose processes or ray for 2 workers"):
        Serial(workers=2)
