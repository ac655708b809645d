"""The linear classifier behind LitServe: `python run_litserve.py PORT`."""

import base64
import sys

import litserve
from linear import decode, rank


class Classify(litserve.LitAPI):
    """Takes base64 text."""

    def setup(self, device):  # noqa: ANN001, ANN201
        """Load nothing."""

    def decode_request(self, request):  # noqa: ANN001, ANN201
        """Return the grey levels."""
        return decode(base64.b64decode(request["image_bytes"]))

    def predict(self, pixels):  # noqa: ANN001, ANN201
        """Return scored classes."""
        return rank(pixels)

    def encode_response(self, output):  # noqa: ANN001, ANN201
        """Return them as they are."""
        return output


if __name__ == "__main__":
    litserve.LitServer(Classify(), accelerator="cpu").run(
        port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False
    )
