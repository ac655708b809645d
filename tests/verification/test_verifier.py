"""A verdict follows from the answers, at a stated error rate, and from nothing else."""

import json
import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprint.errors import OracleError, TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import Outcome, replay, verify
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.transcript import Transcript
from modelprint.verification.verdict import Verdict
from modelprint.verification.verifier import count_needed_answers

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"

NOTHING = Answer(problem="timed out after 30 s")
TIE = Answer(label=0, tie=True)


@cache
def picture(index: int) -> Picture:
    """Return a picture unlike that of any other index."""
    return Picture.of(np.full((1, 8, 8), index, dtype=np.uint8))


@cache
def fingerprint(labels: tuple[int, ...], class_count: int = 3, p0: float = 1e-4, p1: float = 0.25) -> Fingerprint:
    """Return a fingerprint that expects `labels`."""
    base = Fingerprint.load(FORMAT_1)
    samples = tuple(replace(base.samples[0], picture=picture(index), label=label) for index, label in enumerate(labels))
    return replace(
        base,
        samples=samples,
        class_names=tuple(f"class {index}" for index in range(class_count)),
        profile=replace(base.profile, flip_rate=p0),
        expected_flip_rate=p1,
    )


@dataclass
class FakeOracle:
    """Gives the listed answers in turn, and remembers what it was asked. An exception in the list is raised."""

    answers: Iterable[Answer | BaseException]
    asked: list[Picture] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers = iter(self.answers)

    def ask(self, picture: Picture) -> Answer:
        answer = next(iter(self.answers))
        if isinstance(answer, BaseException):
            raise answer
        self.asked.append(picture)
        return answer

    def describe(self) -> dict[str, str]:
        return {"kind": "fake"}


def labelled(labels: Iterable[int]) -> FakeOracle:
    """Return an oracle that gives these labels."""
    return FakeOracle(Answer(label=label) for label in labels)


def flips(pattern: str, expected: Iterable[int], class_count: int = 3) -> FakeOracle:
    """Return an oracle that matches at "=", differs at "x", ties at "t" and fails at "-"."""
    kinds: Mapping[str, Callable[[int], Answer]] = {
        "=": lambda label: Answer(label=label),
        "x": lambda label: Answer(label=(label + 1) % class_count),
        "t": lambda label: TIE,
        "-": lambda label: NOTHING,
    }
    return FakeOracle(kinds[sign](label) for sign, label in zip(pattern, expected, strict=False))


# The test, by hand


@pytest.mark.parametrize(
    ("pattern", "outcome"),
    [
        # p0 = 0.1 and p1 = 0.5: a mismatch multiplies the ratio by 5, a match by 5/9; the bounds are 20 and 0.01.
        ("xx", Outcome.TAMPERED),  # 5, 25
        ("x=xx", Outcome.TAMPERED),  # 5, 2.8, 13.9, 69
        ("=x=xx", Outcome.TAMPERED),  # 0.56, 2.8, 1.5, 7.7, 38.6
        ("========", Outcome.INTACT),  # 0.016 after seven, 0.0091 after eight
        ("x===========", Outcome.INTACT),  # 0.014 after ten matches, 0.0078 after eleven
        ("x", Outcome.INCONCLUSIVE),  # 5
        ("=x=x", Outcome.INCONCLUSIVE),  # 7.7
        ("=======", Outcome.INCONCLUSIVE),  # 0.016
    ],
)
def test_the_ratio_is_computed_as_on_paper(pattern: str, outcome: Outcome) -> None:
    """The verdict comes with the very answer at which the likelihood ratio, worked out by hand, crosses a bound."""
    expected = (0, 1) * 10
    sealed = fingerprint(expected, class_count=2, p0=0.1, p1=0.5)
    queries = len(pattern) if outcome is Outcome.INCONCLUSIVE else None

    verdict = verify(flips(pattern, expected, class_count=2), sealed, queries=queries, alpha=0.05, beta=0.01)

    assert (verdict.outcome, verdict.asked) == (outcome, len(pattern))


