"""Runs that share a ledger share alpha, ask the same samples until one decides, and then others."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import Outcome, replay, verify
from modelprint.verification.ledger import Ledger, draw_order, name_ledger, read_ledger, share_alpha, state_folder
from modelprint.verification.transcript import Transcript
from modelprint.verification.verdict import Verdict

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"
COUNT = 40


@cache
def sealed() -> Fingerprint:
    """Return a fingerprint of 40 samples of three classes."""
    base = Fingerprint.load(FORMAT_1)
    pictures = [Picture.of(np.full((1, 8, 8), index, dtype=np.uint8)) for index in range(COUNT)]
    samples = tuple(
        replace(base.samples[0], picture=picture, label=index % 3) for index, picture in enumerate(pictures)
    )
    return replace(base, samples=samples, class_names=("a", "b", "c"), expected_flip_rate=0.25)


class Model:
    """Answers by the number of the sample, and remembers what it was asked."""

    def __init__(self, answer: Callable[[int], Answer]) -> None:
        self.answer = answer
        self.asked: list[int] = []
        self.places = {sample.picture.sha256: index for index, sample in enumerate(sealed().samples)}

    def ask(self, picture: Picture) -> Answer:
        self.asked.append(self.places[picture.sha256])
        return self.answer(self.asked[-1])

    def describe(self) -> dict[str, str]:
        return {"kind": "model"}


def untouched() -> Model:
    """Return a model that answers as the file says."""
    return Model(lambda index: Answer(label=index % 3))


def silent() -> Model:
    """Return a model that never answers."""
    return Model(lambda index: Answer(problem="HTTP 500"))


def changed() -> Model:
    """Return a model that flips three of four labels."""
    return Model(lambda index: Answer(label=(index + (1 + index % 2 if index % 4 else 0)) % 3))


def check(path: Path, model: Model, **options: bool) -> Verdict:
    """Verify `model` with the ledger at `path`."""
    return verify(model, sealed(), ledger=Ledger(path=path, rng=random.Random(3), **options))


def test_the_levels_of_all_runs_add_up_to_alpha() -> None:
    """1/2 + 1/6 + 1/12 + ... is 1; without a ledger a run has all of it."""
    assert [share_alpha(0.6, run) for run in (1, 2)] == pytest.approx([0.3, 0.1])
    assert sum(share_alpha(1.0, run) for run in range(1, 1000)) == pytest.approx(1 - 1 / 1000)
    assert share_alpha(0.6, 0) == 0.6


def test_samples_never_asked_come_first_in_random_order() -> None:
    """Every sample is there once."""
    order = draw_order(40, {3, 5, 7}, random.Random(1))

    assert sorted(order) == list(range(40))
    assert set(order[-3:]) == {3, 5, 7}
    assert order[:37] != tuple(sorted(order[:37]))


def test_a_run_after_an_undecided_one_asks_the_same_samples(tmp_path: Path) -> None:
    """In the same order, at a smaller level; the verdict names the run."""
    path = tmp_path / "l.jsonl"
    first, second = silent(), untouched()

    undecided, intact = check(path, first), check(path, second)

    assert first.asked == second.asked[:5]
    assert (undecided.outcome, undecided.run, undecided.alpha) == (Outcome.INCONCLUSIVE, 1, 0.0005)
    assert (intact.outcome, intact.run, intact.budget_alpha) == (Outcome.INTACT, 2, pytest.approx(1e-3))
    assert intact.alpha == pytest.approx(1e-3 / 6)
    assert "run          number 2 of its budget, which has alpha 0.001 in all" in intact.summary()


def test_after_an_intact_verdict_a_new_budget_begins_with_other_samples(tmp_path: Path) -> None:
    """17 of 40 each time, while they last; the verdict says what is left."""
    path = tmp_path / "l.jsonl"
    first, second = untouched(), untouched()

    verdicts = [check(path, first), check(path, second)]

    assert not set(first.asked) & set(second.asked)
    assert [(verdict.run, verdict.unasked) for verdict in verdicts] == [(1, 23), (1, 6)]
    assert "left         6 samples of the file were never asked of this model" in verdicts[1].summary()


def test_after_a_tampered_verdict_alpha_goes_on_with_other_samples(tmp_path: Path) -> None:
    """Whoever asks until the answer is another one spends the same alpha."""
    path = tmp_path / "l.jsonl"
    first, second = changed(), untouched()

    verdicts = [check(path, first), check(path, second)]

    assert [(verdict.outcome, verdict.run) for verdict in verdicts] == [(Outcome.TAMPERED, 1), (Outcome.INTACT, 2)]
    assert not set(first.asked) & set(second.asked)


def test_fresh_starts_a_new_budget(tmp_path: Path) -> None:
    """Also after an undecided run, and with samples never asked."""
    path = tmp_path / "l.jsonl"
    first, second = silent(), untouched()
    check(path, first)

    verdict = check(path, second, fresh=True)

    assert verdict.run == 1
    assert not set(first.asked) & set(second.asked)


def test_an_interrupted_run_counts(tmp_path: Path) -> None:
    """It was one more chance of a false alarm; the next run asks the same samples."""
    path = tmp_path / "l.jsonl"

    def stop(index: int) -> Answer:
        raise KeyboardInterrupt

    first, second = Model(stop), untouched()
    with pytest.raises(KeyboardInterrupt):
        check(path, first)

    assert check(path, second).run == 2
    assert second.asked[0] == first.asked[0]


def test_a_transcript_goes_on_with_its_own_run(tmp_path: Path) -> None:
    """Continuing is no new run; a replay needs no ledger, and the finished transcript ends the budget."""
    ledger, transcript = Ledger(path=tmp_path / "l.jsonl"), Transcript(tmp_path / "t.jsonl")
    first, second = silent(), untouched()
    verify(first, sealed(), ledger=ledger, transcript=transcript)

    verdict = verify(second, sealed(), ledger=Ledger(path=tmp_path / "l.jsonl"), transcript=transcript)

    assert (verdict.outcome, verdict.run) == (Outcome.INTACT, 1)
    assert second.asked[:5] == first.asked
    assert replay(transcript.path, sealed()) == verdict
    budget = read_ledger(tmp_path / "l.jsonl", sealed().digest, COUNT)
    assert (budget.run, budget.outcomes, budget.open) == (0, [Outcome.INTACT], False)


def test_a_summary_says_what_was_asked_and_what_is_left(tmp_path: Path) -> None:
    """And how the next run will be."""
    path = tmp_path / "l.jsonl"
    check(path, silent())
    undecided = read_ledger(path, sealed().digest, COUNT).summary(COUNT)
    check(path, untouched())

    decided = read_ledger(path, sealed().digest, COUNT).summary(COUNT)

    assert "next run     number 2 of its budget, at 0.167 of alpha; the same samples in the same order" in undecided
    assert "runs         1 inconclusive, 1 intact" in decided
    assert "asked        17 of 40 samples; 23 were never asked" in decided
    assert "next run     number 1 of its budget, at 0.5 of alpha; in a new order, samples never asked first" in decided


def test_a_ledger_of_another_fingerprint_or_model_is_refused(tmp_path: Path) -> None:
    """And left as it is, as any other file."""
    path = tmp_path / "l.jsonl"
    check(path, silent())
    content = path.read_bytes()
    other = replace(sealed(), class_names=("x", "y", "z"))

    with pytest.raises(TranscriptError, match="belongs to another fingerprint or model: its fingerprint is"):
        verify(untouched(), other, ledger=Ledger(path=path))
    with pytest.raises(TranscriptError, match="belongs to fingerprint"):
        read_ledger(path, other.digest, COUNT)
    assert path.read_bytes() == content
    path.write_text("mine\n")
    with pytest.raises(TranscriptError):
        check(path, untouched())
    assert path.read_text() == "mine\n"


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "asked", "index": 40},
        {"kind": "budget", "at": "", "fresh": True, "order": [0, 1]},
        {"kind": "run", "at": "", "number": -1},
        {"kind": "run"},
        {"kind": "ledger", "format": 1, "fingerprint": "", "oracle": ""},
    ],
)
def test_a_damaged_ledger_is_refused(tmp_path: Path, line: object) -> None:
    """Before anything is asked."""
    path = tmp_path / "l.jsonl"
    check(path, silent())
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    model = untouched()

    with pytest.raises(TranscriptError):
        check(path, model)

    assert model.asked == []


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    """By the name of who runs; the first one is not disturbed."""
    path, transcript = tmp_path / "l.jsonl", Transcript(tmp_path / "t.jsonl")
    refused: list[str] = []

    def answer(index: int) -> Answer:
        for options in ({"ledger": Ledger(path=path)}, {"transcript": transcript}):
            with pytest.raises(TranscriptError) as problem:
                verify(untouched(), sealed(), **options)  # type: ignore[arg-type]
            refused.append(str(problem.value))
        return Answer(label=index % 3)

    verdict = verify(Model(answer), sealed(), ledger=Ledger(path=path), transcript=transcript)

    assert verdict.outcome is Outcome.INTACT
    assert "l.jsonl: process " in refused[0] and "is writing to this ledger; wait until it ends" in refused[0]
    assert "t.jsonl: process " in refused[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["l.jsonl", "t.jsonl"]


def test_ledgers_are_kept_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By fingerprint and oracle; an environment variable moves it."""
    monkeypatch.setenv("MODELPRINT_STATE", str(tmp_path))

    assert state_folder() == tmp_path / "ledgers"
    assert name_ledger("a" * 64, "b" * 64) == "aaaaaaaaaaaa-bbbbbbbbbbbb.ledger.jsonl"
