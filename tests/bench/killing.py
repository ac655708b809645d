"""Run a plan again and again, each time in a fork that is killed at a random moment, until it was killed often enough.

Called by a test as `python killing.py PLAN FOLDER KILLS`: a process of its own, since only one without threads may
fork, and with everything imported already, so that nearly every moment is one of work. The first run is left alone; the
others live at most half as long as it took. When the plan gets done all the same, the next round begins, in a new
folder and a new cache. Prints the folders of the rounds.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from modelprint.bench.folder import RunFolder
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.run import run
from modelprint.bench.suspects import describe_target
from modelprint.cache import VARIABLE, cache_folder
from modelprint.engine import Serial


def main(plan: Path, folder: Path, kills: int) -> None:
    """Do as said above."""
    describe_target("digits")
    text, targets, rng = plan.read_text(), cache_folder() / "targets", random.Random(1)
    left, rounds, longest_s = kills, 0, 0.0
    while True:
        place = folder / f"round-{rounds}"
        if not place.exists():
            shutil.copytree(targets, place / "cache" / "targets")
            print(place, flush=True)
        started = time.monotonic()
        child = start(text, place)
        if left and longest_s:
            time.sleep(rng.uniform(0, longest_s))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            left -= 1
            continue
        if os.WEXITSTATUS(status):
            sys.exit(f"a run ended with {os.WEXITSTATUS(status)}")
        if not left:
            return
        rounds += 1
        longest_s = longest_s or (time.monotonic() - started) / 2


def start(text: str, place: Path) -> int:
    """Run the plan in a fork; returns its process id."""
    child = os.fork()
    if child:
        return child
    try:
        os.environ[VARIABLE] = str(place / "cache")
        summary = run(parse_plan(text), "laptop", Serial(), RunFolder(place / "run"), text=text, command="x")
        os._exit(summary.missing)
    finally:
        os._exit(99)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
