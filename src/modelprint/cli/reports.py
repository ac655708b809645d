"""Reports about a verdict: the ending of a file's name says which form it has. Needs no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelprint.cli.console import write_report
from modelprint.cli.options import refuse_same_file, refuse_to_replace

if TYPE_CHECKING:
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.verification.verdict import Verdict

PAGE = ".html"
"""Ending of the page for people; the other endings are those of `modelprint.verification.formats`."""

ENDINGS = (PAGE, ".md", ".sarif", ".xml")


def check_reports(reports: Sequence[Path], force: bool, others: Mapping[str, Path | None]) -> None:
    """Refuse reports that have an unknown form, or would replace something.

    Args:
        reports: Files to write.
        force: Whether existing reports may be replaced.
        others: What the command reads or writes besides, by option.

    Raises:
        ValueError: Names the first report that cannot be written.
    """
    for index, path in enumerate(reports):
        refuse_same_file("--report", path, others)
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(
                f"--report {path}: the name ends in .html (a page), .md (a summary in Markdown), .sarif (SARIF) or "
                ".xml (JUnit)"
            )
        refuse_to_replace(path, force)
        for other in reports[:index]:
            refuse_same_file("--report", path, {"another --report": other})


def write_reports(
    reports: Sequence[Path], name: str, fingerprint: "Fingerprint", verdict: "Verdict", quiet: bool
) -> None:
    """Write each report in the form that its ending says.

    Args:
        reports: Files that `check_reports` has let pass.
        name: Name of the fingerprint's file.
        fingerprint: What the model was checked with.
        verdict: What was found.
        quiet: Whether the paths are not printed.
    """
    from modelprint.verification.formats import FORMATS
    from modelprint.verification.report import render_report

    for path in reports:
        render = FORMATS.get(path.suffix.lower())
        verdicts = {"the model": verdict}
        if render is None:
            page = render_report(f"Verification with {name}", fingerprint, verdicts)
        else:
            page = render(name, verdicts)
        write_report(path, page, quiet)