def test_the_p_value_is_one_over_the_largest_ratio() -> None:
    """Matches after a mismatch do not take evidence back: the best moment counts, and Ville allows it.

    Half of the evidence bets on p1, the other half on 0.9: the other rates are p0 and less, or p1 itself.
    """
    expected = (0, 1) * 5
    sealed = fingerprint(expected, class_count=2, p0=0.1, p1=0.5)

    verdict = verify(flips("=xx===", expected, class_count=2), sealed, queries=6, alpha=0.01)

    for_p1, for_nine_tenths = 5 / 9 * 25, 1 / 9 * 81
    assert verdict.p_value == pytest.approx(1 / (for_p1 / 2 + for_nine_tenths / 2))
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_without_a_mismatch_the_p_value_is_one() -> None:
    """Matching answers are no evidence of tampering at all."""
    verdict = verify(labelled([0] * 20), fingerprint((0,) * 20))

    assert verdict.p_value == 1


def test_one_mismatch_is_never_enough() -> None:
    """p1 / p0 = 2500 beats 1 / alpha = 1000, but a single answer may be an accident; the second one decides."""
    expected = (0, 1, 2) * 10
    sealed = fingerprint(expected)

    alone = verify(flips("===x", expected), sealed, queries=4)
    later = verify(flips("====x=x", expected), sealed)

    assert (alone.outcome, alone.mismatched) == (Outcome.INCONCLUSIVE, 1)
    assert (later.outcome, later.asked) == (Outcome.TAMPERED, 7)


def test_no_verdict_comes_before_so_many_answers() -> None:
    """Neither tampered nor intact; then the evidence so far counts."""
    expected = (0, 1, 2) * 10
    sealed = fingerprint(expected)

    tampered = verify(flips("=xx=====", expected), sealed, min_answers=8)
    intact = verify(flips("=" * 25, expected), sealed, min_answers=25)

    assert (tampered.outcome, tampered.asked) == (Outcome.TAMPERED, 8)
    assert (intact.outcome, intact.asked) == (Outcome.INTACT, 25)
    assert count_needed_answers(sealed) == 17
    assert count_needed_answers(sealed, min_answers=25) == 25


def test_one_label_for_every_question_is_no_sign_of_tampering() -> None:
    """A cache that does not look at the picture gives one answer to all; the verdict names it, with its headers."""
    expected = (0, 1, 2) * 10
    stuck = Answer(label=1, named="class 1", server={"x-cache": "HIT", "age": "17", "server": "nginx"})

    verdict = verify(FakeOracle([stuck] * 30), fingerprint(expected))
    short = verify(FakeOracle([stuck] * 30), fingerprint(expected), queries=4)

    assert (verdict.outcome, verdict.asked, verdict.constant) == (Outcome.INCONCLUSIVE, 8, 1)
    assert verdict.reasons[0].startswith(
        "all 8 answers are label 1 (class 1), although 3 different labels are expected"
    )
    assert verdict.reasons[1] == "replies came with cache headers: age: 17, x-cache: HIT"
    assert (short.outcome, short.constant) == (Outcome.INCONCLUSIVE, 1)


def test_equal_scores_for_different_pictures_look_cached_too() -> None:
    """No network computes the same numbers for two pictures."""
    expected = (0, 1, 2) * 10
    same = [Answer(label=1, ranking=((1, 0.71), (0, 0.2)))] * 30
    other = [Answer(label=1, ranking=((1, 0.71 + index / 100), (0, 0.2))) for index in range(30)]

    assert verify(FakeOracle(same), fingerprint(expected)).outcome is Outcome.INCONCLUSIVE
    assert verify(FakeOracle(other), fingerprint(expected)).outcome is Outcome.TAMPERED


def test_one_label_without_a_sign_of_a_cache_is_tampered_and_the_doubt_is_stated() -> None:
    """A shift of one logit gives all junctions one label, so a changed model may do that."""
    verdict = verify(labelled([1] * 30), fingerprint((0, 1, 2) * 10))

    assert (verdict.outcome, verdict.constant) == (Outcome.TAMPERED, None)
    assert "a cache that does not look at the picture would look the same" in verdict.reasons[1]


