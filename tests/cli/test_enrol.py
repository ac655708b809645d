"""`modelprint enrol`: from a sealed file and a trusted endpoint to an enrolled file."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.integrity import Fingerprint

SMALL = ["--walks", "0", "--repeats", "2", "--pause", "0", "--concurrency", "2"]
PRICE = ["--price-per-1000", "1.5"]
OUT = ["--output", "e.mprint"]
NAMED = ["--network", "resnet20", "--weights", "cifar10_resnet20.safetensors"]


def test_an_endpoint_is_enrolled_verified_and_inspected(command: Any, world: Path, endpoint: Path) -> None:
    """The file that is written is verified as any other, and inspect says what it was made on."""
    done = command("enrol", "r20.mprint", "--endpoint", endpoint, *SMALL, *OUT)

    assert done.code == 0, done.err
    assert "natural images have the label of the release" in done.out
    assert "sealed in    e.mprint" in done.out
    assert not (world / "e.mprint.partial").exists()
    assert command("verify", "e.mprint", "--endpoint", endpoint, "--p1", "0.5").code == 0
    assert "enrolled on  kind open-inference" in command("inspect", "e.mprint").out


def test_a_network_of_ones_own_is_enrolled_in_a_precision(command: Any, world: Path) -> None:
    """As JSON; the file names the precision it was computed in."""
    done = command("enrol", "r20.mprint", *NAMED, "--precision", "bf16", *SMALL, *OUT, "--allow-fewer", "--json")

    assert done.code == 0, done.err
    assert json.loads(done.out)["report"]["samples"] == len(Fingerprint.load(world / "r20.mprint").samples)
    enrolment = Fingerprint.load(world / "e.mprint").enrolment
    assert enrolment is not None
    assert enrolment.precision == enrolment.deployments[0].description["precision"] == "bf16"


def test_a_dry_run_asks_nothing(command: Any, world: Path) -> None:
    """It prints the most questions and what they cost; no endpoint is needed to be there."""
    samples = len(Fingerprint.load(world / "r20.mprint").samples)

    done = command(
        "enrol", "r20.mprint", "--endpoint", "missing.yaml", *SMALL, *OUT, "--unchecked", "--dry-run", *PRICE
    )

    assert (done.code, done.err) == (0, "")
    assert f"at most {2 * samples} questions, at most {2 * samples * 1.5 / 1000:g} to pay" in done.out


def test_a_refusal_has_an_exit_code_of_its_own(command: Any, world: Path, endpoint: Path) -> None:
    """3, as where there is no verdict; never 0 or 1. Nothing is written; the owner may leave the check out."""
    release = Fingerprint.load(world / "r20.mprint")
    samples = tuple(replace(one, source=None, source_label=None) for one in release.samples)
    replace(release, controls=(), scores=None, samples=samples).save(world / "bare.mprint")

    done = command("enrol", "bare.mprint", "--endpoint", endpoint, *SMALL, *OUT)

    assert done.code == 3
    assert done.err.splitlines()[-1].startswith("error: not enrolled: the file has no natural images")
    assert done.out == ""
    assert not (world / "e.mprint").exists()
    assert "not checked" in command("enrol", "bare.mprint", "--endpoint", endpoint, *SMALL, *OUT, "--unchecked").out


def test_the_answers_of_a_refused_deployment_are_set_aside(command: Any, world: Path, endpoint: Path) -> None:
    """They are evidence, and a later run asks again: the deployment may have been put right."""
    release = Fingerprint.load(world / "r20.mprint")
    controls = tuple(
        Control(picture=one.picture, label=(one.label + 1 + index % 3) % 10, margin=1.0)
        for index, one in enumerate(release.samples)
    )
    replace(release, controls=controls, scores=None).save(world / "wrong.mprint")

    done = command("enrol", "wrong.mprint", "--endpoint", endpoint, *SMALL, *OUT)

    assert done.code == 3
    assert "other weights, or other preprocessing" in done.err
    assert done.err.rstrip().endswith("; its answers are in e.mprint.refused")
    assert len(list((world / "e.mprint.refused").iterdir())) == 2
    assert not (world / "e.mprint.partial").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ([], "exactly one of --endpoint, --onnx and --network"),
        ([*NAMED, "--repeats", "1"], "repeats must be at least 2"),
        ([*NAMED, "--precision", "fp8"], "precision is one of fp32, tf32"),
        ([*NAMED, "--onnx-input", "values=grey"], "--onnx-input belongs to --onnx"),
        ([*NAMED, "--output", "r20.mprint", "--force"], "are the same file"),
        ([*NAMED, "--output", "endpoint.yaml"], "endpoint.yaml exists already"),
    ],
)
def test_wrong_options_are_explained(line: list[str], message: str, command: Any, world: Path, endpoint: Path) -> None:
    """In one line, with exit code 2."""
    done = command("enrol", "r20.mprint", *OUT, *line)

    assert (done.code, done.out) == (2, "")
    assert message in done.err.splitlines()[-1]


def test_enrolling_an_endpoint_needs_no_torch(world: Path, endpoint: Path) -> None:
    """It runs where torch cannot be imported."""
    line = ["enrol", "r20.mprint", "--endpoint", "endpoint.yaml", *SMALL, *OUT]
    code = f"import sys; sys.modules['torch'] = None; from modelprint.cli import run; print(run({line!r}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "0", done.stderr
