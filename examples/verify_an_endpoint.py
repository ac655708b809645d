"""Serve a sealed network over HTTP and verify it; then serve a tampered copy, and verify that.

Run it as it stands: python examples/verify_an_endpoint.py. It takes seconds and needs `pip install '.[serve]'`.
It writes nothing.

What it shows: the checker has the fingerprint and the address of the endpoint, nothing else. The demo server listens on
a free port of this machine; for an endpoint of your own, write its description to a file and use `load_endpoint`.
"""

from modelprint import SUITE, Classifier, Fingerprint, generate, load_data, open_oracle, verify
from modelprint.demo.quickstart import train_digits
from modelprint.demo.server import build_app, run_in_background
from modelprint.generation.measures import Measures
from modelprint.methods.bisection import Bisection
from modelprint.oracles.endpoint import parse_endpoint
from modelprint.tamperings import make_suspect

QUERIES = 20


def check(served: Classifier, fingerprint: Fingerprint) -> None:
    """Serve a classifier, ask it about the samples of the fingerprint, and print the verdict."""
    with run_in_background(build_app(served, name="digits", class_names=fingerprint.class_names)) as url:
        endpoint = parse_endpoint({"endpoint": {"kind": "open-inference", "url": url, "model": "digits"}})
        verdict = verify(open_oracle(endpoint, fingerprint.class_names), fingerprint, queries=QUERIES)
    print(verdict.summary())
    print(f"exit code of `modelprint verify`: {verdict.exit_code}\n")


data = load_data("digits")
model = train_digits(data, seed=7)

# The owner: seal samples that lie near the boundaries of the network.
fingerprint, _ = generate(
    model, data, Bisection(), count=60, profile="exact", seed=7, measures=Measures(expected_flip_rate=0.3)
)

# The checker: the network as it was released.
print("the network itself")
check(model, fingerprint)

# The checker: a copy that was fine-tuned for one epoch. Its accuracy is nearly the same.
copy = make_suspect("finetune-all-1e-3", SUITE["finetune-all-1e-3"](), model, data, seed=1)
moved = copy.movement
print(f"a fine-tuned copy: accuracy {moved.accuracy_before:.1%} before, {moved.accuracy_after:.1%} after")
check(copy.classifier, fingerprint)
