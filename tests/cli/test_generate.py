"""Sealing what is known by its labels alone: an endpoint or an ONNX file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
