"""Is a suspect a copy? Ask it what an ownership fingerprint asks, and compare it with the references.

Checking labels needs no torch, and none is imported for it.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels
from modelprint.oracles.oracle import KnownModel, Oracle, identify
from modelprint.oracles.recorded import RecordedOracle, has_class
from modelprint.ownership.decision import Judge, OwnershipCheck
from modelprint.ownership.label_check import check_labels
from modelprint.ownership.rankings import Scores, has_all_scores
from modelprint.progress import Progress, ignore_progress


def check(
    suspect: Oracle,
    fingerprint: OwnershipFingerprint,
    *,
    judge: Judge | None = None,
    views: int | None = None,
    scores: Scores = "probabilities",
    log: Path | None = None,
    progress: Progress = ignore_progress,
) -> OwnershipCheck:
    """Ask `suspect` everything, and judge.

    1. Before the first question, refuse what cannot be judged: too few references, a suspect that is one of them.
    2. Ask; a missing answer is an error that says where, because it is no evidence.
    3. Compare the suspect with the victim, and its rank with the references'.

    Args:
        suspect: An oracle; a classifier is one as `LocalOracle(classifier)`.
        fingerprint: The owner's file.
        judge: The rates of error; those of `Judge` when None.
        views: How many views to ask about; all of them when None.
        scores: What the scores of the oracle are.
        log: File that keeps the answers, so that an interrupted check can be continued; None keeps none.
        progress: Called after every answer.

    Raises:
        ValueError: As in (1), the suspect takes other images or knows other classes, or there are fewer views.
        OracleError: An answer is missing or incomplete, or `log` belongs to another suspect or fingerprint.
    """
    judge, evidence = judge or Judge(), fingerprint.evidence
    model, classes = identify(suspect), len(fingerprint.class_names)
    _check_suspect(fingerprint, model, views)  # (1)
    judge.check_counts(*(len(fingerprint.rows_of(relation)) for relation in ("unrelated", "copy")))
    if isinstance(suspect, KnownModel):
        suspect.check_fit(fingerprint.preprocessing.image_shape, classes, "these pictures")
    if isinstance(evidence, ByLabels):
        keep = partial(has_class, class_count=classes)
        recorded = RecordedOracle(suspect, log, subject=fingerprint.digest, keep=keep)
        checked = check_labels(recorded, fingerprint, evidence, judge, progress)  # (2), (3)
    else:
        from modelprint.ownership.view_check import check_views  # needs torch

        if not isinstance(suspect, KnownModel):  # one that we know is asked for all logits at once
            keep = partial(has_all_scores, class_count=classes)
            suspect = RecordedOracle(suspect, log, subject=fingerprint.digest, keep=keep)
        checked = check_views(suspect, fingerprint, evidence, judge, views, scores, progress)  # (2), (3)
    verdict = replace(checked.verdict, victim=fingerprint.provenance.model_sha256, suspect=model)
    return replace(checked, verdict=verdict)


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
            raise ValueError("this fingerprint compares labels and has no views; leave their number out")
        return
    if model in evidence.seen and model != fingerprint.provenance.model_sha256:
        raise ValueError("the encoder of the fingerprint was trained on the suspect, so it cannot judge it")
    if views is not None and not 1 <= views <= len(evidence.index):
        raise ValueError(f"views is 1 to {len(evidence.index)}, what the fingerprint has, got {views}")
