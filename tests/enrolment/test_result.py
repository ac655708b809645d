"""The enrolled fingerprint: labels, hints, and the bound of the flip rate."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from modelprint.classifier import Classifier
from modelprint.enrolment import EnrolmentPlan, enrol
from modelprint.enrolment.result import PROFILE
from modelprint.errors import EnrolmentError
from modelprint.fingerprint.blocks import TamperingRate
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Release
from modelprint.intervals import upper_bound
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.remote import RemoteOracle

BARE = EnrolmentPlan(pause=0.0, concurrency=2, repeats=3, walks=0)

Variant = Callable[[str], Classifier]
Serve = Callable[..., AbstractContextManager[RemoteOracle]]


def test_the_flip_rate_is_bounded_from_all_answers(release: Fingerprint, variant: Variant) -> None:
    """Three answers about each of 24 samples: two of each are compared with the first."""
    enrolled, _ = enrol(release, [LocalOracle(variant("as it is"))], BARE)

    assert (enrolled.profile.name, enrolled.profile.floor) == (PROFILE, 0.0)
    assert enrolled.profile.flip_rate == upper_bound(0, 48)
    assert enrolled.honest_flips is not None
    assert (enrolled.honest_flips.answers, enrolled.honest_flips.flips) == (48, 0)


def test_what_was_measured_for_other_servers_is_left_out(release: Fingerprint, variant: Variant) -> None:
    """Labels of other releases, and how often cheap tamperings flipped the labels that were sealed."""
    rich = replace(
        release,
        releases=(Release(name="1.3", labels=(0,) * len(release.samples)),),
        sensitivity=(TamperingRate(tampering="flip-sign", flipped=3, samples=24, moved=0.1),),
    )

    enrolled, _ = enrol(rich, [LocalOracle(variant("as it is"))], BARE)

    assert (enrolled.releases, enrolled.sensitivity) == ((), ())
    assert enrolled.controls == release.controls


def test_hints_of_the_server_are_sealed(release: Fingerprint, variant: Variant, serve: Serve) -> None:
    """What the server says about itself, and no secret."""

    async def introduce(request: object, go: Callable[..., object]) -> object:
        reply = await go(request)  # type: ignore[misc]
        reply.headers["via"] = "engine 7.1"
        return reply

    headers = {"Authorization": "Bearer ${TOKEN}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", "top-secret-token")
        with serve(variant("as it is"), release, introduce, headers=headers) as oracle:
            enrolled, _ = enrol(release, [oracle], BARE)

    assert enrolled.enrolment is not None
    assert enrolled.enrolment.deployments[0].hints["via"] == ("engine 7.1",)
    assert "top-secret-token" not in enrolled.to_json()
    assert json.loads(enrolled.to_json())["format"] == 3


def test_too_noisy_answers_are_refused(release: Fingerprint, variant: Variant) -> None:
    """A bound of the honest flip rate that is not below that of a tampering makes no test."""
    with pytest.raises(EnrolmentError, match="ask more often with --repeats"):
        enrol(replace(release, expected_flip_rate=0.01), [LocalOracle(variant("as it is"))], BARE)