def test_a_second_label_ends_the_doubt_about_a_cache() -> None:
    """Then the differing answers count as they always did."""
    expected = (0, 1, 2) * 10
    hit = {"x-cache": "HIT"}

    verdict = verify(FakeOracle(Answer(label=label, server=hit) for label in [1, 1, 1, 2]), fingerprint(expected))

    assert (verdict.outcome, verdict.asked, verdict.constant) == (Outcome.TAMPERED, 4, None)


def test_with_the_default_rates_seventeen_matches_are_intact() -> None:
    """0.75 ** 16 is above 0.01 and 0.75 ** 17 is below."""
    verdict = verify(labelled([0] * 30), fingerprint((0,) * 30))

    assert (verdict.outcome, verdict.asked, verdict.matched) == (Outcome.INTACT, 17, 17)
    assert SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-4, p1=0.25).answers_for_intact == 17
    assert verdict.visible_rate == pytest.approx(1 - 0.05 ** (1 / 17))


# The guarantee


def simulated(sealed: Fingerprint, rate: float, rng: random.Random, **options: float) -> Verdict:
    """Verify an oracle that flips each sample with probability `rate`."""
    labels = [(one.label + (rng.random() < rate) * rng.choice([1, 2])) % 3 for one in sealed.samples]
    return verify(labelled(labels), sealed, **options)  # type: ignore[arg-type]


def test_an_intact_model_is_seldom_called_tampered() -> None:
    """At the honest flip rate itself, at most a share alpha of the runs ends in an alarm, however long they go on."""
    rng = random.Random(5)
    sealed = fingerprint(tuple(rng.randrange(3) for _ in range(40)), p0=0.05, p1=0.3)

    outcomes = [simulated(sealed, 0.05, rng, alpha=0.1, beta=1e-9).outcome for _ in range(200)]

    # 20 are allowed on average, and 33 is three standard deviations above that. Some there are: alpha is not wasted.
    assert 3 <= outcomes.count(Outcome.TAMPERED) <= 33


def test_a_tampered_model_is_seldom_called_intact() -> None:
    """At the flip rate p1, at most a share beta passes."""
    rng = random.Random(6)
    sealed = fingerprint(tuple(rng.randrange(3) for _ in range(100)), p0=0.01, p1=0.3)

    outcomes = [simulated(sealed, 0.3, rng, alpha=0.01, beta=0.1).outcome for _ in range(200)]

    # 20 are allowed on average, and 33 is three standard deviations above that.
    assert outcomes.count(Outcome.INTACT) <= 33
    assert outcomes.count(Outcome.TAMPERED) >= 160


def test_the_queries_needed_are_few() -> None:
    """p0 = 0.0001 and p1 = 0.4 take ten queries for an intact model and about five for a modified one."""
    rng = random.Random(7)
    sealed = fingerprint(tuple(rng.randrange(3) for _ in range(60)), p1=0.4)

    intact = verify(labelled(one.label for one in sealed.samples), sealed)
    modified = [simulated(sealed, 0.4, rng).answered for _ in range(200)]

    assert intact.asked == 10
    assert 4 < sum(modified) / len(modified) < 7


# What is no evidence


def test_ties_and_missing_answers_are_no_evidence_of_tampering_and_may_hide_it() -> None:
    """They are counted apart and never as mismatches; but two thirds of the answers could hide anything."""
    expected = (0, 1, 2) * 20
    sealed = fingerprint(expected)
    again = [NOTHING] * 20

    verdict = verify(FakeOracle([*flips("t-=" * 20, expected).answers, *again]), sealed, patience=30)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert (verdict.matched, verdict.mismatched, verdict.tied, verdict.failed) == (20, 0, 20, 20)
    assert verdict.asked == verdict.answered + verdict.tied + verdict.failed == 60
    assert verdict.p_value == 1
    assert "beside 40 unusable ones" in verdict.reasons[1]


