"""verify and replay exit with what they found."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import ledger, verify
from modelprint.verification.transcript import Transcript

GOLDEN = Path(__file__).parents[1] / "golden"
FILE = GOLDEN / "format-1.mprint"


class Changed:
    """Answers the first sample as the file says, and the others with the next label."""

    def __init__(self, sealed: Fingerprint) -> None:
        self.labels = {
            sample.picture.sha256: (sample.label + bool(index)) % len(sealed.class_names)
            for index, sample in enumerate(sealed.samples)
        }

    def ask(self, picture: Picture) -> Answer:
        return Answer(label=self.labels[picture.sha256])

    def describe(self) -> dict[str, str]:
        return {"kind": "changed"}


def test_a_replay_exits_as_the_verification_did(command: Any, tmp_path: Path) -> None:
    """Tampered is 1; with another fingerprint the transcript is refused with 2."""
    path = tmp_path / "t.jsonl"
    sealed = Fingerprint.load(FILE)
    verdict = verify(Changed(sealed), sealed, p1=0.9, transcript=Transcript(path))

    replayed, other = command("replay", path, FILE), command("replay", path, GOLDEN / "format-2.mprint")

    assert replayed.code == verdict.exit_code == 1
    lines = replayed.out.splitlines()
    assert [line for line in lines if not line.startswith("decided")] == verdict.summary().splitlines()
    assert len(lines) == len(verdict.summary().splitlines()) + 1
    assert other.code == 2
    assert "was made with fingerprint" in other.err


def test_a_dry_run_needs_an_endpoint(command: Any, tmp_path: Path) -> None:
    """An ONNX file gets no request that could be shown."""
    done = command("verify", FILE, "--onnx", tmp_path / "none.onnx", "--dry-run")

    assert done.code == 2
    assert "--dry-run shows a request, so it needs --endpoint" in done.err


def test_exactly_one_model_is_named(command: Any) -> None:
    """Before the file is opened."""
    done = command("verify", "none.mprint")

    assert done.code == 2
    assert "exactly one of --endpoint, --onnx and --network" in done.err


NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors")


def test_a_finished_transcript_is_no_fresh_check(command: Any, world: Path) -> None:
    """Nothing is asked: exit code 3 and "fresh": false, until --reuse lets the old verdict count."""
    line = ("verify", "r20.mprint", *NAMED, "--transcript", "today.jsonl")

    old, reused = command(*line, "--json"), command(*line, "--reuse")

    assert (old.code, reused.code) == (3, 0)
    record = json.loads(old.out)
    assert (record["fresh"], record["outcome"], record["exit_code"]) == (False, "intact", 3)
    assert record["decided"]
    assert "nothing was asked now" in reused.out


def test_what_counts_of_an_answer_is_chosen(command: Any, world: Path) -> None:
    """A file made by `generate` has scores, which count unless labels alone are asked for."""
    by_scores = command("verify", "r20.mprint", *NAMED, "--json")
    by_label = command("verify", "r20.mprint", *NAMED, "--answers", "label", "--json")
    unknown = command("verify", "r20.mprint", *NAMED, "--answers", "both")

    assert (by_scores.code, by_label.code, unknown.code) == (0, 0, 2)
    assert json.loads(by_scores.out)["scores"]["used"] == "scores"
    assert json.loads(by_label.out)["scores"] is None
    assert "both" in unknown.err


def test_runs_share_a_ledger_and_inspect_reads_it(command: Any, world: Path) -> None:
    """The first run decides and spends its samples; the second asks those that are left first."""
    line = ("verify", "r20.mprint", *NAMED, "--ledger", "mine.jsonl")

    first, second = command(*line, "--json"), command(*line)
    shown, record = (command("inspect", "r20.mprint", "--ledger", "mine.jsonl", *more) for more in ((), ("--json",)))

    asked = {seen["index"] for seen in json.loads(first.out)["observations"]}
    left = json.loads(first.out)["unasked"]
    assert (first.code, second.code) == (0, 0)
    assert left == json.loads(first.out)["queries"] - len(asked)
    assert "left         0 samples of the file were never asked" in second.out
    assert "runs         2 intact" in shown.out
    assert json.loads(record.out)["ledger"] == {"outcomes": ["intact", "intact"], "run": 0, "unasked": []}


def test_samples_too_few_for_intact_are_announced(command: Any, world: Path) -> None:
    """Before the first question, on stderr."""
    done = command("verify", "r20.mprint", *NAMED, "--queries", "3")

    assert done.code == 3
    assert "3 samples can show that the model is tampered, but not that it is intact" in done.err


@pytest.mark.parametrize("output", ["--report", "--transcript", "--ledger"])
def test_no_output_replaces_the_fingerprint(command: Any, world: Path, output: str) -> None:
    """Not even with --force; nothing is asked."""
    before = (world / "r20.mprint").read_bytes()

    done = command("verify", "r20.mprint", *NAMED, output, "r20.mprint", "--force")

    assert done.code == 2
    assert f"{output} and the fingerprint are the same file" in done.err
    assert (world / "r20.mprint").read_bytes() == before


def test_a_report_is_replaced_with_force_only(command: Any, world: Path) -> None:
    """And found before the first question."""
    (world / "out.html").write_text("mine")
    line = ("verify", "r20.mprint", *NAMED, "--report", "out.html")

    refused = command(*line)
    kept = (world / "out.html").read_text()
    forced = command(*line, "--force")

    assert (refused.code, kept) == (2, "mine")
    assert "out.html exists already" in refused.err
    assert forced.code == 0
    assert "<html" in (world / "out.html").read_text()


def test_a_user_without_a_home_gets_a_verdict(command: Any, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may have a user that no file knows; the run is then the first of a budget, and says so."""

    def homeless(*arguments: object, **options: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(ledger, "user_state_dir", homeless)
    monkeypatch.delenv("MODELPRINT_STATE")

    done = command("verify", "r20.mprint", *NAMED)

    assert done.code == 0
    assert "set HOME, or MODELPRINT_STATE to a folder; this counts as the first run" in done.err
