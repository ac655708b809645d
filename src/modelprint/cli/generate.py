"""Sealing a classifier: `generate`."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelprint.cli.console import explain_interruption, print_remark, show_bars, show_json
from modelprint.cli.options import (
    AsJson,
    Data,
    Force,
    ImageShape,
    OnnxInput,
    Quiet,
    SearchPath,
    Seed,
    Settings,
    Weights,
    check_choice,
    parse_shape,
    refuse_to_replace,
)

if TYPE_CHECKING:
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.generation.from_labels import SealingReport
    from modelprint.generation.report import GenerationReport
    from modelprint.methods import Method

EPOCH = "SOURCE_DATE_EPOCH"
"""Environment variable: seconds since 1970 to write into the file in place of the current time."""


Output = Annotated[Path, typer.Option(metavar="FILE", help="The .mprint file to write.")]
OwnNetwork = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of a built-in network, package.module:factory of your own, or the path of a .pt2 file.",
    ),
]
LabelEndpoint = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A YAML file that describes an endpoint to craft for by its labels alone."),
]
LabelOnnx = Annotated[Path | None, typer.Option(metavar="FILE", help="An ONNX file to craft for by its labels alone.")]
MethodName = Annotated[str, typer.Option(metavar="NAME", help="How to craft; see: modelprint methods.")]
Count = Annotated[int, typer.Option(metavar="N", help="How many samples to seal, 1 to 10000.")]
ProfileName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Honest serving differences that must not raise an alarm: exact, fp32 (the default), tf32, fp16, "
        "bf16, int8, or jpeg-Q for JPEG files of quality Q, 1 to 100; from labels alone, exact.",
    ),
]
Multiple = Annotated[
    float,
    typer.Option(
        metavar="TIMES",
        help="Smallest margin of a sample, in noise floors of the profile; from labels alone there are none.",
    ),
]
Repeats = Annotated[
    int, typer.Option(metavar="N", help="From labels alone: how often each sample has to get the same label.")
]
MostQuestions = Annotated[
    int | None,
    typer.Option(metavar="N", help="From labels alone: most questions to ask; as many as it takes if not given."),
]
RoundBy = Annotated[
    str,
    typer.Option(
        "--round",
        metavar="nearest|search",
        help="How images become eight-bit: each value to the nearest grey level, or by a search for levels that "
        "keep the logits of the float images; from labels alone, nearest.",
    ),
]
ExpectedFlipRate = Annotated[
    float,
    typer.Option(
        metavar="SHARE", help="Smallest share of labels changed by a tampering that the file claims to see, 0 to 1."
    ),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=WEIGHTS",
        help="Carry the labels of another release too, so that a check can say which one answers: weights of the "
        "same network, or a .pt2 file. May be given several times.",
    ),
]
AlsoPrecision = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Carry the labels of the same weights in another precision too: fp32, tf32, fp16, bf16 or int8. May "
        "be given several times.",
    ),
]
WithSources = Annotated[bool, typer.Option(help="Put the natural images that samples were crafted from into the file.")]
AllowFewer = Annotated[bool, typer.Option("--allow-fewer", help="Seal fewer samples than asked for.")]


def generate(
    data: Data,
    output: Output,
    network: OwnNetwork = None,
    weights: Weights = None,
    endpoint: LabelEndpoint = None,
    onnx: LabelOnnx = None,
    onnx_input: OnnxInput = None,
    method: MethodName = "junction",
    settings: Settings = None,
    count: Count = 100,
    profile: ProfileName = None,
    multiple: Multiple = 3.0,
    repeats: Repeats = 3,
    questions: MostQuestions = None,
    rounding: RoundBy = "nearest",
    expected_flip_rate: ExpectedFlipRate = 0.25,
    also: Also = None,
    also_precision: AlsoPrecision = None,
    seed: Seed = 0,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    sources: WithSources = True,
    allow_fewer: AllowFewer = False,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Seal a classifier: craft samples and keep those with a stable label.

    Give exactly one of --network, --endpoint and --onnx. The last two return labels only: methods that need more are
    refused, no margins are measured, and each sample must get the same label --repeats times.

    With --round search, methods do not evaluate their images as 8-bit ones unless --set eight_bit=true is given. Images
    that a method has made 8-bit are not changed.

    With --also and --also-precision the file carries the labels of other releases; the report says how many samples
    distinguish each from the others, and verify names the one that answers.

    Unfinished work is kept in FILE.partial: after an interruption the same command continues, with the same result.
    Equal arguments give equal files on one machine, apart from their date (SOURCE_DATE_EPOCH).

    Example: modelprint generate --network resnet20 --weights cifar10_resnet20.safetensors --data cifar10 --count 100
    --seed 7 --output r20.mprint
    """
    check_choice(endpoint, onnx, network, weights, image_shape)
    if onnx_input is not None and onnx is None:
        raise ValueError("--onnx-input belongs to --onnx")
    refuse_to_replace(output, force)
    created = creation_time(os.environ)
    from modelprint.generation.rounding import adapt_settings, parse_rounding
    from modelprint.methods import METHODS
    from modelprint.settings import build, parse_assignments
    from modelprint.work import Work

    given = adapt_settings(parse_rounding(rounding), method, parse_assignments(settings or []))
    chosen = build(METHODS, method, given)
    partial = output.with_name(output.name + ".partial")
    with (
        explain_interruption(f"run the same command again to go on; what is done is in {partial}"),
        show_bars(quiet) as progress,
    ):
        asked = {
            "count": count,
            "seed": seed,
            "rounding": rounding,
            "expected_flip_rate": expected_flip_rate,
            "allow_fewer": allow_fewer,
            "work": Work(progress=progress, folder=partial),
            "created": created,
        }
        if network is None:
            if also or also_precision:
                raise ValueError("--also and --also-precision belong to --network")
            source = (endpoint, onnx, onnx_input)
            fingerprint, report = _from_labels(source, data, chosen, profile, repeats, questions, quiet, asked)
        else:
            measured = {"profile": profile or "fp32", "multiple": multiple}
            shape, others = parse_shape(image_shape), (also or [], also_precision or [])
            paths = (weights, search_path)
            fingerprint, report = _from_weights(network, paths, shape, others, data, chosen, quiet, asked | measured)
    if not sources:
        bare = tuple(replace(sample, source=None) for sample in fingerprint.samples)
        fingerprint = replace(fingerprint, samples=bare)
    fingerprint.save(output)
    shutil.rmtree(partial, ignore_errors=True)
    if as_json:
        show_json({"file": str(output), "digest": fingerprint.digest, "report": asdict(report)})
    else:
        typer.echo(f"{report.summary()}\n{'sealed in':<12} {output}\n{'fingerprint':<12} {fingerprint.digest}")


