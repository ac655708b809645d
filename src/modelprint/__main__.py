"""Where the program begins. An import that fails must not end it with Python's exit code 1, which means tampered.

Imports nothing that could fail, and no other module of the package until it runs.
"""

import sys

WRONG, STOPPED = 2, 130
"""Exit codes, as in `modelprint.cli`."""


def main() -> None:
    """Run the command line of this process and exit."""
    try:
        from modelprint.cli import main as run_command
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except BaseException as problem:  # also SystemExit: what is imported may not choose a verdict
        _end(f"cannot be imported ({type(problem).__name__}: {problem}); install modelprint again")
    try:
        run_command()
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except Exception as problem:
        _end(f"unexpected {type(problem).__name__}: {problem}")


def _end(reason: str) -> None:
    """Print one line, if anyone listens, and exit."""
    try:
        if sys.stderr is not None:
            print(f"error: {' '.join(reason.split())}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass
    sys.exit(WRONG)


if __name__ == "__main__":
    main()
