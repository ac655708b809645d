"""The scripts of `examples/` run as they stand, in a Python of their own, and write what they say they write."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))

RUN_ALL = """
import contextlib, io, json, os, runpy, sys, traceback

for example, folder in json.loads(sys.argv[1]):
    os.chdir(folder)
    printed, problem = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(example, run_name="__main__")
        except BaseException:
            problem = traceback.format_exc()
    print(json.dumps([printed.getvalue(), problem]))
"""


@dataclass(frozen=True)
class Ran:
    """What a script printed, why it stopped early, and what it left in a folder that was empty."""

    printed: str
    problem: str
    files: set[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """All scripts, run one after the other in one process, since starting one takes longer than a script."""
    folders = {example.name: tmp_path_factory.mktemp(example.stem) for example in EXAMPLES}
    given = json.dumps([[str(example), str(folders[example.name])] for example in EXAMPLES])
    done = subprocess.run([sys.executable, "-c", RUN_ALL, given], capture_output=True, text=True, check=True)
    ended = map(json.loads, done.stdout.splitlines())
    return {
        name: Ran(printed, problem, {path.name for path in folder.iterdir()})
        for (name, folder), (printed, problem) in zip(folders.items(), ended, strict=True)
    }


def test_there_are_scripts_to_run() -> None:
    """A parametrised test over an empty list cannot fail."""
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_script_runs_as_it_stands(example: Path, ran: dict[str, Ran]) -> None:
    """It ends well, prints something, and writes the files that its first paragraphs name, no others."""
    said = re.search(r"^It writes (.*?)(?: into the working folder)?\.$", example.read_text(), flags=re.MULTILINE)
    found = ran[example.name]

    assert not found.problem
    assert found.printed
    assert said is not None
    assert found.files == (set() if said[1] == "nothing" else set(said[1].split(" and ")))
