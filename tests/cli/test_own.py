"""The journey of ownership: sealed by its owner, checked by whoever suspects a copy."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelprint.cli import run
from modelprint.fingerprint.ownership import OwnershipFingerprint

if TYPE_CHECKING:
    from modelprint.classifier import Classifier
    from modelprint.data import DataSet

VICTIM = ("--network", "digits", "--weights", "victim.safetensors")
MODELS = ("--unrelated", "retrain-all-short*9", "--copies", "finetune-all-1e-3*9", "--alpha", "0.1")
EXAMPLES = ("--count", "20", "--set", "steps=60", "--set", "noise=0", "--set", "band=1")
VIEWS = ("--method", "uap", "--set", "points=6", "--set", "views=5", "--set", "rate=0.1", "--set", "radius=40")
VIEWS = (*VIEWS, "--set", "pattern.steps=20", "--set", "epochs=30")
LEARNT = ("--learn-copies", "finetune-all-1e-3*2", "--learn-unrelated", "retrain-all-short*2")
RATES = ("--alpha", "0.1", "--beta", "0.1")


@pytest.fixture(scope="session")
def owned(tmp_path_factory: pytest.TempPathFactory, _trained: "Classifier", split: "DataSet") -> Path:
    """A folder with a victim, a copy and a stranger of it, their data, and a file of either method."""
    from modelprint.loading import save_weights

    folder = tmp_path_factory.mktemp("owned")
    parts = {"x_train": split.train.pixels, "x_test": split.test.pixels, "y_train": split.train.labels}
    np.savez(folder / "tiny.npz", class_names=np.array(split.class_names), y_test=split.test.labels, **parts)
    victim = _trained.copy()
    victim.name = "digits"
    save_weights(victim, folder / "victim.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind, name in (("finetune-all-1e-3", "copy"), ("retrain-all-short", "stranger")):
            made = ("--kind", kind, "--seed", "5", "--output", f"{name}.safetensors")
            assert run(["tamper", *VICTIM, "--data", "tiny.npz", *made]) == 0
        common = ("own", "seal", *VICTIM, "--data", "tiny.npz", *MODELS)
        assert run([*common, *EXAMPLES, "--output", "labels.mprint"]) == 0
        assert run([*common, *VIEWS, *LEARNT, "--output", "views.mprint"]) == 0
    return folder


@pytest.fixture
def here(owned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the working folder."""
    folder = tmp_path / "here"
    shutil.copytree(owned, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def telling(owned: Path) -> Iterator[str]:
    """The URL of a server of the victim that gives its logits away."""
    from modelprint.demo.server import build_app, run_in_background
    from modelprint.loading import load_classifier

    model = load_classifier("digits", owned / "victim.safetensors")
    names = ["top left", "top right", "bottom left", "bottom right"]
    with run_in_background(build_app(model, name="suspect", class_names=names, labels_only=False)) as url:
        yield url


@pytest.fixture
def described(here: Path, telling: str) -> Path:
    """Descriptions of that server: of its logits, of its labels alone, and of its labels with a map."""
    output = {"logits": "logits", "labels": "label"}
    for name, tensor in output.items():
        text = f"endpoint: {{kind: open-inference, url: '{telling}', model: suspect, output: {tensor}}}\n"
        (here / f"{name}.yaml").write_text(text)
    return here


@pytest.mark.parametrize("method", ["labels", "views"])
def test_a_copy_is_found_and_a_stranger_acquitted(method: str, command: Any, here: Path) -> None:
    """Exit code 1 for the copy; a stranger has 0, or 3 where it resembles neither."""
    checked = ("own", "check", f"{method}.mprint", "--network", "digits", *RATES, "--weights")

    copy = command(*checked, "copy.safetensors", "--json")
    stranger = command(*checked, "stranger.safetensors", "--json")

    assert (copy.code, json.loads(copy.out)["outcome"]) == (1, "copy")
    assert json.loads(copy.out)["p_value"] == 0.1
    assert json.loads(stranger.out)["exit_code"] == stranger.code != 1
    assert json.loads(stranger.out)["outcome"] in ("unrelated", "inconclusive")


@pytest.mark.parametrize(("method", "endpoint"), [("labels", "labels"), ("labels", "logits"), ("views", "logits")])
def test_a_served_copy_is_found_over_http(method: str, endpoint: str, command: Any, described: Path) -> None:
    """By a real server, with a page about it; answers that were kept are not asked for again."""
    line = ["own", "check", f"{method}.mprint", "--endpoint", f"{endpoint}.yaml", *RATES, "--answers", "kept"]
    line += ["--scores", "logits", "--report", "own.html", "--force"]
    line += ["--views", "3"] if method == "views" else []

    first = command(*line)
    (described / f"{endpoint}.yaml").write_text(
        (described / f"{endpoint}.yaml").read_text().replace("}", ", budget: {max_queries: 1}}")
    )
    again = command(*line)

    assert (first.code, again.code) == (1, 1), first.err + again.err
    assert "COPY" in first.out
    assert first.out == again.out
    assert "asking for" in first.err
    page = (described / "own.html").read_text()
    assert "Map of the views" in page if method == "views" else "Examples" in page


def test_fewer_views_are_fewer_questions(command: Any, here: Path) -> None:
    """And the verdict says how many there were."""
    done = command("own", "check", "views.mprint", *VICTIM, *RATES, "--views", "2", "--json")

    assert json.loads(done.out)["views"] == 2
    assert json.loads(done.out)["unit"] == "views"


def test_an_onnx_file_is_a_suspect(command: Any, here: Path) -> None:
    """Its logits are understood, for labels and for views."""
    _write_linear_onnx(here / "linear.onnx")

    for method in ("labels", "views"):
        done = command("own", "check", f"{method}.mprint", "--onnx", "linear.onnx", *RATES, "--json")
        assert done.code in (0, 3), done.err
        assert json.loads(done.out)["similarity"] < 0.9


WITHOUT_TORCH = """
import sys
for name in ("torch", "safetensors", "scipy", "sklearn"):
    sys.modules[name] = None
from modelprint.cli import run
print([run(line.split()) for line in sys.argv[1:]])
"""


def test_labels_are_checked_without_torch(described: Path) -> None:
    """Over HTTP and of an ONNX file, with answers kept and a page written; the copy is found, exit code 1."""
    _write_linear_onnx(described / "linear.onnx")
    rates = "--alpha 0.1 --beta 0.1"
    lines = [
        f"own check labels.mprint --endpoint labels.yaml {rates} --answers kept --report own.html",
        f"own check labels.mprint --onnx linear.onnx {rates}",
        "inspect labels.mprint",
    ]

    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *lines], capture_output=True, text=True, check=False)

    codes = json.loads(done.stdout.splitlines()[-1])
    assert (codes[0], codes[2]) == (1, 0), done.stderr
    assert codes[1] in (0, 3), done.stderr
    assert "Examples" in (described / "own.html").read_text()