@pytest.mark.parametrize(("unusable", "matched"), [(0, 17), (1, 39), (2, 46)])
def test_unusable_answers_raise_the_number_of_matches_for_intact(unusable: int, matched: int) -> None:
    """By hand, for p0 = 0.0001, p1 = 0.25 and beta = 0.01.

    Without any: ln 100 - ln 0.95 = 4.656 in steps of ln(0.9999 / 0.75) = 0.2876. With some: ln 100 - ln 0.05 = 7.601,
    and ln 5 = 1.609 for each, in steps of ln(0.95 / 0.75) = 0.2364.
    """
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-4, p1=0.25)

    assert test.matches_for_intact(0, unusable) == matched


@pytest.mark.parametrize("hidden", [0.25, 0.5, 0.8, 1.0])
def test_hiding_mismatches_does_not_help_a_modified_model(hidden: float) -> None:
    """It passes in at most beta of the checks, whatever share of the flipped answers never comes, also on reruns."""
    rng = random.Random(11)
    test = SequentialTest(alpha=1e-3, beta=0.05, p0=1e-4, p1=0.25)
    trials, passed = 4000, 0
    for _ in range(trials):
        counts = {"matched": 0, "mismatched": 0, "unusable": 0}
        for _ in range(60):
            flipped = rng.random() < 0.25
            counts["matched" if not flipped else "unusable" if rng.random() < hidden else "mismatched"] += 1
            if test.is_intact(**counts):
                passed += 1
                break

    assert 0 < passed <= 0.05 * trials + 3 * math.sqrt(trials * 0.05 * 0.95)


def test_an_answer_that_comes_the_second_time_counts() -> None:
    """A sample without an answer is asked about again after all others, and only then."""
    expected = (0, 1, 2) * 6
    sealed = fingerprint(expected)
    oracle = FakeOracle([*flips("=-" + "=" * 16, expected).answers, Answer(label=1)])

    verdict = verify(oracle, sealed)

    assert (verdict.outcome, verdict.matched, verdict.failed) == (Outcome.INTACT, 18, 0)
    assert oracle.asked == [*(one.picture for one in sealed.samples), sealed.samples[1].picture]


@pytest.mark.parametrize("answer", [NOTHING, TIE, Answer(), Answer(label=3), Answer(label=-1)])
def test_an_endpoint_that_never_answers_is_inconclusive(answer: Answer) -> None:
    """Silence, ties and impossible labels never become a verdict; after `patience` of them the asking stops."""
    oracle = FakeOracle([answer] * 20)

    verdict = verify(oracle, fingerprint((0,) * 20), patience=4)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.outcome.exit_code == 3
    assert len(oracle.asked) == verdict.asked == 4
    assert verdict.answered == 0
    assert verdict.visible_rate is None
    assert verdict.reasons[0] == "not one usable answer came back; 4 of 20 samples were asked"


def test_patience_counts_answers_in_a_row() -> None:
    """A usable answer starts the count again."""
    expected = (0, 1, 2) * 10

    verdict = verify(flips("--=--=--=---", expected), fingerprint(expected), patience=3)

    assert verdict.asked == 12
    assert verdict.reasons[-1] == "the last trouble was: timed out after 30 s"


def test_an_impossible_label_is_trouble() -> None:
    """A class that the fingerprint does not have is a missing answer with a reason, not a mismatch."""
    verdict = verify(labelled([7, 0, 0, 7]), fingerprint((0, 0, 0)), queries=3)

    assert (verdict.failed, verdict.mismatched) == (1, 0)
    assert verdict.observations[0].answer.problem == "answered class 7, but there are only 3 classes"


def test_too_few_samples_are_inconclusive_and_the_reason_says_how_many_it_takes() -> None:
    """A small budget can only ever find a tampering; the user is told."""
    verdict = verify(labelled([0] * 5), fingerprint((0,) * 20), queries=5)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reasons == (
        "0 of 5 labels differ, too few to decide; 0 of 5 samples have no answer",
        "intact takes 17 matching answers",
    )


def test_an_error_of_the_oracle_is_not_a_verdict() -> None:
    """An exception goes to the caller."""
    with pytest.raises(OracleError, match="budget spent"):
        verify(FakeOracle([OracleError("budget spent")]), fingerprint((0,) * 20))


