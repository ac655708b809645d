"""Pages with samples say so at their top."""

from pathlib import Path

from modelprint.fingerprint import Fingerprint
from modelprint.pages.secret import SECRET
from modelprint.pages.sections import make_gallery, render_sections

GOLDEN = Path(__file__).parents[1] / "golden"


def test_a_page_with_a_gallery_is_secret() -> None:
    """The samples of a study can be sealed for real; the sentence stands before everything else."""
    galleries = {"one": make_gallery(Fingerprint.load(GOLDEN / "format-1.mprint"))}

    page = render_sections(title="A study", under=[], tiles=[], sections=[], figures={}, galleries=galleries)

    assert page.index("<h1>") < page.index(SECRET) < page.index("<nav")
