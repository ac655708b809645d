"""Markdown from our templates. Whatever a value says is shown as text, in one line."""

import re

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def markdown_from(template: str, *, package: str, **values: object) -> str:
    """Return the Markdown that a template of a package makes of some values; it may include our own `grids.md`."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("modelprint.pages")]),
        autoescape=False,  # HTML's rules are not Markdown's; everything that is printed goes through `finalize`
        finalize=as_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["verbatim"] = _Verbatim
    return re.sub(r"\n{3,}", "\n\n", environment.get_template(template).render(**values))


class _Verbatim(str):
    """Stands in a block of code, where nothing is escaped."""


def as_markdown(value: object) -> str:
    """Return anything as Markdown that shows it as it is, in one line."""
    text = " ".join(str(value).split())
    if isinstance(value, _Verbatim):
        return text
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
