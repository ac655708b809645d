"""Tables that benchmarks print become the data files of the pages of results."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "table_files.py"

PRINTED = """\
Rates.

| row | N=1 | L2 |
|---|---|---|
| Pruning, 20% | 97.3% (93% to 100%) | - |
| None | 0.0% (0% to 0%) | 1.2e-05 |

## noise

| what | count |
|---|---:|
| all | 3 of 4 |
"""


@pytest.fixture
def script() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("table_files", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_printed_tables_become_files(script: ModuleType, tmp_path: Path) -> None:
    """Signs of per cent move into the name, intervals into columns, and a heading names its file."""
    script.write(PRINTED, tmp_path, "rates", "python benchmarks/x.py")

    assert (tmp_path / "rates.csv").read_text().splitlines() == [
        'row,"N=1, %","N=1, %, low","N=1, %, high",L2',
        '"Pruning, 20%",97.3,93,100,',
        "None,0.0,0,0,1.2e-05",
    ]
    assert (tmp_path / "noise.csv").read_text() == "what,count\nall,3 of 4\n"
    (rates, noise) = json.loads((tmp_path / "report.json").read_text())["sections"]
    assert rates["tables"] == [{"file": "rates.csv", "shows": "Rates.", "rows": 2}]
    assert noise["command"] == "python benchmarks/x.py"


def test_other_sections_of_the_record_stay(script: ModuleType, tmp_path: Path) -> None:
    """Several scripts write into one folder; a second run of one replaces what it wrote."""
    script.write(PRINTED, tmp_path, "rates")
    script.write("| a |\n|---|\n| 1 |\n", tmp_path, "other")
    script.write("| a |\n|---|\n| 2 |\n", tmp_path, "other")

    sections = json.loads((tmp_path / "report.json").read_text())["sections"]

    assert [section["name"] for section in sections] == ["rates", "noise", "other"]
    assert (tmp_path / "other.csv").read_text() == "a\n2\n"
