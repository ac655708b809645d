"""Two processes do not work on the same thing."""

from typing import Any

import pytest

from modelprint.bench.folder import RunFolder
from modelprint.bench.locks import lock_run_folder, run_folder_in_use
from modelprint.errors import BenchError


def test_a_folder_has_one_run_at_a_time(whole: RunFolder, run_tiny: Any) -> None:
    """The second one is told so."""
    with lock_run_folder(whole.path):
        assert run_folder_in_use(whole.path)
        with pytest.raises(BenchError, match=r"another run is writing to .*; wait for it"):
            run_tiny(whole.path)
    assert not run_folder_in_use(whole.path)
