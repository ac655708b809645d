"""The quickstart finds the original intact and its four tampered copies tampered."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from modelprint.cli import run
from modelprint.demo.quickstart import QUERIES, QuickstartResult, quickstart, show
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.verification.verdict import Outcome
from modelprint.verification.verifier import replay

SAID: list[str] = []


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> QuickstartResult:
    """One run with the default seed."""
    return quickstart(tmp_path_factory.mktemp("quickstart"), say=SAID.append)


def test_it_ends_well(result: QuickstartResult) -> None:
    """Intact once, tampered four times, within twenty queries each."""
    assert result.succeeded, result.conclusion()
    assert [one.verdict.outcome for one in result.checked] == [Outcome.INTACT, *[Outcome.TAMPERED] * 4]
    assert all(one.verdict.asked <= QUERIES for one in result.checked)
    assert {one.kind for one in result.checked} == {
        "",
        "int8-weights",
        "finetune-all-1e-5",
        "flip-sign",
        "retrain-all-8-epochs",
    }
    assert result.accuracy > 0.9


def test_the_file_is_what_an_owner_would_seal(result: QuickstartResult) -> None:
    """By the default method, with the margins that the default profile needs; the output names the file."""
    sealed = Fingerprint.load(result.fingerprint)

    assert len(sealed.samples) == QUERIES
    assert (sealed.provenance.method, sealed.profile.name) == ("junction", "fp32")
    assert all(sample.margin >= sealed.profile.multiple * sealed.profile.floor for sample in sealed.samples)
    assert any(f"sealed it with 20 samples in {result.fingerprint}" in line for line in SAID)


def test_everything_can_be_checked_again(result: QuickstartResult) -> None:
    """The transcripts lead to the same verdicts, and the page shows every model without loading anything."""
    sealed = Fingerprint.load(result.fingerprint)
    page = result.report.read_text()

    for one in result.checked:
        again = replay(result.folder / "transcripts" / f"{one.kind or 'original'}.jsonl", sealed)
        assert again.outcome is one.verdict.outcome
        assert one.name in page
    assert page.count("data:image/png;base64,") >= QUERIES
    assert "http://" not in page.replace("http://127.0.0.1", "")


def test_a_copy_on_disk_is_found_out_by_the_command_it_names(
    result: QuickstartResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command at the end of the output exits with 1."""
    console = Console(file=io.StringIO(), highlight=False)
    show(result, console)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    line = next(text for text in output.splitlines() if "modelprint verify" in text)

    code = run(line.partition("modelprint ")[2].split())

    assert code == 1
    assert output.count("TAMPERED") == 4 and output.count("INTACT") == 1
    assert "every verdict is correct" in output


def test_the_example_exits_by_the_result(
    result: QuickstartResult, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """0 when every verdict is correct, otherwise 3 with an explanation."""
    wrong = tuple(replace(one, kind="") if one.kind == "flip-sign" else one for one in result.checked)
    asked: list[Path] = []
    answers = iter([result, replace(result, checked=wrong)])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "modelprint.demo.quickstart.quickstart", lambda folder, **_: asked.append(folder) or next(answers)
    )

    right = run(["quickstart", "--output", "modelprint-quickstart"])
    failed = run(["quickstart"])

    assert (right, failed) == (0, 3)
    assert asked == [Path("modelprint-quickstart")] * 2
    assert "sign-flipped copy was found tampered, not intact" in capsys.readouterr().out
