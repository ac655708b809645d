"""From a release and a trusted deployment to an enrolled fingerprint."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelprint.classifier import Classifier
from modelprint.enrolment import EnrolmentPlan, enrol
from modelprint.errors import EnrolmentError, OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture
from modelprint.verification import Outcome, verify

CREATED = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAN = EnrolmentPlan(pause=0.0, concurrency=2, repeats=3, walks=1)
BARE = replace(PLAN, walks=0)

Variant = Callable[[str], Classifier]
Serve = Callable[..., AbstractContextManager[RemoteOracle]]


class Counted:
    """Counts the questions to an oracle, and stops answering after some of them."""

    def __init__(self, oracle: Oracle, last: int = 10**9) -> None:
        self.oracle, self.last, self.asked = oracle, last, 0

    def ask(self, picture: Picture) -> Answer:
        self.asked += 1
        return self.oracle.ask(picture) if self.asked <= self.last else Answer(problem="HTTP 503")

    def describe(self) -> dict[str, str]:
        return {"kind": "counted"}


def test_an_enrolled_file_has_the_labels_of_the_deployment(
    release: Fingerprint, variant: Variant, tmp_path: Path
) -> None:
    """Served in bfloat16, the release seems tampered with by its own file, and is intact by the enrolled one."""
    served = LocalOracle(variant("bfloat16"))
    assert verify(served, release).outcome is Outcome.TAMPERED

    enrolled, report = enrol(release, [served], PLAN, created=CREATED)

    enrolled.save(tmp_path / "e.mprint")
    assert Fingerprint.load(tmp_path / "e.mprint") == enrolled
    assert verify(served, enrolled).outcome is Outcome.INTACT
    assert [sample.label for sample in enrolled.samples] == [served.ask(one.picture).label for one in enrolled.samples]
    assert (report.natural, report.agreed, report.flips) == (12, 12, 0)
    assert enrolled.honest_flips is not None
    assert enrolled.honest_flips.answers == report.compared


def test_the_file_says_how_it_was_enrolled(release: Fingerprint, variant: Variant) -> None:
    """Deployment, time, questions, variation, what it was made from, and the released label of every sample."""
    oracle = Counted(LocalOracle(variant("as it is")))

    enrolled, report = enrol(release, [oracle], replace(BARE, precision="fp32"), created=CREATED)

    made = enrolled.enrolment
    assert made is not None
    assert made.deployments[0].description == {"kind": "counted"}
    assert (made.enrolled, made.precision, made.repeats) == ("2026-01-31T12:00:00Z", "fp32", 3)
    assert made.questions == oracle.asked == report.questions
    assert (made.made_from, made.history) == (release.digest, ())
    assert [(one.released_label, one.moved) for one in made.samples] == [
        (release.samples[one.origin].label, 0) for one in made.samples
    ]
    assert "counted" in enrolled.summary()
    assert "turn 2, 2 at a time, shuffled" in made.variation


def test_without_walks_no_pixel_moves(release: Fingerprint, variant: Variant) -> None:
    """The samples are those of the release, with their margins, in another order."""
    enrolled, report = enrol(release, [LocalOracle(variant("as it is"))], BARE)

    assert {one.picture.sha256 for one in enrolled.samples} == {one.picture.sha256 for one in release.samples}
    assert {one.margin for one in enrolled.samples} == {one.margin for one in release.samples}
    assert report.moved == 0
    assert report.unchanged == len(release.samples)
    assert report.questions <= 10 * len(release.samples)


def test_walks_make_samples_more_sensitive(release: Fingerprint, variant: Variant) -> None:
    """The median local flip rate of what is chosen is at least that of the samples, and some were moved."""
    served = LocalOracle(variant("bfloat16"))

    _, few = enrol(release, [served], replace(PLAN, walks=3, seed=5, count=8))

    assert few.moved > 0
    assert few.local_flip_rate is not None
    assert few.local_flip_rate >= 0.5
    assert few.questions <= 150 * len(release.samples)


def test_equal_answers_give_equal_files(release: Fingerprint, variant: Variant) -> None:
    """The seed fixes every question, also with several threads; another seed walks elsewhere."""
    plans = [PLAN, replace(PLAN, concurrency=3), replace(PLAN, seed=1)]
    files = [enrol(release, [LocalOracle(variant("bfloat16"))], plan, created=CREATED)[0] for plan in plans]

    pictures = [[sample.picture.sha256 for sample in one.samples] for one in files]
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


def test_an_interrupted_enrolment_goes_on(release: Fingerprint, variant: Variant, tmp_path: Path) -> None:
    """The server dies in the middle; afterwards nothing is asked twice, and the file is the same."""
    served = LocalOracle(variant("bfloat16"))
    whole, report = enrol(release, [Counted(served)], PLAN, created=CREATED)
    dying, living = Counted(served, last=report.questions // 2), Counted(served)

    with pytest.raises(OracleError, match=r"HTTP 503; the answers so far are in .*run again"):
        enrol(release, [dying], replace(PLAN, concurrency=1), folder=tmp_path / "kept", created=CREATED)
    resumed, again = enrol(release, [living], replace(PLAN, concurrency=1), folder=tmp_path / "kept", created=CREATED)

    assert living.asked + dying.last == report.questions
    assert again.recalled == dying.last
    assert [one.picture for one in resumed.samples] == [one.picture for one in whole.samples]


def test_questions_are_limited(release: Fingerprint, variant: Variant, tmp_path: Path) -> None:
    """The limit ends the enrolment; with a higher one it goes on."""
    oracle = Counted(LocalOracle(variant("as it is")))

    with pytest.raises(OracleError, match="all 20 questions that were allowed are asked"):
        enrol(release, [oracle], replace(BARE, most_questions=20), folder=tmp_path)

    assert oracle.asked == 20
    enrol(release, [oracle], BARE, folder=tmp_path)


def test_replicas_have_to_agree(release: Fingerprint, variant: Variant) -> None:
    """Samples on which a float32 and a bfloat16 replica differ are dropped; when too few are left, it says why."""
    replicas = [LocalOracle(variant("as it is")), LocalOracle(variant("bfloat16"), name="half")]

    enrolled, report = enrol(release, replicas, replace(BARE, allow_fewer=True))

    assert 0 < len(enrolled.samples) < len(release.samples)
    assert "differ between one deployment and another" in report.variation
    for replica in replicas:
        assert verify(replica, enrolled).outcome is not Outcome.TAMPERED
    with pytest.raises(EnrolmentError, match=r"are needed: .* differ between one deployment and another"):
        enrol(release, replicas, replace(BARE, count=len(release.samples)))


def test_an_enrolled_file_can_be_enrolled_again(release: Fingerprint, variant: Variant) -> None:
    """After an engine upgrade: it starts from the enrolled file and keeps the history and the released labels."""
    first, _ = enrol(release, [LocalOracle(variant("bfloat16"))], PLAN, created=CREATED)
    second, _ = enrol(first, [LocalOracle(variant("as it is"))], replace(PLAN, allow_fewer=True), created=CREATED)
    third, _ = enrol(second, [LocalOracle(variant("as it is"))], replace(BARE, allow_fewer=True), created=CREATED)

    assert third.enrolment is not None
    assert second.enrolment is not None
    assert first.enrolment is not None
    assert third.enrolment.made_from == second.digest
    assert third.enrolment.history == (release.digest, first.digest)
    assert third.controls == release.controls
    labels = {one.label for one in release.samples}
    assert {one.released_label for one in third.enrolment.samples} <= labels
    assert sum(one.moved for one in third.enrolment.samples) > 0


def test_a_rate_limit_is_waited_for(release: Fingerprint, variant: Variant, serve: Serve) -> None:
    """Every third request gets 429; the retries of the endpoint file get through, and nothing counts as a flip."""
    from fastapi.responses import JSONResponse

    calls = itertools.count(1)

    async def limit(request: object, go: Callable[..., object]) -> object:
        if next(calls) % 3 == 0:
            return JSONResponse({"error": "slow down"}, status_code=429, headers={"Retry-After": "0"})
        return await go(request)  # type: ignore[misc]

    with serve(variant("bfloat16"), release, limit, retry={"attempts": 4, "backoff_s": [0, 0]}) as oracle:
        enrolled, report = enrol(release, [oracle], BARE)

    assert report.flips == 0
    assert len(enrolled.samples) == len(release.samples)


def test_more_samples_than_there_are_cannot_be_enrolled(release: Fingerprint, variant: Variant) -> None:
    """The number in the file is the most."""
    with pytest.raises(ValueError, match="count is at most 24"):
        enrol(release, [LocalOracle(variant("as it is"))], replace(BARE, count=25))
