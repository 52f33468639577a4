"""Pieces of the page: pictures that fit a phone, choices, folded parts, tables."""

import base64
import hashlib
from html import escape
from io import BytesIO

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from mne_duin.utils._numbers import short_number

MAX_SVG = 120_000  # bytes: larger drawings are smaller as pixels
RESOLUTION = 150
SMALL = 500  # CSS pixels: a narrower picture is read on a phone without scrolling
CSS = """
.duin-figure { max-width: 100%; height: auto; display: block; margin: 4px 0 10px; }
.duin-text { overflow-wrap: anywhere; }
.duin-verdict { font-size: 1.15rem; font-weight: 600; border-left: 4px solid #0072B2;
  padding: 6px 12px; margin: 4px 0 12px; background: #F2F7FB; }
.duin-scroll { overflow-x: auto; max-width: 100%; }
.duin-scroll table { font-size: .9rem; }
.duin-scroll thead th { text-align: left; vertical-align: bottom; }
.duin-scroll td { max-width: 22rem; }
.duin-nowrap td, .duin-nowrap tbody th { white-space: nowrap; max-width: none; }
.duin-choice > input { position: absolute; opacity: 0; }
.duin-choice > label { display: inline-block; border: 1px solid #B8C4CE;
  padding: 3px 10px; margin: 0 4px 6px 0; border-radius: 4px; cursor: pointer;
  font-size: .9rem; }
.duin-choice > input:checked + label { background: #0072B2; color: #FFF;
  border-color: #0072B2; }
.duin-choice > input:focus-visible + label { outline: 2px solid #D55E00; }
.duin-choice > div { display: none; }
.duin-row { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: flex-start; }
.duin-row > * { flex: 0 1 auto; min-width: 0; max-width: 100%; }
.duin-note { color: #505050; font-size: .92rem; max-width: 52rem; }
.duin-text p { max-width: 52rem; }
iframe { max-width: 100%; }
@media (max-width: 700px) {
  .duin-picture { overflow-x: auto; }
  .duin-figure:not(.duin-small) { max-width: max(100%, 34rem); }
  iframe { min-height: 46rem; }
  #toc, #filter-by-tags-dropdown-menu { display: none !important; }
  #content { margin-left: 0 !important; width: 100% !important; }
  #top-bar .fs-3 { font-size: 1rem !important; } #top-bar img { width: 48px; }
  .accordion-body { padding: 8px !important; } .badge { display: none; }
}
"""
# Without it a phone draws the page as wide as a desk and makes all letters small.
VIEWPORT = '\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'


def picture(figure, alt, width=None, *, as_pixels=False):
    """Return a figure as an element that is never wider than the page.

    Parameters
    ----------
    figure : Figure
        The figure; it is closed.
    alt : str
        What it shows, for those who cannot see it.
    width : int | None
        Width in CSS pixels; None takes that of the figure.
    as_pixels : bool
        Whether it is known that the figure is large as a drawing; trying that first
        takes a fifth of the time.

    Returns
    -------
    html : str
        The element, with the picture in it.
    """
    kind, data = _encode(figure, as_pixels)
    width = round(96 * figure.get_figwidth()) if width is None else width
    plt.close(figure)
    coded = base64.b64encode(data).decode()
    look = "duin-figure duin-small" if width <= SMALL else "duin-figure"
    return (
        '<div class="duin-picture">'
        f'<img class="{look}" alt="{escape(alt, quote=True)}" width="{width}" '
        f'src="data:image/{kind};base64,{coded}"></div>'
    )


def _encode(figure, as_pixels):
    """Return a figure as SVG where that is small, else as WebP."""
    # ``savefig`` would lay out the axes again for each format, the slowest part.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    if not as_pixels:
        drawing = BytesIO()
        FigureCanvasSVG(figure).print_svg(drawing, metadata={"Date": None})
        if drawing.tell() <= MAX_SVG:
            return "svg+xml", drawing.getvalue()
    pixels = BytesIO()
    canvas = FigureCanvasAgg(figure)
    figure.dpi = RESOLUTION
    canvas.print_webp(pixels, pil_kwargs={"quality": 88, "method": 4})
    return "webp", pixels.getvalue()


def choice(parts, label):
    """Fold several parts behind one choice, of which one is seen.

    Parameters
    ----------
    parts : dict of str to str
        Elements by the name that chooses them; a single one stands alone.
    label : str
        What is chosen, for screen readers.

    Returns
    -------
    html : str
        The elements; the choice needs no script.
    """
    if len(parts) == 1:
        return next(iter(parts.values()))
    # Unique in the page, whichever process draws it.
    content = "".join([label, *parts.values()]).encode()
    group = f"duin-{hashlib.sha256(content).hexdigest()[:12]}"
    buttons, shown, styles = [], [], []
    for rank, (name, html) in enumerate(parts.items()):
        one = f"{group}-{rank}"
        checked = " checked" * (rank == 0)
        buttons.append(
            f'<input type="radio" name="{group}" id="{one}"{checked}>'
            f'<label for="{one}">{escape(name)}</label>'
        )
        shown.append(f'<div class="{one}">{html}</div>')
        styles.append(f"#{one}:checked ~ div.{one} {{ display: block; }}")
    return (
        f"<style>{' '.join(styles)}</style>"
        f'<div class="duin-choice" role="radiogroup" aria-label="{escape(label)}">'
        f"{''.join(buttons)}{''.join(shown)}</div>"
    )


def folded(summary, html):
    """Return an element that opens with a click.

    Parameters
    ----------
    summary : str
        What is seen.
    html : str
        What is folded.

    Returns
    -------
    html : str
        The element.
    """
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def note(text):
    """Return a paragraph that explains a picture.

    Parameters
    ----------
    text : str
        The paragraph; empty for none.

    Returns
    -------
    html : str
        The element.
    """
    return f'<p class="duin-note">{escape(text)}</p>' if text else ""


def row(parts):
    """Put elements next to each other where there is space, else below each other.

    Parameters
    ----------
    parts : sequence of str
        The elements.

    Returns
    -------
    html : str
        The element that holds them.
    """
    inside = "".join(f"<div>{part}</div>" for part in parts)
    return f'<div class="duin-row">{inside}</div>'


def table(frame, caption=None, *, nowrap=False):
    """Write a table; its cells are escaped and its numbers rounded.

    Parameters
    ----------
    frame : DataFrame
        The table.
    caption : str | None
        A sentence above it.
    nowrap : bool
        Whether cells stay on one line.

    Returns
    -------
    html : str
        The table, which scrolls by itself where it is wider than the page.
    """
    frame = frame.copy()
    for column in range(frame.shape[1]):
        values = frame.iloc[:, column]
        if pd.api.types.is_float_dtype(values):
            text = [short_number(v) if pd.notna(v) else "" for v in values]
            frame.isetitem(column, pd.Series(text, frame.index, dtype=object))
    html = frame.to_html(
        classes="table table-sm table-hover w-auto", border=0, na_rep=""
    )
    above = f"<p>{escape(caption)}</p>" if caption else ""
    kind = "duin-scroll duin-nowrap" if nowrap else "duin-scroll"
    return f'{above}<div class="{kind}">{html}</div>'