# Asking


def test_samples_are_asked_in_order_and_once() -> None:
    """The exact pictures of the fingerprint, first to last."""
    sealed = fingerprint((0,) * 20)
    oracle = labelled([0] * 20)
    heard: list[tuple[str, int, int]] = []

    verify(oracle, sealed, progress=lambda phase, done, total: heard.append((phase, done, total)))

    assert oracle.asked == [one.picture for one in sealed.samples[:17]]
    assert heard == [("asking", done, 20) for done in range(18)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"queries": 0}, "queries is a number from 1 to 4, the samples of this fingerprint, got 0"),
        ({"queries": 5}, "queries is a number from 1 to 4"),
        ({"alpha": 0.0}, "alpha is a probability above 0 and below 1, got 0.0"),
        ({"alpha": math.nan}, "alpha is a probability above 0 and below 1, got nan"),
        ({"beta": 1.0}, "beta is a probability above 0 and below 1, got 1.0"),
        ({"p1": 1e-5}, "flip rates need 0 < p0 < p1 < 1, got p0 0.0001 and p1 1e-05"),
        ({"p1": 1.0}, "flip rates need"),
        ({"patience": 0}, "patience is a number of answers, at least 1, got 0"),
    ],
)
def test_numbers_that_make_no_test_are_refused_before_asking(options: dict[str, float], expected: str) -> None:
    """No sample is spent on a wrong argument."""
    oracle = labelled([])

    with pytest.raises(ValueError, match=expected):
        verify(oracle, fingerprint((0,) * 4), **options)  # type: ignore[arg-type]

    assert oracle.asked == []


# Label remapping


def test_a_shifted_label_map_is_called_remapping() -> None:
    """An endpoint that counts its labels from one is misread, not tampered with."""
    expected = tuple(index * 7 % 10 for index in range(30))
    oracle = labelled((label + 1) % 10 for label in expected)

    verdict = verify(oracle, fingerprint(expected, class_count=10))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.asked == 6
    assert verdict.remap == {0: 1, 7: 8, 4: 5, 1: 2, 8: 9, 5: 6}
    assert verdict.reasons[0].startswith("label remapping: one permutation explains all 6 answers (0 as 1, 1 as 2, ")


def test_any_permutation_of_the_labels_is_found_by_its_repetitions() -> None:
    """Five answers must repeat what others showed before."""
    expected = (0, 1, 2, 3) * 5
    shuffled = {0: 2, 1: 0, 2: 3, 3: 1}

    verdict = verify(labelled(shuffled[label] for label in expected), fingerprint(expected, class_count=4))

    assert (verdict.outcome, verdict.asked, verdict.remap) == (Outcome.INCONCLUSIVE, 9, shuffled)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ((1, 2, 3, 0, 2), 5),  # class 0 became 1, then 2
        ((1, 1, 3), 3),  # two classes became one
        ((1, 2, 2), 3),  # the third answer matches
    ],
)
def test_one_answer_against_the_permutation_is_tampering(answers: tuple[int, ...], asked: int) -> None:
    """The doubt costs a few queries and ends with the first contradiction."""
    expected = (0, 1, 2, 3) * 5

    verdict = verify(labelled(answers), fingerprint(expected, class_count=4))

    assert (verdict.outcome, verdict.asked, verdict.remap) == (Outcome.TAMPERED, asked, None)


def test_a_budget_that_ends_in_doubt_ends_in_tampered() -> None:
    """With two queries, two flipped labels are enough: the evidence is there, and a remapping was not shown."""
    verdict = verify(labelled([1, 2]), fingerprint((0, 1, 2)), queries=2)

    assert verdict.outcome is Outcome.TAMPERED
    bets = [(rate / 1e-4) ** 2 for rate in (0.02, 0.05, 0.1, 0.5, 0.9)]
    assert verdict.p_value == pytest.approx(1 / ((0.25 / 1e-4) ** 2 / 2 + sum(bets) / 10))


