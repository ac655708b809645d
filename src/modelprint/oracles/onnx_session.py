"""Options for sessions of ONNX Runtime with graphs from anyone: limited memory, and nothing printed.

A graph of a few hundred bytes can ask for constants of any size. All tensors of our sessions come from one arena of the
process, which has a limit. Constants that are computed when the session starts do not; their size is limited too.
"""

from contextlib import suppress
from functools import cache
from typing import Any

MEMORY_LIMIT = 4 * 2**30
"""Bytes that a graph may use for its tensors, beside four times the size of its files."""

FOLDED_LIMIT = 2**26
"""Bytes of one constant that is computed when the session starts; a larger one is computed with each answer."""

SILENT = 4
"""Severity of log lines: only what ends the process."""


def make_options(runtime: Any, size: int) -> Any:
    """Return session options for a graph.

    Args:
        runtime: The module onnxruntime.
        size: Bytes of its files. The first graph of a process determines the limit.
    """
    runtime.set_default_logger_severity(SILENT)
    options = runtime.SessionOptions()
    options.log_severity_level = SILENT
    with suppress(Exception):  # an ONNX Runtime without such an arena computes without a limit
        _make_arena(runtime, MEMORY_LIMIT + 4 * (size + 1))
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("optimization.constant_folding_max_output_size_in_bytes", str(FOLDED_LIMIT))
    return options


@cache
def _make_arena(runtime: Any, limit: int) -> None:
    kind, purpose = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, runtime.OrtMemType.DEFAULT
    usual = dict.fromkeys(("arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk"), -1)
    settings = runtime.OrtArenaCfg({"max_mem": limit, **usual})
    runtime.create_and_register_allocator(runtime.OrtMemoryInfo("Cpu", kind, 0, purpose), settings)
