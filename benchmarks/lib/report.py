"""Turns the lines of results.jsonl into tables and plots."""

import collections
import json
import statistics

import svg

OURS = "moe"
# Ours, and so no peer; the first four say something beside it, not against it.
OWN = {"moe", "moe-logits", "moe-inplace", "moe-inplace-io", "moe-avx2"}

Cell = collections.namedtuple("Cell", "shape dtype threads routing tokens")


def median(values):
    """Returns the median of the numbers that are there, or None."""
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


class Results:
    """All lines of a run: for each cell, each side, each round one line."""

    def __init__(self, lines):
        self.lines = lines
        self.times = collections.defaultdict(lambda: collections.defaultdict(dict))
        for line in lines:
            if line["kind"] == "time":
                cell = Cell(*(line[field] for field in Cell._fields))
                self.times[cell][line["side"]][line["round"], line["group"]] = line
        self.add_rooflines()

    def add_rooflines(self):
        """Gives lines without limits of their own the bound that moe-bench found in their round."""
        for sides in self.times.values():
            bounds = {number: line["bound_ms"] for side, lines in sides.items() if side != "moe-avx2"
                      for (number, _), line in lines.items() if "bound_ms" in line}
            for lines in sides.values():
                for (number, _), line in lines.items():
                    if "roofline" not in line and number in bounds:
                        line["roofline"] = bounds[number] / line["median_ms"]

    @staticmethod
    def read(path):
        """Returns the results of a file."""
        with open(path) as file:
            return Results([json.loads(line) for line in file])

    def cells(self):
        return sorted(self.times)

    def sides(self, cell):
        """Returns the names of the sides of a cell, ours first."""
        return sorted(self.times[cell], key=lambda side: (side not in OWN, side))

    def lines_of(self, cell, side):
        """Returns a side's lines; of ours, those taken beside the peers if there are."""
        lines = self.times[cell].get(side, {})
        beside = [line for (_, group), line in lines.items() if group == "peers"]
        return beside or list(lines.values())

    def value(self, cell, side, field):
        """Returns the median over the rounds of a figure of a side, or None."""
        return median(line.get(field) for line in self.lines_of(cell, side))

    def ratio(self, cell, side, to):
        """Returns how many times longer `side` takes than `to`: the median of the rounds' ratios.

        Both figures of a round come from the same process where there is one that has both.
        """
        ratios = []
        for (number, group), line in self.times[cell].get(side, {}).items():
            lines = self.times[cell].get(to, {})
            other = lines.get((number, group)) or lines.get((number, "peers"))
            if other:
                ratios.append(line["median_ms"] / other["median_ms"])
        return median(ratios)

    def best_peer(self, cell):
        """Returns the fastest side that is not ours, or None."""
        peers = [side for side in self.times[cell] if side not in OWN]
        return min(peers, key=lambda side: self.value(cell, side, "median_ms"), default=None)


def number(value, digits=3):
    """Returns a figure as a table says it."""
    return "-" if value is None else f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"


def markdown(header, rows):
    """Returns a table; the first column and those of words stand left."""
    out = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return out + ["| " + " | ".join(map(str, row)) + " |" for row in rows]


def main_table(results):
    """Returns the table of ours against the best peer."""
    rows = []
    for cell in results.cells():
        if results.value(cell, OURS, "median_ms") is None:
            continue
        of = lambda field: results.value(cell, OURS, field)
        peer = results.best_peer(cell)
        peak = of("peak_bytes")
        rows.append([
            cell.shape, cell.tokens, cell.dtype, cell.threads, cell.routing, number(of("median_ms")),
            number(of("gflops")), number(of("gbs")), number(of("roofline"), 2), number(peak and peak / 2**20),
            peer or "-", number(peer and results.value(cell, peer, "median_ms")),
            number(peer and results.ratio(cell, peer, OURS))])
    return markdown(["shape", "T", "dtype", "threads", "routing", "ours ms", "GFLOP/s", "GB/s", "roofline",
                     "peak MiB", "best peer", "its ms", "ratio"], rows)


def side_table(results):
    """Returns the table of every side's time."""
    sides = sorted({side for cell in results.cells() for side in results.sides(cell)},
                   key=lambda side: (side not in OWN, side))
    rows = [[cell.shape, cell.tokens, cell.dtype, cell.threads, cell.routing] +
            [number(results.value(cell, side, "median_ms")) for side in sides] for cell in results.cells()]
    return markdown(["shape", "T", "dtype", "threads", "routing"] + sides, rows)


