"""Sealing an endpoint or an ONNX file by its labels alone, and what is measured besides the samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelprint.fingerprint.integrity import Fingerprint

NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")
QUICK = ["--set", "generator_settings=epochs=2,batch=20,width=8,codes=8,learning_rate=0.01"]
WALK = ["--method", "public-check", "--set", "rate=0.5", "--set", "steps=30", "--set", "naturalness=none", *QUICK]


def test_public_check_seals_an_endpoint_that_verifies_as_intact(world: Path, endpoint: Path, command: Any) -> None:
    """Over HTTP; what it may cost is said before, and what it did cost after."""
    line = ["generate", "--endpoint", endpoint, "--data", "cifar10", "--count", 4, "--output", "x.mprint"]

    done = command(*line, *WALK, "--allow-fewer", "--json")
    shown = command("inspect", "x.mprint")
    checked = command("verify", "x.mprint", "--endpoint", endpoint, "--p1", "0.99", "--alpha", "0.4", "--beta", "0.5")

    assert done.code == 0, done.err
    assert "takes at most 166 questions" in done.err  # 2 walks of 1 + 2 x 30 steps, 4 samples 3 times, 32 images
    report = json.loads(done.out)["report"]
    assert report["questions"] > 0 and report["kept"] > 0
    assert "known by its answers" in shown.out
    assert checked.code == 0, checked.out + checked.err
    assert not Path("x.mprint.partial").exists()


def test_an_onnx_file_is_sealed_by_its_labels(world: Path, command: Any) -> None:
    """Bisection needs no more either."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.random.default_rng(0).normal(size=(3072, 10)).astype(np.float32), "w")
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("x", [1, 3, 32, 32]), ("y", [1, 10]))
    ]
    graph = helper.make_graph(nodes, "linear", *ends, [weights])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), "r20.onnx")

    line = ["--data", "cifar10", "--method", "bisection", "--count", 4, "--output", "o.mprint", "--no-sources"]
    line += ["--any-accuracy"]
    done = command("generate", "--onnx", "r20.onnx", *line)

    assert done.code == 0, done.err
    assert "sealed in    o.mprint" in done.out
    assert command("verify", "o.mprint", "--onnx", "r20.onnx", "--p1", "0.9").code in (0, 3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--method", "misentry"], "misentry needs"),
        (["--method", "bisection", "--round", "search"], "rounding by search needs gradients, but an endpoint gives"),
        (["--method", "bisection", "--round", "up"], "rounding is nearest or search, got 'up'"),
        (["--profile", "fp32", "--method", "bisection"], "only the profile exact"),
        (["--method", "bisection", "--questions", 5], "all 5 questions that were allowed are asked; answers so far"),
        (["--network", "resnet20"], "exactly one of --endpoint, --onnx and --network"),
        (["--weights", "cifar10_resnet20.safetensors"], "--weights and --image-shape belong to --network"),
        (["--method", "public-check", "--set", "naturalness=target", *QUICK], "needs the target's features"),
    ],
)
def test_what_labels_cannot_do_is_refused(
    options: list[object], reason: str, world: Path, endpoint: Path, command: Any
) -> None:
    """In one line, with exit code 2, and no file is written."""
    line = ["generate", "--endpoint", endpoint, "--data", "cifar10", "--count", 4, "--output", "y.mprint"]

    done = command(*line, *options)

    assert done.code == 2
    assert reason in done.err
    assert not Path("y.mprint").exists()


def test_the_size_of_questions_left_is_said(world: Path, endpoint: Path, command: Any) -> None:
    """With a limit, the remark names it."""
    line = ["generate", "--endpoint", endpoint, "--data", "cifar10", "--count", 4, "--output", "z.mprint"]

    done = command(*line, "--method", "bisection", "--questions", 2000)

    assert done.code == 0, done.err
    assert "of which 2000 are allowed" in done.err


