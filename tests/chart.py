"""A bar chart as SVG, for tests/bench. It has a ground of its own, so that it can be
read on a light page and on a dark one."""

import math
from xml.sax.saxutils import escape

# Of Okabe and Ito, told apart by colour-blind eyes as well.
COLOURS = ["#0072b2", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00"]
INK, PALE, GROUND = "#1f2328", "#d0d7de", "#ffffff"
WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 92, 308  # of the bars


def text(x, y, words, size=12, anchor="start", weight="normal", fill=INK):
    how = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {how}>{escape(words)}</text>'


def rect(x, y, width, height, fill, more=""):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"{more}/>'


def legend(names):
    x = LEFT
    for name, colour in zip(names, COLOURS):
        yield rect(x, 58, 12, 12, colour)
        yield text(x + 17, 68, name)
        x += 17 + 7.5 * len(name) + 18


def axis(top):
    step = 0.5 if top <= 3 else 1
    for i in range(round(top / step) + 1):
        y = BOTTOM - (BOTTOM - TOP) * i * step / top
        stroke = INK if i * step in (0, 1) else PALE
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{stroke}" stroke-width="1"/>'
        yield text(LEFT - 8, y + 4, f"{i * step:g}", anchor="end")


def bars(groups, names, top):
    span = (WIDTH - LEFT - RIGHT) / len(groups)
    width = span * 0.84 / len(names)
    for at, (label, about, values) in enumerate(groups):
        middle = LEFT + span * (at + 0.5)
        yield text(middle, BOTTOM + 19, label, anchor="middle", weight="bold")
        yield text(middle, BOTTOM + 36, about, size=10, anchor="middle")
        for i, name in enumerate(names):
            if name not in values:
                continue
            x, value = middle - span * 0.42 + i * width, values[name]
            height = (BOTTOM - TOP) * min(value, top) / top
            yield rect(x, BOTTOM - height, width - 1.5, height, COLOURS[i])
            if i == 0 or value > top:  # what it is about, and what has no room
                yield text(x + width - 1.5, BOTTOM - height - 4, f"{value:.2f}", 10, "end", "bold")


def svg(title, subtitle, groups):
    """Groups are (label, second label, {name: value}), the first name the one it is about."""
    names = list(dict.fromkeys(name for _, _, values in groups for name in values))[: len(COLOURS)]
    # One that is far out must not make all others small.
    top = min(4, max(1.5, math.ceil(2 * max(max(values.values()) for _, _, values in groups)) / 2))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" role="img" aria-label="{escape(title)}, {escape(subtitle)}">',
        rect(0, 0, WIDTH, HEIGHT, GROUND, f' rx="6" stroke="{PALE}"'),
        text(16, 26, title, 16, weight="bold"),
        text(16, 45, subtitle),
        *legend(names),
        *axis(top),
        *bars(groups, names, top),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
