# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The layers of moe.layers in NumPy f64, to be read: what the tests hold compiled code against."""

import math

import numpy as np

ERF = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def activate(name, x, alpha=1.0):
    return {
        "none": lambda: x,
        "silu": lambda: x * sigmoid(alpha * x),
        "sigmoid": lambda: sigmoid(x),
        "gelu": lambda: x / 2 * (1 + ERF(x / math.sqrt(2))),
        "gelu_tanh": lambda: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        "relu": lambda: np.maximum(x, 0),
        "relu2": lambda: np.maximum(x, 0) ** 2,
    }[name]()


def norm(name, x, epsilon):
    if name == "layer":
        x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon)


def matrix(w, layout):
    """A weight as [in,out]."""
    return np.swapaxes(w, -1, -2) if layout == "out_in" else w


def logits(x, w, router, experts):
    z = x @ matrix(w["router"], experts.layout)
    return z + w["router_bias"] if router.logit_bias else z


def route(z, w, router, top_k):
    """Returns indices (-1: none) and weights, [T,K]."""
    score = {"identity": lambda: z, "softmax": lambda: softmax(z), "sigmoid": lambda: sigmoid(z)}[router.score]()
    key = score + w["score_bias"] if router.bias else score.copy()
    tokens, count = z.shape
    if router.groups:
        groups, kept, best = router.groups
        grouped = key.reshape(tokens, groups, -1)
        rank = np.sort(grouped, -1)[:, :, -best:].sum(-1)
        for t in range(tokens):
            for g in np.argsort(-rank[t], kind="stable")[kept:]:
                grouped[t, g] = -np.inf
        key = grouped.reshape(tokens, count)
    indices = np.argsort(-key, axis=-1, kind="stable")[:, :top_k]
    chosen = np.take_along_axis(score, indices, -1)
    if router.top_p is not None:
        indices = np.where(np.cumsum(chosen, -1) - chosen < router.top_p, indices, -1)
    live = indices >= 0
    if router.weights == "score":
        weights = chosen
    elif router.weights == "unit":
        weights = np.ones_like(chosen)
    elif router.weights == "normalized":
        total = (chosen * live).sum(-1, keepdims=True) + (router.epsilon or 0)
        weights = chosen / total
    else:
        weights = softmax(np.where(live, chosen, -np.inf))
    return indices, np.where(live, weights, 0) * (1 if router.scale is None else router.scale)


def split(w, experts, prefix, axis):
    """Gate and up, each with its bias, of a weight that may hold both."""
    if experts.gate_up == "separate" or not experts.gated:
        names = ("gate", "up") if experts.gated else ("up",)
        return [(w[prefix + n], w.get(f"{prefix}{n}_bias")) for n in names]
    whole, bias = w[prefix + "gate_up"], w.get(prefix + "gate_up_bias")
    half = whole.shape[axis] // 2
    parts = [slice(0, half), slice(half, None)]
    if experts.gate_up == "interleaved":
        parts = [slice(0, None, 2), slice(1, None, 2)]
    index = [(slice(None),) * (whole.ndim + axis) + (p,) for p in parts]
    return [(whole[i], None if bias is None else bias[..., p]) for i, p in zip(index, parts)]


def ffn(x, w, experts, prefix="", expert=None):
    """One expert, or a shared one, on rows [S,d]."""
    axis = -2 if experts.layout == "out_in" else -1
    pick = (lambda a: a) if expert is None else (lambda a: a[expert])
    parts = []
    for weight, bias in split(w, experts, prefix, axis):
        product = x @ matrix(pick(weight), experts.layout)
        parts.append(product if bias is None else product + pick(bias))
    limit = experts.limit
    up = parts[-1] if limit is None else np.clip(parts[-1], -limit, limit)
    alpha = 1.0 if experts.alpha is None else experts.alpha
    if experts.gated:
        gate = parts[0] if limit is None else np.minimum(parts[0], limit)
        hidden = activate(experts.activation, gate, alpha) * (up + (experts.up_offset or 0))
    else:
        hidden = activate(experts.activation, up, alpha)
    result = hidden @ matrix(pick(w[prefix + "down"]), experts.layout)
    return result + pick(w[prefix + "down_bias"]) if experts.bias else result


def slots(x, indices, w, experts, capacity=None):
    """The outputs of each token's experts [T,K,d], and which slots were computed [T,K]."""
    tokens, top_k = indices.shape
    if isinstance(capacity, float):
        capacity = math.ceil(tokens * top_k * capacity / experts.count)
    live = indices >= 0
    taken = [0] * experts.count
    for t in range(tokens):
        for k in range(top_k):
            if live[t, k]:
                taken[indices[t, k]] += 1
                live[t, k] = capacity is None or taken[indices[t, k]] <= capacity
    out = np.zeros((tokens, top_k, x.shape[1]))
    for e in range(experts.count):
        rows = np.nonzero((indices == e) & live)
        out[rows] = ffn(x[rows[0]], w, experts, expert=e)
    return out, live


