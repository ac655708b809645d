"""Pages: self-contained HTML from our templates, without scripts. Needs no torch.

A page loads nothing: pictures are data URIs or drawn in it, and its own content policy forbids the rest. What a server
wrote is text that somebody else chose, so templates escape everything.
"""

from base64 import b64encode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from modelprint.pixels import Picture


def render_page(template: str, *, package: str = "modelprint.pages", **values: object) -> str:
    """Return the self-contained page that a template of a package makes of some values, all of them escaped.

    Any template may include our own: the head, which all pages share, forbids whatever a page does not need.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("modelprint.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values).lstrip()


def data_uri(picture: Picture) -> str:
    """Return a picture as text that an HTML page can hold."""
    return f"data:image/png;base64,{b64encode(picture.png).decode()}"