def test_the_doubt_is_bounded() -> None:
    """When every sample has the same class, a permutation cannot be shown; twenty answers are all we spend on it."""
    verdict = verify(labelled([1] * 50), fingerprint((0,) * 50))

    assert (verdict.outcome, verdict.asked) == (Outcome.TAMPERED, 20)


def test_two_classes_are_never_called_remapped() -> None:
    """There a swap and a tampering that flips everything look the same, and we do not excuse the second."""
    verdict = verify(labelled([1, 0, 1]), fingerprint((0, 1) * 5, class_count=2))

    assert (verdict.outcome, verdict.asked) == (Outcome.TAMPERED, 2)


# Saying it


def test_a_summary_states_error_rates_and_limits() -> None:
    """Whoever reads the verdict reads how sure it is, and what it cannot exclude."""
    verdict = verify(labelled([0] * 20), fingerprint((0,) * 20))
    intact = verdict.summary()
    tampered = verify(labelled([0, 1, 1]), fingerprint((0,) * 20)).summary()

    assert intact.startswith("verdict      INTACT\nbecause      17 of 17 labels match; ")
    assert "asked        17 of at most 20 samples: 17 match, 0 differ, 0 tied, 0 without an answer" in intact
    assert "alpha 0.001, beta 0.01" in intact
    assert "flips a sample with probability 0.16 or more shows in 17 answers with probability 95%" in intact
    assert "would see" not in tampered
    assert (
        "because      2 of 3 labels differ; honest serving comes to that with probability 2.2e-07 at most" in tampered
    )
    assert intact.endswith(verdict.limits)
    assert all("cannot exclude a provider who recognises these queries" in text for text in (intact, tampered))


def test_what_a_server_says_cannot_reach_the_terminal() -> None:
    """Control characters are spelled out, long texts are cut."""
    bad = Answer(problem="\x1b[2J\n" + "x" * 10_000, named="\ud800", server={"via\r": "\x07"}, ranking=((0, math.nan),))

    verdict = verify(FakeOracle([bad, bad]), fingerprint((0,)))

    answer = verdict.observations[0].answer
    assert answer.problem is not None
    assert answer.problem.startswith("\\x1b[2J\\nxxx")
    assert len(answer.problem) < 600
    assert (answer.named, answer.server, answer.ranking) == ("\\ud800", {"via\\r": "\\x07"}, ())
    assert all(line.isprintable() for line in verdict.summary().splitlines())


def test_json_holds_everything() -> None:
    """A program can act on the verdict without reading sentences."""
    sealed = fingerprint((0, 1, 2) * 5)
    record = json.loads(verify(labelled([0, 1, 0, 1]), sealed).to_json())

    assert record["outcome"] == "tampered"
    assert record["exit_code"] == 1
    assert (record["asked"], record["matched"], record["mismatched"]) == (4, 2, 2)
    assert record["fingerprint"] == sealed.digest
    assert [seen["answer"]["label"] for seen in record["observations"]] == [0, 1, 0, 1]
    assert "recognises these queries" in record["limits"]


def test_a_remapping_survives_json() -> None:
    """The map is there with its labels as keys."""
    expected = tuple(index * 7 % 10 for index in range(30))
    verdict = verify(labelled((label + 1) % 10 for label in expected), fingerprint(expected, class_count=10))

    assert json.loads(verdict.to_json())["remap"]["7"] == 8


# Interrupting, resuming, replaying


def interrupted_at(expected: Iterable[int], count: int) -> FakeOracle:
    """Return an oracle at which Ctrl-C is pressed after `count` answers."""
    return FakeOracle([*[Answer(label=label) for label in expected][:count], KeyboardInterrupt()])


def test_an_interrupted_run_continues_without_asking_twice(tmp_path: Path) -> None:
    """Two halves ask what one run asks, and reach its verdict."""
    expected = (0, 1, 2) * 10
    sealed = fingerprint(expected)
    transcript = Transcript(tmp_path / "t.jsonl")
    first, second = interrupted_at(expected, 9), labelled(expected[9:])

    with pytest.raises(KeyboardInterrupt):
        verify(first, sealed, transcript=transcript)
    resumed = verify(second, sealed, transcript=transcript)

    assert [*first.asked, *second.asked] == [one.picture for one in sealed.samples[:17]]
    assert resumed == verify(labelled(expected), sealed)
    assert resumed == replay(transcript.path, sealed)


