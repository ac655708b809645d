"""verify and replay exit with what they found."""

from pathlib import Path
from typing import Any

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification import verify
from modelprint.verification.transcript import Transcript

GOLDEN = Path(__file__).parents[1] / "golden"
FILE = GOLDEN / "format-1.mprint"


class Constant:
    """Answers with one label."""

    def __init__(self, label: int) -> None:
        self.label = label

    def ask(self, picture: Picture) -> Answer:
        return Answer(label=self.label)

    def describe(self) -> dict[str, str]:
        return {"kind": "constant"}


def test_a_replay_exits_as_the_verification_did(command: Any, tmp_path: Path) -> None:
    """Tampered is 1; with another fingerprint the transcript is refused with 2."""
    path = tmp_path / "t.jsonl"
    verdict = verify(Constant(1), Fingerprint.load(FILE), p1=0.9, transcript=Transcript(path))

    replayed, other = command("replay", path, FILE), command("replay", path, GOLDEN / "format-2.mprint")

    assert replayed.code == verdict.exit_code == 1
    assert replayed.out.strip() == verdict.summary()
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
