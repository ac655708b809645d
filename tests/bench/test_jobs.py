"""Warnings of a job become its remarks."""

import logging

import pytest

from modelprint.bench.jobs import capture_warnings


def test_warnings_are_captured_once_each(caplog: pytest.LogCaptureFixture) -> None:
    """In place of being printed; what is less than a warning is left out, and afterwards all is as before."""
    log = logging.getLogger("modelprint.bench.test")

    with capture_warnings() as remarks:
        log.info("nothing")
        for _ in range(2):
            log.warning("damaged: %s", "a file")
    log.warning("later")

    assert remarks == ["damaged: a file"]
    assert [record.getMessage() for record in caplog.records] == ["later"]
