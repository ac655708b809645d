"""The rooms of the house import downwards only, and checking stays free of torch."""

import subprocess
import sys
from pathlib import Path


def test_the_import_contracts_hold() -> None:
    """Every contract of pyproject.toml is kept; the report says which import breaks one."""
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=Path(__file__).parent.parent, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout
