#!/usr/bin/env python3
"""Measures the peers that are used from Python, on inputs that moe-bench exported.

usage: peers.py --inputs=FOLDER --group=transformers|compiled|onnxruntime
                [--threads=1,2] [--budget=SECONDS]

Prints JSON lines like those of moe-bench. Runs in the virtual environment that
`benchmarks/run --python-peers` makes. The groups are processes of their own, because
each holds the weights in a form of its own.
"""

import argparse
import json
import pathlib
import resource
import sys
import time

import numpy as np

TURNS = 2
# Peers round between their steps (gate, up, each expert's row) where one kernel does
# not: they may be this many times further from f64 than we.
LENIENCE = 4


class Inputs:
    """What moe-bench exported: sizes, weights, and cells of batches."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for key, value in json.loads((self.folder / "manifest.json").read_text()).items():
            setattr(self, key, value)
        # numpy has no bf16: its bits travel as 16-bit integers.
        self.element = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16}[self.dtype]

    def read(self, name, element, shape):
        """Returns a file's numbers."""
        return np.fromfile(self.folder / name, element).reshape(shape)

    def weights(self, name):
        """Returns gate or up [E,F,d], or down [E,d,F]."""
        out, size = (self.d, self.F) if name == "down" else (self.F, self.d)
        return self.read(name, self.element, (self.E, out, size))

    def bias(self, name):
        """Returns the bias of gate, up or down, [E,out]."""
        return self.read(name + "_bias", self.element, (self.E, self.d if name == "down" else self.F))

    def gate_up_interleaved(self):
        """Returns gate and up as one [E,2F,d] with their rows in turns, and its bias or None."""
        both = np.stack([self.weights("gate"), self.weights("up")], axis=2).reshape(self.E, 2 * self.F, self.d)
        if not self.gpt_oss:
            return both, None
        return both, np.stack([self.bias("gate"), self.bias("up")], axis=2).reshape(self.E, 2 * self.F)

    def batches(self, cell):
        """Returns the batches of a cell: dicts of x, logits, indices and weights."""
        tokens = cell["tokens"]
        return [{
            "x": self.read(f"{cell['name']}.{i}.x", self.element, (tokens, self.d)),
            "logits": self.read(f"{cell['name']}.{i}.logits", np.float32, (tokens, self.E)),
            "indices": self.read(f"{cell['name']}.{i}.indices", np.int32, (tokens, self.K)),
            "weights": self.read(f"{cell['name']}.{i}.weights", np.float32, (tokens, self.K)),
        } for i in range(cell["batches"])]

    def error(self, cell, y):
        """Returns the largest error of a result of the first batch, relative to the rows' rms."""
        rows = self.read(f"{cell['name']}.rows", np.int64, -1)
        want = self.read(f"{cell['name']}.reference", np.float64, (len(rows), self.d))
        got = y[rows].astype(np.float64)
        rms = np.sqrt((want * want).mean(axis=1, keepdims=True))
        error = (np.abs(got - want) / rms).max()
        return float(error) if np.isfinite(error) else 1e30


class Torch:
    """The experts of transformers: Mixtral's, or those of gpt-oss where there are biases."""

    def __init__(self, inputs, implementation, compiled, shared):
        import torch
        import transformers

        self.torch, self.name = torch, ("compiled-" if compiled else "hf-") + implementation
        self.inputs = inputs
        if inputs.gpt_oss:
            from transformers.models.gpt_oss.modeling_gpt_oss import GptOssExperts as Experts
            config = transformers.GptOssConfig
        else:
            from transformers.models.mixtral.modeling_mixtral import MixtralExperts as Experts
            config = transformers.MixtralConfig
        config = config(hidden_size=inputs.d, intermediate_size=inputs.F, num_local_experts=inputs.E,
                        num_experts_per_tok=inputs.K, hidden_act="silu")
        config._experts_implementation = implementation
        with torch.device("meta"):
            experts = Experts(config).eval()
        if not shared:
            shared.update(self.parameters())
        for name, value in shared.items():
            setattr(experts, name, torch.nn.Parameter(value, requires_grad=False))
        # The call counts shapes: without it, each new number of tokens compiles again.
        self.run_experts = torch.compile(experts, dynamic=True) if compiled else experts

    def parameters(self):
        """Returns the parameters as these modules want them."""
        inputs = self.inputs
        if not inputs.gpt_oss:
            gate_up = np.concatenate([inputs.weights("gate"), inputs.weights("up")], axis=1)
            return {"gate_up_proj": self.tensor(gate_up), "down_proj": self.tensor(inputs.weights("down"))}
        weights, bias = inputs.gate_up_interleaved()
        return {
            "gate_up_proj": self.tensor(weights).transpose(1, 2).contiguous(),
            "gate_up_proj_bias": self.tensor(bias),
            "down_proj": self.tensor(inputs.weights("down")).transpose(1, 2).contiguous(),
            "down_proj_bias": self.tensor(inputs.bias("down")),
        }

    def tensor(self, array):
        """Returns an array as a tensor of the inputs' data type."""
        tensor = self.torch.from_numpy(array)
        return tensor.view(self.torch.bfloat16) if self.inputs.dtype == "bf16" else tensor

    def set_threads(self, threads):
        self.torch.set_num_threads(threads)

    def bind(self, batch):
        """Returns a function that computes y of a batch."""
        x, weights = self.tensor(batch["x"]), self.torch.from_numpy(batch["weights"])
        indices = self.torch.from_numpy(batch["indices"]).long()

        def call():
            with self.torch.inference_mode():
                return self.run_experts(x, indices, weights.to(x.dtype))
        return call

    def numpy(self, y):
        return y.float().numpy()


