"""A graph from anyone gets a limited part of the memory."""

import subprocess
import sys

CODE = """
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from modelprint.oracles import onnx_session

onnx_session.MEMORY_LIMIT = 2**25
nodes = [
    helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
    helper.make_node("ReduceMax", ["zeros"], ["largest"], keepdims=0),
    helper.make_node("Add", ["images", "largest"], ["logits"]),
]
ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4))] for name in ("images", "logits")]
for count in (10**6, 5 * 10**7):
    shape = numpy_helper.from_array(np.array([count], dtype=np.int64), "shape")
    graph = helper.make_model(
        helper.make_graph(nodes, "large", *ends, [shape]), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    options = onnx_session.make_options(onnxruntime, 100)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    try:
        print(session.run(None, {"images": np.ones((1, 4), np.float32)})[0].tolist())
    except Exception as problem:
        print(type(problem).__name__)
"""


def test_a_graph_that_asks_for_more_than_the_limit_fails() -> None:
    """4 MB fit into a limit of 32 MB, 200 MB do not, and nothing is printed; in a process of its own, for good."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)

    assert (done.stdout.splitlines(), done.stderr) == ([str([[1.0] * 4]), "Fail"], "")
