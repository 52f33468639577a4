"""Draw the few formulas with matplotlib: pages then need no script from elsewhere."""

import re
from io import StringIO

import matplotlib.pyplot as plt
from docutils import nodes


def draw_formula(text):
    """Draw a formula.

    Parameters
    ----------
    text : str
        The formula, in the part of LaTeX that matplotlib knows.

    Returns
    -------
    svg : str
        A picture to put into a page.
    """
    figure = plt.figure(figsize=(0.1, 0.1))
    formula = re.sub(r"\\[lr]Vert\b", r"\\Vert", " ".join(text.split()))
    figure.text(0, 0, f"${formula}$", fontsize=12)
    file = StringIO()
    with plt.rc_context({"svg.hashsalt": "formula", "mathtext.fontset": "cm"}):
        figure.savefig(
            file,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.03,
            metadata={"Date": None},
        )
    plt.close(figure)
    svg = re.search(r"<svg.*</svg>", file.getvalue(), re.DOTALL).group()
    # Identifiers of two formulas on one page must differ.
    return re.sub(r'(id="|#)', rf"\g<1>f{abs(hash(text)) % 10**8}-", svg)


def visit_inline(writer, node):
    """Write a formula inside a line."""
    writer.body.append(f'<span class="formula">{draw_formula(node.astext())}</span>')
    raise nodes.SkipNode


def visit_block(writer, node):
    """Write a formula on lines of its own."""
    lines = [line for line in re.split(r"\\\\|\n\n", node.astext()) if line.strip()]
    for line in lines:
        writer.body.append(f'<div class="formula">{draw_formula(line)}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathtext", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True}
