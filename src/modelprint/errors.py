"""Every error of ours. A wrong argument is a `ValueError`; these are for the world going wrong.

    ModelprintError
    ├── DataError           a data set is missing, unreadable, or not what it claims to be
    ├── LoadingError        weights or a network that cannot become a classifier
    ├── TrainingError       training that cannot go on, e.g. a loss that is no longer a number
    ├── CraftingError       a method could not make the samples asked for
    ├── FingerprintError    a .mprint file that is damaged, hostile, or of an unknown format
    ├── EndpointError       an endpoint description that cannot be used
    ├── OracleError         an oracle that gave no usable answer
    ├── TranscriptError     a transcript that is damaged or belongs to another verification
    └── BenchError          a benchmark run that cannot go on, or a run folder that cannot be read

A tampered model is a result, never an error.
"""


class ModelprintError(Exception):
    """The base of all our errors; the command line prints it as one line."""


class DataError(ModelprintError):
    """A data set is missing, unreadable, or not what it claims to be."""


class LoadingError(ModelprintError):
    """Weights or a network that cannot become a classifier."""


class TrainingError(ModelprintError):
    """Training that cannot go on."""


class CraftingError(ModelprintError):
    """A method could not make the samples asked for."""


class FingerprintError(ModelprintError):
    """A .mprint file that is damaged, hostile, or of an unknown format."""


class EndpointError(ModelprintError):
    """An endpoint description that cannot be used."""


class OracleError(ModelprintError):
    """An oracle that gave no usable answer."""


class TranscriptError(ModelprintError):
    """A transcript that is damaged or belongs to another verification."""


class BenchError(ModelprintError):
    """A benchmark run that cannot go on, or a run folder that cannot be read."""
