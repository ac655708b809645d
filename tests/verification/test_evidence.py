"""Scores count: a change that flips no label is seen, honest serving in any form is not, random scores are named."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.scores import ExpectedScores, ScoreRecord
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import Outcome, replay, verify
from modelprint.verification.evidence import AnswersUsed, honest_rate, make_rule
from modelprint.verification.report import render_report
from modelprint.verification.transcript import Transcript
from modelprint.verification.verifier import count_needed_answers

FLOOR, MARGIN = 1e-5, 1e-4
SAMPLES, CONTROLS, CLASSES = 40, 8, 5
Write = Callable[[float], str]


def draw_logits(place: int) -> list[float]:
    """Return logits whose greatest leads by the margin, of class place % 4; those of controls, by nine."""
    spread, margin = (0.01, MARGIN) if place < SAMPLES else (5.0, 9.0)
    values = np.random.default_rng(place).normal(size=CLASSES) * spread
    values[place % 4] = np.delete(values, place % 4).max() + margin
    return [float(value) for value in values]


def expect(logits: list[float]) -> ExpectedScores:
    """Return the scores to seal."""
    values = np.array(logits)
    return ExpectedScores(logs=tuple((values - np.log(np.exp(values).sum())).tolist()))


@pytest.fixture
def scored(sealed: Fingerprint) -> Fingerprint:
    """The file of 40 samples and 8 controls, with scores: samples are near ties, controls are not."""
    return replace(
        sealed,
        samples=tuple(replace(sample, margin=MARGIN) for sample in sealed.samples),
        scores=ScoreRecord(
            floor=FLOOR,
            differ_rate=1e-3,
            samples=tuple(expect(draw_logits(index)) for index in range(SAMPLES)),
            answers=3000,
            null=(0.1,) * SAMPLES,
            controls=tuple(expect(draw_logits(SAMPLES + index)) for index in range(CONTROLS)),
        ),
    )


@dataclass
class ScoreServer:
    """Serves the model of the file, and prints scores.

    Attributes:
        fingerprint: Whose model is served.
        change: What is added to the logits of a picture, by its place; controls come after the samples.
        write: How a score is written.
        temperature: What logits are divided by.
        logits: Whether it prints these instead of probabilities.
        hold: Whether the label is that of the logits before `change`.
        listed: How many classes are printed; all when None.
        silent: Whether no scores are printed.
        asked: How often each picture was asked.
    """

    fingerprint: Fingerprint
    change: Callable[[int, int], np.ndarray | float] = lambda place, time: 0.0
    write: Write = repr
    temperature: float = 1.0
    logits: bool = False
    hold: bool = False
    listed: int | None = None
    silent: bool = False
    asked: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pictures = [*self.fingerprint.samples, *self.fingerprint.controls]
        self.places = {one.picture.sha256: place for place, one in enumerate(pictures)}

    def ask(self, picture: Picture) -> Answer:
        if picture.sha256 not in self.places:  # one that was changed on the way
            return Answer(label=4)
        place = self.places[picture.sha256]
        time = self.asked[place] = self.asked.get(place, 0) + 1
        exact = draw_logits(place)
        values = (np.array(exact) + self.change(place, time)) / self.temperature
        shares = np.exp(values - values.max())
        scores = values if self.logits else shares / shares.sum()
        order = np.argsort(-scores, kind="stable")[: self.listed]
        label = int(np.argmax(exact if self.hold else values))
        if self.silent:
            return Answer(label=label)
        texts = tuple(self.write(float(scores[index])) for index in order)
        ranking = tuple((int(index), float(text)) for index, text in zip(order, texts, strict=True))
        tied = len(texts) > 1 and float(texts[0]) == float(texts[1])
        return Answer(label=label, named=label, ranking=ranking, printed=texts, tie=tied)

    def describe(self) -> dict[str, str]:
        return {"kind": "score server"}


def shift(size: float) -> Callable[[int, int], np.ndarray]:
    """Return a change of every logit, the same each time a picture is asked."""
    return lambda place, time: np.random.default_rng(place).normal(size=CLASSES) * size


def noise(size: float) -> Callable[[int, int], np.ndarray]:
    """Return a change of every logit that is another one each time."""
    return lambda place, time: np.random.default_rng((place, time)).normal(size=CLASSES) * size


WRITERS: list[Write] = [repr, lambda v: f"{v:.6f}", lambda v: f"{v:.4f}", lambda v: f"{v:.2f}", lambda v: f"{v:.3g}"]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("listed", [None, 2])
def test_an_intact_model_is_intact_in_every_form(
    write: Write, logits: bool, listed: int | None, scored: Fingerprint
) -> None:
    """Also where all scores of a sample are printed as the same number, which would be a tie of labels."""
    server = ScoreServer(scored, change=shift(FLOOR / 3), write=write, logits=logits, listed=listed)

    verdict = verify(server, scored)

    assert verdict.outcome is Outcome.INTACT, verdict.reasons
    assert verdict.scores is not None
    assert verdict.scores.used == "scores"
    assert count_needed_answers(scored) <= verdict.asked <= count_needed_answers(scored) + 5


@pytest.mark.parametrize("write", WRITERS[:3])
def test_a_change_that_flips_no_label_is_seen(write: Write, scored: Fingerprint) -> None:
    """A hundredth of a logit on the class that is last everywhere: labels say intact, scores say tampered."""

    def lift(place: int, time: int) -> np.ndarray:
        exact = draw_logits(place)
        return np.where(np.arange(CLASSES) == np.argmin(exact), -0.01, 0.0)

    by_label = verify(ScoreServer(scored, change=lift, write=write), scored, answers="label", queries=30)
    by_scores = verify(ScoreServer(scored, change=lift, write=write), scored)

    assert by_label.outcome is not Outcome.TAMPERED
    assert by_scores.outcome is Outcome.TAMPERED
    assert by_scores.mismatched >= 2
    found = by_scores.scores
    assert found is not None
    assert found.largest is not None
    assert found.largest > 100
    assert (found.flipped, found.random) == (0, False)
    assert "answers differ: 0 in the label, the others in their scores alone" in by_scores.reasons[0]
    assert any("the largest deviation is" in reason and "noise floors" in reason for reason in by_scores.reasons)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_temperature_is_no_tampering(temperature: float, scored: Fingerprint) -> None:
    """It explains every score, and is said."""
    verdict = verify(ScoreServer(scored, temperature=temperature), scored)

    assert verdict.outcome is Outcome.INTACT
    assert verdict.scores is not None
    assert f"at a temperature of {temperature:g}" in verdict.scores.form


@pytest.mark.parametrize("size", [0.05, 0.5])
def test_random_scores_leave_the_labels(size: float, scored: Fingerprint, tmp_path: Path) -> None:
    """A provider that adds noise and keeps its labels is recognised, judged by labels, and replayed alike."""
    log = Transcript(tmp_path / "t.jsonl")
    server = ScoreServer(scored, change=noise(size), hold=True)

    verdict = verify(server, scored, transcript=log)

    assert verdict.outcome is Outcome.INTACT
    assert verdict.scores is not None
    assert (verdict.scores.used, verdict.scores.random) == ("label", True)
    assert any("the scores are random" in reason for reason in verdict.reasons)
    again = replay(log.path, scored)
    assert (again.outcome, again.reasons) == (verdict.outcome, verdict.reasons)


def test_random_scores_from_a_cache_are_noticed_by_their_spread(scored: Fingerprint) -> None:
    """The same answer each time, wrong by many margins beside labels that all hold."""
    verdict = verify(ScoreServer(scored, change=shift(0.05), hold=True), scored)

    assert verdict.outcome is Outcome.INTACT
    assert verdict.scores is not None
    assert verdict.scores.random


def test_a_changed_model_is_not_mistaken_for_random_scores(scored: Fingerprint) -> None:
    """It repeats its scores; its labels flip."""
    server = ScoreServer(scored, change=shift(0.05))

    verdict = verify(server, scored)

    assert verdict.outcome is Outcome.TAMPERED, verdict.reasons
    assert verdict.scores is not None
    assert not verdict.scores.random


def test_a_replica_that_was_changed_is_seen(scored: Fingerprint) -> None:
    """Every second answer comes from a changed model: second answers that are right are no noise."""

    def mixed(place: int, time: int) -> np.ndarray:
        return shift(0.05)(place, time) if (place + time) % 2 else np.zeros(CLASSES)

    assert verify(ScoreServer(scored, change=mixed, hold=True), scored).outcome is Outcome.TAMPERED


def test_the_joint_test_sees_what_no_single_score_shows(scored: Fingerprint) -> None:
    """One class is off by 2.8 floors, of which three are honest; measured serving came to a third of one."""

    def push(place: int, time: int) -> np.ndarray:
        exact = draw_logits(place)
        return np.where(np.arange(CLASSES) == np.argmin(exact), -3.5 * FLOOR, 0.0)

    verdict = verify(ScoreServer(scored, change=push), scored)

    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.mismatched == 0
    assert verdict.scores is not None
    assert verdict.scores.joint is not None
    assert verdict.scores.joint_bound is not None
    assert verdict.scores.joint > verdict.scores.joint_bound
    assert any("together the scores are" in reason for reason in verdict.reasons)


def test_scores_on_an_unknown_scale_count_by_their_order(scored: Fingerprint) -> None:
    """One sigmoid for each class: intact in the right order, tampered in another."""

    def squash(value: float) -> str:
        return repr(1 / (1 + math.exp(-value)))

    intact = verify(ScoreServer(scored, logits=True, write=squash), scored)
    changed = verify(ScoreServer(scored, change=shift(0.05), hold=True, logits=True, write=squash), scored)

    assert intact.outcome is Outcome.INTACT
    assert intact.scores is not None
    assert intact.scores.used == "order"
    assert changed.mismatched > 1


@pytest.mark.parametrize("answers", ["order", "scores"])
def test_an_endpoint_that_hides_its_scores_is_not_intact(answers: AnswersUsed, scored: Fingerprint) -> None:
    """Where scores have to count, an answer without any is unusable."""
    verdict = verify(ScoreServer(scored, silent=True), scored, answers=answers)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.answered == 0
    assert "no usable scores" in str(verdict.observations[0].answer.problem)


def test_without_scores_labels_count(scored: Fingerprint) -> None:
    """An endpoint that prints labels alone is judged as before."""
    verdict = verify(ScoreServer(scored, silent=True), scored)

    assert verdict.outcome is Outcome.INTACT
    assert verdict.scores is None
    assert "labels match" in verdict.reasons[0]


def test_a_file_without_scores_has_no_rule(sealed: Fingerprint, scored: Fingerprint) -> None:
    """Scores cannot be asked for, and labels keep their own honest rate."""
    with pytest.raises(ValueError, match="answers: scores needs scores, and this fingerprint seals labels alone"):
        make_rule(sealed, "scores")

    assert make_rule(sealed, "auto") is None
    assert make_rule(scored, "label") is None
    assert honest_rate(sealed, "auto") == honest_rate(scored, "label") == sealed.profile.flip_rate
    assert honest_rate(scored, "auto") == 1e-3


def test_a_transcript_is_replayed_and_continued(scored: Fingerprint, tmp_path: Path) -> None:
    """With the scores in it; and not against a file that seals none."""
    log = Transcript(tmp_path / "t.jsonl")
    verdict = verify(ScoreServer(scored, change=shift(0.05)), scored, transcript=log)

    assert (
        replay(log.path, scored).to_json()
        == replace(verdict, fresh=False, reused=True, decided=replay(log.path, scored).decided).to_json()
    )
    with pytest.raises(TranscriptError):
        replay(log.path, replace(scored, scores=None))


def test_a_run_that_stops_between_two_questions_goes_on(scored: Fingerprint, tmp_path: Path) -> None:
    """After every question there is, the repeated ones too, the rest gives the same verdict."""
    whole = verify(ScoreServer(scored, change=noise(0.5), hold=True), scored)
    for stop in range(1, 12):
        log = Transcript(tmp_path / f"{stop}.jsonl")
        server = ScoreServer(scored, change=noise(0.5), hold=True)
        count = 0

        def ask(picture: Picture, server: ScoreServer = server, stop: int = stop) -> Answer:
            nonlocal count
            count += 1
            if count > stop:
                raise KeyboardInterrupt
            return ScoreServer.ask(server, picture)

        server.ask = ask  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            verify(server, scored, transcript=log)
        del server.ask  # type: ignore[attr-defined]

        again = verify(server, scored, transcript=log)

        assert (again.outcome, again.asked) == (whole.outcome, whole.asked)


def test_a_report_says_what_differs(scored: Fingerprint) -> None:
    """A sample whose label holds differs by its scores; one whose scores tie matches."""
    changed = ScoreServer(scored, change=lambda place, time: np.array([0, 0, 0, 0, -0.01]))
    rounded = ScoreServer(scored, write=lambda value: f"{value:.2f}")

    page = render_report("t", scored, {"a": verify(changed, scored), "b": verify(rounded, scored)})

    assert "(its scores)" in page
    assert "noise floors" in page
    assert 'class="tie"' not in page