def test_a_finished_run_is_not_asked_again(tmp_path: Path) -> None:
    """The verdict is read from the transcript; not one more sample is spent."""
    sealed = fingerprint((0,) * 20)
    transcript = Transcript(tmp_path / "t.jsonl")
    first = verify(labelled([0] * 20), sealed, transcript=transcript)
    content = transcript.path.read_bytes()
    idle = labelled([])

    again = verify(idle, sealed, transcript=transcript)

    assert again == first
    assert idle.asked == []
    assert transcript.path.read_bytes() == content
    assert (first.fresh, first.exit_code) == (True, 0)
    assert (again.fresh, again.exit_code, again.decided is None) == (False, 3, False)
    assert f"decided      {again.decided}; nothing was asked now; to let it count again" in again.summary()
    assert json.loads(again.to_json())["fresh"] is False
    reused = verify(idle, sealed, transcript=transcript, reuse=True)
    assert (reused.fresh, reused.exit_code) == (False, 0)


def test_a_transcript_of_the_first_rules_is_replayed_by_them(tmp_path: Path) -> None:
    """There one early mismatch was enough, and the header names neither rules nor an order."""
    sealed = fingerprint((0, 1, 2) * 5)
    path, lines = recorded(tmp_path, sealed)
    old = {key: value for key, value in lines[0].items() if key not in ("rules", "min_answers", "run", "order")}
    rewrite(path, [old, *lines[1:4], lines[5]])

    verdict = replay(path, sealed)

    assert (verdict.outcome, verdict.asked, verdict.mismatched) == (Outcome.TAMPERED, 3, 1)
    assert (verdict.fresh, verdict.exit_code) == (False, 1)


def test_a_run_that_gave_up_can_be_continued(tmp_path: Path) -> None:
    """When the endpoint is back, only the samples without an answer are asked again; a tie was an answer."""
    expected = (0, 1, 2) * 15
    sealed = fingerprint(expected)
    transcript = Transcript(tmp_path / "t.jsonl")
    gave_up = verify(flips("==t---", expected), sealed, transcript=transcript, patience=4)
    back = labelled(expected[3:])

    verdict = verify(back, sealed, transcript=transcript)

    assert gave_up.outcome is Outcome.INCONCLUSIVE
    assert back.asked[:3] == [one.picture for one in sealed.samples[3:6]]
    assert (verdict.outcome, verdict.matched, verdict.tied, verdict.failed) == (Outcome.INTACT, 39, 1, 0)
    assert verdict == replay(transcript.path, sealed)


@settings(max_examples=60, deadline=None)
@given(
    pattern=st.text("=x-t", min_size=1, max_size=12),
    cut=st.integers(0, 12),
    data=st.data(),
)
def test_a_replay_reaches_the_same_verdict(
    tmp_path_factory: pytest.TempPathFactory, pattern: str, cut: int, data: st.DataObject
) -> None:
    """Whatever was answered and wherever it was interrupted, the transcript alone gives the equal verdict."""
    expected = tuple(index * 3 % 4 for index in range(12))
    sealed = fingerprint(expected, class_count=4, p0=0.05, p1=0.5)
    transcript = Transcript(tmp_path_factory.mktemp("replay") / "t.jsonl")
    full = pattern.ljust(12, "=")
    rich = Answer(
        label=0,
        named=data.draw(st.none() | st.text(max_size=5) | st.integers(-5, 5)),
        server=data.draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)),
        ranking=((0, data.draw(st.floats())), (None, 0.5)),
        latency_ms=data.draw(st.floats(0, 1e6)),
        status=200,
        attempts=2,
    )
    answers = [replace(rich, label=answer.label, tie=answer.tie) for answer in flips(full, expected, 4).answers]  # type: ignore[union-attr]
    try:
        verify(
            FakeOracle([*answers[:cut], KeyboardInterrupt()]), sealed, transcript=transcript, alpha=0.01, patience=99
        )
    except KeyboardInterrupt:
        recorded = len(transcript.path.read_bytes().splitlines()) - 1
        verify(FakeOracle([*answers[recorded:], *answers]), sealed, transcript=transcript, alpha=0.01, patience=99)

    verdict = verify(FakeOracle([*answers, *answers]), sealed, transcript=transcript, alpha=0.01, patience=99)

    assert replay(transcript.path, sealed) == verdict


