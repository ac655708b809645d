"""How to install an extra: a part of the package's dependencies that most users do without."""

import json
from importlib.metadata import Distribution, PackageNotFoundError

NAME = "modelprint"


def advise_extra(extra: str) -> str:
    """Return the command that installs `extra` beside the package, from where the package itself was installed.

    The name alone would ask the index, where no package of ours need be.
    """
    try:
        recorded = Distribution.from_name(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        recorded = None
    return f"install the extra {extra} as {NAME} was installed, such as: {_write_command(extra, recorded)}"


def _write_command(extra: str, recorded: str | None) -> str:
    """Return a command for pip; `recorded` is where the package came from, by PEP 610, None when that is unknown."""
    try:
        origin = json.loads(recorded or "{}")
        url = str(origin.get("url", ""))
        if origin.get("dir_info", {}).get("editable") and url.startswith("file://"):
            return f'pip install -e "{url}[{extra}]"'
        vcs = origin.get("vcs_info", {})
        if vcs:
            url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    except (ValueError, AttributeError, KeyError):
        url = ""
    if not url:
        return f"pip install '.[{extra}]' in its source folder"
    return f'pip install "{NAME}[{extra}] @ {url}"'
