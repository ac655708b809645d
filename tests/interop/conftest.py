"""Real servers in throw-away environments: each has the versions it wants, and none of ours."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 120
"""Longest time a server may take to start."""

Serve = Callable[..., str]


@pytest.fixture(scope="session")
def make_environment() -> Callable[[Sequence[str]], Path]:
    """Return a function that installs requirements and gives the interpreter that has them; made once, kept."""

    def make(requirements: Sequence[str]) -> Path:
        name = hashlib.sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:12]
        folder = ROOT / "build" / "interop" / name
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *requirements], check=True)
            (folder / "ready").touch()
        return folder / "bin" / "python"

    return make


@pytest.fixture
def serve(make_environment: Callable[[Sequence[str]], Path], tmp_path: Path) -> Iterator[Serve]:
    """Start `servers/run_NAME.py` in an environment of its own, wait until it answers at `ready`, and stop it later."""
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, requirements: Sequence[str], ready: str) -> str:
        python = make_environment(requirements)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environ["PATH"] = f"{python.parent}:{environ['PATH']}"
        with (tmp_path / "server.log").open("wb") as log:
            command = [python, HERE / "servers" / f"run_{name}.py", str(port)]
            process = subprocess.Popen(
                command, cwd=tmp_path, stdout=log, stderr=log, env=environ, start_new_session=True
            )
        running.append(process)
        url = f"http://127.0.0.1:{port}"
        _wait(url + ready, process, tmp_path / "server.log")
        return url

    yield start
    for process in running:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `url` answers with 200."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    pytest.fail(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
