"""The provenance of samples, as it is written to the file, before the first of them is made."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

import rfc8785

from modelprint.data import DataSet
from modelprint.fingerprint.parts import Provenance


def provenance_of(
    network: str,
    digest: str,
    data: DataSet,
    method_name: str,
    settings: Mapping[str, object],
    seed: int,
    created: datetime,
) -> Provenance:
    """Return the provenance of samples that are going to be made; ValueError when no file can hold it.

    Args:
        network: Name of the classifier.
        digest: Its SHA-256, or UNKNOWN_MODEL.
        data: What the method starts from.
        method_name: What the file calls the method.
        settings: Its settings.
        seed: Of every random number.
        created: Time for the file.
    """
    if created.tzinfo is None:
        raise ValueError(f"created says no time zone: {created.isoformat()}")
    try:
        plain = json.loads(rfc8785.dumps(dict(settings)))  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError as problem:
        raise ValueError(f"the settings of {method_name} cannot be written as JSON: {problem}") from problem
    return Provenance(
        method=method_name,
        settings=plain,
        seed=seed,
        network=network,
        model_sha256=digest,
        data=data.name,
        data_sha256=data.digest,
        created=created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=version("modelprint"),
        crafted=0,
        lost_rounding=0,
        lost_steadiness=0,
    )
