"""Checking a model: `verify` and `replay`. Needs no torch, except to check weights of one's own."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from modelprint.cli.console import (
    end_with_verdict,
    explain_interruption,
    print_remark,
    require_stdout,
    show_bars,
)
from modelprint.cli.options import (
    AsJson,
    Endpoint,
    FingerprintFile,
    Force,
    ImageShape,
    Onnx,
    OnnxInput,
    OwnNetwork,
    Quiet,
    Reports,
    SearchPath,
    ShowRequest,
    Trust,
    Weights,
    check_choice,
    parse_shape,
    refuse_same_file,
)
from modelprint.cli.reports import check_reports, write_reports
from modelprint.cli.trust import require_trust

if TYPE_CHECKING:
    from modelprint.oracles.oracle import Oracle
    from modelprint.verification.ledger import Ledger

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
MinAnswers = Annotated[int, typer.Option(metavar="N", min=0, help="Usable answers that a verdict needs at least.")]
Controls = Annotated[
    bool,
    typer.Option(
        help="Before a verdict tampered, ask the ordinary pictures of the file, which are no samples; when these are "
        "wrong too, say what explains it instead."
    ),
]
AnswersOption = Annotated[
    Literal["auto", "label", "order", "scores"],
    typer.Option(
        help="What of an answer counts: its label, the order of its classes, or its scores; auto takes the most that "
        "the file seals and the endpoint prints."
    ),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What was asked of this model before, so that repeated runs share alpha and beta; when not given, beside "
        "the transcript or in the user's state folder.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start a new budget of error rates, with samples never asked.")]
Reuse = Annotated[
    bool, typer.Option("--reuse", help="Let the verdict of a finished transcript count; otherwise exit with 3.")
]


def verify(
    fingerprint: FingerprintFile,
    endpoint: Endpoint = None,
    onnx: Onnx = None,
    onnx_input: OnnxInput = None,
    network: OwnNetwork = None,
    weights: Weights = None,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    queries: Queries = None,
    alpha: Alpha = 1e-3,
    beta: Beta = 1e-2,
    p1: P1 = None,
    accept: Accept = None,
    min_answers: MinAnswers = 0,
    controls: Controls = True,
    answers: AnswersOption = "auto",
    transcript: TranscriptFile = None,
    reuse: Reuse = False,
    ledger: LedgerFile = None,
    fresh: Fresh = False,
    report: Reports = None,
    trust: Trust = None,
    force: Force = False,
    dry_run: ShowRequest = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Ask about the samples of a fingerprint, and print a verdict.

    Name exactly one of --endpoint, --onnx and --network, which says whom to ask. Samples are asked in a random order,
    those never asked first, until the answers are clear. A run that decided nothing is repeated with the same samples,
    and all runs up to a verdict intact share alpha. When the file carries releases and the model is not intact, the
    verdict says which of them answers. Before tampered, ordinary pictures of the file are asked once per budget: when
    these are wrong too, the verdict is inconclusive and says what explains it.

    Exits with 0 when intact, 1 when tampered, 3 when no verdict could be reached, 2 when nothing could be asked or the
    report could not be written; the verdict is printed first. With --accept it exits with 0 as well when an accepted
    release answers, and with 1 only when none of them can.

    Example: modelprint verify r20.mprint --endpoint endpoint.yaml --queries 20 --transcript today.jsonl
    """
    require_stdout()
    check_choice(endpoint, onnx, network, weights, image_shape)
    files = {"the fingerprint": fingerprint, "--endpoint": endpoint, "--onnx": onnx, "--weights": weights}
    refuse_same_file("--transcript", transcript, files)
    refuse_same_file("--ledger", ledger, files | {"--transcript": transcript})
    check_reports(report or (), force, files | {"--transcript": transcript, "--ledger": ledger})
    from modelprint.cli.oracles import choose_oracle, preview, print_pixel_form
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.verification.transcript import Transcript
    from modelprint.verification.verifier import count_control_questions, count_needed_answers
    from modelprint.verification.verifier import verify as ask_and_judge

    loaded = Fingerprint.load(fingerprint)
    if trust:
        print_remark(f"the fingerprint is signed {require_trust(loaded, trust).summary()}", quiet)
    if dry_run:
        typer.echo(preview(endpoint, loaded.class_names, loaded.samples[0].picture))
        return
    oracle = choose_oracle(
        loaded, endpoint, onnx, network, weights, parse_shape(image_shape), quiet, onnx_input, search_path
    )
    most = len(loaded.samples) if queries is None else queries
    needed = count_needed_answers(
        loaded, alpha=alpha, beta=beta, p1=p1, accept=accept or (), min_answers=min_answers, answers=answers
    )
    if needed > most:
        print_remark(
            f"{most} samples can show that the model is tampered, but not that it is intact, which takes {needed} "
            "matching answers; ask or seal more, or give a larger --beta or --p1",
            quiet,
        )
    if controls and (extra := count_control_questions(oracle, loaded)):
        print_remark(
            f"before a verdict tampered at most {extra} more questions follow, about ordinary pictures and samples "
            "asked before; --no-controls leaves them out",
            quiet,
        )
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
            min_answers=min_answers,
            controls=controls,
            answers=answers,
            transcript=None if transcript is None else Transcript(transcript),
            ledger=_choose_ledger(ledger, transcript, fresh, loaded.digest, oracle, quiet),
            reuse=reuse,
            progress=progress,
        )

    def make_reports() -> None:
        if verdict.exit_code:
            print_pixel_form(onnx, onnx_input, quiet)
        write_reports(report or (), fingerprint.name, loaded, verdict, quiet)

    end_with_verdict(verdict.to_json() if as_json else verdict.summary(), verdict.exit_code, make_reports)


def _choose_ledger(
    given: Path | None, transcript: Path | None, fresh: bool, digest: str, oracle: "Oracle", quiet: bool
) -> "Ledger":
    """Return the ledger to use: the one that is given, or that of this fingerprint and oracle where it can be kept."""
    from modelprint.errors import TranscriptError
    from modelprint.oracles.oracle import identify
    from modelprint.verification.ledger import Ledger, name_ledger, state_folder

    if given is not None:
        return Ledger(path=given, fresh=fresh)
    try:
        folder = state_folder() if transcript is None else transcript.parent
    except TranscriptError as problem:
        print_remark(f"{problem}; this counts as the first run", quiet)
        return Ledger(path=None, fresh=fresh)
    if transcript is None:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
    usable = os.access(folder, os.W_OK)
    if not usable:
        print_remark(f"{folder} cannot be written, so this counts as the first run; give --ledger FILE", quiet)
    return Ledger(path=folder / name_ledger(digest, identify(oracle)) if usable else None, fresh=fresh)


def replay(
    transcript: Annotated[Path, typer.Argument(metavar="TRANSCRIPT", help="What verify wrote.", show_default=False)],
    fingerprint: FingerprintFile,
    as_json: AsJson = False,
) -> None:
    """Reach the verdict of a transcript again, without the endpoint.

    Exits like verify: 0 intact, 1 tampered, 3 no verdict, 2 when the transcript is damaged or belongs to another file.
    The verdict says when it was reached.

    Example: modelprint replay today.jsonl r20.mprint
    """
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.verification.verifier import replay as judge_again

    require_stdout()
    verdict = judge_again(transcript, Fingerprint.load(fingerprint))
    end_with_verdict(verdict.to_json() if as_json else verdict.summary(), verdict.exit_code)