def shared(x, w, experts, options):
    if options is None:
        return 0
    y = ffn(x, w, experts, "shared_")
    return y * sigmoid(x @ matrix(w["shared_score"], experts.layout)) if options.scored else y


def standard(x, w, experts, top_k, router, shared_options=None, capacity=None):
    """Returns a dict of the results of moe.layers.standard."""
    z = logits(x, w, router, experts)
    indices, weights = route(z, w, router, top_k)
    out, live = slots(x, indices, w, experts, capacity)
    y = (out * (weights * live)[..., None]).sum(1) + shared(x, w, experts, shared_options)
    return {"y": y, "logits": z, "indices": indices, "weights": weights}


def dag(x, w, experts, top_k, router, message="silu", kind="rms", epsilon=1e-6, residual=True, residual_scale=None,
        shared_options=None, capacity=None):
    """Returns y of moe.layers.dag."""
    indices, weights = route(logits(x, w, router, experts), w, router, top_k)
    out, live = slots(x, indices, w, experts, capacity)
    scale = (1 / top_k if residual_scale is None else residual_scale) if residual else 0
    nodes = out * weights[..., None] + scale * x[:, None]
    edges = w.get("dag_edges", np.ones((top_k, top_k)))
    pairs = edges * live[:, None, :]  # a masked node sends nothing
    for gamma, down, gates, up in zip(w["dag_gamma"], w["dag_down"], w["dag_message"], w["dag_up"]):
        a, b, p, q = np.split(norm(kind, nodes, epsilon) * gamma @ down @ gates, 4, -1)
        gate = activate(message, a[:, :, None] + b[:, None])
        nodes = nodes + (pairs[..., None] * gate * (p[:, :, None] + q[:, None])).sum(2) @ up
    return (nodes * live[..., None]).sum(1) + shared(x, w, experts, shared_options)


def code_of(k, width, period=10000.0):
    angles = k * period ** (-np.arange(width // 2) / (width // 2))
    return np.concatenate([np.cos(angles), np.sin(angles)])


def loop(x, w, experts, top_k, router, iterations, gated=False, kind="rms", epsilon=1e-6):
    """Returns a dict of the results of moe.layers.loop."""
    h, stacks = x, {"logits_all": [], "indices_all": [], "weights_all": [], "y_all": []}
    for k in range(iterations):
        a = code_of(k, w["loop_w1"].shape[0]) @ w["loop_w1"] + w["loop_b1"]
        v = a * sigmoid(a) @ w["loop_w2"] + w["loop_b2"]
        c = v + h @ w["loop_project"]
        parts = np.split(c * sigmoid(c) @ w["loop_modulate"] + w["loop_bias"], 3 if gated else 2, -1)
        layer = standard((1 + parts[0]) * norm(kind, h, epsilon) + parts[1], w, experts, top_k, router)
        h = h + (parts[2] if gated else 1) * layer["y"]
        for name in ("logits", "indices", "weights"):
            stacks[f"{name}_all"].append(layer[name])
        stacks["y_all"].append(h)
    return {"y": h, **{name: np.stack(values) for name, values in stacks.items()}}


def plan(scores, temperature, iterations):
    """Sinkhorn in the log domain: rows sum to 1, columns to n/E, the columns exactly."""
    n, count = scores.shape
    z = scores / temperature
    for _ in range(iterations):
        z = z - np.logaddexp.reduce(z, 1)[:, None]
        z = z - np.logaddexp.reduce(z, 0)[None] + math.log(n / count)
    return np.exp(z)


def assign(scores):
    """Greedy: walks all scores from the greatest down."""
    n, count = scores.shape
    member, room = np.full(n, -1), [n // count] * count
    for flat in np.argsort(-scores, axis=None, kind="stable"):
        i, e = divmod(int(flat), count)
        if member[i] < 0 and room[e]:
            member[i], room[e] = e, room[e] - 1
    return member


def dot(x, w, experts, top_k, router, temperature, iterations):
    """Returns a dict of the results of moe.layers.dot."""
    p = plan(w["scores"], temperature, iterations)
    member = assign(p)
    order = np.argsort(member, kind="stable")
    d = x.shape[1]
    carved = {n: np.moveaxis(w[n][:, order].reshape(d, experts.count, -1), 0, 1) for n in ("gate", "up") if n in w}
    carved["down"] = w["down"][order].reshape(experts.count, -1, d)
    layer = standard(x, {**w, **carved}, experts, top_k, router)
    return {**layer, "plan": p, "member": member, "order": order, **carved}
