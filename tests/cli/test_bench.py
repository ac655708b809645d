"""The commands of the benchmark: what they print, write and exit with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

MODELPRINT = Path(sys.executable).with_name("modelprint")

PLAN = """
name = "tiny"
title = "A test"
target = "digits"
models = 1
suspects = [{ row = "Pruning", kind = "prune-20" }, { row = "Flipped sign", kind = "flip-sign" }]
fingerprints = [{ name = "bisection", method = "bisection", count = 5, profile = "exact" }]
"""
RUN = ("bench", "run", "tiny.toml", "--executor", "serial")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a plan of two observations."""
    (tmp_path / "tiny.toml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_says_what_it_does_and_where_it_is(command: Any, here: Path) -> None:
    """One line per job on stderr, the end on stdout; a second run has nothing to do."""
    first, again = command(*RUN), command(*RUN, "--quiet")
    as_json = command(*RUN, "--json", "--quiet")

    assert (first.code, again.code) == (0, 0), first.err
    assert first.out == "2 of 2 observations in runs/tiny-laptop; 0 were there before\n"
    assert "making fingerprints and suspects, 2 of 3: suspect prune-20, seed 0, " in first.err
    assert "left\n" in first.err
    assert (again.out, again.err) == ("2 of 2 observations in runs/tiny-laptop; 2 were there before\n", "")
    assert json.loads(as_json.out)["missing"] == 0
    record = json.loads((here / "runs" / "tiny-laptop" / "record.json").read_text())
    assert record["command"] == "modelprint bench run tiny.toml --scale laptop"


def test_the_status_is_that_of_a_plan_or_a_folder(command: Any, here: Path) -> None:
    """Exit code 3 while observations are missing."""
    before = command("bench", "status", "tiny.toml")
    command(*RUN)
    after = command("bench", "status", "runs/tiny-laptop")
    as_json = command("bench", "status", "tiny.toml", "--json")

    assert (before.code, after.code, as_json.code) == (3, 0, 0)
    assert "0 of 2 observations in runs/tiny-laptop; no run is under way here" in before.out
    assert "prune-20" in after.out and "2 of 2 observations" in after.out
    assert json.loads(as_json.out)["found"] == 2


def test_missing_observations_are_exit_code_3(command: Any, here: Path) -> None:
    """The problem is named on stderr, by the run and by the status; what could be made is there."""
    (here / "tiny.toml").write_text(PLAN.replace("flip-sign", "architecture-given"))

    done, status = command(*RUN), command("bench", "status", "runs/tiny-laptop")

    assert (done.code, status.code) == (3, 3)
    assert done.out.startswith("1 of 2 observations")
    said = "error: suspect architecture-given, seed 1: no weights of another network for digits"
    assert said in done.err and said in status.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run missing.toml", "missing.toml: No such file"),
        ("run tiny.toml --scale huge", "there is no scale 'huge'; choose one of smoke, laptop, paper"),
        ("run tiny.toml --executor magic", "there is no executor 'magic'; choose one of serial, processes, ray"),
        ("run tiny.toml --executor serial --workers 2", "serial works alone"),
        ("run tiny.toml --executor serial --ray-address x:1", "--ray-address belongs to --executor ray"),
        ("run tiny.toml --workers 0", "workers"),
        ("run bad.toml", "bad.toml: suspects[0].kind: there is no 'prune-21'"),
        ("run tiny.toml --executor serial --output .", "is no folder of a run"),
        ("status nowhere", "nowhere: No such file"),
        ("status .", "is no folder of a run"),
        ("report nowhere", "nowhere is no folder of a run"),
        ("target nothing", "there is no target 'nothing'; choose one of cifar10-resnet20"),
    ],
)
def test_a_mistake_is_one_line(line: str, said: str, command: Any, here: Path) -> None:
    """Exit code 2, and nothing is begun."""
    (here / "bad.toml").write_text(PLAN.replace("prune-20", "prune-21"))

    done = command("bench", *line.split())

    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: ") and done.err.count("\n") == 1, done.err
    assert said in done.err
    assert not (here / "runs").exists()


def test_a_missing_extra_is_named(command: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is begun."""
    monkeypatch.setitem(sys.modules, "ray", None)

    done = command(*RUN[:3], "--executor", "ray")

    assert (done.code, done.out) == (2, "")
    assert "install the extra ray as modelprint was installed" in done.err
    assert not (here / "runs").exists()


def test_missing_data_are_named(command: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the target that wants them; exit code 2, since nothing can be done."""
    monkeypatch.setenv("MODELPRINT_DATA", str(here / "nowhere"))
    monkeypatch.setenv("XDG_DATA_HOME", str(here / "nowhere"))
    (here / "tiny.toml").write_text(PLAN.replace('"digits"', '"gtsrb-cnn6"'))

    done = command(*RUN, "--quiet")

    assert done.code == 2
    assert done.err.startswith("error: target gtsrb-cnn6: ") and "gtsrb" in done.err


@pytest.mark.heavy
def test_ctrl_c_says_how_to_go_on(here: Path) -> None:
    """One line, exit code 130; the workers are gone, and the same command ends as if nothing had been."""
    line = [MODELPRINT, *RUN[:3], "--executor", "processes", "--workers", "2"]
    timings = here / "runs" / "tiny-laptop" / "timings.jsonl"

    with subprocess.Popen(
        line,
        cwd=here,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        start_new_session=True,
    ) as process:
        while process.poll() is None and not timings.is_file():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells the workers too
        _, errors = process.communicate(timeout=60)
    again = subprocess.run([MODELPRINT, *RUN], cwd=here, capture_output=True, text=True, check=False)

    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == (
        "stopped; run the same command again to go on; what is done is in runs/tiny-laptop"
    )
    assert "Traceback" not in errors
    assert again.returncode == 0, again.stderr
