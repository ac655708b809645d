"""Bad input is one clear line and the right exit code, and destroys nothing."""

import builtins
import json
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")


def assert_one_line(done: Any, *said: str) -> None:
    """Exit code 2, nothing on stdout, one line on stderr."""
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("error: ") and done.err.count("\n") == 1, done.err
    for words in said:
        assert words in done.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("verfy x", "no such command"),
        ("verify", "missing argument 'FINGERPRINT'; see: modelprint verify --help"),
        ("verify r20.mprint --endpiont x", "no such option: --endpiont"),
        ("verify r20.mprint", "exactly one of --endpoint, --onnx and --network, got none"),
        ("verify r20.mprint --onnx a --network b", "got --onnx and --network"),
        ("verify r20.mprint --onnx a --weights b", "belong to --network"),
        ("verify r20.mprint --onnx missing.onnx", "missing.onnx: No such file"),
        ("verify r20.mprint --network lenet5 --weights l.safetensors", "no weights file at l.safetensors"),
        ("verify r20.mprint --network resnet20 --dry-run", "needs --endpoint"),
        ("verify missing.mprint --endpoint endpoint.yaml", "missing.mprint"),
        ("verify r20.mprint --endpoint missing.yaml", "missing.yaml: No such file"),
        ("inspect missing.mprint", "missing.mprint"),
        ("replay missing.jsonl r20.mprint", "missing.jsonl"),
        ("detect r20.mprint --suspects nowhere", "there is no folder nowhere"),
        ("detect r20.mprint --suspects empty", "no .safetensors file in empty"),
        ("export r20.mprint --to suspects", "suspects is not an empty folder"),
        ("data fetch nothing", "there is no data set called 'nothing'"),
        ("data", "missing command"),
        ("endpoint probe endpoint.yaml --image-shape 3,x", "channels,height,width such as 3,32,32"),
        ("endpoint probe endpoint.yaml --image-shape 2,8,8", "1 or 3 channels"),
        ("serve --network resnet20 --data cifar10 --class-names a,b", "give only one"),
        ("serve --network resnet20 --host 203.0.113.1", "cannot listen on 203.0.113.1:8080"),
    ],
)
def test_a_wrong_line_is_explained_in_one(line: str, said: str, command: Any, world: Path, endpoint: Path) -> None:
    """Wrong usage and missing files exit with 2."""
    (world / "empty").mkdir()

    assert_one_line(command(*line.split()), said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--network nonsense", "unknown network 'nonsense'"),
        ("--data nonsense", "'nonsense' is neither a data set"),
        ("--data faces", "data set faces not found"),
        ("--method nonsense", "there is no 'nonsense'; choose one of misentry"),
        ("--set halvings", "written NAME=VALUE"),
        ("--set stepz=3", "has no setting 'stepz'; its settings are halvings"),
        ("--set halvings=x", "halvings is a whole number, got 'x'"),
        ("--count 0", "count is 1 to 10000"),
        ("--count 1000", "1000 source images are needed but cifar10/train holds 60"),
        ("--profile nonsense", "choose one of exact, fp32"),
        ("--weights missing.safetensors", "no weights file at missing.safetensors"),
        ("--weights weights.pt", "looks like a pickle"),
        ("--weights pickle.safetensors", "looks like a pickle"),
        ("--weights other.safetensors", "does not hold the weights of resnet20"),
        ("--network resnet32", "holds the weights of a resnet20, not of a resnet32"),
        ("--data digits", "takes images of shape (3, 32, 32), but those of digits have (1, 8, 8)"),
        ("--output r20.mprint", "r20.mprint exists already"),
        ("--output suspects", "suspects is a folder"),
        ("--image-shape 0,1,1", "at least one channel and one pixel"),
    ],
)
def test_what_cannot_be_sealed_is_explained_in_one_line(options: str, said: str, command: Any, world: Path) -> None:
    """Nothing is written, and what was there stays."""
    import torch
    from safetensors.torch import save_file

    for name in ("weights.pt", "pickle.safetensors"):
        torch.save({"weight": torch.zeros(2)}, world / name)
    save_file({"weight": torch.zeros(2)}, world / "other.safetensors")
    before = (world / "r20.mprint").read_bytes()

    done = command(
        "generate", *NAMED, "--data", "cifar10", "--method", "bisection", "--output", "new.mprint", *options.split()
    )

    assert_one_line(done, said)
    assert (world / "r20.mprint").read_bytes() == before
    assert not (world / "new.mprint").exists()


