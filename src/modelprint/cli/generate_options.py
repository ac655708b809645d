"""Options of `generate`."""

from pathlib import Path
from typing import Annotated

import typer

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
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Smallest share of labels changed by a tampering that the file claims to see, 0 to 1; without it, the "
        "lowest share, at 95 % confidence, that cheap tamperings of the network change, 0.25 at most.",
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
Controls = Annotated[
    int,
    typer.Option(
        metavar="N", help="Ordinary images with wide margins to put into the file, 0 to 64: a check asks about them."
    ),
]
AlsoPreprocessing = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,...",
        help="Carry the labels that the network gives under other preprocessing too, so that a check can name it: "
        "bgr, jpeg-90, resize, unit, grey, mean-std, half, all (when not given) or none.",
    ),
]
NoiseAnswers = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="How many answers, served honestly, to count label flips in, 100 or more; N answers without a flip bound "
        "the rate by 3/N. 0: assume 0.0001. From labels alone, any number but 0 counts the repeats.",
    ),
]
Weak = Annotated[
    bool, typer.Option("--weak", help="Seal a file that sees less than 5 % of some cheap tampering of the network.")
]
AnyAccuracy = Annotated[
    bool,
    typer.Option("--any-accuracy", help="Seal a network whose answers do not fit the labels of the data."),
]
ClassNames = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|A,B,...",
        help="The class names in the order of the network, separated by commas or one on each line of a file; by "
        "default they are in the order of the data.",
    ),
]
AddTo = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Make samples to add to those of this earlier .mprint file of the same network: from images that it does "
        "not use. May be given several times.",
    ),
]
