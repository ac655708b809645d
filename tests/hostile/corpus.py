"""Hostile inputs of every kind, made here: what each reader must refuse. Random ones are made by `make fuzz`."""

import gzip
import json
import pickle
import struct
from collections.abc import Callable

import numpy as np

from tests.hostile import records, valid
from tests.hostile.makers import (
    BOMB,
    LAUGHS,
    LFS,
    NESTED,
    Runs,
    deflated,
    edit_json,
    empty_tensor,
    graph,
    lines,
    npy,
    npy_of,
    npz,
    png,
    program,
    rename,
    run,
    safetensors,
    sealed,
    set_dims,
    set_location,
    set_operator,
    webp,
)
from tests.hostile.mutations import DEEP, write_archive

HEAD = {"kind": "ledger", "format": 1, "fingerprint": "f" * 64, "oracle": "0" * 64}
OWNED = {"kind": "answers", "format": 1, "oracle": {"kind": "fake"}, "subject": "s"}
DEEP_TOML = b"a = " + b"[" * 5000 + b"]" * 5000

CORPUS: dict[str, dict[str, Callable[[], bytes]]] = {
    "fingerprint, integrity": {
        "nothing": lambda: b"",
        "a pointer of Git LFS": lambda: LFS,
        "a bomb": lambda: deflated("manifest.json", BOMB),
        "a way out": lambda: write_archive({"../evil.png": b"x"}),
        "a nested manifest": lambda: write_archive({"manifest.json": NESTED}),
        "a nested setting": lambda: sealed(lambda m: m["provenance"].update(settings=DEEP)),
        "no honest flips": lambda: sealed(lambda m: m["profile"].update(flip_rate=1e-20)),
        "a number too large": lambda: sealed(lambda m: m["samples"][0].update(label=10**400)),
        "a label out of range": lambda: sealed(lambda m: m["samples"][0].update(label=2**40)),
        "not a number": lambda: sealed(lambda m: m["samples"][0].update(margin=float("nan"))),
        "a terminal's commands": lambda: sealed(lambda m: m["class_names"].__setitem__(0, "\x1b[2J")),
        "a long key": lambda: sealed(lambda m: m["profile"].update({"x" * 100_000: 1})),
    },
    "fingerprint, ownership": {
        "an array of objects": lambda: write_archive({"manifest.json": b"{}", "arrays/pixels.npy": npy("(1,)", "|O")}),
        "another kind": lambda: edit_json(
            valid.fingerprints("ownership-views-1")[0], "manifest.json", lambda m: m.update(kind=["ownership"])
        ),
    },
    "sample, PNG": {
        "huge": lambda: png(60_000, 60_000),
        "sixteen bits": lambda: png(8, 8, 16, data=bytes(8 * 17)),
        "a text": lambda: png(8, 8, data=bytes(72), extra=b"Comment\0x"),
        "no pixels": lambda: png(0, 0),
    },
    "weights, safetensors": {
        "a header of 2^63 bytes": lambda: safetensors({}, length=2**63),
        "a pickle": lambda: pickle.dumps(Runs()),
        "nested": lambda: struct.pack("<Q", len(NESTED) + 6) + b'{"a":' + NESTED + b"}",
        "20 million classes": lambda: safetensors({"head.weight": empty_tensor(20_000_000, 0)}),
        "no channels": lambda: safetensors({"convolutions.0.weight": empty_tensor(16, 0, 3, 3)}),
        "2^62 values": lambda: safetensors({"a": empty_tensor(2**31, 2**31)}),
        "a form of no network": lambda: safetensors({"__metadata__": {"modelprint.form": "exec('1')"}}),
        "no graph": lambda: safetensors(
            {
                "__metadata__": {"modelprint.form": "onnx"},
                "content": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
            },
            b"ONNX",
        ),
    },
    "network, .pt2": {
        "a bomb": lambda: deflated("p/models/model.json", BOMB),
        "nested": lambda: write_archive({"p/models/model.json": NESTED}),
        "a pickle": lambda: pickle.dumps(Runs()),
        "a file of the system": lambda: program(set_operator("torch.ops.aten.from_file.default")),
        "code for an operator": lambda: program(set_operator("os.system")),
        "a function of Python": lambda: program(set_operator("builtins.exec")),
        "a huge tensor": lambda: program(
            set_operator(
                "torch.ops.aten.zeros.default", {"name": "size", "arg": {"as_ints": [2**20, 2**20]}, "kind": 1}
            )
        ),
        "weights as a pickle": lambda: edit_json(
            valid.programs()[0], "model_weights_config.json", lambda c: c["config"]["0.weight"].update(use_pickle=True)
        ),
        "another schema": lambda: program(lambda record: record["schema_version"].update(major=10**30)),
    },
    "network, .onnx": {
        "nothing": lambda: b"",
        "a huge constant": lambda: graph(set_dims),
        "an unknown operator": lambda: graph(rename),
    },
    "network, .onnx with external data": {
        "a way out": lambda: graph(set_location("../weights.bin"), external=True),
        "a file of the system": lambda: graph(set_location("/etc/passwd"), external=True),
        "a file without end": lambda: graph(set_location("/dev/zero"), external=True),
        "no name": lambda: graph(set_location(""), external=True),
        "no UTF-8": lambda: valid.graphs(external=True)[0].replace(b"weights.bin", b"weights\xff\xfebi"),
        "a NUL": lambda: graph(set_location("a\0b"), external=True),
        "itself": lambda: graph(set_location("g.onnx"), external=True),
        "nothing there": lambda: graph(set_location("missing.bin"), external=True),
    },
    "data, .npz": {
        "objects": lambda: npz(labels=npy_of(np.array([Runs()], dtype=object))),
        "a label of 2^62": lambda: npz(labels=npy_of(np.array([2**62] * 6))),
        "a negative label": lambda: npz(labels=npy_of(np.array([-1] * 6))),
        "2^61 images": lambda: npz(pixels=npy("(2305843009213693952, 1, 1, 1)")),
        "names of no characters": lambda: npz(class_names=npy("(3,)", "<U1", b"\xff\xff\xff\x7f" * 3)),
        "a nested shape": lambda: npz(pixels=npy("(" * 9000)),
        "code for a shape": lambda: npz(pixels=npy("__import__('os')")),
        "a bomb": lambda: deflated("pixels.npy", BOMB),
        "not an archive": lambda: b"PK\x05\x06" + b"\xff" * 18,
    },
    "data, IDX": {"2^32 images": lambda: struct.pack(">HBBIII", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)},
    "data, IDX gzipped": {"a bomb": lambda: gzip.compress(valid.idx()[0] + bytes(BOMB), mtime=0)},
    "data, parquet": {"not a table": lambda: b"PAR1" + b"\xff" * 40 + b"PAR1"},
    "data, folder of pictures": {"another size": lambda: png(9, 9, data=bytes(90))},
    "image, PNG": {
        "huge": lambda: png(60_000, 60_000),
        "sixteen bits": lambda: png(8, 8, 16, 2, data=bytes(8 * 49)),
        "cut off": lambda: valid.images("PNG")[1][:60],
        "an SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "a program": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    },
    "image, JPEG": {"cut off": lambda: valid.images("JPEG")[1][:100]},
    "image, WebP BMP PPM": {"a huge canvas": lambda: webp(16_383), "a huge map": lambda: b"P6 60000 60000 255\n"},
    "record of downloads": {"nested": lambda: NESTED, "a list": lambda: b'{"format": 1, "files": []}'},
    "endpoint, YAML": {
        "a tag of Python": lambda: b"endpoint: !!python/object/apply:os.system [true]\n",
        "a billion laughs": lambda: LAUGHS.encode(),
        "nested": lambda: NESTED,
        "many keys": lambda: b"".join(b"k%d: 1\n" % n for n in range(6_000)),
        "many lines": lambda: b"a\n" * 120_000,
        "many questions": lambda: b"? " * 60_000,
        "no text": lambda: b"endpoint: \xff\xfe",
        "a secret in the text": lambda: b"endpoint: {kind: http, url: 'http://a/?token=abc', response: {label: $.l}}",
    },
    "path into a reply": {
        "a slice": lambda: b"$[0:9]",
        "a filter": lambda: b"$[?(@.a)]",
        "long": lambda: b"$" + b".a" * 300,
    },
    "reply of an endpoint": {
        "HTML": lambda: b"<!doctype html><title>502</title><h1>Bad gateway</h1>",
        "nothing": lambda: b"",
        "nested": lambda: NESTED,
        "nested objects": lambda: b'{"label":' * 50_000,
        "large": lambda: b"[" + b"0.1," * 250_000 + b"0.1]",
        "not a number": lambda: b'{"label": NaN, "scores": [NaN, Infinity, 1]}',
        "five thousand digits": lambda: b'{"label": ' + b"9" * 5000 + b"}",
        "not UTF-8": lambda: b'{"label": "\xff"}',
        "backslashes": lambda: b"\\" * 2**20,
        "a terminal's commands": lambda: b"\x1b]0;title\x07\x1b[2J",
        "a text in a text": lambda: json.dumps(json.dumps(json.dumps(json.dumps(json.dumps("cat"))))).encode(),
        "a class of no number": lambda: (
            b'{"outputs": [{"name": "scores", "datatype": "BYTES", "shape": [1], "data": ["x:y:z"]}]}'
        ),
    },
    "transcript": {
        "nothing": lambda: b"",
        "nested": lambda: NESTED + b"\n",
        "no header": lambda: lines({"kind": "verdict", "outcome": "intact"}),
        "another kind": lambda: lines(HEAD),
        "not UTF-8": lambda: b'{"kind": "\xff"}\n',
    },
    "ledger": {
        "another model": lambda: lines({**HEAD, "fingerprint": "x" * 50_000}),
        "a sample that is not there": lambda: lines(HEAD, {"kind": "asked", "index": 10**30}),
        "a run of 400 digits": lambda: lines(HEAD, {"kind": "run", "at": "", "number": 10**400}),
        "a negative run": lambda: lines(HEAD, {"kind": "run", "at": "", "number": -1}),
        "nested": lambda: lines(HEAD, NESTED),
    },
    "log of answers": {
        "another check": lambda: lines({**OWNED, "subject": "x" * 50_000}),
        "nested": lambda: lines(OWNED, NESTED),
        "an infinite score": lambda: lines(
            OWNED, b'{"kind": "answer", "png_sha256": "", "answer": {"label": 1, "ranking": [[0, Infinity]]}}'
        ),
    },
    "plan, TOML": {
        "nested": lambda: DEEP_TOML,
        "long": lambda: b"#" * (2**20 + 1),
        "a huge number": lambda: records.PLAN.replace("seed = 7", f"seed = {10**4000}").encode(),
        "a million suspects": lambda: records.PLAN.replace("models = 2", "models = 1000000").encode(),
        "no text": lambda: b"\xff",
    },
    "folder of a run": {
        "a nested record": lambda: run(record__json=NESTED),
        "a nested part": lambda: run(
            record__json=b'{"version": 1, "plan": "a", "scale": "b", "studies": ' + NESTED + b"}"
        ),
        "a number of 400 digits": lambda: edit_json(
            records.run_folder()[0], "record.json", lambda record: record.update(planned=10**400)
        ),
        "no record": lambda: write_archive({"plan.toml": b""}),
        "nested remarks": lambda: run(remarks__toml=DEEP_TOML),
    },
}
"""By reader and by what is wrong: what makes the input."""

ACCEPTED: dict[str, dict[str, Callable[[], bytes]]] = {
    "sample, PNG": {"a bomb behind the pixels": lambda: png(8, 8, data=bytes(BOMB))},
    "network, .pt2": {
        "guards with code": lambda: program(lambda record: record.update(guards_code=["exit(0)"])),
    },
    "data, .npz": {
        "an array of objects that is not used": lambda: npz(more=npy_of(np.array([Runs()], dtype=object))),
        "a header of Python 2": lambda: npz(pixels=npy("(6L, 8L, 8L)", data=valid.PIXELS.tobytes())),
    },
    "folder of a run": {
        "a time of 400 digits": lambda: run(
            timings__jsonl=b'{"key": "a", "label": "b", "seconds": ' + b"9" * 400 + b"}\n"
        ),
        "nested lines": lambda: run(observations__jsonl=NESTED + b"\n", timings__jsonl=NESTED + b"\n"),
    },
}
"""What is read without using what is hostile in it."""