def damaged(kind: str, path: Path) -> None:
    """Damage the fingerprint at `path` in one way."""
    content = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "bit-flipped":
        place = content.index(b"IDAT") + 8
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif kind == "oversized":
        os.truncate(path, 2**30)
    elif kind == "path-traversing":
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("../evil.png", b"evil")
    elif kind == "no fingerprint":
        path.write_bytes(b"hello")


@pytest.mark.parametrize("kind", ["truncated", "bit-flipped", "oversized", "path-traversing", "no fingerprint"])
@pytest.mark.parametrize("line", ["inspect bad.mprint", "verify bad.mprint --endpoint endpoint.yaml"])
def test_a_damaged_fingerprint_says_nothing_about_the_model(
    kind: str, line: str, command: Any, world: Path, endpoint: Path
) -> None:
    """The file is named, the exit code is 2, nothing is written anywhere."""
    (world / "bad.mprint").write_bytes((world / "r20.mprint").read_bytes())
    damaged(kind, world / "bad.mprint")

    assert_one_line(command(*line.split()), "bad.mprint: ")
    assert not (world.parent / "evil.png").exists()


def without_history(summary: str) -> list[str]:
    """Return the lines of a verdict without those about when it was reached and what is left."""
    return [line for line in summary.splitlines() if not line.startswith(("decided ", "left "))]


REPLIES = {
    "/garbage": b"<html>hello</html>",
    "/few": json.dumps({"scores": [0.1, 0.9]}).encode(),
    "/unknown": json.dumps({"label": "teapot"}).encode(),
    "/tie": json.dumps({"scores": [0.5, 0.5, *[0.0] * 8]}).encode(),
}


