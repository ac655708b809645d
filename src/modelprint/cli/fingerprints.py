"""Looking into a fingerprint: `inspect` and `export`. Needs no torch."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.options import AsJson, FingerprintFile, Force


def inspect(fingerprint: FingerprintFile, as_json: AsJson = False) -> None:
    """Check a fingerprint file, of integrity or of ownership, and say what it holds.

    Every size, hash, number and picture in the file is checked first; a damaged file is an error, with exit code 2.

    Example: modelprint inspect r20.mprint
    """
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.fingerprint.manifest import OWNERSHIP, read_kind
    from modelprint.fingerprint.ownership import OwnershipFingerprint

    kind = OwnershipFingerprint if read_kind(fingerprint) == OWNERSHIP else Fingerprint
    loaded = kind.load(fingerprint)
    typer.echo(loaded.to_json() if as_json else loaded.summary())


def export(
    fingerprint: FingerprintFile,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into; made when it is not there.")],
    force: Force = False,
) -> None:
    """Write the samples as PNG files, with a table of labels.

    The files are byte for byte what travels to an endpoint; labels.csv has file, label and margin in logits.

    Example: modelprint export r20.mprint --to pictures
    """
    from modelprint.fingerprint.integrity import Fingerprint

    loaded = Fingerprint.load(fingerprint)
    if to.exists() and (not to.is_dir() or (any(to.iterdir()) and not force)):
        raise ValueError(f"{to} is not an empty folder; name another one, or write into it with --force")
    to.mkdir(parents=True, exist_ok=True)
    with (to / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "label", "margin"))
        for index, sample in enumerate(loaded.samples):
            name = f"{index:04d}.png"
            (to / name).write_bytes(sample.picture.png)
            writer.writerow((name, loaded.class_names[sample.label], sample.margin))
    typer.echo(f"wrote {len(loaded.samples)} samples and labels.csv to {to}")
