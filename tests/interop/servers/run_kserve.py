"""The linear classifier behind the Python server of KServe, protocols v1 and v2: `python run_kserve.py PORT`."""

import sys

import kserve
import numpy as np
from kserve import InferOutput, InferRequest, InferResponse
from linear import score


class Linear(kserve.Model):
    """Answers with the probabilities of all classes."""

    def __init__(self, name):  # noqa: ANN001, ANN204
        super().__init__(name)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):  # noqa: ANN001, ANN201
        """Return one row for each picture, as the protocol of the question wants it."""
        if isinstance(payload, InferRequest):
            rows = np.stack([score(pixels) for pixels in payload.inputs[0].as_numpy()]).astype(np.float32)
            output = InferOutput(name="scores", shape=list(rows.shape), datatype="FP32", data=rows.ravel().tolist())
            return InferResponse(response_id=payload.id, model_name=self.name, infer_outputs=[output])
        return {"predictions": [score(pixels).tolist() for pixels in payload["instances"]]}


if __name__ == "__main__":
    kserve.ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1).start([Linear("linear")])
