"""Nothing that fails before the first command ends with an exit code that is a verdict."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALL = "from modelprint.__main__ import main; main()"


def start(folder: Path, *arguments: str, redirected: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program; modules in `folder` hide those that are installed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}
    line = f'"$0" -c "$1" "${{@:2}}" {redirected}'
    command = ["bash", "-c", line, sys.executable, CALL, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


@pytest.mark.parametrize(
    "code", ["import missing_module", "raise SystemExit(0)", "raise SystemExit(1)", "1 / 0", "def"]
)
def test_a_broken_installation_is_no_verdict(code: str, tmp_path: Path) -> None:
    """A module that cannot be imported, or that ends the program: exit code 2 and one line."""
    (tmp_path / "typer.py").write_text(code)

    done = start(tmp_path, "--version")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: cannot be imported (") and done.stderr.count("\n") == 1
    assert start(tmp_path, redirected="2>&-").returncode == 2


def test_a_command_has_its_own_exit_code(tmp_path: Path) -> None:
    """0 for what was done, 2 for a wrong line."""
    assert start(tmp_path, "--version").stdout.startswith("modelprint ")
    assert start(tmp_path, "nonsense").returncode == 2


def test_ctrl_c_before_the_first_command_is_no_verdict(tmp_path: Path) -> None:
    """As later."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")

    assert start(tmp_path).returncode == 130
