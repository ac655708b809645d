"""SARIF 2.1.0: one result for each model, for code scanning of GitHub, Azure DevOps and others. Needs no torch.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 2020.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from modelprint.verification.verdict import Outcome, Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {Outcome.INTACT: ("pass", "none"), Outcome.TAMPERED: ("fail", "error"), Outcome.INCONCLUSIVE: ("open", "none")}
"""Outcome -> kind and level of a result; only what failed has a level."""

RULES = {
    Outcome.INTACT: "The model that answers is the protected one.",
    Outcome.TAMPERED: "The model that answers is not the protected one.",
    Outcome.INCONCLUSIVE: "The answers do not decide whether the model is the protected one.",
}


def render_sarif(name: str, verdicts: Mapping[str, Verdict]) -> str:
    """Return a log with one run and one result for each verdict.

    A release that was accepted passes. A verdict that only repeats an earlier one is open.

    Args:
        name: Name of the fingerprint.
        verdicts: Name of a model -> its verdict.
    """
    rules = [{"id": str(rule), "shortDescription": {"text": text}} for rule, text in RULES.items()]
    driver = {"name": "modelprint", "version": version("modelprint"), "rules": rules}
    results = [_describe(name, model, verdict) for model, verdict in verdicts.items()]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=2) + "\n"


def _describe(name: str, model: str, verdict: Verdict) -> dict[str, Any]:
    counted = next(outcome for outcome in Outcome if outcome.exit_code == verdict.exit_code)
    kind, level = LEVELS[counted]
    place = {"name": model, "fullyQualifiedName": verdict.oracle.get("url", model), "kind": "resource"}
    return {
        "ruleId": str(counted),
        "ruleIndex": list(RULES).index(counted),
        "kind": kind,
        "level": level,
        "message": {"text": f"{model}: {verdict.outcome}. {'. '.join(verdict.reasons)}."},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": name}}, "logicalLocations": [place]}],
        "partialFingerprints": {"fingerprint/v1": verdict.fingerprint},
        "properties": {"pValue": verdict.p_value, "asked": verdict.asked, "mismatched": verdict.mismatched},
    }
