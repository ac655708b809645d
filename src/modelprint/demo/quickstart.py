"""The main use case on real digits: train, seal, serve, verify the served model, and detect four tampered copies.

Everything runs on this machine; the endpoint is a real HTTP server on the loopback interface.

The samples come from the default method, junction. The copies are never used to choose a sample.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count as counting
from itertools import islice
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from modelprint.cache import write_text_atomically
from modelprint.classifier import Classifier
from modelprint.data import DataSet, load_data
from modelprint.demo.server import build_app, run_in_background
from modelprint.fast.known import accuracy_on
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import Measures
from modelprint.loading import save_weights
from modelprint.methods.junction import Junction
from modelprint.networks import NETWORKS
from modelprint.oracles.endpoint import open_oracle, parse_endpoint
from modelprint.progress import Progress, ignore_progress
from modelprint.settings import build
from modelprint.streams import derive, stream
from modelprint.tamperings import SUITE, Movement, Suspect, make_suspect
from modelprint.training import ImageBatches, Recipe, choose_augmentation, train, use_one_thread
from modelprint.verification.report import render_report
from modelprint.verification.transcript import Transcript
from modelprint.verification.verdict import Outcome, Verdict
from modelprint.verification.verifier import verify
from modelprint.work import Work

NAME = "digits"
QUERIES = 20
"""Samples in the file, and largest number of queries."""
EXPECTED_FLIP_RATE = 0.21
"""The smallest flip rate that 20 matching answers can exclude at beta 0.01."""
FLIP_RMS = 0.03
"""Smallest RMS change of the test logits that counts as an effect of a flipped sign."""
FLIP_TRIALS = 200

RECIPE = Recipe(
    learning_rate=0.05, momentum=0.9, weight_decay=5e-4, batch=64, epochs=15, batch_norm="train", schedule="one-cycle"
)
UNTOUCHED = "the original"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """One served model and its verdict.

    Attributes:
        name: Name in tables and reports.
        kind: Name of the tampering in SUITE; empty for the original.
        verdict: The verdict from its answers.
        movement: Distance from the original; None for the original.
        notes: Further facts.
    """

    name: str
    kind: str
    verdict: Verdict
    movement: Movement | None = None
    notes: str = ""

    @property
    def expected(self) -> Outcome:
        """The correct outcome."""
        return Outcome.TAMPERED if self.kind else Outcome.INTACT


@dataclass(frozen=True, kw_only=True, eq=False)
class QuickstartResult:
    """Results of the quickstart and the files it wrote.

    Attributes:
        folder: The output folder.
        fingerprint: The sealed file.
        report: The HTML page.
        accuracy: Accuracy of the original on the test images, 0 to 1.
        checked: The original and its tampered copies.
    """

    folder: Path
    fingerprint: Path
    report: Path
    accuracy: float
    checked: tuple[Checked, ...]

    @property
    def succeeded(self) -> bool:
        """Whether every verdict is correct."""
        return all(one.verdict.outcome is one.expected for one in self.checked)

    def conclusion(self) -> str:
        """Return one line: all verdicts are correct, or which are not."""
        if self.succeeded:
            return f"intact once, tampered {len(self.checked) - 1} times: every verdict is correct"
        wrong = [one for one in self.checked if one.verdict.outcome is not one.expected]
        errors = "; ".join(f"{one.name} was found {one.verdict.outcome}, not {one.expected}" for one in wrong)
        return f"{errors}. {wrong[0].verdict.reasons[0]}. Try another --seed, and please report this"


def quickstart(
    folder: Path, *, seed: int = 7, progress: Progress = ignore_progress, say: Say = lambda text: None
) -> QuickstartResult:
    """Run the main use case and write all files into `folder`.

    1. Train a small classifier on the digits that come with scikit-learn.
    2. Make four tampered copies: int8, fine-tuned, one flipped sign, retrained.
    3. Seal the classifier with the default method, junction.
    4. Serve the original and each copy over HTTP, and verify each with the same file.
    5. Write an HTML page with all samples, their sources and the answered labels.

    Args:
        folder: Output folder; created if missing. Files of an earlier quickstart are replaced.
        seed: Seed of every random number.
        progress: Receives progress reports.
        say: Receives messages, one line each.
    """
    # For a network this small several threads are slower than one.
    with use_one_thread():
        data = load_data(NAME)
        model = train_digits(data, seed, progress)  # (1)
        accuracy = accuracy_on(model, data.test)
        say(
            f"trained a small network on {len(data.train)} handwritten digits; "
            f"its accuracy on {len(data.test)} others is {accuracy:.1%}"
        )
        save_weights(model, folder / f"{NAME}.safetensors")
        suspects = make_suspects(model, data, seed, progress)  # (2)
        for suspect in suspects.values():
            save_weights(suspect.classifier, folder / "suspects" / f"{suspect.kind}.safetensors", suspect.record())
        fingerprint = seal(model, data, seed, progress)  # (3)
        sealed = folder / f"{NAME}.mprint"
        fingerprint.save(sealed)
        say(f"sealed it with {len(fingerprint.samples)} samples in {sealed}")
        checked = tuple(_verify_all(model, suspects, fingerprint, folder, say))  # (4)
    page = folder / "report.html"
    verdicts = {one.name: one.verdict for one in checked}
    write_text_atomically(
        page, render_report("modelprint quickstart", fingerprint, verdicts, map(_describe_copy, checked))
    )  # (5)
    return QuickstartResult(folder=folder, fingerprint=sealed, report=page, accuracy=accuracy, checked=checked)


def train_digits(data: DataSet, seed: int, progress: Progress = ignore_progress) -> Classifier:
    """Return the small digits network, trained for fifteen epochs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "quickstart", "start"))
        network = NETWORKS[NAME].make(class_count=len(data.class_names), channels=data.image_shape[0])
    batches = ImageBatches(data=data.train, augment=choose_augmentation(data.train))
    train(network, batches, RECIPE, stream(seed, "quickstart", "training"), progress=progress)
    return Classifier(network, image_shape=data.image_shape, class_count=len(data.class_names), name=NAME)


