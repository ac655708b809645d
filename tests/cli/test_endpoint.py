"""endpoint probe says how an endpoint answers, also when it does not."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[1] / "golden" / "format-1.mprint"


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that closes every connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def close_all() -> None:
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()

    thread = threading.Thread(target=close_all, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def write_endpoint(folder: Path, url: str) -> Path:
    """Return a description of an endpoint at `url`."""
    path = folder / "endpoint.yaml"
    path.write_text(f"endpoint: {{kind: open-inference, url: '{url}', model: m, limits: {{timeout_s: 2}}}}\n")
    return path


@pytest.mark.parametrize("arguments", [["endpoint", "probe"], ["verify", FILE, "--endpoint"]])
def test_an_endpoint_that_cannot_be_reached_is_exit_code_2(
    arguments: list[object], command: Any, tmp_path: Path
) -> None:
    """Nothing listens at port 9; that is said at once, with what to check."""
    started = time.monotonic()
    done = command(*arguments, write_endpoint(tmp_path, "http://127.0.0.1:9"), "--quiet")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: http://127.0.0.1:9: the connection is refused; check")
    assert time.monotonic() - started < 5


def test_an_endpoint_that_does_not_answer_is_exit_code_3(command: Any, silent: str, tmp_path: Path) -> None:
    """The report says so, and that labels could not be understood without class names."""
    path = tmp_path / "endpoint.yaml"
    path.write_text(f"endpoint: {{kind: open-inference, url: '{silent}', model: m, retry: {{attempts: 1}}}}\n")

    plain, known = (
        command("endpoint", "probe", path, "--count", "1", "--json"),
        command("endpoint", "probe", path, "--count", "1", "--fingerprint", FILE),
    )

    assert (plain.code, known.code) == (3, 3)
    report = json.loads(plain.out)
    assert (report["reachable"], report["asked"], report["answered"]) == (False, 1, 0)
    assert "no label can be understood" in plain.err
    assert "no label can be understood" not in known.err
