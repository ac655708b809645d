"""The errors of this package: damaged input, unusable answers. A wrong argument is a `ValueError`.

    ModelprintError
    ├── DataError           a data set is missing, unreadable, or not what it claims to be
    ├── LoadingError        weights or a network cannot be loaded as a classifier
    ├── TrainingError       training cannot continue, e.g. because the loss is no longer a number
    ├── CraftingError       a method could not craft the requested samples
    ├── EnrolmentError      a deployment cannot be enrolled: it is not the release, or does not keep its labels
    ├── FingerprintError    a .mprint file is damaged, malicious, or of an unknown format
    ├── EndpointError       an endpoint description cannot be used
    ├── OracleError         an oracle gave no usable answer
    ├── SignatureError      a signature is missing, wrong, expired, or about another file
    ├── TranscriptError     a transcript is damaged or belongs to another verification
    └── BenchError          a benchmark run cannot continue, or a run folder cannot be read

A tampered model is a result, never an error. `advise_extra` ends the messages about libraries that are not installed.
"""

import json

NAME = "modelprint"

MESSAGE_LIMIT = 2000
"""Characters of a message; what a hostile file makes longer is cut."""


class ModelprintError(Exception):
    """The base class; the command line prints its message as one line."""

    def __str__(self) -> str:
        """Return the message, never longer than the limit."""
        text = super().__str__()
        return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}..."


class DataError(ModelprintError):
    """A data set is missing, unreadable, or not what it claims to be."""


class LoadingError(ModelprintError):
    """Weights or a network cannot be loaded as a classifier."""


class TrainingError(ModelprintError):
    """Training cannot continue."""


class CraftingError(ModelprintError):
    """A method could not craft the requested samples."""


class EnrolmentError(ModelprintError):
    """A deployment cannot be enrolled: it is not the release, or too few of its labels are steady."""


class FingerprintError(ModelprintError):
    """A .mprint file is damaged, malicious, or of an unknown format."""


class EndpointError(ModelprintError):
    """An endpoint description cannot be used."""


class OracleError(ModelprintError):
    """An oracle gave no usable answer."""


class SignatureError(ModelprintError):
    """A signature is missing, wrong, expired, or about another file."""


class TranscriptError(ModelprintError):
    """A transcript is damaged or belongs to another verification."""


class BenchError(ModelprintError):
    """A benchmark run cannot continue, or a run folder cannot be read."""


def advise_extra(extra: str) -> str:
    """Return how to install `extra`, a part of the dependencies, from where the package itself was installed.

    The name alone would ask the index, where no package of ours need be.
    """
    from importlib.metadata import Distribution, PackageNotFoundError

    try:
        recorded = Distribution.from_name(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        recorded = None
    return f"install the extra {extra} as {NAME} was installed, such as: {_write_command(extra, recorded)}"


def _write_command(extra: str, recorded: str | None) -> str:
    """Return a command for pip; `recorded` is where the package came from, by PEP 610, None when that is unknown."""
    try:
        origin = json.loads(recorded or "{}")
        url = str(origin.get("url", ""))
        if origin.get("dir_info", {}).get("editable") and url.startswith("file://"):
            return f'pip install -e "{url}[{extra}]"'
        vcs = origin.get("vcs_info", {})
        if vcs:
            url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    except (ValueError, AttributeError, KeyError):
        url = ""
    if not url:
        return f"pip install '.[{extra}]' in its source folder"
    return f'pip install "{NAME}[{extra}] @ {url}"'
