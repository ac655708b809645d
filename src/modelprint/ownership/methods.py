"""The two methods of ownership fingerprints, by name, and their settings as text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from modelprint.fingerprint.ownership import C_EXAMPLES, UAP
from modelprint.ownership.c_examples import CExamples
from modelprint.ownership.encoder import Contrastive
from modelprint.ownership.uap import Universal
from modelprint.ownership.views import Clusters
from modelprint.settings import build, settings_of


@dataclass(frozen=True, kw_only=True)
class Uap:
    """A perturbation, pictures to ask about before and after it, and an encoder that compares the answers.

    Attributes:
        pattern: How the perturbation is made.
        views: Which pictures.
        encoder: How answers are compared.
    """

    pattern: Universal = field(default_factory=Universal)
    views: Clusters = field(default_factory=Clusters)
    encoder: Contrastive = field(default_factory=Contrastive)


OwnershipMethod = CExamples | Uap
PARTS: dict[str, Callable[..., object]] = {"pattern": Universal, "views": Clusters, "encoder": Contrastive}
"""The parts of Uap, by the names of its fields."""
OWNERSHIP_METHODS: dict[str, Callable[..., OwnershipMethod]] = {
    C_EXAMPLES: partial(CExamples, noise=0.03, band=2),
    UAP: Uap,
}
"""Every method by name. C-examples are LTRC with the noise and the band that the paper found best for CIFAR-10."""


def build_method(name: str, overrides: Mapping[str, str] | None = None) -> OwnershipMethod:
    """Return the method called `name`; `overrides`, given as text, take the place of defaults.

    A setting that two parts of `uap` have is written with the part before it, e.g. encoder.batch.

    Raises:
        ValueError: Unknown name or setting, or a text that is no value of the setting's type; says what there is.
    """
    if name != UAP:
        return build(OWNERSHIP_METHODS, name, overrides)
    given: dict[str, dict[str, str]] = {part: {} for part in PARTS}
    for key, text in (overrides or {}).items():
        part, setting = _find_setting(key)
        given[part][setting] = text
    made = {part: build(PARTS, part, settings) for part, settings in given.items()}
    return Uap(**made)  # type: ignore[arg-type]


def method_settings(name: str) -> dict[str, object]:
    """Return the defaults of a method's settings, as `build_method` takes their names."""
    if name != UAP:
        return {one.name: one.default for one in settings_of(OWNERSHIP_METHODS[name])}
    return {key: default for key, (_, _, default) in _list_settings().items()}


def _list_settings() -> dict[str, tuple[str, str, object]]:
    """Return, for each name of a setting of `uap`, its part, its name there and its default."""
    rows = [(part, one.name, one.default) for part, made in PARTS.items() for one in settings_of(made)]
    names = [name for _, name, _ in rows]
    return {name if names.count(name) == 1 else f"{part}.{name}": (part, name, default) for part, name, default in rows}


def _find_setting(key: str) -> tuple[str, str]:
    """Return the part and the setting that `key` names."""
    table = _list_settings()
    if key in table:
        return table[key][:2]
    part, _, setting = key.partition(".")
    if (part, setting) in {place[:2] for place in table.values()}:
        return part, setting
    raise ValueError(f"{UAP} has no setting {key!r}; its settings are {', '.join(table)}")
