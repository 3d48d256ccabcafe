"""Draws the data flow of each op's forward and backward pass: `python docs/diagrams.py` writes docs/images/*.svg.

A row of boxes; what flows forward above the arrows, the gradients that flow back below them, dashed. The colours are
those of the reader's scheme, light or dark. And an op's way through the packages, from its declaration to a report.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

STYLE = (
    "svg{color:#1b1f24;font:15px system-ui,sans-serif}"
    ".back{color:#9a3412}"
    "@media(prefers-color-scheme:dark){svg{color:#e6e6e6}.back{color:#fdba74}}"
    "text{fill:currentColor;text-anchor:middle}"
    "rect,path{fill:none;stroke:currentColor;stroke-width:1.5}"
    ".back path{stroke-dasharray:5 4}.head{fill:currentColor;stroke:none;stroke-dasharray:none}"
)
BOX, GAP, HEIGHT, TOP = 168, 132, 74, 58


def arrow(x1: int, x2: int, y: int, label: str, kind: str, below: bool) -> str:
    """A horizontal arrow with its label; kind "back" is dashed."""
    tip = 9 if x2 > x1 else -9
    head = f"M{x2} {y}l{-tip} -5v10z"
    text = f'<text x="{(x1 + x2) // 2}" y="{y + 21 if below else y - 9}">{escape(label)}</text>'
    return f'<g class="{kind}"><path d="M{x1} {y}H{x2 - tip}"/><path class="head" d="{head}"/>{text}</g>'


def drawn(title: str, flows: list[tuple[str, str]], boxes: list[tuple[str, str, str, str]]) -> str:
    """An SVG: flows around and between the boxes (value, gradient); boxes: name, formula, other input, its gradient."""
    width = len(boxes) * BOX + len(flows) * GAP
    has_others = any(box[2] for box in boxes)
    height = TOP + HEIGHT + (92 if has_others else 34)
    parts = []
    for i, (value, gradient) in enumerate(flows):
        x = i * (BOX + GAP)
        parts.append(arrow(x + 8, x + GAP - 8, TOP + 22, value, "forth", below=False))
        if gradient:
            parts.append(arrow(x + GAP - 8, x + 8, TOP + 52, gradient, "back", below=True))
    for i, (name, formula, other, gradient) in enumerate(boxes):
        x = GAP + i * (BOX + GAP)
        middle, bottom = x + BOX // 2, TOP + HEIGHT
        parts.append(f'<rect x="{x}" y="{TOP}" width="{BOX}" height="{HEIGHT}" rx="8"/>')
        parts.append(f'<text x="{middle}" y="{TOP + 30}" font-weight="bold">{escape(name)}</text>')
        parts.append(f'<text x="{middle}" y="{TOP + 54}">{escape(formula)}</text>')
        if other:
            at = middle - 34 if gradient else middle
            up = f'<path d="M{at} {bottom + 56}V{bottom + 12}"/><path class="head" d="M{at} {bottom + 3}l-5 9h10z"/>'
            parts.append(f'<g class="forth">{up}<text x="{at}" y="{bottom + 76}">{escape(other)}</text></g>')
        if gradient:
            at = middle + 34
            down = f'<path d="M{at} {bottom + 3}V{bottom + 47}"/><path class="head" d="M{at} {bottom + 56}l-5 -9h10z"/>'
            parts.append(f'<g class="back">{down}<text x="{at + 6}" y="{bottom + 76}">{escape(gradient)}</text></g>')
    parts.append(f'<text x="{width // 2}" y="24" font-size="13">{escape(KEY)}</text>')
    return svg(title, width, height, parts)


def svg(title: str, width: int, height: int, parts: list[str]) -> str:
    """The file around what is drawn."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="title"><title id="title">{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def way() -> str:
    """An op's way through the packages: the truth above, the layer below; both meet in the claims."""
    place = {
        "ops": (0, 1, "a declaration"),
        "calculus": (1, 0, "its graph, gradients"),
        "sources": (2, 0, "exact value, bound"),
        "cases": (1, 2, "primals, cotangents"),
        "candidates": (2, 2, "your layer's results"),
        "claims": (3, 1, "within its bound?"),
        "reports": (4, 1, "cause, snippet, text"),
    }
    lead = (
        "ops calculus, ops cases, calculus sources, cases candidates, sources claims, candidates claims, claims reports"
    )
    at = {name: (8 + column * (BOX + 56), 10 + row * 62) for name, (column, row, _) in place.items()}
    parts = []
    for name, (x, y) in at.items():
        middle = x + BOX // 2
        parts.append(f'<rect x="{x}" y="{y}" width="{BOX}" height="54" rx="8"/>')
        parts.append(f'<text x="{middle}" y="{y + 23}" font-weight="bold">{name}</text>')
        parts.append(f'<text x="{middle}" y="{y + 43}">{escape(place[name][2])}</text>')
    for pair in lead.split(", "):
        (x1, y1), (x2, y2) = (at[name] for name in pair.split())
        start, end = x1 + BOX + 3, x2 - 3
        bend = (start + end) // 2
        parts.append(f'<path d="M{start} {y1 + 27}H{bend}V{y2 + 27}H{end - 9}"/>')
        parts.append(f'<path class="head" d="M{end} {y2 + 27}l-9 -5v10z"/>')
    title = "An op's declaration gives a graph, and that the exact value and its bound. It gives cases, and those a "
    return svg(
        title + "layer's results. Claims hold one against the other; reports say what was found.", 1080, 198, parts
    )


KEY = "forward: solid, to the right; gradients: dashed, to the left"
DIAGRAMS = {
    "dense": drawn(
        "Dense: X times W plus b gives Z; back, G times W transposed, X transposed times G, and the column sums of G.",
        [("X", "G Wᵀ"), ("Z", "G")],
        [("dense", "Z = X W + b", "W, b", "Xᵀ G, Σ G")],
    ),
    "relu": drawn(
        "ReLU: max of x and 0 gives y; back, g where x is above 0, and 0 elsewhere.",
        [("x", "g or 0"), ("y", "g")],
        [("ReLU", "y = max(x, 0)", "", "")],
    ),
    "softmax": drawn(
        "Softmax: exponentials over their sum give s; back, s times (g minus the dot product of s and g).",
        [("x", "s (g − s·g)"), ("s", "g")],
        [("softmax", "s = eˣ / Σ eˣ", "", "")],
    ),
    "cross_entropy": drawn(
        "Cross-entropy: minus the sum of y log p gives the loss; back, minus y over p times g to p alone.",
        [("p", "−(y / p) g"), ("L", "g")],
        [("cross-entropy", "L = −Σ y log p", "y", "")],
    ),
    "softmax_cross_entropy": drawn(
        "Softmax, then cross-entropy: the gradients of both in turn give (s Σy minus y) g in one step.",
        [("x", "(s Σy − y) g"), ("s", "−(y / s) g"), ("L", "g")],
        [("softmax", "s = eˣ / Σ eˣ", "", ""), ("cross-entropy", "L = −Σ y log s", "y", "")],
    ),
    "way": way(),
}


def main() -> None:
    """Write the files."""
    folder = Path(__file__).parent / "images"
    folder.mkdir(exist_ok=True)
    for name, text in DIAGRAMS.items():
        (folder / f"{name}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
