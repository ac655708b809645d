"""Detection rates from the command line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest


def test_the_tables_show_every_suspect_and_every_kind(command: Any, world: Path) -> None:
    """Two suspects of two kinds: two rows each, with rates and how far they moved."""
    done = command("detect", "r20.mprint", "--suspects", "suspects")

    assert (done.code, done.err) == (0, "")
    suspects, kinds = (part.splitlines() for part in done.out.split("\n\n"))
    assert suspects[0].split()[:3] == ["suspect", "kind", "differ"]
    assert kinds[0].split()[:2] == ["kind", "models"]
    files = sorted((world / "suspects").rglob("*.safetensors"))
    assert len(files) > 0
    assert [row.split()[0] for row in suspects[1:]] == [file.stem for file in files]


def test_the_json_has_the_same_numbers(command: Any, world: Path) -> None:
    """The rate at N = 1 is the share of samples whose label differs."""
    record = json.loads(command("detect", "r20.mprint", "--suspects", "suspects", "--json").out)

    assert len(record["suspects"]) > 0
    for one in record["suspects"]:
        assert one["rates"]["1"] == pytest.approx(one["mismatches"] / one["samples"])
    assert {kind["kind"] for kind in record["kinds"]} == {one["kind"] for one in record["suspects"]}


def test_a_folder_without_suspects_is_explained(command: Any, world: Path) -> None:
    """With the command that makes some."""
    (world / "empty").mkdir()

    done = command("detect", "r20.mprint", "--suspects", "empty")

    assert (done.code, done.out) == (2, "")
    assert "no .safetensors file in empty; make suspects with: modelprint tamper" in done.err


def test_the_factory_that_a_file_names_is_called_when_it_is_trusted(
    command: Any, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it is code that someone else chose."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("ours_to_detect.py").write_text(
        "from pathlib import Path\nfrom modelprint.loading import load_classifier\n"
        "def make():\n    file = Path(__file__).with_name('cifar10_resnet20.safetensors')\n"
        "    return load_classifier('resnet20', file).network\n"
    )
    factory = ["--search-path", "."]
    line = [
        "--network",
        "ours_to_detect:make",
        *factory,
        "--image-shape",
        "3,32,32",
        "--data",
        "cifar10",
        "--method",
        "natural",
        "--count",
        4,
        "--weak",
    ]
    assert command("generate", *line, "--profile", "exact", "--output", "ours.mprint").code == 0

    refused = command("detect", "ours.mprint", "--suspects", "suspects", *factory)
    trusted = command("detect", "ours.mprint", "--suspects", "suspects", *factory, "--trust-network")

    assert (refused.code, refused.out) == (2, "")
    assert "'ours_to_detect:make', a factory, which is code; it is called with --trust-network" in refused.err
    assert (trusted.code, trusted.err) == (0, "")
    assert len(trusted.out.splitlines()) > 4