class Strange(BaseHTTPRequestHandler):
    """Answers by its path, never as it should."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/slow":
            time.sleep(1)
        content = REPLIES.get(self.path, b"{}")
        self.send_response(500 if self.path == "/500" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    """Says nothing about clients that did not wait."""

    def handle_error(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def strange() -> Iterator[str]:
    """The URL of a server that misbehaves."""
    with Quiet(("127.0.0.1", 0), Strange) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "response", "said"),
    [
        ("/500", "label: $.label", "500"),
        ("/garbage", "label: $.label", "JSON"),
        ("/few", "scores: $.scores", "scores 2 classes, the fingerprint knows 10"),
        ("/unknown", "label: $.label", "'teapot' is no class name"),
        ("/tie", "scores: $.scores", "tied"),
    ],
)
def test_an_endpoint_that_does_not_answer_gets_no_verdict(
    path: str, response: str, said: str, strange: str, command: Any, world: Path
) -> None:
    """Trouble is never evidence: exit code 3, with the reason, and the answers that came are kept."""
    (world / "odd.yaml").write_text(
        f"endpoint:\n  kind: http\n  url: {strange}{path}\n  request: {{body: {{image: $IMAGE}}}}\n"
        f"  response: {{{response}}}\n  limits: {{timeout_s: 0.2}}\n  retry: {{attempts: 1}}\n"
    )

    done = command("verify", "r20.mprint", "--endpoint", "odd.yaml", "--transcript", "odd.jsonl")
    again = command("replay", "odd.jsonl", "r20.mprint")

    assert (done.code, again.code) == (3, 3), done.err
    assert "INCONCLUSIVE" in done.out and said in done.out
    assert done.err.count("\n") == 2  # what it may cost, and what may be asked besides
    assert without_history(again.out) == without_history(done.out)


def test_an_endpoint_that_is_silent_from_the_start_is_not_waited_for(strange: str, command: Any, world: Path) -> None:
    """Nothing could be asked: exit code 2, as for a connection that is refused."""
    (world / "odd.yaml").write_text(
        f"endpoint:\n  kind: http\n  url: {strange}/slow\n  response: {{label: $.label}}\n"
        "  limits: {timeout_s: 0.2}\n  retry: {attempts: 1}\n"
    )

    done = command("verify", "r20.mprint", "--endpoint", "odd.yaml")

    assert (done.code, done.out) == (2, "")
    assert "no reply within 0.2 s; check the address" in done.err


def test_a_wrong_endpoint_description_names_the_key(command: Any, world: Path) -> None:
    """It is found before anything is sent."""
    (world / "odd.yaml").write_text("endpoint: {kind: open-inference, url: 'http://127.0.0.1:9', modle: x}\n")

    assert_one_line(command("verify", "r20.mprint", "--endpoint", "odd.yaml"), "odd.yaml: endpoint.")


def test_a_classifier_of_another_shape_is_refused(command: Any, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be asked, so nothing is said about it."""
    monkeypatch.syspath_prepend(world / "installed")
    (world / "installed").mkdir()
    (world / "installed" / "mine.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    )

    done = command("verify", "r20.mprint", "--network", "mine:make", "--image-shape", "1,8,8")

    assert_one_line(done, "takes images of shape (1, 8, 8)", "(3, 32, 32)")


def test_a_suspect_that_cannot_be_read_does_not_hide_the_others(command: Any, world: Path) -> None:
    """The table is there, the exit code is 2, one line names the file."""
    (world / "suspects" / "broken.safetensors").write_bytes(b"broken")

    done = command("detect", "r20.mprint", "--suspects", "suspects")

    assert done.code == 2
    assert "finetune-last-1e-3" in done.out
    assert done.err.startswith("error: broken: ") and done.err.count("\n") == 1


def test_no_code_is_run_because_a_fingerprint_names_it(command: Any, world: Path) -> None:
    """A network that is no built-in one has to be named by the user."""
    from dataclasses import replace

    from modelprint.fingerprint.integrity import Fingerprint

    loaded = Fingerprint.load(world / "r20.mprint")
    replace(loaded, provenance=replace(loaded.provenance, network="antigravity:open")).save(world / "r20.mprint")

    assert_one_line(
        command("detect", "r20.mprint", "--suspects", "suspects"),
        "a factory, which is code; it is called with --trust-network",
    )


@pytest.mark.parametrize(
    ("module", "line", "extra"),
    [
        ("torch", "methods", "generate"),
        ("torch", "verify r20.mprint --network resnet20", "generate"),
        ("uvicorn", "serve --network resnet20", "serve"),
        ("onnxruntime", "verify r20.mprint --onnx r20.mprint", "onnx"),
    ],
)
def test_a_missing_extra_is_named(
    module: str, line: str, extra: str, command: Any, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that needs more than a checker has says what to install."""
    import sys

    for name in list(sys.modules):
        heavy = ("modelprint.methods", "modelprint.loading", "modelprint.demo.server", "modelprint.oracles.local")
        if name.partition(".")[0] == module or name.startswith(heavy):
            monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    done = command(*line.split())
    monkeypatch.undo()

    assert_one_line(done, f"install the extra {extra} as modelprint was installed, such as: pip install")


def test_an_error_nobody_foresaw_is_no_verdict(command: Any, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would exit with 1, which says tampered; MODELPRINT_DEBUG shows the traceback."""
    from modelprint.fingerprint.integrity import Fingerprint

    def broken(path: object) -> None:
        raise RuntimeError("a bug\nof ours")

    monkeypatch.setattr(Fingerprint, "load", broken)
    plain = command("inspect", "r20.mprint")
    monkeypatch.setenv("MODELPRINT_DEBUG", "1")
    debugged = command("inspect", "r20.mprint")

    assert_one_line(plain, "unexpected RuntimeError: a bug of ours; MODELPRINT_DEBUG=1")
    assert debugged.code == 2
    assert "Traceback" in debugged.err
