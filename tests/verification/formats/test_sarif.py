"""SARIF: one result for each model."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from modelprint.verification.formats.sarif import RULES, render_sarif
from modelprint.verification.verdict import Verdict


@pytest.mark.parametrize(
    ("outcome", "kind", "level"),
    [("intact", "pass", "none"), ("tampered", "fail", "error"), ("inconclusive", "open", "none")],
)
def test_each_outcome_has_its_kind(make_verdict: Callable[[str], Verdict], outcome: str, kind: str, level: str) -> None:
    """Only a failure has a level, as the specification asks for."""
    verdict = make_verdict(outcome)

    log = json.loads(render_sarif("r20.mprint", {"staging": verdict}))
    (run,) = log["runs"]
    (result,) = run["results"]

    assert log["version"] == "2.1.0"
    assert (result["kind"], result["level"], result["ruleId"]) == (kind, level, outcome)
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == outcome
    assert verdict.reasons[0] in result["message"]["text"]
    assert result["partialFingerprints"] == {"fingerprint/v1": verdict.fingerprint}
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "https://api.example.org/<b>"


def test_a_verdict_that_is_not_fresh_is_open(make_verdict: Callable[[str], Verdict]) -> None:
    """As its exit code says."""
    old = replace(make_verdict("tampered"), fresh=False)

    (result,) = json.loads(render_sarif("f", {"m": old}))["runs"][0]["results"]

    assert (result["kind"], result["ruleId"]) == ("open", "inconclusive")


def test_each_rule_is_an_outcome() -> None:
    """In the order that results refer to."""
    assert [str(rule) for rule in RULES] == ["intact", "tampered", "inconclusive"]
