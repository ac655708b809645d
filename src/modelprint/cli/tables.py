"""The choices: `methods` and `tamperings`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

import typer

from modelprint.cli.console import align_columns, show_json
from modelprint.cli.options import AsJson


def methods(as_json: AsJson = False) -> None:
    """List the methods with source, needs and cost of a sample, then their settings.

    The names are those of generate --method, the settings those of generate --set.

    Example: modelprint methods
    """
    from modelprint.methods import METHODS
    from modelprint.settings import build

    cards = {name: build(METHODS, name).card for name in METHODS}
    if as_json:
        described = {
            name: asdict(card) | {"settings": _collect_defaults(METHODS[name])} for name, card in cards.items()
        }
        show_json(described)
        return
    rows = [(name, card.title, card.source, describe_needs(card.needs), card.cost) for name, card in cards.items()]
    typer.echo(align_columns(("name", "title", "source", "needs", "cost of a sample"), rows))
    typer.echo()
    typer.echo(_format_settings(METHODS))


def tamperings(as_json: AsJson = False) -> None:
    """List the tamperings, with their settings and defaults.

    The names are those of tamper --kind, the settings those of tamper --set.

    Example: modelprint tamperings
    """
    from modelprint.tamperings import SUITE

    if as_json:
        show_json({name: _collect_defaults(made) for name, made in SUITE.items()})
        return
    typer.echo(_format_settings(SUITE))


def describe_needs(needs: Iterable[str]) -> str:
    """Return the needs of a method as text; labels become "labels only"."""
    return ", ".join("labels only" if need == "labels" else need for need in needs)


def _collect_defaults(made: Callable[..., object]) -> dict[str, object]:
    from modelprint.settings import settings_of

    return {setting.name: setting.default for setting in settings_of(made)}


def _format_settings(table: Mapping[str, Callable[..., object]]) -> str:
    from modelprint.settings import settings_of

    rows = []
    for name, made in table.items():
        for place, setting in enumerate(settings_of(made) or [None]):
            shown = (
                ("-", "-", "-") if setting is None else (setting.name, setting.type, format_default(setting.default))
            )
            rows.append(("" if place else name, *shown))
    return align_columns(("name", "setting", "type", "default"), rows)


def format_default(value: object) -> str:
    """Return a default in the form of --set."""
    if isinstance(value, tuple):
        return ",".join(map(format_default, value))
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
