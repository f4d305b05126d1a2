# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The experts of a model as MLIR: from what distinguishes one family from another to the text of a module."""

from __future__ import annotations

from dataclasses import dataclass, field

# Activations that moe.expert_ffn knows, and those that are written out as arith and math on one element, %x -> %y.
NAMED = ("none", "silu", "sigmoid", "gelu", "gelu_tanh", "relu", "relu2")
WRITTEN = {
    "tanh": "%y = math.tanh %x : f32",
    "relu6": """
      %zero = arith.constant 0.0 : f32
      %six = arith.constant 6.0 : f32
      %positive = arith.maximumf %x, %zero : f32
      %y = arith.minimumf %positive, %six : f32""",
    "hardswish": """
      %zero = arith.constant 0.0 : f32
      %three = arith.constant 3.0 : f32
      %six = arith.constant 6.0 : f32
      %shifted = arith.addf %x, %three : f32
      %positive = arith.maximumf %shifted, %zero : f32
      %clipped = arith.minimumf %positive, %six : f32
      %product = arith.mulf %x, %clipped : f32
      %y = arith.divf %product, %six : f32""",
    "gelu_10": """
      %half = arith.constant 0.5 : f32
      %one = arith.constant 1.0 : f32
      %ten = arith.constant 10.0 : f32
      %minus_ten = arith.constant -10.0 : f32
      %root = arith.constant 0.70710678118654752 : f32
      %scaled = arith.mulf %x, %root : f32
      %erf = math.erf %scaled : f32
      %sum = arith.addf %erf, %one : f32
      %x_half = arith.mulf %x, %half : f32
      %gelu = arith.mulf %x_half, %sum : f32
      %capped = arith.minimumf %gelu, %ten : f32
      %y = arith.maximumf %capped, %minus_ten : f32""",
}

# tanh of x / cap, times cap, for the gate "softcap".
_SOFTCAP = """
      %{name}_cap = arith.constant {cap} : f32
      %{name}_scaled = arith.divf %{name}, %{name}_cap : f32
      %{name}_tanh = math.tanh %{name}_scaled : f32
      %{name}_capped = arith.mulf %{name}_tanh, %{name}_cap : f32"""


@dataclass(frozen=True)
class Experts:
    """What a module of experts computes, and how its tensors lie. Hashable: it is what compiled code is found by.

    The gate maps the up-projection to the hidden row:

        none      act(p)
        default   act(g) * u
        clamp     act(min(g, limit)) * clip(u, -limit, limit)
        oai       (clip(u, -limit, limit) + 1) * g' * sigmoid(alpha g') with g' = min(g, limit)
        softcap   c1 tanh(g / c1) * sigmoid(g) * c2 tanh(u / c2)
    """

    experts: int
    top_k: int
    hidden: int  # width of a row
    width: int  # of an expert
    rows: str = "f32"  # element types: f32, bf16, f16
    weights: str = "f32"
    router: str = "f32"
    index: str = "i64"
    gate: str = "default"
    activation: str = "silu"
    constants: tuple = ()  # clamp: (limit,), oai: (limit, alpha), softcap: (c1, c2)
    transposed: bool = False  # weights are [E,in,out]
    interleaved: bool = False  # columns are g0 u0 g1 u1 ...
    bias: bool = False
    norm: float | None = None  # epsilon of a norm of each expert's output
    packed: bool = False  # weights are bound once, and packed

    def text(self) -> str:
        """Returns the module: one function, `experts`."""
        return _Writer(self).write()


def tensor(shape, element: str) -> str:
    """Returns a tensor type; None is a dynamic size."""
    return f"tensor<{''.join('?x' if size is None else f'{size}x' for size in shape)}{element}>"


def real(value: float) -> str:
    """Returns a literal that reads back as the same number."""
    text = repr(float(value))
    mantissa, mark, exponent = text.partition("e")
    return (mantissa if "." in mantissa else f"{mantissa}.0") + mark + exponent


