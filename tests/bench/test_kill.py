"""A run may be killed at any moment, and two may share a cache: the observations are those of an undisturbed run."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelprint.bench.detection.observation import salvage

MODELPRINT = Path(sys.executable).with_name("modelprint")
KILLING = Path(__file__).with_name("killing.py")
KILLS = 20


@pytest.mark.heavy
def test_twenty_kills_change_nothing(undisturbed: Path, targets: Path, tiny_plan: str, tmp_path: Path) -> None:
    """SIGKILL at random moments, going on each time: the file is the same, byte by byte."""
    (tmp_path / "tiny.toml").write_text(tiny_plan)
    line = [sys.executable, str(KILLING), str(tmp_path / "tiny.toml"), str(tmp_path), str(KILLS)]

    done = subprocess.run(line, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    rounds = [Path(place) for place in done.stdout.split()]
    assert rounds
    whole = (undisturbed / "whole" / "observations.jsonl").read_bytes()
    for place in rounds:
        assert (place / "run" / "observations.jsonl").read_bytes() == whole


@pytest.mark.slow
def test_killed_processes_let_go_of_their_work(
    new_cache: Callable[[str], Path], undisturbed: Path, tiny_plan: str, tmp_path: Path
) -> None:
    """Workers end with the run that started them, so that the next run waits for nobody."""
    new_cache("cache")
    (tmp_path / "tiny.toml").write_text(tiny_plan)
    line = [MODELPRINT, "bench", "run", "tiny.toml", "--executor", "processes", "--workers", "2"]
    timings = tmp_path / "runs" / "tiny-laptop" / "timings.jsonl"

    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        while process.poll() is None and (not timings.is_file() or timings.read_text().count("\n") < 4):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    again = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert process.returncode == -signal.SIGKILL
    assert again.returncode == 0, again.stderr
    observations = timings.with_name("observations.jsonl").read_bytes()
    assert observations == (undisturbed / "whole" / "observations.jsonl").read_bytes()


@pytest.mark.heavy
def test_two_runs_on_one_cache_share_the_work(
    new_cache: Callable[[str], Path], undisturbed: Path, tiny_plan: str, tmp_path: Path
) -> None:
    """Side by side, each with a folder of its own: equal observations, and nothing is made twice."""
    cache = new_cache("cache")
    (tmp_path / "tiny.toml").write_text(tiny_plan)
    lines = [
        [MODELPRINT, "bench", "run", "tiny.toml", "--executor", "serial", "--output", name] for name in ("one", "two")
    ]

    runs = [subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for line in lines]
    ended = [(run.communicate(timeout=300), run.returncode) for run in runs]

    assert [code for _, code in ended] == [0, 0], ended
    whole = (undisturbed / "whole" / "observations.jsonl").read_bytes()
    for name in ("one", "two"):
        assert (tmp_path / name / "observations.jsonl").read_bytes() == whole
        assert salvage(tmp_path / name / "observations.jsonl")[1] == []
    # The seconds in a record are those of whoever made it: both runs tell the same ones.
    one, two = (_seconds(tmp_path / name / "timings.jsonl") for name in ("one", "two"))
    assert {key: one[key] for key in one.keys() & two.keys()} == {key: two[key] for key in one.keys() & two.keys()}
    # A run that finds a fingerprint ready never asks for the zoo that it was chosen on; all else both runs name.
    assert [key for key in one.keys() ^ two.keys() if '"label": "zoo ' not in key] == []
    assert not list((cache / "bench" / "unfinished").iterdir())
    assert (cache / "locks").is_dir()


def _seconds(timings: Path) -> dict[str, str]:
    """Return the seconds of what the cache keeps, as written."""
    lines = [line for line in timings.read_text().splitlines() if '"suspect-' in line or '"fingerprint-' in line]
    return {line.split('"seconds"')[0]: line for line in lines}
