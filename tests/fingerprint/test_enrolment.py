"""The enrolment of a fingerprint: what it accepts, and that a file keeps it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.errors import FingerprintError
from modelprint.fingerprint.enrolment import EnrolledDeployment, EnrolledSample, Enrolment
from modelprint.fingerprint.integrity import Fingerprint


def make_enrolment(count: int = 5, **changes: Any) -> Enrolment:
    """Return an enrolment of the example with so many samples."""
    samples = tuple(
        EnrolledSample(origin=index, released_label=index % 3, moved=4 * (index % 2), flip_rate=index / 8)
        for index in range(count)
    )
    facts: dict[str, Any] = {
        "deployments": (EnrolledDeployment(description={"kind": "http"}, hints={"server": ("nginx", "uvicorn")}),),
        "enrolled": "2026-02-01T08:00:00Z",
        "version": "0.1.0",
        "questions": 400,
        "repeats": 5,
        "variation": ("turn 1, one at a time", "turn 2, 4 at a time, shuffled"),
        "walks": 3,
        "seed": 7,
        "precision": "bf16",
        "natural": 20,
        "agreed": 19,
        "kept": 2,
        "made_from": "0123456789abcdef" * 4,
        "history": ("fedcba9876543210" * 4,),
        "samples": samples,
    }
    return Enrolment(**(facts | changes))


def test_a_file_keeps_its_enrolment(example: Callable[..., Fingerprint], tmp_path: Path) -> None:
    """Every entry, in format 3; without one the file says nothing of it."""
    enrolled = replace(example(), enrolment=make_enrolment())

    enrolled.save(tmp_path / "e.mprint")

    assert Fingerprint.load(tmp_path / "e.mprint") == enrolled
    assert (enrolled.format, example().format) == (3, 1)
    assert b"enrolment" not in example().manifest


def test_a_flip_rate_may_be_unknown(example: Callable[..., Fingerprint], tmp_path: Path) -> None:
    """Without walks it is not measured, and a precision need not be stated."""
    samples = tuple(replace(one, flip_rate=None) for one in make_enrolment().samples)
    enrolled = replace(example(), enrolment=make_enrolment(samples=samples, precision=None, natural=0, agreed=0))

    enrolled.save(tmp_path / "e.mprint")

    assert Fingerprint.load(tmp_path / "e.mprint") == enrolled
    assert "local flip rates were not measured" in enrolled.summary()
    assert "not checked when it was enrolled" in enrolled.summary()


def test_a_summary_says_what_it_can_see(example: Callable[..., Fingerprint]) -> None:
    """Deployment, server, labels that stayed, sensitivity and where it comes from."""
    text = replace(example(), enrolment=make_enrolment()).summary()

    for line in (
        "enrolled on  kind http",
        "server       server nginx, uvicorn",
        "labels       2 samples had the label they were sealed with; 2 of 5 were moved",
        "flip a median of 25% of the labels; 1 of 5 samples flip for half of them or more",
        "made from    0123456789abcdef < fedcba9876543210",
        "its own noise is all that counts",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deployments": ()}, "1 to 64 deployments, got 0"),
        ({"enrolled": "yesterday"}, "enrolled is a time in UTC"),
        ({"questions": -1}, "questions is a whole number from 0"),
        ({"agreed": 21}, "21 natural images agreed, but only 20"),
        ({"precision": ""}, "a precision has 1 to"),
        ({"made_from": "abc"}, "a digest is 64 hexadecimal digits"),
        ({"history": ("x" * 64,)}, "a digest is 64 hexadecimal digits"),
        ({"history": ("0" * 64,) * 1001}, "at most 1000 digests"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    """Each names the entry."""
    with pytest.raises(ValueError, match=message):
        make_enrolment(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"origin": -1}, "origin is a whole number"),
        ({"released_label": -1}, "released_label is a whole number"),
        ({"moved": -1}, "moved is a whole number"),
        ({"flip_rate": 1.5}, "flip_rate is a share"),
        ({"flip_rate": float("nan")}, "flip_rate is a share"),
    ],
)
def test_a_sample_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    """Of any sample."""
    with pytest.raises(ValueError, match=message):
        replace(make_enrolment().samples[0], **changes)


def test_it_has_to_fit_the_file(
    example: Callable[..., Fingerprint], remade: Callable[..., Path], tmp_path: Path
) -> None:
    """One entry for each sample, labels among the classes, and texts that can be printed."""
    with pytest.raises(ValueError, match="it is about 4 samples, but there are 5"):
        replace(example(), enrolment=make_enrolment(count=4))
    wrong = tuple(replace(one, released_label=3) for one in make_enrolment().samples)
    with pytest.raises(ValueError, match="released_label is 3, but there are 3 class names"):
        replace(example(), enrolment=make_enrolment(samples=wrong))
    with pytest.raises(ValueError, match="cannot be printed"):
        replace(example(), enrolment=make_enrolment(variation=("a\x1b[2J",)))
    path = tmp_path / "e.mprint"
    replace(example(), enrolment=make_enrolment()).save(path)
    changed = remade(path, lambda record, members: record["enrolment"].update(extra=1))
    with pytest.raises(FingerprintError, match="enrolment"):
        Fingerprint.load(changed)
