"""The same plan gives the same bytes on every executor."""

import gc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from modelprint.bench.detection.observation import OBSERVATIONS
from modelprint.bench.folder import RunFolder
from modelprint.bench.plan_file import read_plan
from modelprint.bench.run import run
from modelprint.engine import EXECUTORS

SMOKE = Path(__file__).parents[2] / "plans" / "smoke.toml"


def run_smoke(folder: Path, executor: str, workers: int) -> RunFolder:
    """Run the smoke plan and return its folder."""
    where = RunFolder(folder)
    with closing(EXECUTORS[executor](workers=workers)) as workforce:
        summary = run(
            read_plan(SMOKE), "smoke", workforce, where, text=SMOKE.read_text(), command="modelprint bench run"
        )
    assert (summary.problems, summary.missing, summary.found) == ((), 0, 0)
    return where


# Ray leaves sockets to the garbage collector, and warns of settings of its own.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_serial_processes_and_ray_agree_to_the_last_bit(new_cache: Callable[[str], Path], tmp_path: Path) -> None:
    """Each with an empty cache of its own, so that nothing is handed from one to the other."""
    contents = {}
    for name, workers in (("serial", 1), ("processes", 2), ("ray", 2)):
        new_cache(f"cache of {name}")
        contents[name] = run_smoke(tmp_path / name, name, workers).file(OBSERVATIONS).read_bytes()
    gc.collect()  # so that Ray's warnings come while nobody minds them

    assert contents["serial"].count(b"\n") == 64
    assert contents["processes"] == contents["serial"]
    assert contents["ray"] == contents["serial"]