class OnnxRuntime:
    """The operator com.microsoft.MoE, which does the routing, too."""

    name = "onnxruntime"

    def __init__(self, inputs):
        import onnxruntime

        self.runtime, self.inputs = onnxruntime, inputs
        self.path = inputs.folder / "moe.onnx"
        weights, bias = inputs.gate_up_interleaved()
        weights.tofile(inputs.folder / "fc1")
        if bias is not None:
            bias.tofile(inputs.folder / "fc1_bias")
        self.write_model()
        self.sessions = {}

    def write_model(self):
        """Writes the model, which refers to the files of weights."""
        import onnx
        from onnx import helper

        inputs = self.inputs
        d, F, E, K = inputs.d, inputs.F, inputs.E, inputs.K
        element = onnx.TensorProto.FLOAT if inputs.dtype == "f32" else onnx.TensorProto.FLOAT16

        def weight(name, file, shape):
            tensor = onnx.TensorProto(name=name, data_type=element, dims=shape,
                                      data_location=onnx.TensorProto.EXTERNAL)
            tensor.external_data.add(key="location", value=file)
            return tensor

        initializers = [weight("fc1", "fc1", [E, 2 * F, d]), weight("fc2", "down", [E, d, F])]
        operands = ["x", "logits", "fc1", "", "fc2", ""]
        attributes = dict(k=K, activation_type="swiglu", swiglu_fusion=1, normalize_routing_weights=1,
                          activation_alpha=1.0, activation_beta=0.0)
        if inputs.gpt_oss:
            initializers += [weight("fc1_bias", "fc1_bias", [E, 2 * F]), weight("fc2_bias", "down_bias", [E, d])]
            operands[3], operands[5] = "fc1_bias", "fc2_bias"
            attributes.update(activation_alpha=1.702, activation_beta=1.0, swiglu_limit=7.0)
        node = helper.make_node("MoE", operands, ["y"], domain="com.microsoft", **attributes)
        value = lambda name, size: helper.make_tensor_value_info(name, element, ["T", size])
        graph = helper.make_graph([node], "moe", [value("x", d), value("logits", E)], [value("y", d)], initializers)
        model = helper.make_model(graph, ir_version=10, opset_imports=[
            helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        self.path.write_bytes(model.SerializeToString())

    def set_threads(self, threads):
        if threads not in self.sessions:
            self.sessions.clear()  # one copy of the weights at a time
            options = self.runtime.SessionOptions()
            options.intra_op_num_threads = threads
            self.sessions[threads] = self.runtime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"])
        self.session = self.sessions[threads]

    def bind(self, batch):
        feed = {"x": batch["x"], "logits": batch["logits"].astype(batch["x"].dtype)}
        return lambda: self.session.run(None, feed)[0]

    def numpy(self, y):
        return y.astype(np.float32)


def create_peers(group, inputs):
    """Returns the peers of a group, and a list of (name, reason) for those that cannot run."""
    if group == "onnxruntime":
        if inputs.dtype == "bf16":
            return [], [("onnxruntime", "the operator's CPU kernels are f32 and f16")]
        return [OnnxRuntime(inputs)], []
    shared = {}
    return [Torch(inputs, implementation, group == "compiled", shared)
            for implementation in ("eager", "grouped_mm")], []


def emit(inputs, kind, **fields):
    """Prints one line."""
    print(json.dumps({"kind": kind, "shape": inputs.shape, "dtype": inputs.dtype, **fields}), flush=True)


def measure_cell(inputs, cell, peers, threads, budget):
    """Checks the peers on a cell, times those that agree, and prints what came out."""
    where = dict(tokens=cell["tokens"], routing=cell["routing"], threads=threads)
    batches = inputs.batches(cell)
    ready = []
    for peer in peers:
        peer.set_threads(threads)
        calls = [peer.bind(batch) for batch in batches]
        start = time.perf_counter()
        try:
            y = calls[0]()
        except Exception as error:  # a peer's failure is a result, not ours
            emit(inputs, "skip", side=peer.name, reason=str(error).strip().split("\n")[0][:200], **where)
            continue
        first = time.perf_counter() - start
        error = inputs.error(cell, peer.numpy(y))
        if error > LENIENCE * inputs.tolerance:
            emit(inputs, "disagrees", side=peer.name, error=error, tolerance=LENIENCE * inputs.tolerance, **where)
            continue
        ready.append((peer, calls, first, error, []))
    for turn in range(TURNS):
        for peer, calls, _, _, samples in ready[::-1] if turn % 2 else ready:
            peer.set_threads(threads)
            time.sleep(0.005)
            for call in calls:
                call()
            spent, n = 0.0, 0
            while n < len(calls) or spent < budget / TURNS:
                start = time.perf_counter()
                calls[n % len(calls)]()
                took = time.perf_counter() - start
                samples.append(took * 1e3)
                spent, n = spent + took, n + 1
    flops = 6.0 * cell["tokens"] * inputs.K * inputs.d * inputs.F
    moved = cell["experts_hit"] * inputs.expert_bytes
    for peer, _, first, error, samples in ready:
        ms = float(np.median(samples))
        emit(inputs, "time", side=peer.name, **where, calls=len(samples), median_ms=ms,
             p10_ms=float(np.quantile(samples, 0.1)), p90_ms=float(np.quantile(samples, 0.9)),
             min_ms=min(samples), gflops=flops / ms * 1e-6, gbs=moved / ms * 1e-6, first_call_ms=first * 1e3,
             experts_hit=cell["experts_hit"], error=error,
             peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def main():
    parser = argparse.ArgumentParser(prog="peers.py")
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--group", required=True, choices=["transformers", "compiled", "onnxruntime"])
    parser.add_argument("--threads", default="1")
    parser.add_argument("--budget", type=float, default=0.5)
    options = parser.parse_args()
    inputs = Inputs(options.inputs)
    peers, skipped = create_peers(options.group, inputs)
    for name, reason in skipped:
        emit(inputs, "skip", side=name, reason=reason)
    if peers:
        for cell in inputs.cells:
            for threads in map(int, options.threads.split(",")):
                measure_cell(inputs, cell, peers, threads, options.budget)


sys.exit(main())
