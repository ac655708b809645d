"""Checking a model: `verify` and `replay`. Needs no torch, except to check weights of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import explain_interruption, show_bars, write_report
from modelprint.cli.options import (
    AsJson,
    Endpoint,
    FingerprintFile,
    ImageShape,
    Onnx,
    OnnxInput,
    Quiet,
    Report,
    ShowRequest,
    Weights,
    check_choice,
    parse_shape,
)

OwnNetwork = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A classifier of your own: a built-in network, package.module:factory or a .pt2 file. Needs torch.",
    ),
]
Queries = Annotated[int | None, typer.Option(metavar="N", help="Most samples to ask; all of them when not given.")]
Alpha = Annotated[float, typer.Option(metavar="P", help="Largest probability of calling an intact model tampered.")]
Beta = Annotated[
    float,
    typer.Option(
        metavar="P", help="Largest probability of calling a model intact that changes the share --p1 of the labels."
    ),
]
P1 = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Smallest share of labels changed that counts as tampering, 0 to 1; the file's when not given.",
    ),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="A release in the file that is as good as the protected model: exit with 0 when it answers. May be "
        "given several times.",
    ),
]
TranscriptFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write every answer there as it comes; continue from it when it is there."),
]


def verify(
    fingerprint: FingerprintFile,
    endpoint: Endpoint = None,
    onnx: Onnx = None,
    onnx_input: OnnxInput = None,
    network: OwnNetwork = None,
    weights: Weights = None,
    image_shape: ImageShape = None,
    queries: Queries = None,
    alpha: Alpha = 1e-3,
    beta: Beta = 1e-2,
    p1: P1 = None,
    accept: Accept = None,
    transcript: TranscriptFile = None,
    report: Report = None,
    dry_run: ShowRequest = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Ask about the samples of a fingerprint, and print a verdict.

    Name exactly one of --endpoint, --onnx and --network, which says whom to ask. Asking stops as soon as the answers
    are clear. When the file carries releases and the model is not intact, the verdict says which of them answers.

    Exits with 0 when intact, 1 when tampered, 3 when no verdict could be reached, 2 when nothing could be asked. With
    --accept it exits with 0 as well when an accepted release answers, and with 1 only when none of them can.

    Example: modelprint verify r20.mprint --endpoint endpoint.yaml --queries 20 --transcript today.jsonl
    """
    check_choice(endpoint, onnx, network, weights, image_shape)
    from modelprint.cli.oracles import choose_oracle, preview
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.verification.transcript import Transcript
    from modelprint.verification.verifier import verify as ask_and_judge

    loaded = Fingerprint.load(fingerprint)
    if dry_run:
        typer.echo(preview(endpoint, loaded.class_names, loaded.samples[0].picture))
        return
    oracle = choose_oracle(loaded, endpoint, onnx, network, weights, parse_shape(image_shape), quiet, onnx_input)
    how = "with --transcript FILE a verification can be continued"
    if transcript is not None:
        how = f"run the same command again to go on; the answers so far are in {transcript}"
    with explain_interruption(how), show_bars(quiet) as progress:
        verdict = ask_and_judge(
            oracle,
            loaded,
            queries=queries,
            alpha=alpha,
            beta=beta,
            p1=p1,
            accept=accept or (),
            transcript=None if transcript is None else Transcript(transcript),
            progress=progress,
        )
    if report is not None:
        from modelprint.verification.report import render_report

        page = render_report(f"Verification with {fingerprint.name}", loaded, {"the model": verdict})
        write_report(report, page, quiet)
    typer.echo(verdict.to_json() if as_json else verdict.summary())
    raise typer.Exit(verdict.exit_code)


def replay(
    transcript: Annotated[Path, typer.Argument(metavar="TRANSCRIPT", help="What verify wrote.", show_default=False)],
    fingerprint: FingerprintFile,
    as_json: AsJson = False,
) -> None:
    """Reach the verdict of a transcript again, without the endpoint.

    Exits like verify: 0 intact, 1 tampered, 3 no verdict, 2 when the transcript is damaged or belongs to another file.

    Example: modelprint replay today.jsonl r20.mprint
    """
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.verification.verifier import replay as judge_again

    verdict = judge_again(transcript, Fingerprint.load(fingerprint))
    typer.echo(verdict.to_json() if as_json else verdict.summary())
    raise typer.Exit(verdict.exit_code)
