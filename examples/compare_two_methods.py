"""Compare two methods: how often does a fingerprint by each of them detect some tampered copies?

Run it as it stands: python examples/compare_two_methods.py. It takes seconds and needs `pip install '.[generate]'`.
It writes nothing.

What it shows: the weights of the copies are known here, so each copy is asked about every sample. From the number of
labels that differ follows the exact probability that N samples, drawn at random, detect the copy; nothing is simulated.
"""

from modelprint import SUITE, generate, load_data
from modelprint.demo.quickstart import train_digits
from modelprint.detection import detection_rate, mismatches
from modelprint.generation.measures import NOTHING
from modelprint.methods.bisection import Bisection
from modelprint.methods.junction import Junction
from modelprint.tamperings import make_suspect

KINDS = ("finetune-all-1e-3", "finetune-last-1e-3", "prune-20", "int8-weights")
COUNT = 12

data = load_data("digits")
model = train_digits(data, seed=7)
copies = {kind: make_suspect(kind, SUITE[kind](), model, data, seed=1).classifier for kind in KINDS}

print(f"{'method':10} {'tampering':20} {'labels that differ':>18} {'N=1':>7} {'N=5':>7}")
for name, method in (("bisection", Bisection()), ("junction", Junction())):
    made = {"count": COUNT, "profile": "exact", "seed": 7, "allow_fewer": True}
    fingerprint, _ = generate(model, data, method, measures=NOTHING, **made)
    for kind, copy in copies.items():
        changed, samples = sum(mismatches(copy, fingerprint)), len(fingerprint.samples)
        one, five = (detection_rate(changed, samples, queries) for queries in (1, 5))
        print(f"{name:10} {kind:20} {f'{changed} of {samples}':>18} {one:7.1%} {five:7.1%}")