def make_suspects(
    model: Classifier, data: DataSet, seed: int, progress: Progress = ignore_progress
) -> dict[str, Suspect]:
    """Return the four tampered copies, by their names in tables."""
    kinds = {"int8 copy": "int8-weights", "fine-tuned copy": "finetune-all-1e-5", "retrained copy": "retrain-all"}
    made = {
        name: make_suspect(kind, build(SUITE, kind), model, data, seed, progress=progress)
        for name, kind in kinds.items()
    }
    return made | {"sign-flipped copy": _find_flip(model, data, seed)}


def _find_flip(model: Classifier, data: DataSet, seed: int) -> Suspect:
    """Return the first copy with a flipped sign in a convolution that changes the logits noticeably.

    Many weights of a trained network have almost no effect, and a weight of the last layer affects a single class: such
    a flip would change no label.
    """
    flips = (make_suspect("flip-sign", build(SUITE, "flip-sign"), model, data, seed + k) for k in counting())
    tried = []
    for count, suspect in enumerate(islice(flips, FLIP_TRIALS), start=1):
        if suspect.movement.logit_rms >= FLIP_RMS and not suspect.notes.startswith("linear."):
            drawn = f"random flip number {count}, the first in a convolution to move logits by {FLIP_RMS} RMS"
            return replace(suspect, notes=f"{suspect.notes} ({drawn})")
        tried.append(suspect)
    return max(tried, key=lambda suspect: suspect.movement.logit_rms)


def seal(model: Classifier, data: DataSet, seed: int, progress: Progress = ignore_progress) -> Fingerprint:
    """Return a fingerprint of 20 samples."""
    fingerprint, _ = generate(
        model,
        data,
        Junction(),
        count=QUERIES,
        seed=seed,
        measures=Measures(expected_flip_rate=EXPECTED_FLIP_RATE),
        work=Work(progress=progress),
    )
    return fingerprint


def _verify_all(
    model: Classifier, suspects: Mapping[str, Suspect], fingerprint: Fingerprint, folder: Path, say: Say
) -> Iterator[Checked]:
    """Serve and verify the original and each copy."""
    say("verifying the original and four tampered copies over HTTP on this machine")
    yield Checked(name=UNTOUCHED, kind="", verdict=_serve_and_verify(model, fingerprint, folder, "original"))
    for name, suspect in suspects.items():
        verdict = _serve_and_verify(suspect.classifier, fingerprint, folder, suspect.kind)
        yield Checked(name=name, kind=suspect.kind, verdict=verdict, movement=suspect.movement, notes=suspect.notes)


def _serve_and_verify(model: Classifier, fingerprint: Fingerprint, folder: Path, name: str) -> Verdict:
    """Return the verdict about `model` behind a real server, as from a checker without the weights."""
    transcript = folder / "transcripts" / f"{name}.jsonl"
    transcript.parent.mkdir(parents=True, exist_ok=True)
    transcript.unlink(missing_ok=True)
    with run_in_background(build_app(model, name=NAME, class_names=fingerprint.class_names)) as url:
        described = {"kind": "open-inference", "url": url, "model": NAME, "output": "label"}
        oracle = open_oracle(parse_endpoint({"endpoint": described}), fingerprint.class_names)
        return verify(oracle, fingerprint, transcript=Transcript(transcript))


def show(result: QuickstartResult, console: Console | None = None) -> None:
    """Print the verdicts as a table, and commands to try next."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    table = Table(title="Verdict about each served model")
    for head in ("served", "verdict", "queries", "labels differ", "parameters moved", "logits RMS", "accuracy"):
        table.add_column(head, justify="left" if head in ("served", "verdict") else "right")
    for one in result.checked:
        colour = "green" if one.verdict.outcome is one.expected else "red"
        verdict = f"[{colour}]{str(one.verdict.outcome).upper()}[/]"
        numbers = (str(one.verdict.asked), str(one.verdict.mismatched))
        table.add_row(
            f"{one.name} ({one.kind})" if one.kind else one.name, verdict, *numbers, *_format_movement(one, result)
        )
    console.print(table)
    console.print(f"{result.conclusion()}\n", markup=False)
    copy = result.folder / "suspects" / f"{result.checked[1].kind}.safetensors"
    console.print(
        f"report        {result.report}\n"
        f"look inside   modelprint inspect {result.fingerprint}\n"
        f"try yourself  modelprint verify {result.fingerprint} --network {NAME} --weights {copy}",
        markup=False,
        soft_wrap=True,
    )


def _format_movement(one: Checked, result: QuickstartResult) -> tuple[str, str, str]:
    if one.movement is None:
        return "-", "-", f"{result.accuracy:.1%}"
    return f"{one.movement.parameters:.1e}", f"{one.movement.logit_rms:.1e}", f"{one.movement.accuracy_after:.1%}"


def _describe_copy(one: Checked) -> str:
    """Return a line about the distance of a copy from the original."""
    if one.movement is None:
        return f"{one.name} is the classifier that was sealed."
    moved = one.movement
    notes = f" {one.notes}." if one.notes else ""
    return (
        f"{one.name} ({one.kind}): parameters moved by {moved.parameters:.1e} of their norm, logits by "
        f"{moved.logit_rms:.1e} RMS; {moved.labels_changed:.1%} of the test labels changed.{notes}"
    )
