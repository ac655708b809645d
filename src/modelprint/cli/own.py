"""Is that model a copy of mine? `own seal` and `own check`."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelprint.cli.console import (
    end_with_verdict,
    explain_interruption,
    print_remark,
    require_stdout,
    show_bars,
    show_json,
    write_report,
)
from modelprint.cli.generate import creation_time
from modelprint.cli.options import (
    AsJson,
    Data,
    Endpoint,
    FingerprintFile,
    Force,
    ImageShape,
    Network,
    Onnx,
    OnnxInput,
    Output,
    Quiet,
    Report,
    SearchPath,
    Seed,
    Settings,
    ShowRequest,
    Trust,
    Weights,
    check_choice,
    parse_shape,
    refuse_same_file,
    refuse_to_replace,
)
from modelprint.cli.trust import require_trust

if TYPE_CHECKING:
    from modelprint.data import DataSet
    from modelprint.ownership import Models
    from modelprint.ownership.rankings import Scores

own_app = typer.Typer(rich_markup_mode=None, help="Ownership: is that model a copy of mine?")

Kinds = list[str] | None
KINDS = "KIND*COUNT"

MethodName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="c-examples, which asks suspects for labels and is meant for pruned and fine-tuned copies, or uap, "
        "which asks for all probabilities and is meant for extracted ones too.",
    ),
]
ExampleCount = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="C-examples to start with, 1 to 10000; 100 when not given.")
]
Unrelated = Annotated[
    Kinds,
    typer.Option(
        metavar=KINDS,
        help="Reference models that are no copies; as many as --alpha needs when not given. May be given several "
        "times; the kinds are tamperings.",
    ),
]
Copies = Annotated[
    Kinds,
    typer.Option(
        metavar=KINDS, help="Reference copies; as many as --beta needs when not given. none: make none of them."
    ),
]
LearnUnrelated = Annotated[
    Kinds, typer.Option(metavar=KINDS, help="Unrelated models that the encoder of uap is trained on.")
]
LearnCopies = Annotated[Kinds, typer.Option(metavar=KINDS, help="Copies that the encoder of uap is trained on.")]
ModelSet = Annotated[
    Kinds,
    typer.Option(metavar="KIND.NAME=VALUE", help="Set one setting of a kind of models. May be given several times."),
]
SealAlpha = Annotated[
    float,
    typer.Option(
        metavar="P",
        help="Smallest rate of false accusations that a check can guarantee; decides the number of references.",
    ),
]
SealBeta = Annotated[
    float, typer.Option(metavar="P", help="Largest rate of copies called unrelated that checks may ask for.")
]
ShowPlan = Annotated[
    bool, typer.Option("--dry-run", help="Say which models would be made and which are there, and make none.")
]
SuspectNetwork = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A classifier: a built-in network, package.module:factory or a .pt2 file."),
]
ViewCount = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Number of views to ask about; fewer views are fewer questions; all when not given."
    ),
]
ScoresName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What the suspect's scores are: probabilities or logits; logits of an ONNX file when not given.",
    ),
]
CheckAlpha = Annotated[
    float, typer.Option(metavar="P", help="Largest probability of calling an unrelated model a copy.")
]
CheckBeta = Annotated[float, typer.Option(metavar="P", help="Largest probability of calling a copy unrelated.")]
AnswerFolder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep every answer there; go on with those that are there already."),
]


@own_app.command()
def seal(
    network: Network,
    data: Data,
    output: Output,
    weights: Weights = None,
    method: MethodName = "c-examples",
    settings: Settings = None,
    count: ExampleCount = None,
    unrelated: Unrelated = None,
    copies: Copies = None,
    learn_unrelated: LearnUnrelated = None,
    learn_copies: LearnCopies = None,
    model_set: ModelSet = None,
    alpha: SealAlpha = 0.05,
    beta: SealBeta = 0.1,
    seed: Seed = 0,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    dry_run: ShowPlan = False,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a file that recognises copies of a classifier.

    Suspects are compared with reference models: unrelated ones, trained on their own, and copies. They are made here,
    once, and kept in the cache; the encoder of uap is trained on others, of other seeds. Half of 19 unrelated
    models learn from spare images where the data set has some, as fashion-mnist@0.5 has.

    Unfinished work is kept in FILE.partial and in the cache: after an interruption the same command continues.

    Example: modelprint own seal --network resnet20 --weights cifar10_resnet20.safetensors --data cifar10 --output
    own.mprint
    """
    refuse_to_replace(output, force)
    created = creation_time(os.environ)
    from modelprint.data import load_data
    from modelprint.fingerprint.ownership import UAP
    from modelprint.loading import load_classifier
    from modelprint.ownership import build_method
    from modelprint.ownership.sealing import find_weaknesses
    from modelprint.ownership.sealing import seal as make
    from modelprint.settings import parse_assignments
    from modelprint.work import Work

    chosen = build_method(method, parse_assignments(settings or []))
    if method == UAP and count is not None:
        raise ValueError("--count belongs to c-examples; uap has --set points=N and --set views=N")
    if method != UAP and (learn_unrelated or learn_copies):
        raise ValueError("--learn-unrelated and --learn-copies belong to uap; c-examples train on no other model")
    model = load_classifier(network, weights, image_shape=parse_shape(image_shape), search_path=search_path)
    partial = output.with_name(output.name + ".partial")
    with explain_interruption(f"run the same command again to go on; what is done is in {partial} and the cache"):
        with show_bars(quiet) as progress:
            loaded = load_data(data, progress=progress)
        asked = (unrelated, copies, learn_unrelated, learn_copies)
        models = _choose_models(loaded, method, asked, model_set, alpha, beta)
        plan = models.summary(model, loaded, seed)
        if dry_run:
            typer.echo(plan)
            return
        print_remark(plan, quiet)
        with show_bars(quiet) as progress:
            work = Work(progress=progress, folder=partial)
            sealed = make(model, loaded, chosen, models, seed=seed, count=count or 100, created=created, work=work)
    sealed.save(output)
    shutil.rmtree(partial, ignore_errors=True)
    warnings = find_weaknesses(sealed)
    for warning in warnings:
        print_remark(warning, quiet)
    if as_json:
        show_json({"file": str(output), "digest": sealed.digest, "remarks": warnings})
    else:
        typer.echo(f"{sealed.summary()}\n{'sealed in':<12} {output}")