@dataclass
class _Writer:
    """Writes the module of `spec`, statement by statement."""

    spec: Experts
    arguments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def line(self, *parts: str) -> None:
        """Adds a statement; what follows the first part goes on lines of its own."""
        self.lines.append(f"  {parts[0]}")
        self.lines += [f"      {part}" for part in parts[1:]]

    def argument(self, name: str, shape, element: str, weight: bool = False) -> str:
        """Adds an argument and returns its type."""
        marks = [f'moe.name = "{name}"']
        if weight and self.spec.packed:
            marks.insert(0, "moe.weight")
        if None in shape:
            marks.append('moe.dims = ["T", ""]')
        self.arguments.append(f"%{name}: {tensor(shape, element)} {{{', '.join(marks)}}}")
        return tensor(shape, element)

    def stored(self, inner: int, outer: int) -> tuple:
        """The shape of a weight as it lies."""
        return (self.spec.experts, *((inner, outer) if self.spec.transposed else (outer, inner)))

    def write(self) -> str:
        s = self.spec
        gated = s.gate != "none"
        columns = 2 * s.width if gated else s.width
        up = "gate_up" if gated else "up"
        tokens = self.argument("x", (None, s.hidden), s.rows)
        slots, table, offsets = tensor((None,), "i32"), tensor((None, s.top_k), "i32"), tensor((s.experts + 1,), "i32")
        router = tensor((None, s.top_k), s.router)
        self.routing_arguments()
        self.argument(up, self.stored(s.hidden, columns), s.weights, weight=True)
        if s.bias:
            self.argument(f"{up}_bias", (s.experts, columns), s.weights, weight=True)
        self.argument("down", self.stored(s.width, s.hidden), s.weights, weight=True)
        if s.bias:
            self.argument("down_bias", (s.experts, s.hidden), s.weights, weight=True)
        if s.norm is not None:
            self.argument("norm", (s.hidden,), s.weights, weight=True)

        self.line("%c0 = arith.constant 0 : index")
        index = self.routing(table)
        self.line("// Index E marks a slot that belongs to another process: it has no row here.")
        self.line(
            f"%row_slot, %slot_row, %offsets = moe.group {index} {{num_candidates = {s.experts + 1} : i64}}",
            f": {table} -> {slots}, {table}, {offsets}",
        )
        self.line(f"%rows = moe.dispatch %x[%row_slot by {s.top_k}] : {tokens}, {slots} -> {tokens}")
        outputs = tensor((None, s.hidden), s.rows if s.norm is None else "f32")
        if s.gate != "softcap" and s.activation in NAMED:
            self.ffn(tokens, offsets, outputs)
        else:
            self.products(tokens, offsets, outputs)
        result = "%outputs" if s.norm is None else self.normalise(outputs)
        self.line(
            f"%y = moe.combine {result}[%slot_row] weights(%weights : {router})", f": {outputs}, {table} -> {tokens}"
        )
        results = self.results(tokens)
        names, types = ", ".join(results), ", ".join(results.values())
        self.line(f"return {names} : {types}")
        marked = ", ".join(f'{type} {{moe.name = "{name[1:]}", moe.dims = ["T", ""]}}' for name, type in results.items())
        arguments, lines = ",\n    ".join(self.arguments), "\n".join(self.lines)
        return f"func.func @experts(\n    {arguments})\n    -> ({marked}) {{\n{lines}\n}}\n"

    def results(self, tokens: str) -> dict[str, str]:
        """What the function returns: values and their types."""
        return {"%y": tokens}

    def routing_arguments(self) -> None:
        self.argument("indices", (None, self.spec.top_k), self.spec.index)
        self.argument("weights", (None, self.spec.top_k), self.spec.router)

    def routing(self, table: str) -> str:
        """The indices as i32; what does not fit stays out of range."""
        indices = tensor((None, self.spec.top_k), self.spec.index)
        if self.spec.index == "i32":
            return "%indices"
        self.line(f"%tokens = tensor.dim %indices, %c0 : {indices}")
        self.line(f"%empty_slots = tensor.empty(%tokens) : {table}")
        self.line("// What i32 cannot hold is as wrong as -2 and E + 1.")
        self.line("%lowest = arith.constant -2 : i64")
        self.line(f"%highest = arith.constant {self.spec.experts + 1} : i64")
        self.line(
            f"%slots = linalg.map ins(%indices : {indices}) outs(%empty_slots : {table}) (%index: i64, %old: i32) {{",
            "%above = arith.maxsi %index, %lowest : i64",
            "%between = arith.minsi %above, %highest : i64",
            "%slot = arith.trunci %between : i64 to i32",
            "linalg.yield %slot : i32",
        )
        self.line("}")
        return "%slots"

    def part(self, result: str, source: str, start: int, stride: int, inner: int, outer: int, columns: int) -> str:
        """A weight as moe ops want it, [E,in,out]: columns start, start + stride, ... of the stored one."""
        s = self.spec
        whole, wanted = tensor(self.stored(inner, columns), s.weights), tensor((s.experts, inner, outer), s.weights)
        name = source
        if columns != outer:
            sizes = self.stored(inner, outer)
            cut = tensor(sizes, s.weights)
            offset, step = (f"0, {start}", f"1, {stride}") if s.transposed else (f"{start}, 0", f"{stride}, 1")
            name = f"{result}_slice"
            self.line(
                f"%{name} = tensor.extract_slice %{source}[0, {offset}] [{', '.join(map(str, sizes))}] [1, {step}]",
                f": {whole} to {cut}",
            )
        if s.transposed:
            return name
        self.line(f"%{result}_empty = tensor.empty() : {wanted}")
        self.line(
            f"%{result} = linalg.transpose ins(%{name} : {tensor(self.stored(inner, outer), s.weights)})",
            f"outs(%{result}_empty : {wanted}) permutation = [0, 2, 1]",
        )
        return result

    def bias(self, result: str, source: str, start: int, stride: int, outer: int, columns: int) -> str:
        """The same of a bias, as the text behind a weight; nothing if there is none."""
        s = self.spec
        if not s.bias:
            return ""
        name, type = source, tensor((s.experts, outer), s.weights)
        if columns != outer:
            name = result
            self.line(
                f"%{result} = tensor.extract_slice %{source}[0, {start}] [{s.experts}, {outer}] [1, {stride}]",
                f": {tensor((s.experts, columns), s.weights)} to {type}",
            )
        return f" bias %{name} : {type}"

    def matrices(self) -> dict[str, tuple[str, str, str]]:
        """Role -> (value, its type, its bias), of gate (if there is one), up and down."""
        s = self.spec
        inner, outer = tensor((s.experts, s.hidden, s.width), s.weights), tensor((s.experts, s.width, s.hidden), s.weights)
        found = {}
        if s.gate == "none":
            roles = (("up", "up", 0, 1, s.width),)
        elif s.interleaved:
            roles = (("gate", "gate_up", 0, 2, 2 * s.width), ("up", "gate_up", 1, 2, 2 * s.width))
        else:
            roles = (("gate", "gate_up", 0, 1, 2 * s.width), ("up", "gate_up", s.width, 1, 2 * s.width))
        for role, source, start, stride, columns in roles:
            name = f"{role}_columns"
            value = self.part(name, source, start, stride, s.hidden, s.width, columns)
            bias = self.bias(f"{role}_bias_columns", f"{source}_bias", start, stride, s.width, columns)
            found[role] = (f"%{value}", inner, bias)
        value = self.part("down_columns", "down", 0, 1, s.width, s.hidden, s.hidden)
        found["down"] = (f"%{value}", outer, self.bias("", "down_bias", 0, 1, s.hidden, s.hidden))
        return found

    def ffn(self, tokens: str, offsets: str, outputs: str) -> None:
        """%outputs, by the op that knows the formula."""
        s = self.spec
        attributes = {}
        if s.gate in ("clamp", "oai"):
            attributes["limit"] = s.constants[0]
        activation = s.activation
        if s.gate == "oai":
            activation = "silu"
            attributes |= {"alpha": s.constants[1], "up_offset": 1.0}
        dictionary = ", ".join(f"{name} = {real(value)}" for name, value in attributes.items())
        self.line(
            "%outputs = moe.expert_ffn %rows, %offsets",
            *(f"{role}({value} : {type}{bias})" for role, (value, type, bias) in self.matrices().items()),
            f"activation({activation})" + (f" {{{dictionary}}}" if attributes else ""),
            f": {tokens}, {offsets} -> {outputs}",
        )

    def products(self, tokens: str, offsets: str, outputs: str) -> None:
        """%outputs, with the element-wise part between the products written out."""
        s = self.spec
        if s.bias:
            raise ValueError("a gate that moe.expert_ffn does not know, with biases")
        matrices = self.matrices()
        sums = tensor((None, s.width), "f32")
        hidden = tensor((None, s.width), s.rows)
        roles = [role for role in ("gate", "up") if role in matrices]
        for role in roles:
            value, type, _ = matrices[role]
            self.line(
                f"%{role}_rows = moe.grouped_matmul %rows, {value}, %offsets", f": {tokens}, {type}, {offsets} -> {sums}"
            )
        self.line(f"%n_rows = tensor.dim %up_rows, %c0 : {sums}")
        self.line(f"%empty_hidden = tensor.empty(%n_rows) : {hidden}")
        operands = ", ".join(f"%{role}_rows" for role in roles)
        block = ", ".join(f"%{role[0]}: f32" for role in roles)
        self.line(
            f"%hidden = linalg.map ins({operands} : {', '.join([sums] * len(roles))}) outs(%empty_hidden : {hidden})",
            f"({block}, %old: {s.rows}) {{",
            *_lines(self.element()),
        )
        if s.rows == "f32":
            self.line("    linalg.yield %h : f32")
        else:
            self.line(f"    %rounded = arith.truncf %h : f32 to {s.rows}")
            self.line(f"    linalg.yield %rounded : {s.rows}")
        self.line("}")
        value, type, _ = matrices["down"]
        self.line(
            f"%outputs = moe.grouped_matmul %hidden, {value}, %offsets", f": {hidden}, {type}, {offsets} -> {outputs}"
        )

    def element(self) -> str:
        """One hidden element %h of %g and %u (or of %u alone)."""
        s = self.spec
        if s.gate == "softcap":
            text = _SOFTCAP.format(name="g", cap=real(s.constants[0]))
            text += _SOFTCAP.format(name="u", cap=real(s.constants[1]))
            return text + _SIGMOID + """
              %gated = arith.mulf %g_capped, %sigmoid : f32
              %h = arith.mulf %gated, %u_capped : f32"""
        body = WRITTEN[s.activation]
        if s.gate == "none":
            return body.replace("%x", "%u").replace("%y", "%h")
        gate, up, text = "%g", "%u", ""
        if s.gate == "clamp":
            gate, up = "%g_clipped", "%u_clipped"
            text = f"""
              %limit = arith.constant {real(s.constants[0])} : f32
              %minus_limit = arith.constant {real(-s.constants[0])} : f32
              {gate} = arith.minimumf %g, %limit : f32
              %u_below = arith.minimumf %u, %limit : f32
              {up} = arith.maximumf %u_below, %minus_limit : f32
            """
        return text + body.replace("%x", gate).replace("%y", "%act") + f"\n%h = arith.mulf %act, {up} : f32"

    def normalise(self, outputs: str) -> str:
        """(1 + norm) * outputs, each row divided by the root of its mean square."""
        s = self.spec
        column, vector = tensor((None,), "f32"), tensor((s.hidden,), s.weights)
        widen = [] if s.weights == "f32" else [f"%wide = arith.extf %w : {s.weights} to f32"]
        factor = "%w" if s.weights == "f32" else "%wide"
        parallel = 'iterator_types = ["parallel", "parallel"]'
        matrix_map, row_map, column_map = (f"affine_map<(i, j) -> ({d})>" for d in ("i, j", "i", "j"))
        self.line(f"%n_outputs = tensor.dim %outputs, %c0 : {outputs}")
        self.line(f"%empty_outputs = tensor.empty(%n_outputs) : {outputs}")
        self.line(
            f"%scaled = linalg.generic {{indexing_maps = [{matrix_map}, {column_map}, {matrix_map}], {parallel}}}",
            f"ins(%outputs, %norm : {outputs}, {vector}) outs(%empty_outputs : {outputs}) {{",
            f"^bb0(%o: f32, %w: {s.weights}, %old: f32):",
            *widen,
            "%one = arith.constant 1.0 : f32",
            f"%factor = arith.addf %one, {factor} : f32",
            "%z = arith.mulf %o, %factor : f32",
            "linalg.yield %z : f32",
        )
        self.line(f"}} -> {outputs}")
        self.line(f"%empty_squares = tensor.empty(%n_outputs) : {column}")
        self.line("%zero = arith.constant 0.0 : f32")
        self.line(f"%zeros = linalg.fill ins(%zero : f32) outs(%empty_squares : {column}) -> {column}")
        self.line(
            f"%squares = linalg.generic {{indexing_maps = [{matrix_map}, {row_map}],",
            'iterator_types = ["parallel", "reduction"]}',
            f"ins(%scaled : {outputs}) outs(%zeros : {column}) {{",
            "^bb0(%z: f32, %sum: f32):",
            "%square = arith.mulf %z, %z : f32",
            "%next = arith.addf %sum, %square : f32",
            "linalg.yield %next : f32",
        )
        self.line(f"}} -> {column}")
        self.line(
            f"%normalised = linalg.generic {{indexing_maps = [{matrix_map}, {row_map}, {matrix_map}], {parallel}}}",
            f"ins(%scaled, %squares : {outputs}, {column}) outs(%empty_outputs : {outputs}) {{",
            "^bb0(%z: f32, %sum: f32, %old: f32):",
            f"%width = arith.constant {real(s.hidden)} : f32",
            f"%epsilon = arith.constant {real(s.norm)} : f32",
            "%mean = arith.divf %sum, %width : f32",
            "%above = arith.addf %mean, %epsilon : f32",
            "%scale = math.rsqrt %above : f32",
            "%n = arith.mulf %z, %scale : f32",
            "linalg.yield %n : f32",
        )
        self.line(f"}} -> {outputs}")
        return "%normalised"


_SIGMOID = """
      %one = arith.constant 1.0 : f32
      %negative = arith.negf %g : f32
      %exp = math.exp %negative : f32
      %denominator = arith.addf %exp, %one : f32
      %sigmoid = arith.divf %one, %denominator : f32"""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
