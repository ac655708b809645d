"""The example at the end of every help runs as it is written."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from modelprint.cli.page import find_example, list_commands

COMMANDS = dict(list_commands())

SMALLER = {
    "own seal": "--force --count 4 --set steps=5 --alpha 0.5 --unrelated retrain-all-short*1 --copies none",
    "own check": "--alpha 0.5",
    "generate": "--force --count 4 --method bisection --profile exact --expected-flip-rate 0.25",
    "enrol": "--walks 0 --repeats 2 --pause 0",
    "sign": "--force",
    "tamper": "--force",
    "tradeoff": "--count 2 --percentiles none --set rounds=1 --profile exact",
    "train-generator": "--set epochs=1 --set width=8",
}
"""What a test adds to an example: the files are there already, and a test has no hours."""

FINDS = {"own check": 1}
"""Exit codes of examples that find something: the endpoint of the tests serves the very model, a copy."""

ELSEWHERE = {"data fetch", "serve", "quickstart"}
"""Examples that need the internet, never end, or take half a minute; each has a test of its own."""


SIGNED = {"check-signature", "key show", "sign"}
"""Examples that need a key, or a file that it signed."""


def _sign(command: Any) -> None:
    """Put a key pair into the world, and the fingerprint before and after it was signed."""
    shutil.copy("r20.mprint", "release.mprint")
    assert command("key", "new", "owner.pem").code == 0
    signed = command("sign", "release.mprint", "--key", "owner.pem", "--output", "release.signed.mprint")
    assert signed.code == 0, signed.err


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - ELSEWHERE))
def test_the_example_runs(name: str, command: Any, world: Path, endpoint: Path, request: pytest.FixtureRequest) -> None:
    """It exits as it should and says something on stdout."""
    if name.startswith("bench "):
        request.getfixturevalue("bench_world")
    if name == "verify":
        (world / "today.jsonl").unlink()
    if name in SIGNED:
        _sign(command)

    done = command(*shlex.split(find_example(COMMANDS[name]))[1:], *shlex.split(SMALLER.get(name, "")))

    assert (done.code, done.err.count("error")) == (FINDS.get(name, 0), 0), done.err
    assert done.out
