"""The linear classifier behind the scoring server of MLflow: `python run_mlflow.py PORT`."""

import os
import sys
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

HERE = Path(__file__).parent


class Linear(mlflow.pyfunc.PythonModel):
    """Answers with the probabilities of all classes."""

    def predict(self, context, model_input, params=None):  # noqa: ANN001, ANN201
        """Return one row for each picture."""
        from linear import score

        return np.stack([score(pixels) for pixels in model_input])


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp()) / "model"
    schema = Schema([TensorSpec(np.dtype("uint8"), (-1, 3, 8, 8))])
    sys.path.insert(0, str(HERE))
    mlflow.pyfunc.save_model(
        folder, python_model=Linear(), signature=ModelSignature(inputs=schema), code_paths=[str(HERE / "linear.py")]
    )
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "-p", sys.argv[1]]
    os.execv(sys.executable, [*command, "--env-manager", "local", "--host", "127.0.0.1"])
