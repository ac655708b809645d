"""Whose copy is it? Ask a suspect what an ownership fingerprint asks, and hold its answers against the references'."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.errors import OracleError
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels, ByViews
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Oracle
from modelprint.ownership.decision import Claim, Judge, OwnershipVerdict
from modelprint.ownership.encoder import cosines
from modelprint.ownership.packing import Represented, unpacked
from modelprint.ownership.probabilities import Scores, Suspected, check_model, identity
from modelprint.pixels import Picture
from modelprint.work import Work

Labelled = Int64[Tensor, "n 2"]
"""Of each picture the class that was answered, and 1 where it is one of two leading ones."""

STATE = "labels"


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """A verdict, and the answers that led to it.

    Attributes:
        verdict: Copy, unrelated or inconclusive.
        oracle: What was asked, without secrets.
        labels: The class that the suspect gives each example; None where models are told by views.
        represented: What the encoder makes of the suspect's answers, and the victim's; None where told by labels.
    """

    verdict: OwnershipVerdict
    oracle: dict[str, str]
    labels: tuple[int, ...] | None = None
    represented: tuple[Represented, Represented] | None = None


def check(
    suspect: Suspected,
    fingerprint: OwnershipFingerprint,
    *,
    judge: Judge | None = None,
    views: int | None = None,
    scores: Scores = "probabilities",
    work: Work | None = None,
) -> Finding:
    """Ask `suspect` everything, and judge.

    1. Before anything is asked, refuse what cannot be judged: too few references, a suspect that is one of them.
    2. Ask; a missing answer is an error that says where, since silence says nothing about a copy.
    3. Compare the suspect with the victim, and its rank with the references'.

    Args:
        suspect: A classifier, or an oracle.
        fingerprint: What the victim's owner sealed.
        judge: The rates of error; those of `Judge` when None.
        views: How many views to ask about; all of them when None.
        scores: What the scores of an oracle are.
        work: Progress and resumption of the answers.

    Raises:
        ValueError: As in (1), the suspect takes other images or knows other classes, or there are fewer views.
        OracleError: An answer is missing or incomplete.
    """
    judge, work = judge or Judge(), work or Work()
    model = identity(suspect)
    _check_suspect(fingerprint, model, views)
    judge.check_counts(*(len(fingerprint.rows_of(relation)) for relation in ("unrelated", "copy")))  # (1)
    work = work.bind_to(fingerprint.digest)
    oracle = LocalOracle(suspect) if isinstance(suspect, Classifier) else suspect
    if isinstance(oracle, LocalOracle):
        shape, classes = fingerprint.preprocessing.image_shape, len(fingerprint.class_names)
        check_model(oracle.model, shape, classes)
    if isinstance(fingerprint.evidence, ByLabels):
        found = _by_labels(oracle, fingerprint, fingerprint.evidence, judge, work)
    else:
        found = _by_views(oracle, fingerprint, fingerprint.evidence, judge, views, scores, work)
    verdict = replace(found.verdict, victim=fingerprint.provenance.model_sha256, suspect=model)
    return replace(found, verdict=verdict)


def ask_labels(oracle: Oracle, evidence: ByLabels, class_count: int, work: Work) -> Labelled:
    """Return what `oracle` says to each example, going on where an interrupted call was.

    Raises:
        OracleError: There is no label; says for which example.
    """
    count = len(evidence.pictures)

    def row(index: int) -> Labelled:
        return _answer(oracle, evidence.pictures[index], class_count, f"example {index + 1} of {count}")[None]

    return work.bind_to(identity(oracle)).make_rows(STATE, count, row, "asking")


def _answer(oracle: Oracle, picture: Picture, class_count: int, place: str) -> Int64[Tensor, " 2"]:
    answer = oracle.ask(picture)
    if answer.label is None or not 0 <= answer.label < class_count:
        why = answer.problem or f"class {answer.label} of {class_count}"
        raise OracleError(f"{place}: no usable answer ({why}); silence says nothing about a copy, ask again")
    return torch.tensor([answer.label, int(answer.tie)])


def _check_suspect(fingerprint: OwnershipFingerprint, model: str, views: int | None) -> None:
    for reference in fingerprint.references:
        if reference.model_sha256 == model:
            raise ValueError(
                f"the suspect is a reference model of the fingerprint ({reference.made}, seed {reference.seed}), so it "
                "cannot be judged by it"
            )
    evidence = fingerprint.evidence
    if isinstance(evidence, ByLabels):
        if views is not None:
            raise ValueError("this fingerprint is told by labels and has no views; leave their number out")
        return
    if model in evidence.seen and model != fingerprint.provenance.model_sha256:
        raise ValueError("the encoder of the fingerprint learnt from the suspect, so it cannot judge it")
    if views is not None and not 1 <= views <= len(evidence.index):
        raise ValueError(f"views is 1 to {len(evidence.index)}, what the fingerprint has, got {views}")


def _by_labels(
    oracle: Oracle, fingerprint: OwnershipFingerprint, evidence: ByLabels, judge: Judge, work: Work
) -> Finding:
    rows = ask_labels(oracle, evidence, len(fingerprint.class_names), work)  # (2)
    count = len(rows)
    matches, tied = rows[:, 0] == torch.tensor(evidence.labels), rows[:, 1].bool()

    def judged(matching: int) -> OwnershipVerdict:
        sides = (
            [
                torch.tensor([(fingerprint.references[row].matches or 0) / count])
                for row in fingerprint.rows_of(relation)
            ]
            for relation in ("unrelated", "copy")
        )
        return judge.judge(torch.tensor([matching / count]), *sides)

    verdict = judged(int((matches & ~tied).sum()))  # (3)
    # Of a tie nobody knows which label it stands for, so it may not decide.
    if tied.any() and judged(int((matches | tied).sum())).outcome != verdict.outcome:
        reasons = (f"{int(tied.sum())} answers are ties, and the verdict depends on how they are counted",)
        verdict = replace(verdict, outcome=Claim.INCONCLUSIVE, reasons=reasons)
    verdict = replace(verdict, views=count, unit="examples")
    return Finding(verdict=verdict, oracle=oracle.describe(), labels=tuple(rows[:, 0].tolist()))


def _by_views(
    oracle: Oracle,
    fingerprint: OwnershipFingerprint,
    evidence: ByViews,
    judge: Judge,
    count: int | None,
    scores: Scores,
    work: Work,
) -> Finding:
    file = unpacked(fingerprint, evidence)
    asked = file.views.first(count or len(file.views))
    answered = asked.ask(oracle, scores=scores, work=work)  # (2)
    suspect = file.encoder.encode(answered)
    victim = file.encoder.encode(file.victim)[: len(suspect)]
    every = [cosines(one, victim) for one in torch.from_numpy(evidence.represented)[:, : len(victim)]]
    others, copies = ([every[row] for row in fingerprint.rows_of(relation)] for relation in ("unrelated", "copy"))
    verdict = judge.judge(cosines(suspect, victim), others, copies)  # (3)
    return Finding(verdict=verdict, oracle=oracle.describe(), represented=(suspect, victim))
