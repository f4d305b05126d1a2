"""Line plots with logarithmic axes as SVG."""

import html
import math

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 170, 40, 48
COLOURS = ["#0b5fa5", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#0e7490", "#a16207", "#be185d", "#4d7c0f", "#44403c"]


class Axis:
    """A logarithmic or linear axis from numbers to pixels."""

    def __init__(self, low, high, start, end, log):
        if log:
            low, high = math.log10(low), math.log10(high)
        if high <= low:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, value):
        """Returns the pixel of a number."""
        value = math.log10(value) if self.log else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        """Returns numbers worth a line: powers of ten (with 2 and 5 where there are few), or round steps."""
        if not self.log:
            power = 10 ** math.floor(math.log10(self.high - self.low))
            step = next(s for s in (0.2 * power, 0.5 * power, power, 2 * power) if (self.high - self.low) / s <= 6)
            first = math.ceil(self.low / step - 1e-9)
            return [round(i * step, 12) for i in range(first, math.floor(self.high / step + 1e-9) + 1)]
        factors = (1, 2, 5) if self.high - self.low < 2.5 else (1,)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        values = [f * 10.0 ** p for p in powers for f in factors]
        return [v for v in values if self.low - 1e-9 <= math.log10(v) <= self.high + 1e-9]


def label(value):
    """Returns a number as a tick says it."""
    return f"{value:g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.0e}"


def plot(title, x_name, y_name, lines, log_y=True):
    """Returns the text of a plot of lines, a dict from names to lists of (x, y), over a logarithmic x."""
    points = [point for line in lines.values() for point in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_axis = Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, True)
    y_axis = Axis(min(ys) / 1.2 if log_y else 0, max(ys) * 1.2 if log_y else max(1.0, max(ys)), HEIGHT - BOTTOM, TOP, log_y)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           f'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="22" font-size="15">{html.escape(title)}</text>']

    def text(x, y, value, anchor="middle", fill="#333"):
        out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{html.escape(value)}</text>')

    def rule(x1, y1, x2, y2):
        out.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>')

    for x in sorted(set(xs)):  # the numbers of tokens themselves
        rule(x_axis(x), TOP, x_axis(x), HEIGHT - BOTTOM)
        text(x_axis(x), HEIGHT - BOTTOM + 16, label(x))
    for y in y_axis.ticks():
        rule(LEFT, y_axis(y), WIDTH - RIGHT, y_axis(y))
        text(LEFT - 6, y_axis(y) + 4, label(y), "end")
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_name)
    out.append(f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" '
               f'text-anchor="middle" fill="#333">{html.escape(y_name)}</text>')
    for i, (name, line) in enumerate(lines.items()):
        colour, dash = COLOURS[i % len(COLOURS)], ' stroke-dasharray="5 3"' if i >= len(COLOURS) else ""
        path = "L".join(f"{x_axis(x):.1f} {y_axis(y):.1f}" for x, y in sorted(line))
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        out += [f'<circle cx="{x_axis(x):.1f}" cy="{y_axis(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in line]
        text(WIDTH - RIGHT + 12, TOP + 14 + 18 * i, name, "start", colour)
    return "\n".join(out + ["</svg>", ""])
