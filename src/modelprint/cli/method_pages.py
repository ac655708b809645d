"""The pages below docs/methods, made from the methods themselves: `python -m modelprint.cli.method_pages docs/methods`.

A page says what stands in the module (source, what it does, departures), on the card (needs, cost) and in the class
(its settings and what they mean).
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from modelprint.cli.page import escape_cell
from modelprint.cli.tables import describe_needs, format_default
from modelprint.methods import METHODS, Method
from modelprint.settings import build, settings_of

INTRODUCTION = """# Methods

A method turns natural images into samples whose labels change when the classifier does. All of them are one interface:
`modelprint generate --method NAME --set SETTING=VALUE`, a row of a benchmark plan, or an entry of `METHODS` in Python.
Rounding to eight bits, labels, steadiness and sealing are the same for all, so what differs between two fingerprints is
the method.

These pages are made from the code by `python -m modelprint.cli.method_pages docs/methods`; a test holds them up to
date, and `modelprint methods` prints the same facts.
"""

NOTES = """
*Labels only* means that answers of the model are enough, be it the owner's copy or an endpoint. *Gradients* takes the
weights themselves. All methods take natural images to start from; *training data* is more of them, to choose or learn
from.

## What is not here

**SDBF**, "Steep-Decision-Boundary Fingerprinting for Hard-Label Tampering Detection of DNN Models" (Bai et al., CVPR
2025, [abstract](https://openaccess.thecvf.com/content/CVPR2025/html/Bai_SDBF_Steep-Decision-Boundary_Fingerprinting_for_Hard-Label_Tampering_Detection_of_DNN_Models_CVPR_2025_paper.html)),
says that it places samples where the decision boundary is steep, combining nearness to the boundary with sensitivity to
weights, and that a *max boundary coverage strategy* makes samples differ. That is what its abstract tells, at the
conference and on OpenReview. No code and no preprint were found, and we had no copy of the paper itself; so its
objective, its optimiser and the rule of that strategy could not be established, and a guess under its name would be no
comparison.
"""


def make_pages() -> dict[str, str]:
    """Return every page as Markdown, by file name."""
    return {"index.md": make_index()} | {f"{name}.md": make_page(name) for name in METHODS}


def make_index() -> str:
    """Return the page that compares the methods."""
    rows = ["| method | title | source | needs | cost of a sample |", "|---|---|---|---|---|"]
    for name in METHODS:
        card = build(METHODS, name).card
        cells = (card.title, card.source, describe_needs(card.needs), card.cost)
        rows.append(" | ".join([f"| [{name}]({name}.md)", *map(escape_cell, cells)]) + " |")
    return "\n".join([INTRODUCTION, *rows, NOTES])


def make_page(name: str) -> str:
    """Return the page of one method."""
    made, card = METHODS[name], build(METHODS, name).card
    summary, *_ = inspect.cleandoc(made.__doc__ or "").split("\n\n")
    facts = (("name", f"`{name}`"), ("source", card.source), ("needs", describe_needs(card.needs)), ("cost", card.cost))
    table = ["| | |", "|---|---|", *(f"| {what} | {escape_cell(value)} |" for what, value in facts)]
    command = f"$ modelprint generate --network resnet20 --weights weights.safetensors --data cifar10 --method {name}"
    usage = ["```console", f"{command} --output fingerprint.mprint", "```"]
    text = [f"## {heading}\n\n{_link_addresses(body)}\n" for heading, body in split_sections(made)]
    lines = [f"# {card.title}", "", summary, "", *table, "", *usage, "", *text, *_make_settings(made)]
    return "\n".join(lines).rstrip() + "\n"


def split_sections(made: Callable[..., Method]) -> Iterator[tuple[str, str]]:
    """Yield heading and text of what the module says: source, description (where there is one), departures.

    Raises:
        ValueError: The module names no source or no departures.
    """
    module = inspect.getmodule(made)
    _, *paragraphs = inspect.cleandoc((module and module.__doc__) or "").split("\n\n")
    starts = [part.split(":")[0].split()[0] for part in paragraphs]
    if "Source" not in starts or "Departures" not in starts:
        raise ValueError(f"{made.__module__} opens without a paragraph 'Source: ...' or 'Departures: ...'")
    cut, end = starts.index("Source"), starts.index("Departures")
    yield "Source", paragraphs[cut].removeprefix("Source: ")
    told = [part for place, part in enumerate(paragraphs) if place < end and place != cut]
    if told:
        yield "What it does", "\n\n".join(told)
    yield "Departures", "\n\n".join(paragraphs[end:]).removeprefix("Departures: ")


def read_meanings(made: Callable[..., Method]) -> dict[str, str]:
    """Return what the docstring of the class says of each setting."""
    listed = inspect.cleandoc(made.__doc__ or "").partition("Attributes:\n")[2]
    entries = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", listed, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _make_settings(made: Callable[..., Method]) -> list[str]:
    settings, meanings = settings_of(made), read_meanings(made)
    if not settings:
        return ["## Settings", "", "None."]
    rows = []
    for one in settings:
        default, meaning = _format_code(format_default(one.default)), _escape_markdown(meanings[one.name])
        rows.append(f"| `{one.name}` | {default} | {escape_cell(one.type)} | {escape_cell(meaning)} |")
    return ["## Settings", "", "| setting | default | type | |", "|---|---|---|---|", *rows]


def _format_code(text: str) -> str:
    return f"`{text}`" if text else ""


def _escape_markdown(text: str) -> str:
    """Return `text` with stars and angle brackets that Markdown leaves alone."""
    return re.sub(r"([*<])", r"\\\1", text)


def _link_addresses(text: str) -> str:
    """Return `text` with a capital and with addresses that can be followed."""
    return re.sub(r"https?://\S*[\w/]", r"<\g<0>>", _escape_markdown(text[:1].upper() + text[1:]))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in make_pages().items():
        (folder / file).write_text(content)
