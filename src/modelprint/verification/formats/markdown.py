"""Markdown: a short summary for pull requests and job pages. Needs no torch."""

from collections.abc import Mapping

from modelprint.pages.markdown import as_markdown
from modelprint.verification.verdict import Outcome, Verdict

SIGNS = {Outcome.INTACT: "✅", Outcome.TAMPERED: "❌", Outcome.INCONCLUSIVE: "❔"}

NEXT = {
    Outcome.INTACT: "Nothing to do. Use other samples at the next check.",
    Outcome.TAMPERED: "Find out what is served there, and whether pictures reach the model unchanged.",
    Outcome.INCONCLUSIVE: "See the reasons, correct what they name, and run the check again.",
}
"""What to do after each outcome."""


def render_markdown(name: str, verdicts: Mapping[str, Verdict]) -> str:
    """Return a heading and a table with a row for each verdict, then the reasons and the next step of each.

    Args:
        name: Name of the fingerprint.
        verdicts: Name of a model -> its verdict.
    """
    rows = [_make_row(model, verdict) for model, verdict in verdicts.items()]
    table = ["| model | verdict | asked | differ | p-value |", "|---|---|---:|---:|---:|", *rows]
    details = [line for model, one in verdicts.items() for line in _explain(model, one)]
    digest = next(iter(verdicts.values())).fingerprint if verdicts else ""
    head = [f"## modelprint: {as_markdown(name)}", ""]
    return "\n".join([*head, *table, *details, "", f"Fingerprint `{digest}`", ""])


def _make_row(model: str, verdict: Verdict) -> str:
    cells = (as_markdown(model), f"{SIGNS[verdict.outcome]} {verdict.outcome}", verdict.asked, verdict.mismatched)
    return f"| {' | '.join(map(str, cells))} | {verdict.p_value:.3g} |"


def _explain(model: str, verdict: Verdict) -> list[str]:
    reasons = [f"- {as_markdown(reason)}" for reason in verdict.reasons]
    accepted = "An accepted release answers." if verdict.accepted else NEXT[verdict.outcome]
    return ["", f"**{as_markdown(model)}**: {verdict.outcome}. {accepted}", "", *reasons]
