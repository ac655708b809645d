"""Markdown: a table, the reasons, the next step."""

from collections.abc import Callable

from modelprint.verification.formats.markdown import NEXT, render_markdown
from modelprint.verification.verdict import Outcome, Verdict

OUTCOMES = ("intact", "tampered", "inconclusive")


def test_every_model_has_a_row_and_a_next_step(make_verdict: Callable[[str], Verdict]) -> None:
    """And its reasons as a list."""
    verdicts = {name: make_verdict(name) for name in OUTCOMES}

    page = render_markdown("r20.mprint", verdicts)

    for name, verdict in verdicts.items():
        assert f"| {name} | " in page
        assert NEXT[verdict.outcome] in page
        assert f"- {verdict.reasons[0]}" in page
    assert verdicts["intact"].fingerprint in page


def test_hostile_texts_stay_in_their_cell(make_verdict: Callable[[str], Verdict]) -> None:
    """No markup of a server is obeyed."""
    page = render_markdown("a|b", {"<b>|": make_verdict("inconclusive")})

    assert "<script>" not in page
    assert "<b>" not in page
    assert "a\\|b" in page
    assert "\\*\\*bold\\*\\*" in page


def test_every_outcome_has_a_next_step() -> None:
    """Also without any verdict there is a table."""
    assert set(NEXT) == set(Outcome)
    assert render_markdown("f", {}).count("\n|") == 2
