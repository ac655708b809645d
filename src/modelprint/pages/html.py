"""Self-contained HTML pages from templates, without scripts. Needs no torch.

A page loads nothing: pictures are data URIs or inline SVG, and its content policy forbids everything else. Text from a
server is untrusted, so templates escape everything.
"""

from base64 import b64encode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from modelprint.pixels import Picture


def render_page(template: str, *, package: str = "modelprint.pages", **values: object) -> str:
    """Render a template of a package as a self-contained page; all values are escaped.

    Every template may include those of `modelprint.pages`, such as the common head with the content policy.
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
    """Return a picture as a data URI."""
    return f"data:image/png;base64,{b64encode(picture.png).decode()}"
