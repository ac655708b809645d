"""One question to an oracle, and its answer in a form that a transcript can carry. Needs no torch."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.scores.printed import read_printed
from modelprint.verification.controls import USUAL, Question, Trial, Trials
from modelprint.verification.evidence import AnswersUsed
from modelprint.verification.verdict import Observed

TEXT_LIMIT = 500
"""Longest text of a server that we keep, in characters."""


def ask_sample(oracle: Oracle, fingerprint: Fingerprint, index: int, answers: AnswersUsed = "label") -> Observed:
    """Ask about one sample.

    Args:
        oracle: Whom to ask.
        fingerprint: Has the sample.
        index: Which one.
        answers: What of an answer has to count; "order" and "scores" make an answer without scores one with a problem.
    """
    sample = fingerprint.samples[index]
    answer = _sanitise(oracle.ask(sample.picture), len(fingerprint.class_names))
    needed = answers in ("order", "scores") and answer.problem is None
    if needed and read_printed(answer, len(fingerprint.class_names)) is None:
        answer = replace(answer, label=None, problem=f"no usable scores, which --answers {answers} needs")
    return Observed(index=index, png_sha256=sample.picture.sha256, expected=sample.label, answer=answer)


def ask_controls(
    oracle: Oracle,
    variants: Mapping[str, Oracle],
    fingerprint: Fingerprint,
    trials: Trials,
    samples: Sequence[Observed],
    record: Callable[[Trial], None],
) -> None:
    """Ask about ordinary pictures, and in other ways where that may explain the answers, until nothing is left to ask.

    Args:
        oracle: Whom to ask.
        variants: The same in the other ways, by name.
        fingerprint: Has the controls.
        trials: Gets the answers.
        samples: The usable answers about samples.
        record: Called with every answer before the next question.
    """
    _ask(oracle, variants, fingerprint, trials, lambda: trials.find_question(samples), record)


def ask_again(
    oracle: Oracle,
    fingerprint: Fingerprint,
    trials: Trials,
    samples: Sequence[Observed],
    record: Callable[[Trial], None],
) -> None:
    """Ask some samples again whose scores alone differ, which shows whether the scores are random.

    Args:
        oracle: Whom to ask.
        fingerprint: Has the samples.
        trials: Gets the answers.
        samples: The usable answers about samples.
        record: Called with every answer before the next question.
    """
    _ask(oracle, {}, fingerprint, trials, lambda: trials.find_repeat(samples), record)


def _ask(
    oracle: Oracle,
    variants: Mapping[str, Oracle],
    fingerprint: Fingerprint,
    trials: Trials,
    choose: Callable[[], Question | None],
    record: Callable[[Trial], None],
) -> None:
    """Ask the questions that `choose` returns until there are none."""
    while (question := choose()) is not None:
        form = question[0]
        trial = _ask_question(oracle if form == USUAL else variants[form], fingerprint, question)
        record(trial)
        trials.add(trial)


def _ask_question(oracle: Oracle, fingerprint: Fingerprint, question: Question) -> Trial:
    form, subject, index = question
    asked = fingerprint.controls[index] if subject == "control" else fingerprint.samples[index]
    answer = _sanitise(oracle.ask(asked.picture), len(fingerprint.class_names))
    seen = Observed(index=index, png_sha256=asked.picture.sha256, expected=asked.label, answer=answer)
    return Trial(form=form, subject=subject, observed=seen)


def _sanitise(answer: Answer, class_count: int) -> Answer:
    """Return `answer` in a form that a transcript can carry; an impossible label becomes a missing one."""
    if answer.label is not None and not 0 <= answer.label < class_count:
        problem = f"answered class {answer.label}, but there are only {class_count} classes"
        answer = replace(answer, label=None, problem=problem)
    finite = all(math.isfinite(score) for _, score in answer.ranking)
    return replace(
        answer,
        named=make_printable(answer.named) if isinstance(answer.named, str) else answer.named,
        ranking=answer.ranking if finite else (),
        printed=tuple(make_printable(text) for text in answer.printed) if finite else (),
        problem=None if answer.problem is None else make_printable(answer.problem),
        server={make_printable(name): make_printable(value) for name, value in answer.server.items()},
    )


def make_printable(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text of a server, cut to `limit`, with control characters escaped."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:limit])
