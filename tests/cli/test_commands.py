"""What the commands print and write."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelprint.cli.generate import creation_time
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.pixels import decode_png

MODELPRINT = Path(sys.executable).with_name("modelprint")
NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")


def test_help_imports_nothing_heavy() -> None:
    """Neither the list of commands nor the help of one waits for numpy or torch."""
    code = "import sys; from modelprint.cli import run; run(['verify', '--help']); print(sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    modules = set(done.stdout.splitlines()[-1].replace("'", "").strip("[]").split(", "))
    assert modules & {"torch", "numpy", "httpx", "PIL", "onnxruntime", "fastapi"} == set()


def test_checking_commands_import_no_torch(world: Path, endpoint: Path) -> None:
    """inspect, export, verify at an endpoint, replay and probe run where torch cannot be imported."""
    lines = [
        "inspect r20.mprint",
        "export r20.mprint --to pictures",
        "verify r20.mprint --endpoint endpoint.yaml --transcript new.jsonl --report new.html",
        "replay new.jsonl r20.mprint",
        "endpoint probe endpoint.yaml --fingerprint r20.mprint",
        "data list",
    ]
    code = f"""
import sys
sys.modules["torch"] = None
from modelprint.cli import run
print([run(line.split()) for line in {lines!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 0, 0, 0]", done.stderr


def test_the_version_is_that_of_the_package(command: Any) -> None:
    """--version prints it and stops."""
    from importlib.metadata import version

    assert command("--version").out == f"modelprint {version('modelprint')}\n"


def test_without_a_command_the_help_is_shown(command: Any) -> None:
    """Typing the name alone is no mistake."""
    done = command()

    assert done.code == 0
    assert "generate" in done.out


def test_export_writes_the_bytes_that_travel(command: Any, world: Path) -> None:
    """The PNG files are those in the archive; the table has label and margin of each."""
    done = command("export", "r20.mprint", "--to", "pictures")

    assert done.code == 0
    sealed = Fingerprint.load(world / "r20.mprint")
    with (world / "pictures" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"{index:04d}.png" for index in range(len(sealed.samples))]
    for row, sample in zip(rows, sealed.samples, strict=True):
        assert (world / "pictures" / row["file"]).read_bytes() == sample.picture.png
        assert row["label"] == sealed.class_names[sample.label]
        assert float(row["margin"]) == sample.margin


def test_json_is_one_object(command: Any, world: Path, endpoint: Path) -> None:
    """Every command with --json prints exactly one JSON object on stdout."""
    data = ("--data", "cifar10")
    sealed = ("--method", "natural", "--count", "2", "--profile", "exact", "--no-sources", "--weak")
    lines = [
        ("inspect", "r20.mprint"),
        ("generate", *NAMED, *data, *sealed, "--output", "n.mprint"),
        ("tamper", *NAMED, *data, "--kind", "flip-sign", "--output", "n.safetensors"),
        ("detect", "r20.mprint", "--suspects", "n.safetensors"),
        ("verify", "r20.mprint", "--endpoint", "endpoint.yaml", "--report", "out.html"),
        ("replay", "today.jsonl", "r20.mprint"),
        ("endpoint", "probe", "endpoint.yaml", "--fingerprint", "r20.mprint"),
        ("data", "list"),
        ("methods",),
        ("tamperings",),
    ]

    for line in lines:
        done = command(*line, "--json")
        assert isinstance(json.loads(done.out), dict), (line, done.err)

    assert json.loads(command("inspect", "n.mprint", "--json").out)["provenance"]["method"] == "natural"
    assert all(sample.source is None for sample in Fingerprint.load(world / "n.mprint").samples)
    assert "<html" in (world / "out.html").read_text()


def test_a_tampered_model_is_exit_code_1(command: Any, world: Path) -> None:
    """And the verdict says so."""
    done = command("verify", "r20.mprint", *NAMED[:2], "--weights", "suspects/finetuned.safetensors", "--p1", "0.1")

    assert done.code == 1, done.out
    assert "TAMPERED" in done.out


def test_generate_says_what_became_of_the_samples(command: Any, world: Path) -> None:
    """Crafted, lost and kept; the unfinished work is gone afterwards."""
    done = command(
        "generate",
        *NAMED,
        "--data",
        "cifar10",
        "--method",
        "natural",
        "--count",
        "3",
        "--profile",
        "exact",
        "--weak",
        "--output",
        "new.mprint",
    )

    assert done.code == 0
    for words in ("crafted", "rounding", "steadiness", "kept", "accuracy", "p0", "p1", "intact takes", "new.mprint"):
        assert words in done.out
    assert not (world / "new.mprint.partial").exists()


def test_generate_rounds_by_search(command: Any, world: Path) -> None:
    """The report and the file say what it did to the gaps between logits."""
    line = ["--data", "cifar10", "--method", "ssf", "--set", "steps=5", "--count", "2", "--profile", "exact", "--weak"]
    done = command("generate", *NAMED, *line, "--round", "search", "--json", "--output", "searched.mprint")

    assert done.code == 0, done.err
    report = json.loads(done.out)["report"]
    assert report["searched"] == report["crafted"] >= 2
    assert 0 < report["residual_search"] < report["residual_nearest"]
    provenance = Fingerprint.load(world / "searched.mprint").provenance
    assert provenance.settings["eight_bit"] is False
    assert f"{report['searched']} rounded by it" in provenance.notes["search"]


def test_a_dry_run_sends_nothing(command: Any, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is shown, with the secret masked."""
    monkeypatch.setenv("TOKEN", "hush")
    (world / "odd.yaml").write_text(
        "endpoint: {kind: open-inference, url: 'http://127.0.0.1:9', model: x, "
        "headers: {Authorization: 'Bearer ${TOKEN}'}}\n"
    )

    done = command("verify", "r20.mprint", "--endpoint", "odd.yaml", "--dry-run")

    assert done.code == 0
    assert done.out.startswith("POST http://127.0.0.1:9/v2/models/x/infer HTTP/1.1")
    assert "Bearer ***" in done.out and "hush" not in done.out


def test_a_probe_without_data_sends_made_up_images(command: Any, endpoint: Path) -> None:
    """It says that no label can be understood; with data it compares labels too."""
    alone = command("endpoint", "probe", endpoint, "--count", "2")
    informed = command("endpoint", "probe", endpoint, "--data", "cifar10", "--fingerprint", "r20.mprint")

    assert (alone.code, informed.code) == (0, 0)
    assert "class names are unknown" in alone.err
    assert "agreement" in informed.out and "agreement" not in alone.out


@pytest.mark.heavy
def test_an_interrupted_generation_continues_to_the_same_bytes(tmp_path: Path, started: Any, until: Any) -> None:
    """Ctrl-C loses nothing: the file is the one that an uninterrupted run writes."""
    zoo = ["--set", "zoo=none*1,flip-sign*2", "--set", "inner=1", "--set", "steps=80"]
    sealed = ["--method", "misentry", *zoo, "--count", "10", "--profile", "exact", "--seed", "3", "--allow-fewer"]
    sealed += ["--any-accuracy", "--weak"]
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom modelprint.networks.digits import DigitsNet\n"
        "def make():\n    torch.manual_seed(0)\n    return DigitsNet()\n"
    )
    network = ["--network", "mine:make", "--search-path", ".", "--image-shape", "1,8,8", "--data", "digits"]
    line = [MODELPRINT, "generate", *network, *sealed]
    fixed = {"SOURCE_DATE_EPOCH": "1700000000", "MODELPRINT_CACHE": str(tmp_path / "cache")}

    with started([*line, "--output", "whole.mprint"], tmp_path, **fixed) as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    with started([*line, "--output", "cut.mprint"], tmp_path, **fixed) as process:
        until(lambda: list((tmp_path / "cut.mprint.partial").rglob("misentry.safetensors")))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "stopped; run the same command again to go on; what is done is in cut.mprint.partial\n"
    assert not (tmp_path / "cut.mprint").exists()
    with started([*line, "--output", "cut.mprint"], tmp_path, **fixed) as process:
        _, errors = process.communicate()

    assert process.returncode == 0, errors
    assert (tmp_path / "cut.mprint").read_bytes() == (tmp_path / "whole.mprint").read_bytes()
    assert not (tmp_path / "cut.mprint.partial").exists()


def test_an_interrupted_verification_asks_no_answered_sample_again(
    world: Path, endpoint: Path, started: Any, until: Any
) -> None:
    """The transcript has every sample once, and the verdict is that of one run."""
    slow = endpoint.read_text().replace("}", ", limits: {requests_per_second: 10}}")
    endpoint.write_text(slow)
    line = [MODELPRINT, "verify", "r20.mprint", "--endpoint", "endpoint.yaml", "--transcript", "cut.jsonl"]
    transcript = world / "cut.jsonl"

    with started(line, world) as process:
        until(lambda: transcript.read_text().count('"kind": "answer"') >= 3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    answered = transcript.read_text().count('"kind": "answer"')
    with started(line, world) as again:
        output, _ = again.communicate(timeout=60)

    assert process.returncode == 130
    assert errors.splitlines()[-1] == (
        "stopped; run the same command again to go on; the answers so far are in cut.jsonl"
    )
    assert again.returncode == 0 and "INTACT" in output
    lines = [json.loads(text) for text in transcript.read_text().splitlines()]
    asked = [entry["index"] for entry in lines if entry["kind"] == "answer"]
    assert 3 <= answered < len(asked) == len(set(asked))


def test_a_reader_that_goes_away_is_no_verdict(world: Path) -> None:
    """`modelprint ... | true` ends with 141, as shells expect, never with 1."""
    with subprocess.Popen(
        [MODELPRINT, "inspect", "r20.mprint", "--json"], cwd=world, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()  # type: ignore[union-attr]
        errors = process.stderr.read()  # type: ignore[union-attr]

    assert (process.returncode, errors) == (141, b"")


def test_the_date_in_a_file_can_be_fixed() -> None:
    """SOURCE_DATE_EPOCH as reproducible builds use it; without it the time is now."""
    assert creation_time({}) is None
    assert creation_time({"SOURCE_DATE_EPOCH": "0"}).isoformat() == "1970-01-01T00:00:00+00:00"  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="SOURCE_DATE_EPOCH is a number of seconds"):
        creation_time({"SOURCE_DATE_EPOCH": "yesterday"})


def test_pictures_of_a_probe_are_ordinary(world: Path) -> None:
    """Made-up images are real pictures of the asked shape, the same every time."""
    from modelprint.cli.probing import _make_images

    first, second = _make_images((3, 12, 20), 2), _make_images((3, 12, 20), 2)

    assert [decode_png(picture.png).shape for picture in first] == [(3, 12, 20)] * 2
    assert [picture.sha256 for picture in first] == [picture.sha256 for picture in second]
    assert first[0].sha256 != first[1].sha256
