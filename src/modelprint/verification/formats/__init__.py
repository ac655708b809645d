"""Reports for machines and for pull requests: one file for each format. Needs no torch."""

from collections.abc import Callable, Mapping

from modelprint.verification.formats.junit import render_junit
from modelprint.verification.formats.markdown import render_markdown
from modelprint.verification.formats.sarif import render_sarif
from modelprint.verification.verdict import Verdict

FORMATS: dict[str, Callable[[str, Mapping[str, Verdict]], str]] = {
    ".md": render_markdown,
    ".sarif": render_sarif,
    ".xml": render_junit,
}
"""Ending of a file name -> function from the name of the fingerprint and named verdicts to the text of the report."""

__all__ = ["FORMATS", "render_junit", "render_markdown", "render_sarif"]
