"""Options shared by several commands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

Network = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Name of a built-in network, package.module:factory of your own, or the path of a .pt2 file.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Weights as .safetensors; needed for a built-in network. Pickles are refused."),
]
ImageShape = Annotated[
    str | None,
    typer.Option(
        metavar="C,H,W",
        help="Channels, height and width of the images, in pixels; for a .pt2 file or a factory of a bare module.",
    ),
]
SearchPath = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder to import package.module:factory from when no installed module has its name; `.` is the current "
        "folder. Without it only installed modules are imported.",
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(
        metavar="M|M,M,M",
        help="What to subtract from images in [0, 1] before the network gets them, one number or one for each channel; "
        "for a network whose normalisation is outside. Needs --std.",
    ),
]
Std = Annotated[
    str | None,
    typer.Option(metavar="S|S,S,S", help="What to divide by after --mean, one number or one for each channel."),
]
Endpoint = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A YAML file that describes the endpoint to query.")
]
Onnx = Annotated[Path | None, typer.Option(metavar="FILE", help="An ONNX file to query.")]
OnnxInput = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,...",
        help="How the ONNX file takes pixels, when not as float32 from 0 to 1 in the order n c h w: values=grey, "
        "colours=bgr, mean=M or mean=M/M/M, std=S or std=S/S/S, layout=nhwc.",
    ),
]
Report = Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page about the verdict.")]
Reports = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write a report about the verdict: .html a page, .md a summary in Markdown, .sarif SARIF, .xml JUnit. May "
        "be given several times.",
    ),
]
ShowRequest = Annotated[
    bool, typer.Option("--dry-run", help="Print the first request, secrets masked, and send nothing.")
]
Data = Annotated[
    str,
    typer.Option(
        metavar="NAME|PATH",
        help="A named data set (see: modelprint data list), or a parquet, .npz or idx file, or a folder.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Set one setting, for example steps=40; may be given several times."
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Seed of every random number.")]
Output = Annotated[Path, typer.Option(metavar="FILE", help="The .mprint file to write.")]
OwnNetwork = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A classifier of your own: a built-in network, package.module:factory or a .pt2 file. Needs torch.",
    ),
]
FingerprintFile = Annotated[Path, typer.Argument(metavar="FINGERPRINT", help="A .mprint file.", show_default=False)]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Public key of an owner you trust: a fingerprint that no such key signed is refused. May be given several "
        "times.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Draw no progress bars and print no remarks.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]


def parse_shape(text: str | None) -> tuple[int, int, int] | None:
    """Return "3,32,32" as three numbers; None stays None.

    Raises:
        ValueError: It is not three positive whole numbers.
    """
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isascii() and part.strip().isdecimal() for part in parts):
        raise ValueError(f"an image shape is channels,height,width such as 3,32,32, got {text!r}")
    channels, height, width = (int(part) for part in parts)
    if not min(channels, height, width):
        raise ValueError(f"an image has at least one channel and one pixel, got {text!r}")
    return channels, height, width


def parse_normalisation(mean: str | None, std: str | None) -> tuple[list[float], list[float]] | None:
    """Return "0.485,0.456,0.406" and "0.229,0.224,0.225" as numbers; None without both.

    Raises:
        ValueError: One is given without the other, or is not numbers.
    """
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise ValueError("--mean and --std go together")
    return _parse_numbers("--mean", mean), _parse_numbers("--std", std)


def _parse_numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option} is one number, or one for each channel with commas, got {text!r}") from None


def refuse_to_replace(path: Path, force: bool) -> None:
    """Refuse a `path` that exists, unless `force`; what is not a regular file is never replaced.

    Raises:
        ValueError: The path exists and `force` is False, or it is a folder, a link, a pipe or a device.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give a file")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ValueError(f"{path} is not a regular file and is never replaced; give another file")
    if path.exists() and not force:
        raise ValueError(f"{path} exists already; give another file, or replace it with --force")


def refuse_same_file(output: str, path: Path | None, others: Mapping[str, Path | None]) -> None:
    """Refuse an output that is one of the other files of the command, also with --force.

    Args:
        output: The option of the output, for the message.
        path: The output; None when none is asked for.
        others: What the command reads or writes besides, by option.

    Raises:
        ValueError: Names the option that has the same file.
    """
    for name, other in others.items():
        if path is not None and other is not None and path.resolve() == other.resolve():
            raise ValueError(f"{output} and {name} are the same file: {path}")


def check_choice(
    endpoint: Path | None, onnx: Path | None, network: str | None, weights: Path | None, image_shape: str | None
) -> None:
    """Refuse options that name no model, or more than one.

    Raises:
        ValueError: There is not exactly one model, or there are weights without a network.
    """
    given = [name for name, value in (("--endpoint", endpoint), ("--onnx", onnx), ("--network", network)) if value]
    if len(given) != 1:
        named = " and ".join(given) or "none of them"
        raise ValueError(f"give exactly one of --endpoint, --onnx and --network, got {named}")
    if network is None and (weights is not None or image_shape is not None):
        raise ValueError("--weights and --image-shape belong to --network")