def test_answers_of_an_older_version_are_asked_for_again(command: Any, described: Path) -> None:
    """They are files of tensors; a remark says so, and the check goes on."""
    line = ("own", "check", "labels.mprint", "--endpoint", "labels.yaml", *RATES, "--answers", "kept")
    assert command(*line).code == 1
    (log,) = (described / "kept").glob("*/answers.jsonl")
    log.rename(log.with_name("labels.safetensors"))

    done = command(*line)

    assert done.code == 1
    assert "answers kept by an older version cannot be read; all questions are asked again" in done.err
    assert log.is_file()


def _write_linear_onnx(path: Path) -> None:
    """Write a linear classifier of 8 x 8 images and 4 classes with random weights."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32), "w")
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("x", [1, 1, 8, 8]), ("y", [1, 4]))
    ]
    graph = helper.make_graph(nodes, "linear", *ends, [weights])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def test_a_dry_run_sends_nothing_and_makes_nothing(command: Any, described: Path) -> None:
    """Of either command; one shows the request and what it takes, the other the models to be made."""
    request = command("own", "check", "views.mprint", "--endpoint", "logits.yaml", "--views", "1", "--dry-run")
    plan = command("own", "seal", *VICTIM, "--data", "tiny.npz", "--output", "new.mprint", "--dry-run")

    assert request.code == plan.code == 0
    assert "nothing was sent" in request.out
    assert "1 views of 6 points" in request.out
    # Those of the other files have the two epochs of their kind; unless they are named, they get ten.
    assert "unrelated references 19 (retrain-all-short*19), 0 of them in the cache" in plan.out.splitlines()
    assert "reference copies     9 (finetune-all-1e-2-5-epochs*3, prune-80-retrained*3, prune-90-re" in plan.out
    assert not (described / "new.mprint").exists()


def test_a_file_is_looked_into(command: Any, here: Path) -> None:
    """The command inspect says what is in it, and needs no torch."""
    text, record = command("inspect", "labels.mprint"), command("inspect", "views.mprint", "--json")

    assert "kind         ownership" in text.out
    assert "the labels of 20 examples" in text.out
    assert json.loads(record.out)["kind"] == "ownership"
    assert json.loads(record.out)["provenance"]["settings"]["views"]["points"] == 6


def test_the_same_command_gives_the_same_file(command: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart from the date in it; models come out of the cache."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    line = ("own", "seal", *VICTIM, "--data", "tiny.npz", *MODELS, *VIEWS, *LEARNT, "--json", "--output")

    first, second = command(*line, "one.mprint"), command(*line, "two.mprint")

    assert first.code == second.code == 0, first.err
    assert (here / "one.mprint").read_bytes() == (here / "two.mprint").read_bytes()
    assert json.loads(first.out)["digest"] == OwnershipFingerprint.load(here / "one.mprint").digest
    assert not list(here.glob("*.partial"))
    assert "9 of them in the cache" in first.err


def test_an_interrupted_sealing_says_how_to_go_on(command: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was crafted is kept and taken up, and the file is the same as without a stop."""
    from modelprint.ownership import sealing

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    line = ("own", "seal", *VICTIM, "--data", "tiny.npz", *MODELS, *EXAMPLES, "--output")
    with monkeypatch.context() as patch:
        patch.setattr(sealing.Relatives, "make_references", _stop)
        stopped = command(*line, "cut.mprint")
    kept = list((here / "cut.mprint.partial").iterdir())

    whole, cut = command(*line, "whole.mprint"), command(*line, "cut.mprint")

    assert stopped.code == 130
    assert "run the same command again to go on; what is done is in cut.mprint.partial and the cache" in stopped.err
    assert [path.name for path in kept] == ["c-examples.safetensors"]
    assert whole.code == cut.code == 0
    assert (here / "cut.mprint").read_bytes() == (here / "whole.mprint").read_bytes()


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_check_says_how_to_go_on(command: Any, described: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the option that keeps answers, or by naming it."""
    from modelprint.oracles.remote import RemoteOracle

    monkeypatch.setattr(RemoteOracle, "ask", _stop)
    line = ("own", "check", "labels.mprint", "--endpoint", "labels.yaml", *RATES)

    assert "with --answers DIR a check can be continued" in command(*line).err
    stopped = command(*line, "--answers", "kept")

    assert stopped.code == 130
    assert "run the same command again to go on; the answers so far are in kept" in stopped.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--method watermark", "there is no 'watermark'; choose one of c-examples, uap"),
        ("--set colour=1", "c-examples has no setting 'colour'"),
        ("--method uap --set batch=1", "uap has no setting 'batch'; its settings are radius"),
        ("--method uap --count 5", "--count belongs to c-examples"),
        ("--learn-copies prune-80", "belong to uap; c-examples train on no other model"),
        ("--unrelated retrain-all-short*9", "alpha 0.05 needs at least 19 unrelated models as references"),
        ("--copies prune-80", "beta 0.1 needs at least 9 copies as references"),
        ("--copies none --unrelated prune-80*19", "prune-80 makes models that are not unrelated"),
        ("--copies none --unrelated nonsense*19", "a zoo entry is KIND*COUNT"),
        ("--model-set retrain-all-short=1", "a setting of a kind of models is written KIND.NAME=VALUE"),
        ("--model-set prune-80.share=0.5", "there are settings for prune-80, but no model of that kind is made"),
        ("--model-set retrain-all-short.colour=1", "retrain-all-short has no setting 'colour'"),
        ("--count 10001", "count is 1 to 10000, got 10001"),
        ("--data digits", "knows 4 classes; these pictures have shape (1, 8, 8) and are for 10"),
        ("--beta 0", "beta is a probability between 0 and 1, got 0.0"),
        ("--alpha 2", "alpha is a probability between 0 and 1, got 2.0"),
        ("--output labels.mprint", "labels.mprint exists already"),
    ],
)
def test_what_cannot_be_sealed_is_explained(options: str, said: str, command: Any, here: Path) -> None:
    """In one line, before anything is made."""
    done = command("own", "seal", *VICTIM, "--data", "tiny.npz", "--output", "new.mprint", "--quiet", *options.split())

    _assert_one_line(done, said)
    assert not (here / "new.mprint").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("views.mprint --endpoint labels.yaml", "needs the probability of every class"),
        ("views.mprint --endpoint logits.yaml", "are no probabilities; if they are logits, say so"),
        ("views.mprint --endpoint partial.yaml", "no server label stands for 'bottom left', 'bottom right'"),
        ("labels.mprint --endpoint partial.yaml", "no server label stands for 'bottom left', 'bottom right'"),
        ("labels.mprint --endpoint silent.yaml", "example 1 of 20: no usable answer"),
        ("views.mprint --endpoint silent.yaml", "picture 1 of 60: no usable answer"),
        ("views.mprint --endpoint logits.yaml --scores percent", "--scores is probabilities or logits, got 'percent'"),
        ("views.mprint --network digits --weights ten.safetensors", "knows 10 classes"),
        ("views.mprint --network lenet5 --weights lenet.safetensors", "images of shape (1, 28, 28)"),
        (
            "views.mprint --network digits --weights victim.safetensors --alpha 0.01",
            "needs at least 99 unrelated models",
        ),
        ("views.mprint --network digits --weights victim.safetensors --views 6", "views is 1 to 5"),
        ("labels.mprint --network digits --weights victim.safetensors --views 2", "compares labels and has no views"),
        ("cut.mprint --network digits --weights victim.safetensors", "not a .mprint file, or cut off"),
        ("changed.mprint --network digits --weights victim.safetensors", "changed.mprint: "),
        ("labels.mprint", "exactly one of --endpoint, --onnx and --network, got none"),
    ],
)
def test_what_cannot_be_checked_is_explained(line: str, said: str, command: Any, described: Path) -> None:
    """In one line, with exit code 2: nothing is said about the suspect."""
    _bad_inputs(described)

    _assert_one_line(command("own", "check", *RATES, *line.split(), "--quiet"), said)


def test_each_kind_of_file_has_its_command(command: Any, here: Path) -> None:
    """The command verify refuses a file of ownership, own check one of integrity; both say where to go."""
    sealed = ("--data", "tiny.npz", "--method", "bisection", "--count", "4", "--profile", "exact", "--allow-fewer")
    sealed += ("--any-accuracy", "--weak")
    assert command("generate", *VICTIM, *sealed, "--output", "integrity.mprint").code == 0

    for name in ("verify", "export"):
        rest = ("--to", "x") if name == "export" else VICTIM
        _assert_one_line(command(name, "labels.mprint", *rest), "check it with: modelprint own check")
    _assert_one_line(command("own", "check", "integrity.mprint", *VICTIM), "check it with: modelprint verify")


def _bad_inputs(folder: Path) -> None:
    """Write what checks have to refuse."""
    import torch

    from modelprint.classifier import Classifier
    from modelprint.loading import save_weights
    from modelprint.networks import NETWORKS

    text = (folder / "logits.yaml").read_text()
    (folder / "partial.yaml").write_text(text.replace("}", ", labels: {a: top left, b: top right}}"))
    (folder / "silent.yaml").write_text(text.replace("suspect", "nobody").replace("}", ", retry: {attempts: 1}}"))
    content = (folder / "labels.mprint").read_bytes()
    (folder / "cut.mprint").write_bytes(content[:-100])
    (folder / "changed.mprint").write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    for name, network, shape in (("ten", "digits", (1, 8, 8)), ("lenet", "lenet5", (1, 28, 28))):
        with torch.random.fork_rng(devices=[]):
            made = NETWORKS[network].make(class_count=10, channels=1)
        model = Classifier(made, image_shape=shape, class_count=10, name=network)
        save_weights(model, folder / f"{name}.safetensors")


def _assert_one_line(done: Any, said: str) -> None:
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("error: ") and done.err.count("\n") == 1, done.err
    assert said in done.err
