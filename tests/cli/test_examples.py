"""The example at the end of every help runs as it is written."""

import shlex
import socket
from pathlib import Path
from typing import Any

import pytest

from modelprint.cli.page import find_example, list_commands

COMMANDS = dict(list_commands())

SMALLER = {
    "own seal": "--force --count 4 --set steps=5 --alpha 0.5 --unrelated retrain-all-short*1 --copies none",
    "own check": "--alpha 0.5",
    "generate": "--force --count 4 --method bisection --profile exact",
    "tamper": "--force",
    "tradeoff": "--count 2 --percentiles none --set rounds=1 --profile exact",
    "train-generator": "--set epochs=1 --set width=8",
}
"""What a test adds to an example: the files are there already, and a test has no hours."""

FINDS = {"own check": 1}
"""Exit codes of examples that find something: the endpoint of the tests serves the very model, a copy."""

ELSEWHERE = {"data fetch", "serve", "quickstart"}
"""Examples that need the internet, never end, or take half a minute; each has a test of its own."""


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - ELSEWHERE))
def test_the_example_runs(name: str, command: Any, world: Path, endpoint: Path, request: pytest.FixtureRequest) -> None:
    """It exits as it should and says something on stdout."""
    if name.startswith("bench "):
        request.getfixturevalue("bench_world")
    if name == "verify":
        (world / "today.jsonl").unlink()

    done = command(*shlex.split(find_example(COMMANDS[name]))[1:], *shlex.split(SMALLER.get(name, "")))

    assert (done.code, done.err.count("error")) == (FINDS.get(name, 0), 0), done.err
    assert done.out


def test_the_example_of_data_fetch_runs(command: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a download that is there already."""
    from modelprint.data import fetch

    here = fetch.FetchedFile(path=tmp_path / "x", size=3, sha256="0" * 64, checked="nothing", downloaded=True)
    asked: list[str] = []
    monkeypatch.setattr(fetch, "fetch", lambda name, *_, **__: asked.append(name) or (here,))

    done = command(*shlex.split(find_example(COMMANDS["data fetch"]))[1:])
    as_json = command("data", "fetch", "mnist", "--json")

    assert asked == ["cifar10", "mnist"]
    assert (done.code, done.out) == (0, f"fetched {tmp_path / 'x'} (3 bytes), checked against nothing\n")
    assert str(tmp_path / "x") in as_json.out


def test_the_example_of_serve_runs(command: Any, monkeypatch: pytest.MonkeyPatch, world: Path) -> None:
    """Up to the point where it would wait for requests; port 8080 may be taken here, so another one is named."""
    from modelprint.demo import server

    served: list[tuple[str, int]] = []
    monkeypatch.setattr(server, "serve", lambda app, host, port: served.append((host, port)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    done = command(*shlex.split(find_example(COMMANDS["serve"]))[1:], "--port", port)

    assert done.code == 0, done.err
    assert served == [("127.0.0.1", port)]


def test_the_page_of_commands_is_up_to_date() -> None:
    """docs/cli.md is what the commands say now."""
    from modelprint.cli.page import make_page

    assert (Path(__file__).parents[2] / "docs" / "cli.md").read_text() == make_page()
