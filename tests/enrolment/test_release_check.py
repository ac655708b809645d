"""A deployment that is not the release is refused, and the message says what was seen."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from fastapi import Request
from fastapi.responses import Response

from modelprint.classifier import Classifier
from modelprint.enrolment import EnrolmentPlan, enrol
from modelprint.enrolment.release_check import count_allowed, list_natural
from modelprint.errors import EnrolmentError
from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.remote import RemoteOracle

PLAN = EnrolmentPlan(pause=0.0, concurrency=2, repeats=3, walks=0)

Variant = Callable[[str], Classifier]
Serve = Callable[..., AbstractContextManager[RemoteOracle]]


@pytest.mark.parametrize(
    ("name", "precision", "seen"),
    [
        ("dented", "fp32", "samples got another label than they were sealed with for profile fp32"),
        ("inverted", None, "other preprocessing"),
        ("permuted", None, "it answers in other labels, one for each of ours"),
        ("two classes swapped", None, "give the endpoint file a label map"),
        ("at random", None, "at random"),
        ("in turn with an inverted one", None, "two models answer in turn"),
        ("in turn with a dented one", None, "differ from one question to the next"),
    ],
)
def test_what_is_not_the_release_is_refused(
    name: str, precision: str | None, seen: str, release: Fingerprint, variant: Variant, serve: Serve
) -> None:
    """Behind HTTP, with what was seen."""
    with serve(variant(name), release) as oracle, pytest.raises(EnrolmentError, match=seen):
        enrol(release, [oracle], replace(PLAN, precision=precision, count=20))


def test_a_cache_is_refused(release: Fingerprint, variant: Variant, serve: Serve) -> None:
    """It would answer every repeated question alike, whatever the model does."""
    kept: dict[bytes, bytes] = {}

    async def cache(request: Request, go: Callable[..., object]) -> object:
        body = await request.body()
        if body in kept:
            return Response(kept[body], media_type="application/json", headers={"x-cache": "HIT"})
        reply = await go(request)  # type: ignore[misc]
        kept[body] = b"".join([part async for part in reply.body_iterator])
        return Response(kept[body], media_type="application/json", headers={"x-cache": "MISS"})

    with serve(variant("as it is"), release, cache) as oracle, pytest.raises(EnrolmentError, match="x-cache: HIT"):
        enrol(release, [oracle], PLAN)


def test_a_file_without_natural_images_needs_a_decision(release: Fingerprint, variant: Variant) -> None:
    """The owner may check it himself; the file then says that nothing was checked."""
    bare = replace(release, controls=(), scores=None)

    with pytest.raises(EnrolmentError, match="--unchecked"):
        enrol(bare, [LocalOracle(variant("as it is"))], PLAN)
    enrolled, report = enrol(bare, [LocalOracle(variant("as it is"))], replace(PLAN, checked=False))

    assert "not checked" in enrolled.summary()
    assert "not checked" in report.summary()


def test_sources_with_labels_are_natural_images(release: Fingerprint) -> None:
    """After the controls, each picture once."""
    picture = release.controls[0].picture
    samples = tuple(replace(one, source=picture, source_label=0) for one in release.samples)

    found = list_natural(replace(release, samples=samples, controls=release.controls[1:]))

    assert [one.wide for one in found] == [True] * 11 + [False]
    assert list_natural(replace(release, samples=samples))[0].wide
    assert isinstance(release.controls[0], Control)


@pytest.mark.parametrize(("mean", "allowed"), [(0.0, 0), (0.0005, 0), (0.01, 1), (1.0, 5), (4.0, 11)])
def test_few_honest_differences_are_allowed(mean: float, allowed: int) -> None:
    """The count that a Poisson number exceeds with one in a thousand, by its table."""
    assert count_allowed(mean) == allowed