def _choose_models(
    data: "DataSet",
    method: str,
    asked: Sequence[Kinds],
    model_set: Kinds,
    alpha: float,
    beta: float,
) -> "Models":
    """Return which models to make: those that are named, or as many as the rates need."""
    from modelprint.fingerprint.ownership import UAP
    from modelprint.ownership import Judge, Models, needed_references
    from modelprint.ownership.references import COPIES, TRAINING_MODELS, USUAL, spread, unrelated_kinds
    from modelprint.settings import parse_assignments
    from modelprint.tamperings.zoo import parse_recipe

    judge = Judge(alpha=alpha, beta=beta)
    others, like = unrelated_kinds(data), COPIES[method]
    training = TRAINING_MODELS if method == UAP else 0
    usual = (
        spread(others, needed_references(alpha)),
        spread(like, needed_references(beta)),
        spread(others, training),
        spread(like, training),
    )
    counts = [
        {} if kinds == ["none"] else parse_recipe(kinds) if kinds else default
        for kinds, default in zip(asked, usual, strict=True)
    ]
    judge.check_counts(sum(counts[0].values()), sum(counts[1].values()))
    settings = {kind: dict(given) for kind, given in USUAL.items() if asked[0] is None and kind in counts[0]}
    for key, value in parse_assignments(model_set or []).items():
        kind, point, name = key.partition(".")
        if not point:
            raise ValueError(f"a setting of a kind of models is written KIND.NAME=VALUE, got {key}={value}")
        settings.setdefault(kind, {})[name] = value
    names = ("unrelated", "copies", "learnt_unrelated", "learnt_copies")
    return Models(**dict(zip(names, counts, strict=True)), settings=settings)


