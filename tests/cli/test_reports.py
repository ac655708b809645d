"""Reports: the ending of the name says the form, and every bad name is refused before anything is asked."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modelprint.cli.reports import ENDINGS, PAGE, check_reports, write_reports
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification.formats import FORMATS
from modelprint.verification.verifier import verify

FINGERPRINT = Fingerprint.load(Path(__file__).parents[1] / "golden" / "format-1.mprint")


class Silent:
    """Never answers."""

    def ask(self, picture: Picture) -> Answer:
        """Say nothing."""
        return Answer(label=None, problem="no reply")

    def describe(self) -> dict[str, str]:
        """Name it."""
        return {"kind": "silent"}


def test_every_ending_has_its_form(tmp_path: Path) -> None:
    """Each file is what its name says."""
    verdict = verify(Silent(), FINGERPRINT)
    paths = [tmp_path / f"report{ending}" for ending in (*ENDINGS, ".HTML")]

    write_reports(paths, "f.mprint", FINGERPRINT, verdict, quiet=True)

    texts = {path.suffix: path.read_text() for path in paths}
    assert texts[".html"].lower().startswith("<!doctype html>")
    assert texts[".HTML"] == texts[".html"]
    assert texts[".md"].startswith("## modelprint: f.mprint")
    assert json.loads(texts[".sarif"])["version"] == "2.1.0"
    assert ElementTree.fromstring(texts[".xml"]).tag == "testsuite"
    assert set(ENDINGS) == {PAGE, *FORMATS}


@pytest.mark.parametrize("name", ["report", "report.pdf", "html", ".html"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match=r"the name ends in \.html \(a page\), \.md"):
        check_reports([tmp_path / name], False, {})


def test_nothing_is_replaced_by_accident(tmp_path: Path) -> None:
    """Neither a file, nor what the command reads, nor a pipe, nor another report."""
    old, pipe, new = tmp_path / "old.html", tmp_path / "pipe.md", tmp_path / "new.xml"
    old.write_text("mine")
    os.mkfifo(pipe)

    with pytest.raises(ValueError, match="exists already"):
        check_reports([new, old], False, {})
    with pytest.raises(ValueError, match="is not a regular file"):
        check_reports([pipe], True, {})
    with pytest.raises(ValueError, match="--report and --endpoint are the same file"):
        check_reports([new], False, {"--endpoint": new})
    with pytest.raises(ValueError, match="--report and another --report are the same file"):
        check_reports([new, new], False, {})
    check_reports([new, old], True, {"--endpoint": None})