def _from_weights(
    network: str,
    paths: tuple[Path | None, Path | None],
    image_shape: tuple[int, int, int] | None,
    others: tuple[Sequence[str], Sequence[str]],
    data: str,
    method: "Method",
    quiet: bool,
    asked: Mapping[str, Any],
) -> "tuple[Fingerprint, GenerationReport | SealingReport]":
    """Seal a classifier by its weights, with the releases and precisions that are named.

    `paths` are the file of its weights and the folder that its factory is imported from.
    """
    from modelprint.cli.releases import load_releases
    from modelprint.data import load_data
    from modelprint.generation.from_weights import generate as craft_and_seal
    from modelprint.loading import load_classifier

    weights, search_path = paths
    model = load_classifier(network, weights, image_shape=image_shape, search_path=search_path)
    releases = load_releases(model, *others)
    loaded = load_data(data, progress=asked["work"].progress)
    fingerprint, report = craft_and_seal(model, loaded, method, releases=releases, **asked)
    for warning in report.warnings:
        print_remark(warning, quiet)
    return fingerprint, report


def _from_labels(
    source: tuple[Path | None, Path | None, str | None],
    data: str,
    method: "Method",
    profile: str | None,
    repeats: int,
    questions: int | None,
    quiet: bool,
    asked: Mapping[str, Any],
) -> "tuple[Fingerprint, GenerationReport | SealingReport]":
    """Seal an endpoint or an ONNX file by its labels, after a remark on how many questions that may take.

    `source` is the endpoint file or the ONNX file, and how that takes pixels.
    """
    if profile not in (None, "exact"):
        raise ValueError(f"from labels alone only the profile exact can be sealed, got {profile}; leave it out")
    from modelprint.cli.oracles import choose_remote_oracle
    from modelprint.data import load_data
    from modelprint.generation.from_labels import refuse_search, require_labels_only, seal_from_labels

    refuse_search(asked["rounding"])
    able = require_labels_only(method)
    loaded = load_data(data, progress=asked["work"].progress)
    endpoint, onnx, onnx_input = source
    oracle = choose_remote_oracle(endpoint, onnx, loaded.class_names, quiet, onnx_input)
    most = able.most_questions(asked["count"]) + asked["count"] * repeats
    allowed = "" if questions is None else f", of which {questions} are allowed"
    print_remark(f"crafting and confirming {asked['count']} samples takes at most {most} questions{allowed}", quiet)
    return seal_from_labels(oracle, loaded, able, repeats=repeats, questions=questions, **asked)


def creation_time(environ: Mapping[str, str]) -> datetime | None:
    """Return the time to write into the file: of SOURCE_DATE_EPOCH, or None for now."""
    text = environ.get(EPOCH)
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{EPOCH} is a number of seconds since 1970, got {text!r}") from None
