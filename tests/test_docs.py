"""The documents stay true: links lead somewhere, commands and names exist."""

import ast
import importlib
import inspect
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from modelprint.bench.plan_file import parse_plan
from modelprint.calibration import PROFILES
from modelprint.cli import app
from modelprint.methods import METHODS
from modelprint.networks import NETWORKS
from modelprint.oracles.endpoint import parse_endpoint
from modelprint.oracles.yaml_text import read_yaml
from modelprint.ownership import OWNERSHIP_METHODS
from modelprint.tamperings import SUITE

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "modelprint"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
DESCRIPTIONS = sorted(ROOT.glob("examples/*.yaml"))
OPTIONS_OF_OTHERS = {"--runslow"}
"""Options in the text that belong to pytest."""


def relative(path: Path) -> str:
    """Return `path` as seen from the repository, for test names."""
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    """Return Markdown without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of `page`."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), flags=re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of `page` in `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def code_spans(page: Path) -> list[str]:
    """Return the code inside the sentences and tables of `page`."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", without_code(page.read_text()))]


def table_rows(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below `heading`, without its head, without back quotes."""
    section = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def command_lines(page: Path) -> Iterator[str]:
    """Yield the `modelprint` lines of the console blocks of `page`."""
    for block in blocks(page, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.removeprefix("$ ").startswith("modelprint "):
                yield line.removeprefix("$ ")


def all_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every command below `command` that does something, with its full name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(path), command
    for name, child in (children or {}).items():
        yield from all_commands(child, (*path, name))


COMMANDS = dict(all_commands(typer.main.get_command(app)))
OPTIONS = {
    option for command in COMMANDS.values() for one in command.params for option in (*one.opts, *one.secondary_opts)
}
LINES = sorted({line for page in PAGES for line in command_lines(page)})
LINKS = [
    (page, link)
    for page in PAGES
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text()))
    if not re.match(r"[a-z]+:", link)
]
YAML_BLOCKS = [(page, block) for page in PAGES for block in blocks(page, "yaml")]
PYTHON_BLOCKS = [(page, block) for page in PAGES for block in blocks(page, "python")]


def parse(line: str) -> dict[str, Any]:
    """Parse `line` as the command line would, without running it or looking at files.

    Returns:
        What is given for each argument and option.

    Raises:
        ValueError: There is no such command, or a required argument or option is missing.
    """
    words = shlex.split(line, comments=True)[1:]
    name = next((" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in COMMANDS), None)
    if name is None:
        raise ValueError(f"there is no such command: {line}")
    command = COMMANDS[name]
    context = command.context_class(command, info_name=name)
    given, rest, _ = command.make_parser(context).parse_args(words[len(name.split()) :])
    missing = [one.name for one in command.params if one.required and not given.get(one.name)]
    if rest or missing:
        raise ValueError(f"too much: {rest}, missing: {missing}, in: {line}")
    return dict(given)


def example_of(command: Any) -> str:
    """Return the command line that ends the help of `command`; empty when there is none."""
    last = (command.help or "").rstrip().split("\n\n")[-1]
    return " ".join(last.removeprefix("Example:").split()) if last.startswith("Example:") else ""


def test_there_is_something_to_check() -> None:
    """No test below runs over an empty list."""
    assert len(PAGES) > 30 and len(LINKS) > 100 and len(LINES) > 50
    assert len(YAML_BLOCKS) > 10 and len(PYTHON_BLOCKS) > 5 and DESCRIPTIONS


@pytest.mark.parametrize("page", sorted({page for page, _ in LINKS}), ids=relative)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that links name."""
    for link in (link for where, link in LINKS if where == page):
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        assert file.exists(), f"{relative(page)} links to {link}"
        assert not anchor or anchor in anchors(file), f"{relative(page)} links to {link}"


def test_every_page_is_in_the_navigation() -> None:
    """Once, and the navigation names no other."""

    def files(entry: Any) -> Iterator[str]:
        for value in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else []:
            yield from [value] if isinstance(value, str) else files(value)

    listed = list(files(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))

    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS))


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_of_the_documents_is_understood(line: str) -> None:
    """The command exists, has these options, misses none, and the names and plans it is given exist."""
    given = parse(line)
    methods = {*METHODS, *OWNERSHIP_METHODS}

    assert given.get("method") in {None, *methods}
    assert given.get("kind") in {None, *SUITE}
    assert set(given.get("tampering") or ()) <= set(SUITE)
    assert given.get("network") is None or given["network"] in NETWORKS or ":" in given["network"]
    assert given.get("profile") is None or given["profile"] in PROFILES or given["profile"].startswith("jpeg-")
    assert all((ROOT / plan).exists() for plan in shlex.split(line) if plan.startswith("plans/"))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_and_options_in_the_text_exist(page: Path) -> None:
    """What a sentence or a table shows as code: `modelprint COMMAND`, `make TARGET`, `--option`."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    names = {*COMMANDS, *(name.split()[0] for name in COMMANDS)}
    spans = [*code_spans(page), *(line for block in blocks(page, "") for line in block.splitlines())]

    for span in spans:
        words = [word for word in span.split("#")[0].split() if word not in {"[", "]"}]
        if words[:1] == ["modelprint"] and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in names, f"{relative(page)}: {span}"
        if words[:1] == ["make"] and all(re.fullmatch(r"[a-z]+", word) for word in words):
            assert set(words[1:]) <= targets, f"{relative(page)}: {span}"
        options = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        if not words[:1] or words[0] in {"modelprint", *COMMANDS} or words[0].startswith("--"):
            assert options <= OPTIONS | OPTIONS_OF_OTHERS, f"{relative(page)}: {span}"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_help_ends_in_an_example_that_is_understood(name: str) -> None:
    """The last paragraph is `Example:` and a command line of this very command."""
    example = example_of(COMMANDS[name])

    assert example.startswith(f"modelprint {name}")
    parse(example)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_documented(name: str) -> None:
    """Some page shows it in use."""
    assert any(line.startswith(f"modelprint {name}") for page in PAGES for line in command_lines(page))


@pytest.mark.parametrize("wrong", ["modelprint verfy x", "modelprint verify x --endpiont y", "modelprint verify"])
def test_a_wrong_line_would_be_noticed(wrong: str) -> None:
    """A misspelt command, a misspelt option and a missing argument are refused."""
    with pytest.raises(Exception, match=r"(?i)no such command|no such option|missing"):
        parse(wrong)


def test_the_readme_opens_with_the_two_commands() -> None:
    """The first code block is what someone new types."""
    first = re.search(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)

    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == ["make quickstart", "make test"]


@pytest.mark.parametrize(
    ("page", "block"), PYTHON_BLOCKS, ids=lambda value: relative(value) if isinstance(value, Path) else ""
)
def test_python_in_the_documents_uses_public_names_and_known_arguments(page: Path, block: str) -> None:
    """Names from the package are promised, names from rooms exist, and calls name real arguments."""
    import modelprint

    names: dict[str, Any] = {}
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "modelprint":
            module = importlib.import_module(str(node.module))
            imported = {alias.name for alias in node.names}
            assert module is not modelprint or imported <= set(modelprint.__all__)
            assert all(hasattr(module, name) for name in imported)
            names |= {name: getattr(module, name) for name in imported}
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and callable(names.get(node.func.id)):
            keywords = dict.fromkeys(str(one.arg) for one in node.keywords)
            inspect.signature(names[node.func.id]).bind_partial(*node.args, **keywords)


@pytest.mark.parametrize(
    ("page", "block"), YAML_BLOCKS, ids=lambda value: relative(value) if isinstance(value, Path) else ""
)
def test_endpoint_descriptions_in_the_documents_can_be_used(page: Path, block: str) -> None:
    """Every YAML block is a valid description; the secrets it names come from the environment."""
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "secret")
    assert parse_endpoint(read_yaml(block), environ=secrets).describe()


def test_the_plans_on_the_page_about_the_benchmark_can_be_run() -> None:
    """The whole plan is valid at every scale, and so is one with the other tables of the page in place of its own."""
    plan, curve, ownership = blocks(DOCS / "bench.md", "toml")
    start = plan[: plan.index("suspects = [")].replace("cifar10-resnet20", "fashion-lenet5-half")
    fingerprint = '[[fingerprints]]\nname = "natural"\nmethod = "natural"\n'

    assert set(parse_plan(plan).scales) == {"laptop"}
    assert len(parse_plan(start + curve + fingerprint).suspects) == 3
    assert "ownership" in parse_plan(start + ownership + fingerprint).parts


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=relative)
def test_every_endpoint_description_among_the_examples_can_be_used(path: Path) -> None:
    """It is valid, and the page on endpoints names it."""
    assert parse_endpoint(read_yaml(path.read_text()), environ={}).describe()
    assert f"`{relative(path)}`" in (DOCS / "endpoints.md").read_text()


def test_the_page_on_rooms_has_the_contract() -> None:
    """Its block of layers is that of `pyproject.toml`, and its table has each room once."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(
        contract["layers"] for contract in contracts if contract["type"] == "layers" and "cli" in str(contract)
    )
    page = DOCS / "decisions" / "0001-rooms.md"
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert blocks(page, "")[0].splitlines() == [layer.replace("(", "").replace(")", "") for layer in layers]
    assert sorted(row[0] for row in table_rows(page, "Decision")) == sorted(rooms)


def test_what_moved_is_where_the_page_says() -> None:
    """New modules are there and have the new names, old modules are gone, and rows are sorted."""
    page = DOCS / "decisions" / "0007-what-moved.md"
    modules, names = table_rows(page, "Modules"), table_rows(page, "Names")

    assert len(modules) > 20 and len(names) > 20
    assert modules == sorted(modules)
    assert [row[:2] for row in names] == sorted((row[:2] for row in names), key=lambda row: (row[0], row[1].lower()))
    for old, new in modules:
        assert not (PACKAGE / old).exists(), old
        assert all((PACKAGE / path).exists() for path in new.split(", ")), new
    for *_, module, name in names:
        tree = ast.parse((PACKAGE / module).read_text())
        defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        assert name in defined, f"{module} has no {name}"
