"""What there is to choose from: `methods` and `tamperings`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

import typer

from modelprint.cli.console import align_columns, show_json
from modelprint.cli.options import AsJson


def methods(as_json: AsJson = False) -> None:
    """List the methods: what they come from, need of the owner and cost for a sample, then their settings.

    These are the names that generate --method takes, and the settings that generate --set takes.

    Example: modelprint methods
    """
    from modelprint.methods import METHODS
    from modelprint.settings import build

    cards = {name: build(METHODS, name).card for name in METHODS}
    if as_json:
        described = {name: asdict(card) | {"settings": _defaults(METHODS[name])} for name, card in cards.items()}
        show_json(described)
        return
    rows = [(name, card.title, card.source, in_words(card.needs), card.cost) for name, card in cards.items()]
    typer.echo(align_columns(("name", "title", "source", "needs", "cost of a sample"), rows))
    typer.echo()
    typer.echo(_settings(METHODS))


def tamperings(as_json: AsJson = False) -> None:
    """List the tamperings, with their settings and defaults.

    These are the names that tamper --kind takes, and the settings that tamper --set takes.

    Example: modelprint tamperings
    """
    from modelprint.tamperings import SUITE

    if as_json:
        show_json({name: _defaults(made) for name, made in SUITE.items()})
        return
    typer.echo(_settings(SUITE))


def in_words(needs: Iterable[str]) -> str:
    """Return what a method needs as people say it: who needs labels, and no gradients, needs labels only."""
    return ", ".join("labels only" if need == "labels" else need for need in needs)


def _defaults(made: Callable[..., object]) -> dict[str, object]:
    from modelprint.settings import settings_of

    return {setting.name: setting.default for setting in settings_of(made)}


def _settings(table: Mapping[str, Callable[..., object]]) -> str:
    from modelprint.settings import settings_of

    rows = []
    for name, made in table.items():
        for place, setting in enumerate(settings_of(made) or [None]):
            shown = ("-", "-", "-") if setting is None else (setting.name, setting.type, plain(setting.default))
            rows.append(("" if place else name, *shown))
    return align_columns(("name", "setting", "type", "default"), rows)


def plain(value: object) -> str:
    """Return a default as --set takes it."""
    if isinstance(value, tuple):
        return ",".join(map(plain, value))
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
