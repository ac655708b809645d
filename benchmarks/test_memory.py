"""Memory that is freed and kept against memory that is given back, for forward passes of a small network.

    pytest benchmarks/test_memory.py -s

Each way runs in a process of its own, ResNet-20 on batches of 64, in float32 and in float64. Processor time, that of
the system included, is printed with its ratio; nothing is asserted about time.
"""

import subprocess
import sys

PROBE = """
import sys, time, torch
from modelprint.memory import keep_freed_memory
from modelprint.networks import NETWORKS
if sys.argv[1] == "keep":
    keep_freed_memory()
torch.set_num_threads(1)
torch.manual_seed(0)
network = NETWORKS["resnet20"].make(class_count=10, channels=3).eval()
for kind in (torch.float32, torch.float64):
    network, images = network.to(kind), torch.rand(64, 3, 32, 32, dtype=kind)
    with torch.no_grad():
        network(images)
        started = time.process_time()
        for _ in range(10):
            network(images)
    print((time.process_time() - started) / 640 * 1e3)
"""


def test_kept_against_given_back() -> None:
    """Prints milliseconds of processor time per image."""
    usual, kept = ([float(line) for line in _measured(how).split()] for how in ("give back", "keep"))

    for kind, before, after in zip(("float32", "float64"), usual, kept, strict=True):
        print(f"\n{kind}: given back {before:.3f}, kept {after:.3f} ms per image: {before / after:.2f} times as fast")


def _measured(how: str) -> str:
    return subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, text=True, check=True).stdout
