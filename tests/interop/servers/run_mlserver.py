"""The linear classifier behind MLServer: `python run_mlserver.py PORT`."""

import asyncio
import sys

import numpy as np
from linear import score
from mlserver import MLModel, MLServer
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelSettings, Settings
from mlserver.types import InferenceResponse


class Linear(MLModel):
    """Answers with the probabilities of all classes."""

    async def load(self):  # noqa: ANN201
        """Load nothing."""
        return True

    async def predict(self, payload):  # noqa: ANN001, ANN201
        """Return one row for each picture."""
        pixels = NumpyCodec.decode_input(payload.inputs[0])
        rows = np.stack([score(one) for one in pixels]).astype(np.float32)
        return InferenceResponse(
            id=payload.id, model_name=self.name, outputs=[NumpyCodec.encode_output(name="scores", payload=rows)]
        )


async def serve(port):  # noqa: ANN001, ANN201
    """Serve until stopped."""
    server = MLServer(
        Settings(host="127.0.0.1", http_port=port, grpc_port=port + 1, metrics_port=port + 2, parallel_workers=0)
    )
    await server.start([ModelSettings(name="linear", implementation=Linear)])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
