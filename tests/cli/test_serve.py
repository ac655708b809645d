"""A demo server from the command line."""

import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelprint.cli.page import find_example, list_commands
from modelprint.fingerprint.integrity import Fingerprint

NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")


MODELPRINT = Path(sys.executable).with_name("modelprint")


def test_a_server_answers_until_it_is_stopped(world: Path, started: Any, until: Any) -> None:
    """A real process serves PNG files, and Ctrl-C ends it without a traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [MODELPRINT, "serve", *NAMED, "--class-names", ",".join("abcdefghij"), "--port", str(port), "--scores"]
    url = f"http://127.0.0.1:{port}"
    png = Fingerprint.load(world / "r20.mprint").samples[0].picture.png

    with started(line, world) as process:
        # One client for all tries: making one takes longer than asking.
        with httpx.Client(trust_env=False) as client:
            try:
                answer = until(lambda: client.post(f"{url}/classify", content=png), tries=6000)
            finally:
                process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert answer.json()["label"] in "abcdefghij"
    assert len(answer.json()["logits"]) == 10
    assert process.returncode in (0, 130)
    assert "Traceback" not in errors
    assert url in errors


COMMANDS = dict(list_commands())


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


def test_a_port_that_is_taken_is_an_error_before_anything_is_loaded(command: Any) -> None:
    """Exit code 2: uvicorn's own 1 would mean tampered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = command("serve", "--network", "no-such-network", "--port", port)

    assert done.code == 2
    assert done.err.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