def test_a_replay_of_a_cut_short_run_says_what_there_is(tmp_path: Path) -> None:
    """An interrupted transcript is inconclusive, not an error."""
    expected = (0, 1, 2) * 10
    sealed = fingerprint(expected)
    with pytest.raises(KeyboardInterrupt):
        verify(interrupted_at(expected, 4), sealed, transcript=Transcript(tmp_path / "t.jsonl"))

    verdict = replay(tmp_path / "t.jsonl", sealed)

    assert (verdict.outcome, verdict.asked, verdict.matched) == (Outcome.INCONCLUSIVE, 4, 4)


def recorded(tmp_path: Path, sealed: Fingerprint) -> tuple[Path, list[dict[str, object]]]:
    """Return a finished transcript and its lines."""
    path = tmp_path / "t.jsonl"
    verify(labelled([0, 1, 0, 1]), sealed, transcript=Transcript(path))
    return path, [json.loads(line) for line in path.read_text().splitlines()]


def rewrite(path: Path, lines: Iterable[object]) -> None:
    """Write `lines` in place of what is there."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_replay_with_another_fingerprint_is_refused(tmp_path: Path) -> None:
    """Answers about other pictures say nothing about these."""
    path, _ = recorded(tmp_path, fingerprint((0, 1, 2) * 5))

    with pytest.raises(TranscriptError, match=r"was made with fingerprint .*, this one is "):
        replay(path, fingerprint((0, 1, 2) * 6))


@pytest.mark.parametrize(
    ("line", "key", "value", "expected"),
    [
        (0, "p0", 0.2, "its p0 or number of queries does not go with the fingerprint"),
        (0, "queries", 99, "its p0 or number of queries does not go with the fingerprint"),
        (0, "alpha", 0.0, "its header makes no test: alpha is a probability"),
        (1, "index", 14, "is about another picture or label than the fingerprint holds"),
        (1, "index", 15, "about sample 15 was not to be asked for"),
        (2, "index", 0, "about sample 0 was not to be asked for: it is there twice"),
        (1, "expected", 2, "is about another picture or label than the fingerprint holds"),
        (1, "png_sha256", "0" * 64, "is about another picture or label than the fingerprint holds"),
        (1, "answer", {"label": 3}, "has label 3, but there are 3 classes"),
        (3, "answer", {"label": 2}, "says tampered, but its answers say inconclusive"),
        (0, "order", [0, 0], "its order of questions does not go with the fingerprint"),
        (0, "order", [*range(14), 15], "its order of questions does not go with the fingerprint"),
        (5, "outcome", "intact", "says intact, but its answers say tampered"),
    ],
)
def test_a_transcript_that_cannot_be_true_is_refused(
    tmp_path: Path, line: int, key: str, value: object, expected: str
) -> None:
    """A replay checks every answer against the fingerprint and the verdict against the answers."""
    sealed = fingerprint((0, 1, 2) * 5)
    path, lines = recorded(tmp_path, sealed)
    lines[line][key] = value
    rewrite(path, lines)

    with pytest.raises(TranscriptError, match=expected):
        replay(path, sealed)


def test_answers_after_the_decision_are_refused(tmp_path: Path) -> None:
    """Nobody goes on asking until the result pleases."""
    sealed = fingerprint((0, 1, 2) * 5)
    path, lines = recorded(tmp_path, sealed)
    rewrite(path, [*lines[:5], {**lines[1], "index": 4, "png_sha256": picture(4).sha256, "expected": 1}])

    with pytest.raises(TranscriptError, match=r"about sample 4 was not to be asked for: .* after the end"):
        replay(path, sealed)