@own_app.command()
def check(
    fingerprint: FingerprintFile,
    endpoint: Endpoint = None,
    onnx: Onnx = None,
    onnx_input: OnnxInput = None,
    network: SuspectNetwork = None,
    weights: Weights = None,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    views: ViewCount = None,
    scores: ScoresName = None,
    alpha: CheckAlpha = 0.05,
    beta: CheckBeta = 0.1,
    answers: AnswerFolder = None,
    report: Report = None,
    trust: Trust = None,
    dry_run: ShowRequest = False,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Ask a suspect the questions of an ownership file, and say whether it is a copy.

    Give exactly one of --endpoint, --onnx and --network. The suspect is compared with the
    models in the file of which it is known whether they are copies. C-examples need no torch, except with --network.

    Exits with 0 when unrelated, 1 when a copy, 3 when inconclusive, 2 when nothing could be asked or judged, or the
    report could not be written; the verdict is printed first.

    Example: modelprint own check own.mprint --endpoint endpoint.yaml --answers answers --report own.html
    """
    require_stdout()
    check_choice(endpoint, onnx, network, weights, image_shape)
    if report is not None:
        refuse_to_replace(report, force)
        refuse_same_file("--report", report, {"the fingerprint": fingerprint, "--endpoint": endpoint, "--onnx": onnx})
        refuse_same_file("--report", report, {"--weights": weights})
    from modelprint.cli.oracles import choose_oracle, preview, print_pixel_form
    from modelprint.fingerprint.ownership import OwnershipFingerprint
    from modelprint.oracles.oracle import identify
    from modelprint.ownership.checking import check as ask_and_judge
    from modelprint.ownership.decision import Judge

    judge, loaded = Judge(alpha=alpha, beta=beta), OwnershipFingerprint.load(fingerprint)
    if trust:
        print_remark(f"the fingerprint is signed {require_trust(loaded, trust).summary()}", quiet)
    if dry_run:
        typer.echo(
            f"{preview(endpoint, loaded.class_names, loaded.first_picture)}\n# {loaded.describe_questions(views)}"
        )
        return
    oracle = choose_oracle(
        loaded, endpoint, onnx, network, weights, parse_shape(image_shape), quiet, onnx_input, search_path
    )
    print_remark(f"asking for {loaded.describe_questions(views)}", quiet)
    how, log = "with --answers DIR a check can be continued", None
    if answers is not None:
        # Each pair of fingerprint and suspect has a folder of its own, so several can be checked with one DIR.
        log = answers / f"{loaded.digest[:12]}-{identify(oracle)[:12]}" / "answers.jsonl"
        if any(log.parent.glob("*.safetensors")):
            print_remark(
                f"{log.parent}: answers kept by an older version cannot be read; all questions are asked again", quiet
            )
        how = f"run the same command again to go on; the answers so far are in {answers}"
    with _hold_answers(log), explain_interruption(how), show_bars(quiet) as progress:
        found = ask_and_judge(
            oracle,
            loaded,
            judge=judge,
            views=views,
            scores=_choose_scores(scores, onnx),
            log=log,
            progress=progress,
        )

    def make_report() -> None:
        from modelprint.ownership.report import render_report

        if verdict.exit_code != 1:
            print_pixel_form(onnx, onnx_input, quiet)
        if report is not None:
            write_report(report, render_report(f"Ownership, by {fingerprint.name}", loaded, found), quiet)

    verdict = found.verdict
    end_with_verdict(verdict.to_json() if as_json else verdict.summary(), verdict.exit_code, make_report)


@contextmanager
def _hold_answers(log: Path | None) -> Iterator[None]:
    """Refuse a second check that writes to the same log of answers while the block runs."""
    if log is None:
        yield
        return
    from modelprint.errors import OracleError
    from modelprint.oracles.line_log import LineLog

    log.parent.mkdir(parents=True, exist_ok=True)
    with LineLog(path=log, noun="log of answers", error=OracleError).hold():
        yield


def _choose_scores(given: str | None, onnx: Path | None) -> "Scores":
    """Return what the scores of the suspect are; an ONNX file has logits."""
    if given not in (None, "probabilities", "logits"):
        raise ValueError(f"--scores is probabilities or logits, got {given!r}")
    return "logits" if given == "logits" or (given is None and onnx is not None) else "probabilities"
