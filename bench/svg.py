"""A small writer of SVG charts: a canvas, and axes that are linear or logarithmic."""

import html
import math

# Okabe and Ito's colours, told apart by the colour-blind and in grey.
BLUE, VERMILION, ORANGE, GREEN, PURPLE, SKY = "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"
INK, GREY, PALE = "#222222", "#777777", "#e4e4e4"
FONT = "font-family='Helvetica, Arial, DejaVu Sans, sans-serif'"


class Canvas:
    def __init__(self, width, height):
        self.width, self.height, self.parts = width, height, []
        self.rect(0, 0, width, height, "white")

    def add(self, text):
        self.parts.append(text)

    def line(self, x0, y0, x1, y1, colour=INK, width=1.0, dash=None):
        extra = f" stroke-dasharray='{dash}'" if dash else ""
        self.add(f"<line x1='{x0:.1f}' y1='{y0:.1f}' x2='{x1:.1f}' y2='{y1:.1f}' stroke='{colour}' "
                 f"stroke-width='{width}'{extra}/>")  # fmt: skip

    def path(self, points, colour, width=1.6, dash=None):
        extra = f" stroke-dasharray='{dash}'" if dash else ""
        d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.add(f"<path d='{d}' fill='none' stroke='{colour}' stroke-width='{width}' "
                 f"stroke-linejoin='round'{extra}/>")  # fmt: skip

    def rect(self, x, y, w, h, colour, opacity=1.0):
        self.add(f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(w, 0):.1f}' height='{h:.1f}' fill='{colour}' "
                 f"fill-opacity='{opacity}'/>")  # fmt: skip

    def mark(self, shape, x, y, colour, r=3.6, filled=True):
        style = f"fill='{colour if filled else 'white'}' fill-opacity='0.8' stroke='{colour}' stroke-width='1'"
        corners = {
            "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
            "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
            "up": ((0, -1.25), (1.15, 0.9), (-1.15, 0.9)),
            "down": ((0, 1.25), (1.15, -0.9), (-1.15, -0.9)),
            "cross": ((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4),
                      (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
            "flat": ((-1.3, -0.7), (1.3, -0.7), (1.3, 0.7), (-1.3, 0.7)),
            "tall": ((-0.7, -1.3), (0.7, -1.3), (0.7, 1.3), (-0.7, 1.3)),
        }.get(shape)  # fmt: skip
        if corners:
            points = " ".join(f"{x + r * dx:.1f},{y + r * dy:.1f}" for dx, dy in corners)
            self.add(f"<polygon points='{points}' {style}/>")
        else:
            self.add(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{r}' {style}/>")

    def text(self, x, y, text, size=12, colour=INK, anchor="start", bold=False, turn=0):
        weight = " font-weight='bold'" if bold else ""
        turned = f" transform='rotate({turn} {x:.1f} {y:.1f})'" if turn else ""
        self.add(f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' fill='{colour}' "
                 f"text-anchor='{anchor}'{weight}{turned}>{html.escape(text)}</text>")  # fmt: skip

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"<svg xmlns='http://www.w3.org/2000/svg' width='{self.width}' height='{self.height}' "
                       f"viewBox='0 0 {self.width} {self.height}'>\n")  # fmt: skip
            file.write("\n".join(self.parts) + "\n</svg>\n")


def plain(value):
    """12, 0.5, 1000 without a trailing zero or an exponent."""
    return f"{value:g}" if value < 1e5 else f"{value:.0f}"


class Axis:
    """Values low..high at pixels start..end."""

    def __init__(self, low, high, start, end, logarithmic=False):
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, logarithmic

    def at(self, value):
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, factors=(1,)):
        if not self.log:
            step = 10 ** math.floor(math.log10((self.high - self.low) / 2))
            while (self.high - self.low) / step > 8:
                step *= 2 if (self.high - self.low) / step <= 16 else 2.5
            first = math.ceil(self.low / step)
            return [k * step for k in range(first, int(self.high / step + 1e-9) + 1)]
        exponents = range(math.floor(math.log10(self.low)) - 1, math.ceil(math.log10(self.high)) + 1)
        every = (f * 10.0**e for e in exponents for f in factors)
        return [v for v in every if self.low * 0.999 <= v <= self.high * 1.001]


class Frame:
    """A plot area with grid, ticks and names. An axis is (low, high, logarithmic); y None: rows of bars."""

    def __init__(self, canvas, box, x, y, x_name, y_name, factors=((1,), (1,))):
        left, top, right, bottom = box
        self.canvas = canvas
        self.x = Axis(x[0], x[1], left, right, x[2])
        self.y = Axis(*(y or (0, 1, False))[:2], bottom, top, bool(y and y[2]))
        for value in self.y.ticks(factors[1]) if y else ():
            at = self.y.at(value)
            canvas.line(left, at, right, at, PALE)
            canvas.text(left - 7, at + 4, plain(value), 11, INK, "end")
        for value in self.x.ticks(factors[0]):
            at = self.x.at(value)
            canvas.line(at, top, at, bottom, PALE)
            canvas.text(at, bottom + 16, plain(value), 11, INK, "middle")
        canvas.line(left, bottom, right, bottom, INK, 1.2)
        canvas.line(left, top, left, bottom, INK, 1.2)
        canvas.text((left + right) / 2, bottom + 36, x_name, 12, INK, "middle")
        if y_name:
            canvas.text(left - 46, (top + bottom) / 2, y_name, 12, INK, "middle", turn=-90)

    def curve(self, points, colour, width=1.6, dash=None):
        self.canvas.path([(self.x.at(a), self.y.at(b)) for a, b in points], colour, width, dash)
