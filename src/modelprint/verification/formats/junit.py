"""JUnit XML: one test case for each model; it fails when tampered with, and errs without a verdict. Needs no torch.

Read by the test pages of GitLab, Jenkins, Azure Pipelines and others.
"""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from modelprint.verification.verdict import Outcome, Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""

ELEMENTS = {1: "failure", 3: "error"}
"""Exit code of a verdict -> element in its test case; 0 has none."""


def render_junit(name: str, verdicts: Mapping[str, Verdict]) -> str:
    """Return a test suite with one case for each verdict.

    Args:
        name: Name of the fingerprint; the name of the suite.
        verdicts: Name of a model -> its verdict.
    """
    codes = [verdict.exit_code for verdict in verdicts.values()]
    suite = Element(
        "testsuite",
        name=_clean(name),
        tests=str(len(codes)),
        failures=str(codes.count(Outcome.TAMPERED.exit_code)),
        errors=str(codes.count(Outcome.INCONCLUSIVE.exit_code)),
    )
    for model, verdict in verdicts.items():
        _add_case(suite, model, name, verdict)
    indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suite, encoding="unicode")}\n'


def _add_case(suite: Element, model: str, name: str, verdict: Verdict) -> None:
    case = SubElement(suite, "testcase", name=_clean(model), classname=f"modelprint.{_clean(name)}")
    properties = SubElement(case, "properties")
    facts = {"outcome": verdict.outcome, "fingerprint": verdict.fingerprint, "p-value": f"{verdict.p_value:.3g}"}
    counts = {"asked": verdict.asked, "matched": verdict.matched, "mismatched": verdict.mismatched}
    for key, value in {**facts, **counts, **verdict.oracle}.items():
        SubElement(properties, "property", name=_clean(key), value=_clean(str(value)))
    if (element := ELEMENTS.get(verdict.exit_code)) is not None:
        wrong = SubElement(case, element, type=str(verdict.outcome), message=_clean(verdict.reasons[0]))
        wrong.text = "\n".join(map(_clean, (*verdict.reasons, verdict.limits)))


def _clean(text: str) -> str:
    """Return `text` without characters that no XML can hold; the library escapes the others."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
