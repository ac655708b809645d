"""Sealing a classifier: `generate`."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from modelprint.cli.console import explain_interruption, print_remark, show_bars, show_json
from modelprint.cli.generate_options import (
    AddTo,
    AllowFewer,
    Also,
    AlsoPrecision,
    AlsoPreprocessing,
    AnyAccuracy,
    ClassNames,
    Controls,
    Count,
    ExpectedFlipRate,
    LabelEndpoint,
    LabelOnnx,
    MethodName,
    MostQuestions,
    Multiple,
    NoiseAnswers,
    OwnNetwork,
    ProfileName,
    Repeats,
    RoundBy,
    Weak,
    WithSources,
)
from modelprint.cli.options import (
    AsJson,
    Data,
    Force,
    ImageShape,
    Mean,
    OnnxInput,
    Output,
    Quiet,
    SearchPath,
    Seed,
    Settings,
    Std,
    Weights,
    check_choice,
    parse_normalisation,
    parse_shape,
    refuse_to_replace,
)

if TYPE_CHECKING:
    from modelprint.classifier import Classifier
    from modelprint.data import DataSet
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.generation.from_labels import SealingReport
    from modelprint.generation.report import GenerationReport
    from modelprint.methods import Method
    from modelprint.progress import Progress

EPOCH = "SOURCE_DATE_EPOCH"
"""Environment variable: seconds since 1970 to write into the file in place of the current time."""


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
    expected_flip_rate: ExpectedFlipRate = None,
    also: Also = None,
    also_precision: AlsoPrecision = None,
    also_preprocessing: AlsoPreprocessing = None,
    controls: Controls = 8,
    noise_answers: NoiseAnswers = 3000,
    weak: Weak = False,
    any_accuracy: AnyAccuracy = False,
    class_names: ClassNames = None,
    seed: Seed = 0,
    image_shape: ImageShape = None,
    mean: Mean = None,
    std: Std = None,
    search_path: SearchPath = None,
    add_to: AddTo = None,
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

    Before any work, test images are labelled: a network whose answers are near chance, or fit the classes in another
    order, is refused. After it, label flips are counted under honest serving (p0) and under cheap tamperings (p1); a
    file that sees too little is refused. The report has all figures.

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
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.fingerprint.parts import UNKNOWN_MODEL
    from modelprint.generation.additions import check_same_model
    from modelprint.generation.measures import Measures
    from modelprint.generation.preprocessing import choose_preprocessing
    from modelprint.generation.rounding import adapt_settings, parse_rounding
    from modelprint.methods import METHODS
    from modelprint.settings import build, parse_assignments
    from modelprint.work import Work

    given = adapt_settings(parse_rounding(rounding), method, parse_assignments(settings or []))
    chosen = build(METHODS, method, given)
    measures = Measures(
        controls=controls,
        preprocessing=choose_preprocessing(also_preprocessing or "all"),
        noise_answers=noise_answers,
        expected_flip_rate=expected_flip_rate,
        any_accuracy=any_accuracy,
        weak=weak,
    )
    partial = output.with_name(output.name + ".partial")
    with (
        explain_interruption(f"run the same command again to go on; what is done is in {partial}"),
        show_bars(quiet) as progress,
    ):
        asked = {
            "count": count,
            "seed": seed,
            "rounding": rounding,
            "measures": measures,
            "allow_fewer": allow_fewer,
            "work": Work(progress=progress, folder=partial),
            "created": created,
        }
        earlier = [Fingerprint.load(path) for path in add_to or []]
        loaded = _load_images(data, class_names, earlier, progress)
        if network is None:
            if also or also_precision or also_preprocessing or mean or std:
                raise ValueError("--also, --also-precision, --also-preprocessing, --mean and --std belong to --network")
            check_same_model(earlier, UNKNOWN_MODEL)
            source = (endpoint, onnx, onnx_input)
            fingerprint, report = _from_labels(source, loaded, chosen, profile, repeats, questions, quiet, asked)
        else:
            measured = {"profile": profile or "fp32", "multiple": multiple}
            from modelprint.loading import load_classifier

            model = load_classifier(
                network,
                weights,
                image_shape=parse_shape(image_shape),
                search_path=search_path,
                normalisation=parse_normalisation(mean, std),
            )
            check_same_model(earlier, model.digest())
            others = (also or [], also_precision or [])
            fingerprint, report = _from_weights(model, others, loaded, chosen, asked | measured)
    for warning in report.warnings:
        print_remark(warning, quiet)
    if earlier:
        fingerprint = _record_additions(fingerprint, earlier)
    if not sources:
        bare = tuple(replace(sample, source=None) for sample in fingerprint.samples)
        fingerprint = replace(fingerprint, samples=bare)
    fingerprint.save(output)
    shutil.rmtree(partial, ignore_errors=True)
    if as_json:
        show_json({"file": str(output), "digest": fingerprint.digest, "report": asdict(report)})
    else:
        typer.echo(f"{report.summary()}\n{'sealed in':<12} {output}\n{'fingerprint':<12} {fingerprint.digest}")


def _load_images(
    data: str, class_names: str | None, earlier: "Sequence[Fingerprint]", progress: "Progress"
) -> "DataSet":
    """Return the data, its classes in the order of the network, without the sources of earlier files."""
    from modelprint.data import load_data
    from modelprint.data.relabel import read_class_names, relabel
    from modelprint.generation.additions import leave_out

    names = None if class_names is None else read_class_names(class_names)
    loaded = load_data(data, progress=progress)
    if names is not None:
        loaded = relabel(loaded, names)
    return leave_out(loaded, earlier) if earlier else loaded


def _from_weights(
    model: "Classifier",
    others: tuple[Sequence[str], Sequence[str]],
    data: "DataSet",
    method: "Method",
    asked: Mapping[str, Any],
) -> "tuple[Fingerprint, GenerationReport | SealingReport]":
    """Seal a classifier by its weights, with the releases and precisions that are named."""
    from modelprint.cli.releases import load_releases
    from modelprint.generation.from_weights import generate as craft_and_seal

    return craft_and_seal(model, data, method, releases=load_releases(model, *others), **asked)


def _from_labels(
    source: tuple[Path | None, Path | None, str | None],
    data: "DataSet",
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
    from modelprint.generation.from_labels import ORDINARY, refuse_search, require_labels_only, seal_from_labels

    refuse_search(asked["rounding"])
    able = require_labels_only(method)
    endpoint, onnx, onnx_input = source
    oracle = choose_remote_oracle(endpoint, onnx, data.class_names, quiet, onnx_input)
    most = able.most_questions(asked["count"]) + asked["count"] * repeats + ORDINARY
    allowed = "" if questions is None else f", of which {questions} are allowed"
    print_remark(f"crafting and confirming {asked['count']} samples takes at most {most} questions{allowed}", quiet)
    return seal_from_labels(oracle, data, able, repeats=repeats, questions=questions, **asked)


def _record_additions(fingerprint: "Fingerprint", earlier: "Sequence[Fingerprint]") -> "Fingerprint":
    """Return the fingerprint with the digests of the files that it adds to in its provenance."""
    made = fingerprint.provenance
    digests = ", ".join(one.digest for one in earlier)
    return replace(fingerprint, provenance=replace(made, notes={**made.notes, "adds to": digests}))


def creation_time(environ: Mapping[str, str]) -> datetime | None:
    """Return the time to write into the file: of SOURCE_DATE_EPOCH, or None for now."""
    text = environ.get(EPOCH)
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{EPOCH} is a number of seconds since 1970, got {text!r}") from None
