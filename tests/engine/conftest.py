"""What the tests of executors share: functions that workers can import, and a garbage collection after each test."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

HELPERS = """
import errno, os, time
from pathlib import Path
import torch
from modelprint.engine import Busy

def threads():
    return torch.get_num_threads()

def die_once(folder):
    mark = Path(folder) / "died"
    if mark.exists():
        return "alive"
    mark.write_text("")
    os.kill(os.getpid(), 9)

def die():
    os._exit(3)

def wait_for(folder):
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)

def fill_disk():
    raise OSError(errno.ENOSPC, "No space left on device", "here")

def unsendable():
    return lambda: None

def busy_until(folder):
    if not (Path(folder) / "free").exists():
        (Path(folder) / "free").write_text("")
        raise Busy
    return "mine"

def where():
    return os.getpid()
"""


@pytest.fixture(scope="module")
def helpers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Functions that workers, too, can import."""
    folder = tmp_path_factory.mktemp("helpers")
    (folder / "jobs_of_tests.py").write_text(HELPERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))
        import jobs_of_tests

        yield jobs_of_tests


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Let Ray's warnings come in the test that ignores them."""
    yield
    gc.collect()
