"""Sealing the answers of a trusted deployment: `enrol`. Needs no torch, except for weights of one's own."""

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelprint.cli.console import explain_interruption, print_remark, show_bars, show_json, to_one_line
from modelprint.cli.generate import creation_time
from modelprint.cli.options import (
    AsJson,
    FingerprintFile,
    Force,
    ImageShape,
    Onnx,
    OnnxInput,
    Output,
    OwnNetwork,
    Quiet,
    SearchPath,
    Seed,
    Weights,
    check_choice,
    parse_shape,
    refuse_same_file,
    refuse_to_replace,
)

if TYPE_CHECKING:
    from modelprint.enrolment import EnrolmentPlan
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.oracles.oracle import Oracle

REFUSED = 3
"""Exit code when a deployment is not enrolled because of what it answers."""

Endpoints = Annotated[
    list[Path] | None,
    typer.Option(
        "--endpoint",
        metavar="FILE",
        help="A YAML file that describes the endpoint to enrol; given several times, they are replicas of one.",
    ),
]
PrecisionName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What the deployment computes in: fp32, tf32, fp16, bf16 or int8. It explains how many labels may differ "
        "from the sealed ones; a --network is computed in it.",
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Samples to enrol; all that keep their label when not given, at least half of them."
    ),
]
Repeats = Annotated[int, typer.Option(metavar="N", help="How often each sample is asked about, at least 2.")]
Concurrency = Annotated[int, typer.Option(metavar="N", help="Most questions at a time, in the turns that ask several.")]
Walks = Annotated[
    int,
    typer.Option(
        metavar="N", help="Walks over the last grey levels from each sample; 0 moves no pixel and asks least."
    ),
]
Pause = Annotated[float, typer.Option(metavar="SECONDS", help="Pause before each sample is asked about the last time.")]
MostQueries = Annotated[
    int | None,
    typer.Option("--max-queries", metavar="N", help="Most questions to ask; as many as it takes if not given."),
]
Price = Annotated[
    float | None,
    typer.Option("--price-per-1000", metavar="PRICE", help="Price of 1000 questions, for --dry-run; in your currency."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print how many questions it takes at most, and ask none.")]
Unchecked = Annotated[
    bool,
    typer.Option("--unchecked", help="Enrol without checking that this is the release; the file says so."),
]
AllowFewer = Annotated[bool, typer.Option("--allow-fewer", help="Enrol fewer samples than asked for.")]


def enrol(
    fingerprint: FingerprintFile,
    output: Output,
    endpoint: Endpoints = None,
    onnx: Onnx = None,
    onnx_input: OnnxInput = None,
    network: OwnNetwork = None,
    weights: Weights = None,
    precision: PrecisionName = None,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    count: Count = None,
    repeats: Repeats = 5,
    concurrency: Concurrency = 4,
    walks: Walks = 3,
    pause: Pause = 60.0,
    max_queries: MostQueries = None,
    price: Price = None,
    dry_run: DryRun = False,
    unchecked: Unchecked = False,
    allow_fewer: AllowFewer = False,
    seed: Seed = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Seal the answers of a trusted deployment, so that half precision and int8 are checked as sharply as float32.

    Asks the deployment about every sample in several ways, keeps those that keep their label, moves last grey levels
    by labels alone, and writes a file whose expected labels are those of this deployment. Natural images in FINGERPRINT
    first show that it is the release. It does not protect against a deployment that was tampered with before.

    Give --endpoint, --onnx or --network. Unfinished work is kept in FILE.partial: after an interruption the same
    command continues. Exits with 3 when the deployment is refused because of its answers, which are then in
    FILE.refused.

    Example: modelprint enrol r20.mprint --endpoint endpoint.yaml --output r20.staging.mprint
    """
    check_choice(endpoint[0] if endpoint else None, onnx, network, weights, image_shape)
    refuse_to_replace(output, force)
    refuse_same_file("--output", output, {"FINGERPRINT": fingerprint})
    from modelprint.enrolment import EnrolmentPlan
    from modelprint.fingerprint.integrity import Fingerprint

    loaded = Fingerprint.load(fingerprint)
    plan = EnrolmentPlan(
        count=count,
        repeats=repeats,
        concurrency=concurrency,
        walks=walks,
        pause=pause,
        most_questions=max_queries,
        seed=seed,
        precision=precision,
        checked=not unchecked,
        allow_fewer=allow_fewer,
    )
    places = len(endpoint) if endpoint else 1
    if dry_run:
        typer.echo(_describe_cost(loaded, plan, places, price))
        return
    oracles = _open_oracles(loaded, endpoint, onnx, onnx_input, quiet) if network is None else []
    if network is not None:
        oracles = [_open_network(loaded, network, weights, precision, image_shape, search_path, onnx_input)]
    print_remark(_describe_cost(loaded, plan, places, price), quiet)
    _enrol(loaded, oracles, plan, output, as_json, quiet)


def _enrol(
    loaded: "Fingerprint", oracles: "list[Oracle]", plan: "EnrolmentPlan", output: Path, as_json: bool, quiet: bool
) -> None:
    """Enrol, write the file and print what was found; exit with REFUSED when the deployment is refused."""
    from modelprint.enrolment import enrol as ask_and_seal
    from modelprint.errors import EnrolmentError

    partial = output.with_name(output.name + ".partial")
    with (
        explain_interruption(f"run the same command again to go on; the answers so far are in {partial}"),
        show_bars(quiet) as progress,
    ):
        try:
            enrolled, report = ask_and_seal(
                loaded, oracles, plan, folder=partial, progress=progress, created=creation_time(os.environ)
            )
        except EnrolmentError as problem:
            print_remark(to_one_line(f"error: not enrolled: {problem}{_set_aside(partial, output)}"))
            raise typer.Exit(REFUSED) from problem
    enrolled.save(output)
    shutil.rmtree(partial, ignore_errors=True)
    if as_json:
        show_json({"file": str(output), "digest": enrolled.digest, "report": asdict(report)})
    else:
        typer.echo(f"{report.summary()}\n{'sealed in':<12} {output}\n{'fingerprint':<12} {enrolled.digest}")


def _set_aside(partial: Path, output: Path) -> str:
    """Put the answers of a refused deployment where no later run takes them up; return a message that says where."""
    if not partial.exists():
        return ""
    refused = output.with_name(output.name + ".refused")
    shutil.rmtree(refused, ignore_errors=True)
    partial.rename(refused)
    return f"; its answers are in {refused}"


def _describe_cost(loaded: "Fingerprint", plan: "EnrolmentPlan", places: int, price: float | None) -> str:
    """Return how many questions the plan takes at most, and what they cost."""
    from modelprint.enrolment.release_check import list_natural

    most = plan.count_most_questions(len(loaded.samples), len(list_natural(loaded)), places)
    allowed = "" if plan.most_questions is None else f", of which {plan.most_questions} are allowed"
    paid = min(most, plan.most_questions or most)
    cost = "" if price is None else f", at most {paid * price / 1000:.10g} to pay"
    return f"enrolling {len(loaded.samples)} samples takes at most {most} questions{allowed}{cost}"


def _open_oracles(
    loaded: "Fingerprint", endpoints: list[Path] | None, onnx: Path | None, onnx_input: str | None, quiet: bool
) -> "list[Oracle]":
    from modelprint.cli.oracles import choose_remote_oracle

    if endpoints:
        return [choose_remote_oracle(one, None, loaded.class_names, quiet, onnx_input) for one in endpoints]
    return [choose_remote_oracle(None, onnx, loaded.class_names, quiet, onnx_input)]


def _open_network(
    loaded: "Fingerprint",
    network: str,
    weights: Path | None,
    precision: str | None,
    image_shape: str | None,
    search_path: Path | None,
    onnx_input: str | None,
) -> "Oracle":
    """Return the oracle of a classifier of one's own in `precision`; int8 takes ranges from natural images."""
    import numpy as np

    from modelprint.calibration.serving import serve_in
    from modelprint.cli.oracles import load_local
    from modelprint.enrolment.release_check import list_natural
    from modelprint.oracles.local import LocalOracle

    model = load_local(loaded, network, weights, parse_shape(image_shape), onnx_input, search_path)
    if precision is None:
        return LocalOracle(model)
    shown = [one.picture.pixels for one in list_natural(loaded)]
    return serve_in(model, precision, np.stack(shown) if shown else None)
