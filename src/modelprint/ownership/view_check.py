"""Checking UAP fingerprints: an encoder compares a suspect's probabilities with the victim's, view by view."""

import torch

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByViews
from modelprint.oracles.oracle import Oracle
from modelprint.ownership.decision import Judge, OwnershipCheck
from modelprint.ownership.encoder import cosines
from modelprint.ownership.packing import unpack
from modelprint.ownership.rankings import Scores
from modelprint.progress import Progress, ignore_progress


def check_views(
    oracle: Oracle,
    fingerprint: OwnershipFingerprint,
    evidence: ByViews,
    judge: Judge,
    count: int | None = None,
    scores: Scores = "probabilities",
    progress: Progress = ignore_progress,
) -> OwnershipCheck:
    """Ask `oracle` about the first `count` views, and judge it by their similarity to the victim's.

    Args:
        oracle: What is asked.
        fingerprint: The owner's file.
        evidence: Its views, answers and encoder.
        judge: The rates of error.
        count: How many views to ask about; all of them when None.
        scores: What the scores of the oracle are.
        progress: Called after every answer.

    Raises:
        ValueError: Too few references for the rates of `judge`.
        OracleError: An answer is missing or incomplete; says for which picture.
    """
    opened = unpack(fingerprint, evidence)
    asked = opened.views.first(count or len(opened.views))
    suspect = opened.encoder.encode(asked.ask(oracle, scores=scores, progress=progress))
    victim = opened.encoder.encode(opened.victim)[: len(suspect)]
    similarities = [cosines(one, victim).numpy() for one in torch.from_numpy(evidence.represented)[:, : len(victim)]]
    others, copies = (
        [similarities[row] for row in fingerprint.rows_of(relation)] for relation in ("unrelated", "copy")
    )
    return OwnershipCheck(
        verdict=judge.judge(cosines(suspect, victim).numpy(), others, copies),
        oracle=oracle.describe(),
        represented=(suspect.numpy(), victim.numpy()),
    )
