"""0 and 1 are verdicts that were printed, and nothing else ends with them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import verify
from modelprint.verification.transcript import Transcript

FILE = Path(__file__).parents[1] / "golden" / "format-1.mprint"
MODELPRINT = Path(sys.executable).with_name("modelprint")
NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")


class Untouched:
    """Answers as the file says."""

    def __init__(self, sealed: Fingerprint) -> None:
        self.labels = {sample.picture.sha256: sample.label for sample in sealed.samples}

    def ask(self, picture: Picture) -> Answer:
        return Answer(label=self.labels[picture.sha256])

    def describe(self) -> dict[str, str]:
        return {"kind": "untouched"}


@pytest.fixture
def intact(tmp_path: Path) -> Path:
    """A transcript whose replay exits with 0."""
    sealed = Fingerprint.load(FILE)
    path = tmp_path / "t.jsonl"
    assert verify(Untouched(sealed), sealed, p1=0.9, transcript=Transcript(path)).exit_code == 0
    return path


def shell(line: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash, where $0 is modelprint."""
    command = ["bash", "-c", line, str(MODELPRINT), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"$0" replay "$1" "$2" >&-', "standard output is closed"),
        ('"$0" replay "$1" "$2" > /dev/full', "standard output: No space left on device"),
        ('"$0" replay "$1" "$2" --json > /dev/full', "standard output: No space left on device"),
        ('"$0" replay "$1" "$2" >&- 2>&-', ""),
        ('"$0" replay "$1" "$2" > /dev/full 2> /dev/full', ""),
        ('"$0" replay missing "$2" 2>&-', ""),
        ('"$0" replay missing "$2" 2> /dev/full', ""),
        ('"$0" verify "$2" --network digits >&-', "standard output is closed"),
        ('"$0" detect "$2" --suspects . >&-', "standard output is closed"),
        ('"$0" own check "$2" --network digits >&-', "standard output is closed"),
    ],
)
def test_a_verdict_that_cannot_be_printed_has_no_exit_code(line: str, said: str, intact: Path) -> None:
    """2 instead, with one line where stderr takes it."""
    done = shell(line, intact, FILE, folder=intact.parent)

    assert done.returncode == 2, done
    assert said in done.stderr
    assert done.stderr.count("\n") <= 1


def test_a_reader_that_has_gone_gets_no_exit_code_of_a_verdict(intact: Path) -> None:
    """141, as from SIGPIPE."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [MODELPRINT, "replay", intact, FILE], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_stderr_changes_no_verdict(intact: Path) -> None:
    """The verdict is on stdout, with its exit code."""
    for closed in ("2>&-", "2> /dev/full"):
        done = shell(f'"$0" replay "$1" "$2" {closed}', intact, FILE, folder=intact.parent)

        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "verdict      INTACT")


@pytest.mark.parametrize(
    "problem", [SystemExit(0), SystemExit(1), SystemExit("done"), GeneratorExit(), BaseException()]
)
def test_code_that_ends_the_program_gives_no_verdict(
    problem: BaseException, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it asks for: 2 and one line."""

    def stop(path: object) -> None:
        raise problem

    monkeypatch.setattr(Fingerprint, "load", stop)

    done = command("inspect", FILE)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ") and done.err.count("\n") == 1


@pytest.mark.parametrize("code", [0, 1])
def test_a_factory_cannot_choose_the_exit_code(
    code: int, command: Any, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code of a model that calls sys.exit is an error, for every command that loads it."""
    name = f"quitting_{code}"
    (world / f"{name}.py").write_text(f"import sys\n\n\ndef make():\n    sys.exit({code})\n")
    monkeypatch.syspath_prepend(str(world))

    for line in (("verify", "r20.mprint"), ("detect", "r20.mprint", "--suspects", "suspects")):
        done = command(*line, "--network", f"{name}:make", "--image-shape", "3,32,32")

        assert (done.code, done.out) == (2, ""), line


def test_a_report_that_fails_does_not_hide_the_verdict(
    command: Any, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is printed, the transcript is complete, and exit code 2 says that something is missing."""
    from modelprint.verification import report

    def fail(*arguments: object) -> str:
        raise OSError(28, "No space left on device", "out.html")

    monkeypatch.setattr(report, "render_report", fail)

    done = command("verify", "r20.mprint", *NAMED, "--transcript", "new.jsonl", "--report", "out.html")

    assert done.code == 2
    assert done.out.startswith("verdict      INTACT")
    assert "error: the verdict stands, but its report could not be written: out.html: No space left" in done.err
    assert command("replay", "new.jsonl", "r20.mprint").code == 0
