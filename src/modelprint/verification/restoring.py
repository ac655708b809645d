"""From a transcript back to what its answers amount to, checking that each was possible. Needs no torch."""

from pathlib import Path

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.verification.controls import USUAL, Trials
from modelprint.verification.identification import check_accepted
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.tally import Tally, start_tally
from modelprint.verification.transcript import Recording


def restore(record: Recording, fingerprint: Fingerprint, name: Path | str) -> tuple[Tally, Trials]:
    """Count the answers of a transcript again.

    Args:
        record: What the transcript holds.
        fingerprint: Samples, controls and expected labels.
        name: What messages call the transcript.

    Raises:
        TranscriptError: An answer cannot have been given in this verification.
    """
    header = record.header
    try:
        check_accepted(fingerprint, header.accept)
        test = SequentialTest(alpha=header.alpha, beta=header.beta, p0=header.p0, p1=header.p1)
    except ValueError as problem:
        raise TranscriptError(f"{name}: its header makes no test: {problem}") from problem
    allowed = set(header.questions)
    if len(allowed) != header.queries or not allowed <= set(range(len(fingerprint.samples))):
        raise TranscriptError(f"{name}: its order of questions does not go with the fingerprint")
    trials = _restore_trials(record, fingerprint, name)
    tally = start_tally(
        test,
        fingerprint,
        header.accept,
        rules=header.rules,
        min_answers=header.min_answers,
        answers=header.answers,
    )
    for observed in record.observations:
        index, label = observed.index, observed.answer.label
        where = f"{name}: the answer about sample {index}"
        if tally.done:  # then controls and repeated samples were asked before it went on
            tally.reconsider(trials.controls, trials.repeated)
        if index not in allowed or not tally.may_ask(index) or tally.done:
            raise TranscriptError(f"{where} was not to be asked for: it is there twice, out of range, or after the end")
        sample = fingerprint.samples[index]
        if (observed.png_sha256, observed.expected) != (sample.picture.sha256, sample.label):
            raise TranscriptError(f"{where} is about another picture or label than the fingerprint holds")
        if label is not None and not 0 <= label < tally.class_count:
            raise TranscriptError(f"{where} has label {label}, but there are {tally.class_count} classes")
        tally.add(observed)
    tally.reconsider(trials.controls, trials.repeated)
    return tally, trials


def _restore_trials(record: Recording, fingerprint: Fingerprint, name: Path | str) -> Trials:
    header = record.header
    if not 0 <= header.controls <= len(fingerprint.controls):
        raise TranscriptError(f"{name}: its number of ordinary pictures does not go with the fingerprint")
    trials = Trials(count=header.controls, forms=header.forms, class_names=fingerprint.class_names)
    for trial in record.trials:
        seen = trial.observed
        where = f"{name}: the answer about {trial.subject} {seen.index}" + (f" ({trial.form})" if trial.form else "")
        known = range(header.controls) if trial.subject == "control" else header.questions
        repeated = trials.has(trial.form, trial.subject, seen.index)
        if seen.index not in known or repeated or trial.form not in (USUAL, *header.forms):
            raise TranscriptError(f"{where} was not to be asked for: it is there twice, or out of range")
        asked = fingerprint.controls[seen.index] if trial.subject == "control" else fingerprint.samples[seen.index]
        if (seen.png_sha256, seen.expected) != (asked.picture.sha256, asked.label):
            raise TranscriptError(f"{where} is about another picture or label than the fingerprint holds")
        if seen.answer.label is not None and not 0 <= seen.answer.label < len(fingerprint.class_names):
            raise TranscriptError(f"{where} has label {seen.answer.label}, which is no class")
        trials.add(trial)
    return trials
