"""Verification: ask an oracle about the samples of a fingerprint until the answers are clear. Needs no torch."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Oracle, identify
from modelprint.oracles.variants import list_variants
from modelprint.progress import Progress, ignore_progress
from modelprint.verification.asking import ask_again, ask_controls, ask_sample
from modelprint.verification.conclusion import conclude, judge, list_usable, needs_controls, needs_repeats
from modelprint.verification.controls import Trial, Trials, count_controls, count_most_questions
from modelprint.verification.evidence import AnswersUsed, honest_rate
from modelprint.verification.identification import check_accepted
from modelprint.verification.ledger import Ledger, share_alpha
from modelprint.verification.restoring import restore
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.tally import Tally, start_tally
from modelprint.verification.transcript import Header, Recording, Transcript, read_transcript
from modelprint.verification.verdict import Outcome, Verdict

RULES = 3
"""The rules by which new transcripts are judged; docs/verification.md says what the earlier ones were."""
ROUNDS = 2
"""How often a run asks about a sample that gets no answer."""


def verify(
    oracle: Oracle,
    fingerprint: Fingerprint,
    *,
    queries: int | None = None,
    alpha: float = 1e-3,
    beta: float = 1e-2,
    p1: float | None = None,
    accept: Sequence[str] = (),
    min_answers: int = 0,
    controls: bool = True,
    answers: AnswersUsed = "auto",
    transcript: Transcript | None = None,
    ledger: Ledger | None = None,
    reuse: bool = False,
    progress: Progress = ignore_progress,
    patience: int = 5,
) -> Verdict:
    """Ask `oracle` about the samples of `fingerprint`, and stop as soon as the answers are clear.

    1. Fix the test before the first question: error rates, flip rates, number and order of samples.
    2. Take over the answers of an interrupted run from the transcript.
    3. Ask about one sample. A tie or a missing answer is no sign of tampering; before "intact" it counts as if it hid a
       mismatch. A sample without an answer is asked about once more when all others have been asked.
    4. Stop when the test has decided, the samples are used up, or nothing usable came back `patience` times in a row.
       A fingerprint that carries releases is asked on after "tampered", until one of them is named or all are excluded.
    5. Before "tampered", ask the ordinary pictures of the fingerprint, unless they were found right in this budget of
       the ledger. When these are wrong too, or another way of sending pictures explains all answers, it is no verdict.
    6. State the verdict from the answers alone, so that a replay reaches the same one.

    Args:
        oracle: What is asked; each sample is one question.
        fingerprint: Samples and expected labels.
        queries: Most samples to ask; all of them when None.
        alpha: Largest probability of calling an intact model tampered.
        beta: Largest probability of calling a model intact whose samples flip with probability `p1`.
        p1: Smallest flip rate that counts as tampering; the fingerprint's when None.
        accept: Names of releases that are as good as the protected model. They share `beta` with it: a model that is
            none of them passes with probability `beta` at most.
        min_answers: How many usable answers a verdict needs.
        controls: Whether ordinary pictures are asked before a verdict tampered; they are no samples.
        answers: What of an answer counts: its label, the order of its classes, or its scores. "auto" takes the most
            that the fingerprint seals and the oracle prints.
        transcript: Where answers are written and taken up from; nowhere when None.
        ledger: What was asked in earlier runs. With it the samples are asked in a random order, those never asked
            first, and repeated runs share `alpha` and `beta`. Without it they are asked in the order of the file, and
            the rates are those of this run alone.
        reuse: Whether the verdict of a finished transcript may stand for this check; otherwise its exit code is 3.
        progress: Called after every answer.
        patience: How many unusable answers in a row end the run.

    Raises:
        ValueError: When the numbers make no test, an accepted release is not in the fingerprint, or scores have to
            count and it has none.
        TranscriptError: When the transcript belongs to another verification or cannot be written.
    """
    if patience < 1:
        raise ValueError(f"patience is a number of answers, at least 1, got {patience}")
    header = _fix_test(oracle, fingerprint, queries, alpha, beta, p1, accept, min_answers, answers)  # (1)
    variants = list_variants(oracle, fingerprint.preprocessing.image_shape) if controls else {}
    if controls and count_controls(fingerprint):
        header = header.model_copy(update={"controls": count_controls(fingerprint), "forms": tuple(variants)})
    with ExitStack() as held:
        for log in (transcript, ledger):
            if log is not None:
                held.enter_context(log.hold())
        if ledger is not None:
            ledger.open(fingerprint.digest, identify(oracle), len(fingerprint.samples))
        header = _join_budget(header, transcript, ledger)
        return _run(oracle, variants, fingerprint, header, transcript, ledger, reuse, progress, patience)


def _join_budget(header: Header, transcript: Transcript | None, ledger: Ledger | None) -> Header:
    """Return `header` with the order of the questions and the level of this run.

    A transcript that is continued keeps its own; otherwise the ledger gives them, and says whether controls were right.
    """
    earlier = None if transcript is None else transcript.read_header()
    if earlier is not None:
        kept: dict[str, object] = {"rules": earlier.rules, "run": earlier.run, "order": earlier.order}
        if header.controls or earlier.rules < RULES:
            kept |= {"controls": earlier.controls, "forms": earlier.forms}
        if header.answers == "auto":
            kept |= {"answers": earlier.answers, "p0": earlier.p0}
        return header.model_copy(update=kept | {"alpha": share_alpha(header.alpha, earlier.run)})
    if ledger is None:
        return header
    run, order = ledger.begin_run()
    chosen: dict[str, object] = {"run": run, "order": order[: header.queries]}
    if ledger.controls_right:
        chosen |= {"controls": 0, "forms": ()}
    return header.model_copy(update=chosen | {"alpha": share_alpha(header.alpha, run)})


def _run(
    oracle: Oracle,
    variants: Mapping[str, Oracle],
    fingerprint: Fingerprint,
    header: Header,
    transcript: Transcript | None,
    ledger: Ledger | None,
    reuse: bool,
    progress: Progress,
    patience: int,
) -> Verdict:
    """Ask what the transcript does not answer yet, and state the verdict."""
    before = Recording(header=header, observations=(), outcome=None) if transcript is None else transcript.start(header)
    tally, trials = restore(before, fingerprint, transcript.path if transcript else "")  # (2)
    unasked = None if ledger is None else ledger.unasked
    if before.outcome is not None and before.outcome.decided:
        verdict = _check_outcome(conclude(tally, header, trials), before, transcript.path if transcript else "")
        return replace(verdict, fresh=False, reused=reuse, decided=before.ended, unasked=unasked)
    session = _Session(oracle, variants, fingerprint, header, transcript, ledger, progress, patience)
    session.ask_all(tally, trials)
    verdict = conclude(tally, header, trials)  # (6)
    if before.observations and not session.asked:
        verdict = replace(verdict, fresh=False, reused=reuse, decided=before.ended)
    if transcript is not None:
        transcript.finish(verdict)
    if ledger is not None:
        if trials.agree and verdict.outcome is Outcome.TAMPERED:
            ledger.add_controls()
        ledger.end_run(header.run, header.order, verdict.outcome)
        verdict = replace(verdict, unasked=ledger.unasked)
    return verdict


@dataclass
class _Session:
    """Asks, and writes down every answer before the next question.

    Attributes:
        asked: Questions asked so far.
        unusable: Unusable answers in a row.
    """

    oracle: Oracle
    variants: Mapping[str, Oracle]
    fingerprint: Fingerprint
    header: Header
    transcript: Transcript | None
    ledger: Ledger | None
    progress: Progress
    patience: int
    asked: int = 0
    unusable: int = 0

    def ask_all(self, tally: Tally, trials: Trials) -> None:
        """Ask about samples, then about what casts doubt on them, and about samples again if that changed something."""
        while True:
            self._ask_samples(tally)
            before, record = self.asked, partial(self._add_trial, trials)
            if needs_repeats(tally, self.header):
                ask_again(self.oracle, self.fingerprint, trials, list_usable(tally), record)
                tally.reconsider(trials.controls, trials.repeated)
            if needs_controls(tally, self.header):  # (5)
                ask_controls(self.oracle, self.variants, self.fingerprint, trials, list_usable(tally), record)
                tally.reconsider(trials.controls, trials.repeated)
            suspected = judge(tally, self.header) is Outcome.TAMPERED
            if tally.rule is None or self.asked == before or tally.done or suspected:
                break

    def _ask_samples(self, tally: Tally) -> None:
        self.progress("asking", len(tally.observations), self.header.queries)
        for index in _list_questions(tally, self.header.questions):
            if tally.done or self.unusable >= self.patience:  # (4)
                break
            if self.ledger is not None:
                self.ledger.add_question(index)
            observed = ask_sample(self.oracle, self.fingerprint, index, self.header.answers)  # (3)
            self.asked += 1
            if self.transcript is not None:
                self.transcript.add(observed)
            tally.add(observed)
            self.unusable = 0 if tally.observations[index].usable else self.unusable + 1
            self.progress("asking", len(tally.observations), self.header.queries)

    def _add_trial(self, trials: Trials, trial: Trial) -> None:
        self.asked += 1
        if self.transcript is not None:
            self.transcript.add_trial(trial)
        most = count_most_questions(self.header.controls, len(self.header.forms))
        self.progress("asking ordinary pictures", trials.answer_count, most)


def replay(transcript: Path | str, fingerprint: Fingerprint) -> Verdict:
    """Reach the verdict of a transcript again, without the oracle.

    Raises:
        TranscriptError: When the transcript is damaged, belongs to another fingerprint, or names another verdict than
            its answers give.
    """
    record = read_transcript(transcript)
    header = record.header
    if header.fingerprint != fingerprint.digest:
        raise TranscriptError(
            f"{transcript}: was made with fingerprint {header.fingerprint[:16]}, this one is {fingerprint.digest[:16]}"
        )
    if not _fits_rate(header, fingerprint) or not 1 <= header.queries <= len(fingerprint.samples):
        raise TranscriptError(f"{transcript}: its p0 or number of queries does not go with the fingerprint")
    tally, trials = restore(record, fingerprint, transcript)
    verdict = _check_outcome(conclude(tally, header, trials), record, transcript)
    return replace(verdict, fresh=False, reused=True, decided=record.ended)


def count_needed_answers(
    fingerprint: Fingerprint,
    *,
    alpha: float = 1e-3,
    beta: float = 1e-2,
    p1: float | None = None,
    accept: Sequence[str] = (),
    min_answers: int = 0,
    answers: AnswersUsed = "auto",
) -> int:
    """Return how many answers it takes to say intact when all of them match; arguments as for `verify`."""
    rate = fingerprint.expected_flip_rate if p1 is None else p1
    test = SequentialTest(alpha=alpha, beta=beta, p0=honest_rate(fingerprint, answers), p1=rate)
    check_accepted(fingerprint, accept)
    return max(start_tally(test, fingerprint, accept).test.answers_for_intact, min_answers)


def count_control_questions(oracle: Oracle, fingerprint: Fingerprint) -> int:
    """Return how many questions `verify` asks at most before a verdict tampered, besides those about new samples."""
    variants = list_variants(oracle, fingerprint.preprocessing.image_shape)
    return count_most_questions(count_controls(fingerprint), len(variants))


def _list_questions(tally: Tally, order: Sequence[int]) -> Iterator[int]:
    """Yield the samples without an answer, then those again that still have none."""
    for _ in range(ROUNDS):
        yield from tally.list_unanswered(order)


def _fix_test(
    oracle: Oracle,
    fingerprint: Fingerprint,
    queries: int | None,
    alpha: float,
    beta: float,
    p1: float | None,
    accept: Sequence[str],
    min_answers: int,
    answers: AnswersUsed,
) -> Header:
    """Return the test to be run; ValueError when the numbers make none."""
    count = len(fingerprint.samples)
    if queries is not None and not 1 <= queries <= count:
        raise ValueError(f"queries is a number from 1 to {count}, the samples of this fingerprint, got {queries}")
    if not 0 <= min_answers <= (queries or count):
        raise ValueError(f"min_answers is a number from 0 to {queries or count}, the queries, got {min_answers}")
    test = SequentialTest(
        alpha=alpha,
        beta=beta,
        p0=honest_rate(fingerprint, answers),
        p1=fingerprint.expected_flip_rate if p1 is None else p1,
    )
    return Header(
        fingerprint=fingerprint.digest,
        oracle=oracle.describe(),
        queries=count if queries is None else queries,
        accept=check_accepted(fingerprint, accept),
        rules=RULES,
        answers=answers if fingerprint.scores is not None or answers != "auto" else "label",
        min_answers=min_answers,
        **vars(test),
    )


def _fits_rate(header: Header, fingerprint: Fingerprint) -> bool:
    """Whether the header's p0 is that of the fingerprint."""
    try:
        return header.p0 == honest_rate(fingerprint, header.answers)
    except ValueError:  # scores count, and it has none
        return False


def _check_outcome(verdict: Verdict, record: Recording, name: Path | str) -> Verdict:
    """Return `verdict` if it is the one that the transcript names, or if that names none."""
    if record.outcome is not None and record.outcome is not verdict.outcome:
        raise TranscriptError(f"{name}: says {record.outcome}, but its answers say {verdict.outcome}")
    return verdict
