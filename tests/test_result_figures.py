"""The figures of the pages of results are drawn from their data files."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from modelprint.pages.figures import Drawing

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("result_figures", ROOT / "benchmarks" / "result_figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_figure_stands_on_a_page(script: ModuleType) -> None:
    """No picture is drawn without a page that shows it, and no picture is missing."""
    shown = {name for page in RESULTS.glob("*.md") for name in re.findall(r"\]\(([\w-]+)\.png\)", page.read_text())}

    assert set(script.list_figures(RESULTS / "data")) <= shown
    assert shown == {path.stem for path in RESULTS.glob("*.png")}


def test_a_figure_is_drawn_from_the_data(script: ModuleType, tmp_path: Path) -> None:
    """It is a picture of the size of the one that is committed."""
    draw = script.list_figures(RESULTS / "data")["ssf-output-forms"]

    Drawing(name="forms", caption="", size=script.SIZE, draw=draw).save(tmp_path / "forms.png")

    with Image.open(tmp_path / "forms.png") as drawn, Image.open(RESULTS / "ssf-output-forms.png") as committed:
        assert drawn.size == committed.size
        assert len(drawn.convert("RGB").getcolors(1 << 24) or ()) > 100
