"""endpoint probe says how an endpoint answers, also when it does not."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "golden" / "format-1.mprint"


def test_an_endpoint_that_does_not_answer_is_exit_code_3(command: Any, tmp_path: Path) -> None:
    """Nothing listens at port 9; the report says so, and that labels could not be understood without class names."""
    path = tmp_path / "endpoint.yaml"
    path.write_text(
        "endpoint: {kind: open-inference, url: 'http://127.0.0.1:9', model: m, retry: {attempts: 1}, "
        "limits: {timeout_s: 2}}\n"
    )

    plain, known = (
        command("endpoint", "probe", path, "--count", "1", "--json"),
        command("endpoint", "probe", path, "--count", "1", "--fingerprint", FILE),
    )

    assert (plain.code, known.code) == (3, 3)
    report = json.loads(plain.out)
    assert (report["reachable"], report["asked"], report["answered"]) == (False, 1, 0)
    assert "no label can be understood" in plain.err
    assert "no label can be understood" not in known.err
