"""The errors of this package: damaged input, unusable answers. A wrong argument is a `ValueError`.

    ModelprintError
    ├── DataError           a data set is missing, unreadable, or not what it claims to be
    ├── LoadingError        weights or a network cannot be loaded as a classifier
    ├── TrainingError       training cannot continue, e.g. because the loss is no longer a number
    ├── CraftingError       a method could not craft the requested samples
    ├── FingerprintError    a .mprint file is damaged, malicious, or of an unknown format
    ├── EndpointError       an endpoint description cannot be used
    ├── OracleError         an oracle gave no usable answer
    ├── TranscriptError     a transcript is damaged or belongs to another verification
    └── BenchError          a benchmark run cannot continue, or a run folder cannot be read

A tampered model is a result, never an error.
"""

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


class FingerprintError(ModelprintError):
    """A .mprint file is damaged, malicious, or of an unknown format."""


class EndpointError(ModelprintError):
    """An endpoint description cannot be used."""


class OracleError(ModelprintError):
    """An oracle gave no usable answer."""


class TranscriptError(ModelprintError):
    """A transcript is damaged or belongs to another verification."""


class BenchError(ModelprintError):
    """A benchmark run cannot continue, or a run folder cannot be read."""
