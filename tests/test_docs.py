"""The documents stay true: links lead somewhere, commands exist, examples run."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from modelprint.cli import app
from modelprint.oracles.endpoint import parse_endpoint
from modelprint.oracles.yaml_text import read_yaml

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLES = sorted(ROOT.glob("examples/*.py"))


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


def command_lines(page: Path) -> Iterator[str]:
    """Yield the `modelprint` lines of the console blocks of `page`."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
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


def parse(line: str) -> None:
    """Parse `line` as the command line would, without running it or looking at files.

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


def example_of(command: Any) -> str:
    """Return the command line that ends the help of `command`; empty when there is none."""
    last = (command.help or "").rstrip().split("\n\n")[-1]
    return " ".join(last.removeprefix("Example:").split()) if last.startswith("Example:") else ""


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that links name."""
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        assert file.exists(), f"{relative(page)} links to {link}"
        assert not anchor or anchor in anchors(file), f"{relative(page)} links to {link}"


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in command_lines(page)}))
def test_every_command_line_of_the_documents_is_understood(line: str) -> None:
    """The command exists, has these options, and misses none."""
    parse(line)


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


def test_python_in_the_documents_uses_public_names() -> None:
    """What the pages import from the package is promised."""
    import modelprint

    for page in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module == "modelprint":
                    assert {alias.name for alias in node.names} <= set(modelprint.__all__), relative(page)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_endpoint_descriptions_in_the_documents_can_be_used(page: Path) -> None:
    """Every YAML block is a valid description; the token it names comes from the environment."""
    for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        assert parse_endpoint(read_yaml(block), environ={"CLASSIFY_TOKEN": "secret"}).describe()


@pytest.mark.parametrize("example", EXAMPLES, ids=relative)
def test_every_example_runs_as_it_stands(example: Path, tmp_path: Path) -> None:
    """A file of `examples/` ends well in an empty folder."""
    done = subprocess.run([sys.executable, example], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
