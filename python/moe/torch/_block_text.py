# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A whole block as MLIR: router, experts and shared expert."""

from __future__ import annotations

from dataclasses import dataclass

from ._text import Experts, _Writer, real, tensor


@dataclass(frozen=True)
class Router:
    """How logits become experts and their weights: the attributes of moe.route."""

    score: str = "softmax"
    rule: str = "normalized"
    groups: tuple = ()  # (number, kept, best of a group that rank it)
    scale: float = 1.0
    epsilon: float = 0.0
    bias: bool = False  # of the linear layer: part of the logits
    choice_bias: bool = False  # f32; decides who is selected, not with which weight


@dataclass(frozen=True)
class Block:
    """A router and its experts; `shared` is the width of a dense network that sees every token, 0 if there is none."""

    experts: Experts
    router: Router
    shared: int = 0

    def text(self) -> str:
        """Returns the module: one function, `experts`, with two results: y, and the router's weights."""
        return _BlockWriter(self.experts, block=self).write()


@dataclass
class _BlockWriter(_Writer):
    block: Block = None  # type: ignore[assignment]

    def routing_arguments(self) -> None:
        s, router, shared = self.spec, self.block.router, self.block.shared
        self.argument("router", (s.experts, s.hidden), s.weights, weight=True)
        if router.bias:
            self.argument("router_bias", (s.experts,), s.weights, weight=True)
        if router.choice_bias:
            self.argument("choice_bias", (s.experts,), "f32", weight=True)
        if shared:
            self.argument("shared_gate", (shared, s.hidden), s.weights, weight=True)
            self.argument("shared_up", (shared, s.hidden), s.weights, weight=True)
            self.argument("shared_down", (s.hidden, shared), s.weights, weight=True)

    def turned(self, name: str, rows: int, columns: int) -> str:
        """A linear layer's weight [out,in] as [in,out]."""
        stored, wanted = tensor((rows, columns), self.spec.weights), tensor((columns, rows), self.spec.weights)
        self.line(f"%{name}_empty = tensor.empty() : {wanted}")
        self.line(
            f"%{name}_turned = linalg.transpose ins(%{name} : {stored}) outs(%{name}_empty : {wanted}) permutation = [1, 0]"
        )
        return f"%{name}_turned : {wanted}"

    def routing(self, table: str) -> str:
        s, router = self.spec, self.block.router
        tokens, logits = tensor((None, s.hidden), s.rows), tensor((None, s.experts), "f32")
        value, type = self.turned("router", s.experts, s.hidden).split(" : ")
        self.line(f"%tokens = tensor.dim %x, %c0 : {tokens}")
        self.line("%nothing = arith.constant 0.0 : f32")
        self.line(f"%empty_logits = tensor.empty(%tokens) : {logits}")
        self.line(f"%zero_logits = linalg.fill ins(%nothing : f32) outs(%empty_logits : {logits}) -> {logits}")
        self.line(
            f"%product = linalg.matmul ins(%x, {value} : {tokens}, {type})", f"outs(%zero_logits : {logits}) -> {logits}"
        )
        name = "%product"
        if router.bias:
            name = "%logits"
            row, column = "affine_map<(t, e) -> (t, e)>", "affine_map<(t, e) -> (e)>"
            widen = [] if s.weights == "f32" else [f"%wide = arith.extf %bias : {s.weights} to f32"]
            self.line(
                f"%logits = linalg.generic {{indexing_maps = [{row}, {column}, {row}],",
                'iterator_types = ["parallel", "parallel"]}',
                f"ins(%product, %router_bias : {logits}, {tensor((s.experts,), s.weights)})",
                f"outs(%empty_logits : {logits}) {{",
                f"^bb0(%logit: f32, %bias: {s.weights}, %old: f32):",
                *widen,
                f"%biased = arith.addf %logit, {'%wide' if widen else '%bias'} : f32",
                "linalg.yield %biased : f32",
            )
            self.line(f"}} -> {logits}")
        bias = f" bias(%choice_bias : {tensor((s.experts,), 'f32')})" if router.choice_bias else ""
        groups = " groups(%d keep %d by top_sum %d)" % router.groups if router.groups else ""
        scale = f" scale {real(router.scale)}" if router.scale != 1 else ""
        epsilon = f" {{epsilon = {real(router.epsilon)}}}" if router.epsilon else ""
        self.line(
            f"%indices, %weights = moe.route {name}{bias} score({router.score}) weights({router.rule}){groups}{scale}{epsilon}",
            f": {logits} -> {table}, {tensor((None, s.top_k), s.router)}",
        )
        return "%indices"

    def results(self, tokens: str) -> dict[str, str]:
        s, shared = self.spec, self.block.shared
        weights = tensor((None, s.top_k), s.router)
        if not shared:
            return {"%y": tokens, "%weights": weights}
        gate, up = self.turned("shared_gate", shared, s.hidden), self.turned("shared_up", shared, s.hidden)
        down = self.turned("shared_down", s.hidden, shared)
        self.line(
            f"%shared = moe.expert_ffn %x gate({gate}) up({up}) down({down})",
            f"activation({s.activation}) : {tokens} -> {tokens}",
        )
        self.line(f"%empty_sum = tensor.empty(%tokens) : {tokens}")
        self.line(f"%sum = linalg.add ins(%y, %shared : {tokens}, {tokens}) outs(%empty_sum : {tokens}) -> {tokens}")
        return {"%sum": tokens, "%weights": weights}
