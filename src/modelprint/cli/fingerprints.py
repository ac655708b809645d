"""Looking into a fingerprint: `inspect` and `export`. Needs no torch."""

import csv
import io
import json
from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import show_json
from modelprint.cli.options import AsJson, FingerprintFile, Force, Trust
from modelprint.cli.trust import describe_signature, load_any_fingerprint


def inspect(
    fingerprint: FingerprintFile,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Say as well what this ledger of verify says was asked.")
    ] = None,
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Check a fingerprint file, of integrity or of ownership, and say what it holds.

    Every size, hash, number and picture in the file is checked first; a damaged file is an error, with exit code 2.

    Example: modelprint inspect r20.mprint
    """
    from modelprint.fingerprint.integrity import Fingerprint

    loaded = load_any_fingerprint(fingerprint)
    signed = describe_signature(loaded, trust)
    if ledger is None:
        typer.echo(loaded.to_json() if as_json else f"{loaded.summary()}\n{'signed':<12} {signed}")
        return
    if not isinstance(loaded, Fingerprint):
        raise ValueError("--ledger belongs to a fingerprint of integrity; own check keeps none")
    from modelprint.verification.ledger import read_ledger

    count = len(loaded.samples)
    budget = read_ledger(ledger, loaded.digest, count)
    if as_json:
        outcomes = [None if outcome is None else str(outcome) for outcome in budget.outcomes]
        left = sorted(set(range(count)) - budget.asked)
        show_json(json.loads(loaded.to_json()) | {"ledger": {"outcomes": outcomes, "run": budget.run, "unasked": left}})
    else:
        typer.echo(f"{loaded.summary()}\n{budget.summary(count)}")


def export(
    fingerprint: FingerprintFile,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into; made when it is not there.")],
    force: Force = False,
) -> None:
    """Write the samples as PNG files, with a table of labels.

    The files are byte for byte what travels to an endpoint; labels.csv has file, label and margin in logits.

    Example: modelprint export r20.mprint --to pictures
    """
    from modelprint.cache import write_bytes_atomically, write_text_atomically
    from modelprint.fingerprint.integrity import Fingerprint

    loaded = Fingerprint.load(fingerprint)
    if to.exists() and (not to.is_dir() or (any(to.iterdir()) and not force)):
        raise ValueError(f"{to} is not an empty folder; name another one, or write into it with --force")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("file", "label", "margin"))
    for index, sample in enumerate(loaded.samples):
        name = f"{index:04d}.png"
        write_bytes_atomically(to / name, sample.picture.png)
        writer.writerow((name, loaded.class_names[sample.label], sample.margin))
    write_text_atomically(to / "labels.csv", table.getvalue())
    typer.echo(f"wrote {len(loaded.samples)} samples and labels.csv to {to}")