def own_table(results):
    """Returns the table of our variants, relative to ours."""
    rows = []
    for cell in results.cells():
        uniform = cell._replace(routing="uniform")
        skew = None
        if cell.routing != "uniform" and results.value(cell, OURS, "median_ms") and uniform in results.times:
            base = results.value(uniform, OURS, "median_ms")
            skew = base and results.value(cell, OURS, "median_ms") / base
        slower = [results.ratio(cell, side, OURS) for side in ("moe-logits", "moe-inplace", "moe-inplace-io")]
        avx2 = results.value(cell, "moe-avx2", "roofline")
        if skew is None and avx2 is None and not any(slower):
            continue
        speed = [None if r is None else 1 / r for r in slower[1:]]
        rows.append([cell.shape, cell.tokens, cell.dtype, cell.threads, cell.routing, number(slower[0]),
                     number(speed[0]), number(speed[1]), number(skew), number(avx2, 2)])
    return markdown(["shape", "T", "dtype", "threads", "routing", "from logits / experts", "speed in place [E,out,in]",
                     "speed in place [E,in,out]", "time / uniform", "AVX2 roofline"], rows)


def machine(results):
    """Returns lines on the machine, its limits, and who else used it."""
    first = next((line for line in results.lines if line["kind"] == "machine"), None)
    if not first:
        return []
    out = [f"CPU: {first['cpu']}, {first['cores']} cores; oneDNN {first['onednn'] or 'absent'}; "
           f"{first['openblas'] or 'no OpenBLAS'}", ""]
    limits = collections.defaultdict(list)
    for line in results.lines:
        if line["kind"] == "time" and "limits" in line:
            limits[line["threads"]].append(line["limits"])
    rows = [[threads] + [number(median(values[name] for values in found)) for name in
                         ("fma_gflops", "fma256_gflops", "bf16dot_gflops", "l2_gbs", "l3_gbs", "dram_gbs")]
            for threads, found in sorted(limits.items())]
    out += markdown(["threads", "f32 FMA GFLOP/s", "256-bit FMA", "vdpbf16ps", "L2 GB/s", "L3 GB/s", "DRAM GB/s"], rows)
    others = [line["others"] for line in results.lines if line["kind"] == "time" and "others" in line]
    busy = sum(value > 0.3 for value in others)
    if others:
        out += ["", f"Other users of the machine: {number(median(others), 2)} cores in the median."]
    if busy:
        out += [f"**Warning: in {busy} of {len(others)} figures others used more than 0.3 cores.** "
                "Do not quote this run."]
    return out


def compile_table(results):
    """Returns the table of compile times."""
    found = collections.defaultdict(list)
    for line in results.lines:
        if line["kind"] == "compile":
            found[line["shape"], line["dtype"], line["layers"]].append(line)
    rows = [list(key) + [number(median(line[part] for line in lines)) for part in
                         ("total_ms", "parse_ms", "lower_ms", "codegen_ms", "link_ms")]
            for key, lines in sorted(found.items())]
    return markdown(["shape", "dtype", "layers", "total ms", "parse", "lower", "codegen", "link"], rows) if rows else []


def problems(results):
    """Returns a line for each thing that was not measured, or did not agree."""
    found = {}
    for line in results.lines:
        if line["kind"] == "disagrees":
            text = (f"{line['side']}, shape {line['shape']} {line['dtype']}, T = {line['tokens']}, {line['routing']}: "
                    f"**disagrees with the reference**, error {line['error']:.2g}, at most {line['tolerance']:.2g}")
        elif line["kind"] == "skip":
            text = f"{line['side']}, shape {line['shape']} {line['dtype']}: not measured, {line['reason']}"
        else:
            continue
        found[text] = None
    return ["- " + text for text in found]


def tables(results):
    """Returns the text of table.md."""
    parts = [("Ours against the best peer", main_table(results)), ("Every side, ms", side_table(results)),
             ("Our variants", own_table(results)), ("Compile time", compile_table(results)),
             ("Machine", machine(results)), ("Left out", problems(results))]
    return "\n".join(f"## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in parts if lines)


def plots(results):
    """Returns plots as {file name: text}: time and share of the roofline against tokens."""
    out = {}
    groups = collections.defaultdict(list)
    for cell in results.cells():
        groups[cell._replace(tokens=None)].append(cell)
    for group, cells in groups.items():
        if len(cells) < 2:
            continue
        name = f"{group.shape}-{group.dtype}-{group.threads}t-{group.routing}"
        title = f"Shape {group.shape}, {group.dtype}, {group.threads} threads, {group.routing} routing"
        for file, field, text, log in (("time", "median_ms", "ms", True),
                                       ("roofline", "roofline", "share of roofline", False)):
            lines = collections.defaultdict(list)
            for cell in cells:
                for side in results.sides(cell):
                    value = results.value(cell, side, field)
                    if value is not None:
                        lines[side].append((cell.tokens, value))
            if lines:
                out[f"{file}-{name}.svg"] = svg.plot(title, "tokens", text, lines, log)
    return out
