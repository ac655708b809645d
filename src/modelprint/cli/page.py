"""Generate the page docs/cli.md from the commands: `python -m modelprint.cli.page > docs/cli.md`."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from modelprint.cli import app

INTRODUCTION = """# Command line

Generated from the commands by `python -m modelprint.cli.page > docs/cli.md`; a test checks that it is up to date.

Results go to stdout; progress, remarks and errors to stderr. An error is one line; `MODELPRINT_DEBUG=1` adds a
traceback. `--json` prints exactly one JSON object.

| exit code | meaning |
|---|---|
| 0 | done; of a checking command: intact, and the verdict was printed |
| 1 | tampered, and the verdict was printed; never anything else |
| 2 | wrong usage, unreadable input, or an output that could not be written |
| 3 | no verdict |
| 130 | stopped by Ctrl-C |
| 141 | the reader of the output has gone |

| environment variable | effect |
|---|---|
| `MODELPRINT_DATA` | folders with data sets, searched first |
| `MODELPRINT_CACHE` | moves the cache of decoded images and of tampered copies |
| `MODELPRINT_STATE` | moves the folder of ledgers, which `verify` keeps |
| `MODELPRINT_DEBUG` | 1 adds a traceback to an error |
| `SOURCE_DATE_EPOCH` | seconds since 1970, the date `generate` writes into a file |
"""


def make_page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([INTRODUCTION, *(_make_section(name, command) for name, command in list_commands())])


def list_commands() -> Iterator[tuple[str, Any]]:
    """Yield every command that is not a group, with its full name."""
    yield from _walk_commands(typer.main.get_command(app), ())


def _walk_commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(path), command
    for name, child in (children or {}).items():
        yield from _walk_commands(child, (*path, name))


def find_example(command: Any) -> str:
    """Return the command line at the end of a command's help."""
    return " ".join(inspect.cleandoc(command.help).rpartition("Example: ")[2].split())


def _make_section(name: str, command: Any) -> str:
    text = inspect.cleandoc(command.help).rpartition("\n\nExample: ")[0]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    lines = [f"## {name}", "", text, "", "```console", f"$ {find_example(command)}", "```", ""]
    lines += ["| argument or option | default | |", "|---|---|---|"] if command.params else []
    lines += [f"| `{one.metavar}` | needed | {escape_cell(one.help)} |" for one in arguments]
    lines += [
        f"| `{_format_names(one)}` | {_format_default(one)} | {escape_cell(one.help)} |"
        for one in options
        if not one.hidden
    ]
    return "\n".join([*lines, ""] if command.params else lines)


def _format_names(option: Any) -> str:
    names = " / ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else escape_cell(f"{names} {option.metavar}")


def _format_default(option: Any) -> str:
    if option.required:
        return "needed"
    if option.is_flag and not option.secondary_opts:
        return ""
    if option.is_flag:
        return "yes" if option.default else "no"
    return "" if option.default in (None, [], ()) else f"`{option.default}`"


def escape_cell(text: str | None) -> str:
    """Return `text` escaped for a cell of a Markdown table."""
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    print(make_page(), end="")
