"""The command line: a thin skin over the library. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, intact, or unrelated; 1 tampered or a copy, never anything else; 2 wrong usage, unreadable input, or
an output that could not be written; 3 no verdict; 130 stopped by Ctrl-C; 141 when the reader of our output has gone.
Where 0 and 1 are verdicts, the verdict has been printed.

Commands import what they need when they run: `modelprint --help` is fast, and checking commands never need torch.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.bench import bench_app
from modelprint.cli.console import Interrupted, print_remark, to_one_line
from modelprint.cli.data import data_app
from modelprint.cli.detect import detect
from modelprint.cli.endpoint import endpoint_app
from modelprint.cli.enrol import enrol
from modelprint.cli.fingerprints import export, inspect
from modelprint.cli.generate import generate
from modelprint.cli.own import own_app
from modelprint.cli.quickstart import quickstart
from modelprint.cli.serve import serve
from modelprint.cli.signing import check_signature, key_app, sign
from modelprint.cli.tables import methods, tamperings
from modelprint.cli.tamper import tamper
from modelprint.cli.tradeoff import tradeoff
from modelprint.cli.train_generator import train_generator
from modelprint.cli.verify import replay, verify
from modelprint.errors import ModelprintError, advise_extra
from modelprint.memory import keep_freed_memory

DEBUG = "MODELPRINT_DEBUG"
"""Environment variable; 1 adds the traceback to an error."""

WRONG = 2
STOPPED = 130
CLOSED = 141
"""The reader of our output has gone: 128 + SIGPIPE, as in shells. Never 1, which means tampered."""

EXTRAS = {
    "botocore": "aws",
    "cryptography": "sign",
    "fastapi": "serve",
    "filelock": "bench",
    "matplotlib": "bench",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pyarrow": "generate",
    "ray": "ray",
    "safetensors": "generate",
    "securesystemslib": "sign",
    "sklearn": "generate",
    "starlette": "serve",
    "torch": "generate",
    "uvicorn": "serve",
}
"""The extra that installs each module."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
for command in (
    generate,
    train_generator,
    enrol,
    inspect,
    export,
    sign,
    check_signature,
    verify,
    replay,
    tamper,
    detect,
    tradeoff,
    serve,
    quickstart,
    methods,
    tamperings,
):
    app.command()(command)
app.add_typer(key_app, name="key")
app.add_typer(data_app, name="data")
app.add_typer(endpoint_app, name="endpoint")
app.add_typer(bench_app, name="bench")
app.add_typer(own_app, name="own")


def _print_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"modelprint {version('modelprint')}")
        raise typer.Exit
    return wanted


@app.callback()
def modelprint(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Seal a classifier with a few images that detect nearly any change of its weights, and verify endpoints with them.

    Exit codes: 0 done, intact or unrelated, 1 tampered or a copy, 2 wrong usage, unreadable input or an output that
    could not be written, 3 no verdict, 130 stopped by Ctrl-C. Where 0 and 1 are verdicts, the verdict was printed.
    """


def main() -> None:
    """Run the command line of this process and exit."""
    _occupy_closed_streams()
    keep_freed_memory()
    code = run(sys.argv[1:])
    # What cannot be written by now would change the exit code when the interpreter ends.
    _drop_stuck_output()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; the only place where an error becomes one line on stderr."""
    try:
        command = typer.main.get_command(app)
        with command.make_context("modelprint", list(arguments) or ["--help"]) as context:
            command.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except typer.Exit as done:
        return done.exit_code
    except BrokenPipeError:
        _drop_stuck_output()
        return CLOSED
    # Nothing may end with Python's own exit codes: 1 means tampered, and code of a model may ask for any by SystemExit.
    except BaseException as problem:
        if os.environ.get(DEBUG) == "1":
            traceback.print_exc()
        print_remark(to_one_line(_error_line(problem)))
        return STOPPED if isinstance(problem, KeyboardInterrupt | typer.Abort) else WRONG
    return 0


def _occupy_closed_streams() -> None:
    """Open the null device in place of a closed stdin, stdout or stderr, so that no file of ours gets its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as long as the process lives


def _drop_stuck_output() -> None:
    """Let what stdout and stderr hold, but cannot write, go nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _error_line(problem: BaseException) -> str:
    """Return the message for `problem`."""
    if isinstance(problem, Interrupted):
        return f"stopped; {problem}"
    if isinstance(problem, KeyboardInterrupt | typer.Abort):
        return "stopped; run the same command to start again"
    if isinstance(problem, typer.TyperException):
        return f"error: {_explain_usage(problem)}"
    if isinstance(problem, ImportError):
        return f"error: {_explain_missing(problem)}"
    if isinstance(problem, OSError):
        return f"error: {problem.filename or 'input or output'}: {problem.strerror or problem}"
    if isinstance(problem, SystemExit):
        return f"error: code that was imported or called tried to end the program: SystemExit: {problem}"
    if isinstance(problem, ModelprintError | ValueError):
        return f"error: {problem}"
    return f"error: unexpected {type(problem).__name__}: {problem}; {DEBUG}=1 shows where, please report it"


def _explain_usage(problem: typer.TyperException) -> str:
    """Return the message for a wrong command line, with the help to read."""
    message = problem.format_message().strip().rstrip(".")
    context = getattr(problem, "ctx", None)
    see = "modelprint" if context is None else context.command_path
    return f"{message[:1].lower()}{message[1:]}; see: {see} --help"


def _explain_missing(problem: ImportError) -> str:
    """Return the message for a missing module, with the extra that installs it."""
    module = (problem.name or "").partition(".")[0]
    if module not in EXTRAS:
        return f"{problem}; install modelprint again"
    return f"this needs {module}, which is not installed; {advise_extra(EXTRAS[module])}"
