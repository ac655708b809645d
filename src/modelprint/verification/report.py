"""Verification reports: one HTML page about one or several models checked with one fingerprint. Needs no torch.

The page loads nothing: pictures are data URIs, there is no script, and its own content policy forbids the rest. A
server may write any text, so the template escapes everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Sample
from modelprint.pages.html import data_uri, render_page
from modelprint.verification.verdict import LIMITS, Observed, Verdict

TEMPLATE = "verdict.html"


@dataclass(frozen=True, kw_only=True)
class _SampleCell:
    """The answer of one model about one sample.

    Attributes:
        state: "match", "differs", "tie", "failed" or "unasked"; the page has a colour and a sign for each.
        text: The label, or why there is none.
    """

    state: str
    text: str


@dataclass(frozen=True, kw_only=True)
class _SampleRow:
    """One sample with the answers of all models.

    Attributes:
        index: Which sample.
        picture: The sample as a data URI.
        source: The natural image as a data URI, if the file has it.
        expected: The label in the fingerprint.
        margin: In logits.
        cells: One for each model.
    """

    index: int
    picture: str
    source: str | None
    expected: str
    margin: float
    cells: tuple[_SampleCell, ...]


def render_report(
    title: str, fingerprint: Fingerprint, verdicts: Mapping[str, Verdict], notes: Iterable[str] = ()
) -> str:
    """Return a page with the verdicts, their numbers, and every sample that was asked about, with its labels.

    Args:
        title: Heading of the page.
        fingerprint: What the models were checked with.
        verdicts: Name of a checked model -> its verdict; one or several, shown in this order.
        notes: Sentences to show under the verdicts.

    Raises:
        ValueError: When there is no verdict, or one was reached with another fingerprint.
    """
    if not verdicts:
        raise ValueError("a report is about at least one verdict, got none")
    for name, verdict in verdicts.items():
        if verdict.fingerprint != fingerprint.digest:
            raise ValueError(
                f"the verdict on {name!r} was reached with fingerprint {verdict.fingerprint[:16]}, "
                f"not with {fingerprint.digest[:16]}"
            )
    rows = _make_rows(fingerprint, list(verdicts.values()))
    return render_page(
        TEMPLATE,
        title=title,
        fingerprint=fingerprint,
        verdicts=verdicts,
        identified={name: one.identification for name, one in verdicts.items() if one.identification is not None},
        doubted={name: one for name, one in verdicts.items() if one.doubts is not None},
        notes=list(notes),
        rows=rows,
        sources=any(row.source for row in rows),
        unasked=len(fingerprint.samples) - len(rows),
        limits=LIMITS,
    )


def _make_rows(fingerprint: Fingerprint, verdicts: Sequence[Verdict]) -> list[_SampleRow]:
    """Return one row for each sample that any model was asked about."""
    answers = [{seen.index: seen for seen in verdict.observations} for verdict in verdicts]
    return [
        _make_row(index, sample, fingerprint.class_names, [seen.get(index) for seen in answers])
        for index, sample in enumerate(fingerprint.samples)
        if any(index in seen for seen in answers)
    ]


def _make_row(index: int, sample: Sample, names: Sequence[str], seen: Sequence[Observed | None]) -> _SampleRow:
    """Return the row of one sample."""
    return _SampleRow(
        index=index,
        picture=data_uri(sample.picture),
        source=None if sample.source is None else data_uri(sample.source),
        expected=names[sample.label],
        margin=sample.margin,
        cells=tuple(_make_cell(observed, names) for observed in seen),
    )


def _make_cell(observed: Observed | None, names: Sequence[str]) -> _SampleCell:
    """Return the answer of one model about one sample."""
    if observed is None:
        return _SampleCell(state="unasked", text="not asked")
    answer = observed.answer
    if observed.differs is not None and answer.label is not None:
        scores = " (its scores)" if observed.differs and not observed.flipped else ""
        return _SampleCell(state="differs" if observed.differs else "match", text=names[answer.label] + scores)
    if answer.tie:
        return _SampleCell(state="tie", text="tie")
    if answer.label is None:
        return _SampleCell(state="failed", text=answer.problem or "no answer")
    return _SampleCell(state="differs" if observed.mismatch else "match", text=names[answer.label])
