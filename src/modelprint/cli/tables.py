"""What there is to choose from: `methods` and `tamperings`."""

from collections.abc import Callable, Mapping

import typer

from modelprint.cli.console import aligned, show_json
from modelprint.cli.options import AsJson


def methods(as_json: AsJson = False) -> None:
    """List the methods, with their settings and defaults.

    These are the names that generate --method takes, and the settings that generate --set takes.

    Example: modelprint methods
    """
    from modelprint.methods import METHODS

    _show(METHODS, as_json)


def tamperings(as_json: AsJson = False) -> None:
    """List the tamperings, with their settings and defaults.

    These are the names that tamper --kind takes, and the settings that tamper --set takes.

    Example: modelprint tamperings
    """
    from modelprint.tamperings import SUITE

    _show(SUITE, as_json)


def _show(table: Mapping[str, Callable[..., object]], as_json: bool) -> None:
    from modelprint.settings import settings_of

    if as_json:
        show_json({name: {s.name: s.default for s in settings_of(made)} for name, made in table.items()})
        return
    rows = []
    for name, made in table.items():
        settings = settings_of(made) or [None]
        for place, setting in enumerate(settings):
            shown = ("-", "-", "-") if setting is None else (setting.name, _plain(setting.default), setting.type)
            rows.append(("" if place else name, *shown))
    typer.echo(aligned(("name", "setting", "default", "type"), rows))


def _plain(value: object) -> str:
    """Return a default as --set takes it."""
    if isinstance(value, tuple):
        return ",".join(map(_plain, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