SEAL = ["generate", *NAMED, "--data", "cifar10", "--method", "bisection", "--profile", "exact", "--count", 4]
CHEAP = ["--noise-answers", 100, "--expected-flip-rate", "0.25"]


def test_what_was_measured_is_in_the_report_and_in_the_file(world: Path, command: Any) -> None:
    """As text and as JSON; too few samples for a verdict are announced."""
    done = command(*SEAL, *CHEAP, "--controls", 3, "--also-preprocessing", "bgr,unit", "--output", "m.mprint", "--json")

    assert done.code == 0, done.err
    rates = json.loads(done.out)["report"]["rates"]
    made = Fingerprint.load(world / "m.mprint")
    assert rates["agreement"]["asked"] == 20 and rates["agreement"]["agreed"] >= 15
    assert rates["controls"] == len(made.controls) == 3
    assert {one.preprocessing for one in made.preprocessings} == set(rates["preprocessings"]) <= {"bgr", "unit"}
    assert made.honest_flips is not None and made.honest_flips.answers == rates["flips"]["answers"] >= 100
    assert made.expected_flip_rate == 0.25 and rates["given"]
    assert len(made.sensitivity) == 3
    assert all(sample.source_label is not None for sample in made.samples)
    assert "warning: there are 4 samples, but a verdict intact takes 18 matching answers" in done.err


def test_an_order_of_classes_that_does_not_fit_is_named_and_corrected(world: Path, command: Any) -> None:
    """Names in another order are refused; those of the network, also from a file, are what the data has here."""
    names = [f"thing {index}" for index in range(10)]
    (world / "names.txt").write_text("\n".join(names))

    turned = command(*SEAL, *CHEAP, "--class-names", ",".join(names[1:] + names[:1]), "--output", "t.mprint")
    listed = command(*SEAL, *CHEAP, "--class-names", "names.txt", "--output", "l.mprint")

    assert turned.code == 2
    assert "of cifar10/test their label, and 100.0% when the classes are in text order" in turned.err
    assert "--class-names" in turned.err and "--any-accuracy" in turned.err
    assert listed.code == 0, listed.err


def test_more_samples_come_from_other_images(world: Path, command: Any) -> None:
    """The new file names the one that it adds to."""
    first = command(*SEAL, *CHEAP, "--output", "one.mprint")
    second = command(*SEAL, *CHEAP, "--add-to", "one.mprint", "--output", "two.mprint")

    assert (first.code, second.code) == (0, 0), second.err
    one, two = Fingerprint.load(world / "one.mprint"), Fingerprint.load(world / "two.mprint")
    sources = [{sample.source.sha256 for sample in made.samples if sample.source is not None} for made in (one, two)]
    assert not sources[0] & sources[1]
    assert two.provenance.notes["adds to"] == one.digest


def test_a_normalisation_outside_is_checked_against_the_data(world: Path, command: Any) -> None:
    """Here the network has its own: a second one ruins it, and this is found before any work."""
    done = command(*SEAL, *CHEAP, "--mean", "9", "--std", "0.01", "--output", "n.mprint")

    assert done.code == 2
    assert "near chance for 10 classes; is the normalisation outside the network (--mean and --std)" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--also-preprocessing", "png"], "--also-preprocessing: there is no 'png'"),
        (["--controls", 65], "controls is a number from 0 to 64"),
        (["--noise-answers", 5], "noise_answers is 100 or more"),
        (["--mean", "0.5"], "--mean and --std go together"),
        (["--class-names", "a,b"], "are not among the 2 class names"),
        (["--add-to", "missing.mprint"], "missing.mprint: cannot be read"),
    ],
)
def test_wrong_options_of_measuring_are_explained(options: list[Any], said: str, world: Path, command: Any) -> None:
    """Before any work, in one line."""
    done = command(*SEAL, *options, "--output", "w.mprint")

    assert done.code == 2
    assert said in done.err and done.err.count("\n") == 1
