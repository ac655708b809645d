"""A release is named when the answers can be told from those of every other candidate, and otherwise none is."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import PROTECTED, Release
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import Outcome, replay, verify
from modelprint.verification.identification import Fit, describe_preprocessing
from modelprint.verification.transcript import Transcript
from modelprint.verification.verdict import Verdict

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"

COUNT = 40
EVEN = tuple(int(index % 2 == 0) for index in range(COUNT))
THIRD = tuple(int(index % 3 == 0) for index in range(COUNT))
ZERO = (0,) * COUNT


@cache
def picture(index: int) -> Picture:
    """Return a picture unlike that of any other index."""
    return Picture.of(np.full((1, 8, 8), index, dtype=np.uint8))


def carrying(
    own: Sequence[int] = ZERO, *, p0: float = 1e-4, p1: float = 0.25, **releases: Sequence[int | None]
) -> Fingerprint:
    """Return a fingerprint of three classes that expects `own`, and carries releases of these names and labels."""
    base = Fingerprint.load(FORMAT_1)
    return replace(
        base,
        samples=tuple(replace(base.samples[0], picture=picture(i), label=label) for i, label in enumerate(own)),
        profile=replace(base.profile, flip_rate=p0),
        expected_flip_rate=p1,
        releases=tuple(Release(name=name, labels=tuple(labels)) for name, labels in releases.items()),
    )


@dataclass
class Labels:
    """Gives these labels in turn; None is no answer, and "stop" is Ctrl-C."""

    answers: Iterable[int | str | None]
    asked: list[Picture] = field(default_factory=list)
    rest: Iterator[int | str | None] = field(init=False)

    def __post_init__(self) -> None:
        self.rest = iter(self.answers)

    def ask(self, picture: Picture) -> Answer:
        label = next(self.rest)
        if label == "stop":
            raise KeyboardInterrupt
        self.asked.append(picture)
        return Answer(label=label) if isinstance(label, int) else Answer(problem="silence")

    def describe(self) -> dict[str, str]:
        return {"kind": "fake"}


def names(verdict: Verdict) -> tuple[str, ...]:
    """Return which releases a verdict names."""
    return () if verdict.identification is None else verdict.identification.names


# By hand: the protected model says 0; "even" says 1 to every second sample, "third" to every third.


def test_the_release_that_answers_is_named_with_the_runner_up() -> None:
    """Each of three candidates has a third of beta, and 0.75 ** 20 is below it; "third" has 11 of the 20 labels."""
    verdict = verify(Labels(EVEN), carrying(even=EVEN, third=THIRD))

    assert (verdict.outcome, verdict.exit_code, verdict.asked) == (Outcome.TAMPERED, 1, 20)
    assert verdict.identification is not None
    assert [str(fit) for fit in verdict.identification.fits] == [
        "even: 20 of 20",
        "third: 11 of 20",
        f"{PROTECTED}: 10 of 20",
    ]
    assert verdict.identification.lead == pytest.approx(9 * np.log(9999))
    said = "matches release even: 20 of 20 labels; runner-up third: 11 of 20, 1e+35 times less likely"
    assert verdict.reasons[1:] == (said,)
    assert verdict.reasons[0].startswith("10 of 20 labels differ; ")
    assert said in verdict.summary()


def prepared(sealed: Fingerprint, *names: str) -> Fingerprint:
    """Return `sealed` with these releases turned into known preprocessing."""
    changed = (replace(one, preprocessing=one.name) if one.name in names else one for one in sealed.releases)
    return replace(sealed, releases=tuple(changed))


def test_a_known_preprocessing_that_explains_the_answers_is_no_verdict(tmp_path: Path) -> None:
    """The model is the protected one, so it is not tampered; it is not shown to be intact either.

    The only known preprocessing has all of its beta: 17 answers, as many as intact takes.
    """
    sealed = prepared(carrying(bgr=EVEN, third=THIRD), "bgr")
    transcript = Transcript(tmp_path / "t.jsonl")

    verdict = verify(Labels(EVEN), sealed, transcript=transcript)

    assert (verdict.outcome, verdict.exit_code, verdict.asked) == (Outcome.INCONCLUSIVE, 3, 17)
    assert verdict.identification is not None
    assert verdict.identification.preprocessing == "bgr"
    assert verdict.reasons[0] == "9 of 17 labels differ"
    assert verdict.reasons[2].startswith("explained by BGR pictures: 17 of 17 labels; runner-up ")
    assert replay(transcript.path, sealed) == verdict


def test_a_release_of_the_owner_is_told_from_a_known_preprocessing() -> None:
    """Another model is tampered, with its name."""
    verdict = verify(Labels(THIRD), prepared(carrying(bgr=EVEN, third=THIRD), "bgr"))

    assert (verdict.outcome, names(verdict)) == (Outcome.TAMPERED, ("third",))
    assert verdict.identification is not None
    assert verdict.identification.preprocessing is None


def test_what_no_sample_separates_from_a_preprocessing_is_no_verdict() -> None:
    """Either may answer; accepting the release beforehand lets it pass."""
    sealed = prepared(carrying(bgr=EVEN, even=EVEN), "bgr")

    verdict, accepted = verify(Labels(EVEN), sealed), verify(Labels(EVEN), sealed, accept=["even"])

    assert (verdict.outcome, names(verdict)) == (Outcome.INCONCLUSIVE, ("bgr",))
    assert (accepted.accepted, accepted.exit_code) == (True, 0)


def test_a_preprocessing_cannot_be_accepted() -> None:
    """It is no model of the owner."""
    with pytest.raises(ValueError, match="'bgr' is another preprocessing and no release, so it cannot be accepted"):
        verify(Labels([]), prepared(carrying(bgr=EVEN), "bgr"), accept=["bgr"])


def test_a_model_that_is_no_known_preprocessing_is_tampered() -> None:
    """All candidates are excluded."""
    verdict = verify(Labels([1, 2, 1, 2]), prepared(carrying(bgr=EVEN), "bgr"))

    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.reasons[-1].startswith("no known release explains the answers; nearest is bgr")


@pytest.mark.parametrize(
    ("name", "said"),
    [("jpeg-90", "JPEG pictures of quality 90"), ("mean-std", "values normalised twice"), ("x", "the preprocessing x")],
)
def test_a_preprocessing_is_described_in_words(name: str, said: str) -> None:
    """Also one that a newer version has sealed."""
    assert describe_preprocessing(name) == said


def test_an_intact_model_costs_no_more_than_without_releases() -> None:
    """The plain path asks 17 and says nothing of releases."""
    carried = verify(Labels(ZERO), carrying(even=EVEN))
    plain = verify(Labels(ZERO), carrying())

    assert (carried.outcome, carried.asked, carried.identification) == (Outcome.INTACT, 17, None)
    assert replace(carried, fingerprint=plain.fingerprint) == plain


def test_an_answer_of_neither_ends_the_asking_as_soon_as_every_release_is_excluded() -> None:
    """A third label excludes all: no release explains it, and nothing more is asked."""
    verdict = verify(Labels([1, 0, 2]), carrying(even=EVEN, third=THIRD))

    assert (verdict.outcome, verdict.asked, names(verdict)) == (Outcome.TAMPERED, 3, ())
    assert verdict.reasons[-1] == "no known release explains the answers; nearest is even: 2 of 3 labels"


def test_a_mixture_of_two_releases_is_no_release() -> None:
    """Half of the questions reach the protected model, half of them another release: neither explains all answers."""
    mixed = [0 if index % 4 == 0 else label for index, label in enumerate(EVEN)]

    verdict = verify(Labels(mixed), carrying(even=EVEN))

    assert (verdict.outcome, names(verdict)) == (Outcome.TAMPERED, ())
    assert verdict.reasons[-1].startswith("no known release explains the answers; nearest is even: ")


def test_too_few_answers_name_no_release_and_the_reason_says_how_many_it_takes() -> None:
    """After five answers "even" fits, but so would many an unknown model."""
    verdict = verify(Labels(EVEN), carrying(even=EVEN, third=THIRD), queries=5)

    assert (verdict.outcome, verdict.exit_code, names(verdict)) == (Outcome.TAMPERED, 1, ())
    assert verdict.reasons[-1] == (
        "the answers name no known release; nearest is even: 5 of 5 labels, then third: 2 of 5; it takes 20 matching "
        "answers that are 2e+03 times likelier than from any other"
    )


def test_a_rival_that_only_a_later_sample_tells_apart_has_to_wait_for_it() -> None:
    """Two releases differ on sample 30 alone: neither is named before, and the right one after it."""
    other = tuple(0 if index == 30 else label for index, label in enumerate(EVEN))
    sealed = carrying(even=EVEN, other=other)

    early = verify(Labels(other), sealed, queries=30)
    late = verify(Labels(other), sealed)

    assert (names(early), early.asked) == ((), 30)
    assert (names(late), late.asked) == (("other",), 31)


def test_the_lead_that_is_needed_grows_with_the_number_of_releases() -> None:
    """With p0 = 0.05 a telling answer counts 19: two of them beat 1 / 0.003, but not 2 / 0.003 with two releases."""
    two, three = (tuple(int(index in places) for index in range(COUNT)) for places in ([1, 2], [1, 2, 3]))
    far = (2,) * COUNT
    options = {"alpha": 0.003, "beta": 0.1}

    assert names(verify(Labels(two), carrying(p0=0.05, two=two), queries=20, **options)) == ("two",)
    assert names(verify(Labels(two), carrying(p0=0.05, two=two, far=far), queries=20, **options)) == ()
    assert names(verify(Labels(three), carrying(p0=0.05, three=three, far=far), queries=20, **options)) == ("three",)


def test_releases_that_no_sample_tells_apart_are_named_together() -> None:
    """The answers cannot say which; a third one is the runner-up."""
    verdict = verify(Labels(EVEN), carrying(even=EVEN, twin=EVEN, third=THIRD))

    assert names(verdict) == ("even", "twin")
    assert verdict.reasons[-1].startswith("matches release even or twin: 21 of 21 labels; runner-up third: ")


def test_a_release_with_the_labels_of_the_protected_model_is_never_named() -> None:
    """No answer could tell them apart."""
    sealed = carrying(same=ZERO, even=EVEN)

    assert names(verify(Labels(EVEN), sealed)) == ("even",)
    assert names(verify(Labels([0] * 9 + [1, 0, 0, 1] + [0] * 27), sealed)) == ()


def test_a_label_that_is_not_sure_counts_neither_way() -> None:
    """Answers about such a sample move every candidate but this one."""
    unsure = (None, None, *EVEN[2:])

    verdict = verify(Labels([1, 1, *EVEN[2:]]), carrying(unsure=unsure))

    assert verdict.identification is not None
    fits = {fit.name: fit for fit in verdict.identification.fits}
    assert names(verdict) == ("unsure",)
    assert (fits["unsure"].matched, fits["unsure"].answered) == (19, 19)
    assert (fits[PROTECTED].answered, verdict.answered) == (21, 21)


def test_ties_and_silence_move_no_candidate() -> None:
    """Five answers that are none end the run, and nothing is named."""
    verdict = verify(Labels([1, 0, *[None] * 5]), carrying(even=EVEN))

    assert verdict.identification is not None
    first = verdict.identification.fits[0]
    assert first.evidence == pytest.approx(2 * np.log(0.9999 / 0.75))
    assert replace(first, evidence=0.0) == Fit(name="even", matched=2, answered=2, evidence=0.0, excluded=False)
    assert (verdict.asked, names(verdict)) == (7, ())


def test_an_inconclusive_verdict_can_name_a_release_too() -> None:
    """One label in 25 differs: too much for intact and too little for tampered, but it is that of "rare"."""
    rare = tuple(int(index == 12) for index in range(COUNT))

    verdict = verify(Labels(rare), carrying(rare=rare), queries=30)

    assert (verdict.outcome, verdict.exit_code, names(verdict)) == (Outcome.INCONCLUSIVE, 3, ("rare",))


def test_json_has_every_candidate() -> None:
    """A program reads names, numbers and whether it was accepted; plain verdicts have null there."""
    record = json.loads(verify(Labels(EVEN), carrying(even=EVEN)).to_json())
    plain = json.loads(verify(Labels(EVEN), carrying()).to_json())

    found = record["identification"]
    assert (found["names"], found["accepted"], found["runner_up"]) == (["even"], False, PROTECTED)
    assert found["fits"][0] | {"evidence": None} == {
        "name": "even",
        "matched": 19,
        "answered": 19,
        "evidence": None,
        "excluded": False,
    }
    assert plain["identification"] is None


# Accepting


def test_an_accepted_release_exits_with_0() -> None:
    """The verdict on the protected model stays what it is, and says where the answers come from."""
    verdict = verify(Labels(EVEN), carrying(even=EVEN, third=THIRD), accept=["even"])

    assert (verdict.outcome, verdict.exit_code, verdict.accepted) == (Outcome.TAMPERED, 0, True)
    assert verdict.summary().splitlines()[0] == "verdict      ACCEPTED: release even"
    assert verdict.reasons[-1].endswith("; this is accepted")
    assert json.loads(verdict.to_json())["exit_code"] == 0


def test_another_release_than_the_accepted_one_stays_tampered() -> None:
    """Named, excluded from passing, exit code 1."""
    verdict = verify(Labels(EVEN), carrying(even=EVEN, third=THIRD), accept=["third"])

    assert (names(verdict), verdict.exit_code) == (("even",), 1)


def test_an_accepted_release_that_may_still_answer_is_not_called_tampered() -> None:
    """Five answers are too few to pass and no evidence against it: no verdict. Not accepted, it is tampered."""
    sealed = carrying(even=EVEN)

    assert verify(Labels(EVEN), sealed, queries=5, accept=["even"]).exit_code == 3
    assert verify(Labels(EVEN), sealed, queries=5).exit_code == 1
    assert verify(Labels([1, 1, 2]), sealed, queries=3, accept=["even"]).exit_code == 1


def test_accepted_releases_need_not_be_told_from_each_other() -> None:
    """Whichever of the two it is, both pass; a stranger between them does not."""
    other = tuple(0 if index == 30 else label for index, label in enumerate(EVEN))
    sealed = carrying(even=EVEN, other=other)

    both = verify(Labels(EVEN), sealed, accept=["other", "even"])
    one = verify(Labels(EVEN), sealed, queries=30, accept=["even"])

    assert (names(both), both.exit_code, both.asked) == (("even", "other"), 0, 20)
    assert (names(one), one.exit_code) == ((), 3)


def test_an_intact_model_shares_beta_with_what_is_accepted() -> None:
    """Several ways to pass, one promise: each of three candidates has a third of beta, which takes 20 answers."""
    verdict = verify(Labels(ZERO), carrying(even=EVEN, third=THIRD), accept=["even"])

    assert (verdict.outcome, verdict.asked, verdict.beta) == (Outcome.INTACT, 20, 0.01)


def test_accepting_what_is_not_there_lists_what_is() -> None:
    """Before anything is asked."""
    oracle = Labels([])

    with pytest.raises(ValueError, match=r"no release '1\.4' in this fingerprint to accept; it knows even, third"):
        verify(oracle, carrying(even=EVEN, third=THIRD), accept=["1.4"])
    with pytest.raises(ValueError, match=r"no release '1\.4' in this fingerprint to accept; it carries no releases"):
        verify(oracle, carrying(), accept=["1.4"])

    assert not oracle.asked


# Transcripts


def test_an_interrupted_identification_goes_on_where_it_was(tmp_path: Path) -> None:
    """Ctrl-C after the model was found tampered loses no answer, and a replay reaches the same verdict."""
    sealed, transcript = carrying(even=EVEN, third=THIRD), Transcript(tmp_path / "t.jsonl")
    undisturbed = verify(Labels(EVEN), sealed, accept=["even"])
    with pytest.raises(KeyboardInterrupt):
        verify(Labels([*EVEN[:9], "stop"]), sealed, accept=["even"], transcript=transcript)
    rest = Labels(EVEN[9:])

    resumed = verify(rest, sealed, accept=["even"], transcript=transcript)

    assert resumed == undisturbed
    assert len(rest.asked) == 11
    assert replay(transcript.path, sealed) == undisturbed


def test_a_transcript_belongs_to_what_was_accepted(tmp_path: Path) -> None:
    """Accepting afterwards is another test; a name that nobody knows makes none."""
    sealed, transcript = carrying(even=EVEN), Transcript(tmp_path / "t.jsonl")
    verify(Labels(EVEN), sealed, transcript=transcript)

    with pytest.raises(TranscriptError, match=r"its accept is \(\), not \('even',\)"):
        verify(Labels(EVEN), sealed, accept=["even"], transcript=transcript)
    header, *rest = transcript.path.read_text().splitlines(keepends=True)
    transcript.path.write_text(header.replace('"accept": []', '"accept": ["1.4"]') + "".join(rest))
    with pytest.raises(TranscriptError, match=r"its header makes no test: no release '1\.4'"):
        replay(transcript.path, sealed)


def test_answers_after_a_release_was_named_are_refused(tmp_path: Path) -> None:
    """Nobody goes on asking until another release pleases."""
    sealed, transcript = carrying(even=EVEN), Transcript(tmp_path / "t.jsonl")
    verify(Labels(EVEN), sealed, transcript=transcript)
    lines = [json.loads(line) for line in transcript.path.read_text().splitlines()]
    more = lines[1] | {"index": 19, "png_sha256": picture(19).sha256, "expected": 0}
    transcript.path.write_text("".join(json.dumps(line) + "\n" for line in [*lines[:-1], more]))

    with pytest.raises(TranscriptError, match=r"about sample 19 was not to be asked for: .* after the end"):
        replay(transcript.path, sealed)


# The guarantees, by simulation: 20 wrong of 200 are allowed on average, and 33 is three standard deviations above that.


def random_releases(rng: random.Random, share: float, p0: float, p1: float) -> Fingerprint:
    """Return 60 samples with releases that differ from the protected model on a share of them, "b" hardly from "a"."""
    own = [rng.randrange(3) for _ in range(60)]
    one, other = ([(label + (rng.random() < share)) % 3 for label in own] for _ in "ac")
    near = [(label + (rng.random() < 0.1)) % 3 for label in one]
    return carrying(own, p0=p0, p1=p1, a=one, b=near, c=other)


def simulated(
    rng: random.Random,
    make: Callable[[], Fingerprint],
    rule: Callable[[Mapping[str, Sequence[int]], int], int],
    **options: Any,
) -> list[Verdict]:
    """Verify, 20 times with each of 10 fingerprints, an oracle that answers about sample `index` by `rule`."""
    verdicts = []
    for _ in range(10):
        sealed = make()
        sets = {name: [label or 0 for label in labels] for name, labels in sealed.label_sets.items()}
        verdicts += [verify(Labels([rule(sets, i) for i in range(60)]), sealed, **options) for _ in range(20)]
    return verdicts


def test_an_honest_release_is_seldom_taken_for_another() -> None:
    """Whenever "a" flips a label, as often as allowed, it is to that of its neighbour "b": the worst case."""
    rng = random.Random(8)

    verdicts = simulated(
        rng,
        lambda: random_releases(rng, share=0.6, p0=0.2, p1=0.6),
        lambda sets, index: sets["b" if rng.random() < 0.2 else "a"][index],
        alpha=0.01,
        beta=0.1,
    )

    found = [names(verdict) for verdict in verdicts if names(verdict)]
    # Two are allowed on average, and six is three standard deviations above that; without the lead it would be nine.
    assert sum("a" not in one for one in found) <= 6
    assert sum("a" in one for one in found) >= 40


@pytest.mark.parametrize("accept", [(), ("a", "b", "c")])
def test_a_stranger_seldom_passes_as_any_candidate(accept: tuple[str, ...]) -> None:
    """A model whose labels differ from each candidate's with probability p1 is neither named nor passed, beta aside."""
    rng = random.Random(9)

    def answer(sets: Mapping[str, Sequence[int]], index: int) -> int:
        strange = [label for label in range(3) if all(labels[index] != label for labels in sets.values())]
        return rng.choice(strange) if strange and rng.random() < 0.35 else sets["a"][index]

    verdicts = simulated(
        rng,
        lambda: random_releases(rng, share=0.05, p0=0.02, p1=0.3),
        answer,
        accept=accept,
        alpha=0.01,
        beta=0.1,
    )

    assert sum(bool(names(verdict)) for verdict in verdicts) <= 33
    assert sum(verdict.exit_code == 0 for verdict in verdicts) <= 33


def test_an_honest_accepted_release_seldom_raises_an_alarm() -> None:
    """Served with all the flips that p0 allows, it exits with 1 in a share alpha of the runs at most."""
    rng = random.Random(10)

    verdicts = simulated(
        rng,
        lambda: random_releases(rng, share=0.4, p0=0.05, p1=0.3),
        lambda sets, index: (sets["c"][index] + (rng.random() < 0.05)) % 3,
        accept=["c"],
        alpha=0.1,
        beta=0.1,
    )

    codes = [verdict.exit_code for verdict in verdicts]
    assert codes.count(1) <= 33
    assert codes.count(0) >= 120
