"""Releases are sealed by `generate` and named by `verify`, from the command line alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.integrity import Fingerprint

NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")
SUSPECT = "suspects/finetuned.safetensors"
GENERATE = ("generate", *NAMED, "--data", "cifar10", "--method", "bisection", "--profile", "exact", "--count", "24")
GENERATE += ("--expected-flip-rate", "0.25")


def test_a_release_is_sealed_listed_and_named(command: Any, world: Path) -> None:
    """Once it is carried, a fine-tuned copy is still tampered, but known; accepted, it passes."""
    pytest.importorskip("onnxruntime")
    others = ("--also", f"1.3 (tuned)={SUSPECT}", "--also-precision", "int8", "--also-precision", "fp32")
    verify = ("verify", "r.mprint", *NAMED[:2], "--weights", SUSPECT)

    made = command(*GENERATE, *others, "--allow-fewer", "--output", "r.mprint")
    inspected = command("inspect", "r.mprint")
    named = command(*verify, "--transcript", "t.jsonl", "--report", "r.html")
    accepted = command(*verify, "--accept", "1.3 (tuned)", "--transcript", "a.jsonl", "--json")
    again = [command("replay", name, "r.mprint") for name in ("t.jsonl", "a.jsonl")]
    intact = command("verify", "r.mprint", *NAMED)

    assert (made.code, inspected.code) == (0, 0), made.err
    assert "warning: no sample tells fp32 from the protected model" in made.err
    apart = Fingerprint.load("r.mprint").separations["the protected model"]
    for name in ("1.3 (tuned)", "int8"):
        assert f"separated    {name} from the protected model by {apart[name]} samples" in made.out
        assert f"release      {name}: {apart[name]} of " in inspected.out
    assert (named.code, accepted.code, intact.code) == (1, 0, 0)
    assert "matches release 1.3 (tuned): " in named.out and "; runner-up " in named.out
    assert "matches release 1.3 (tuned): " in Path("r.html").read_text()
    assert json.loads(accepted.out)["identification"]["accepted"]
    assert json.loads(accepted.out)["outcome"] == "tampered"
    assert [done.code for done in again] == [1, 0]
    assert again[0].out.splitlines()[:3] == named.out.splitlines()[:3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--also", "1.3"], "--also is NAME=WEIGHTS such as 1.3=old.safetensors, got '1.3'"),
        (["--also", "=old.safetensors"], "--also is NAME=WEIGHTS"),
        (["--also", "1.3=missing.safetensors"], "--also 1.3=missing.safetensors: no weights file at missing"),
        (["--also", "1.3=missing.pt2"], "--also 1.3=missing.pt2: no exported program at missing.pt2"),
        (["--also", "1.3=other.safetensors"], "other.safetensors does not hold the weights of resnet20"),
        (["--also", f"1.3={SUSPECT}", "--also", f"1.3={SUSPECT}"], "two releases are called '1.3'"),
        (["--also", f"int8={SUSPECT}", "--also-precision", "int8"], "two releases are called 'int8'"),
        (["--also-precision", "int4"], "there is no precision 'int4'; choose one of fp32, tf32, fp16, bf16, int8"),
    ],
)
def test_a_release_that_cannot_be_sealed_is_explained(options: list[str], said: str, command: Any, world: Path) -> None:
    """One line on stderr, exit code 2, and no file."""
    import torch
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, world / "other.safetensors")

    done = command(*GENERATE, *options, "--output", "new.mprint")

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert not Path("new.mprint").exists()


def test_releases_need_weights(command: Any, world: Path, endpoint: Path) -> None:
    """From labels alone no other release can be computed."""
    line = ("generate", "--endpoint", endpoint, "--data", "cifar10", "--method", "public-check", "--output", "n.mprint")

    done = command(*line, "--also-precision", "int8")

    assert (done.code, done.err) == (
        2,
        "error: --also, --also-precision, --also-preprocessing, --mean and --std belong to --network\n",
    )


def test_accepting_an_unknown_release_lists_the_known_ones(command: Any, world: Path) -> None:
    """And says so when there are none."""
    done = command("verify", "r20.mprint", *NAMED, "--accept", "1.4")

    assert (done.code, done.out) == (2, "")
    assert done.err == "error: no release '1.4' in this fingerprint to accept; it carries no releases\n"
