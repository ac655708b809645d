"""Warnings of other libraries are suppressed inside a block, and only there."""

import logging
import warnings

import pytest

from modelprint.calibration import suppress_warnings


def test_warnings_and_log_lines_are_suppressed_inside_only(caplog: pytest.LogCaptureFixture) -> None:
    """Errors are still logged; afterwards everything is as before, also after an exception."""
    log = logging.getLogger("foreign")

    with pytest.raises(RuntimeError), warnings.catch_warnings(record=True) as caught, suppress_warnings():
        warnings.warn("not seen", stacklevel=1)
        log.warning("not logged")
        log.error("logged")
        raise RuntimeError
    log.warning("logged too")

    assert caught == []
    assert caplog.messages == ["logged", "logged too"]
