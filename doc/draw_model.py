"""Draw the three stages of Du-IN for the page "Du-IN in ten minutes"."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch, Rectangle

INK, SOFT = "#303030", "#8A8A8A"
ENCODER, CODEX, DECODER, HEAD = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
N_TOKENS = 6


def write_drawings(folder):
    """Write the drawings, unless they are there and newer than this file.

    Parameters
    ----------
    folder : path-like
        Where to.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stages.png"
    if path.exists() and path.stat().st_mtime > Path(__file__).stat().st_mtime:
        return
    with plt.rc_context({"font.size": 9, "figure.dpi": 100}):
        figure, axes = plt.subplots(3, 1, figsize=(9, 6.6), layout="constrained")
        _draw_codes(axes[0])
        _draw_masking(axes[1])
        _draw_words(axes[2])
        for ax in axes:
            ax.set(xlim=(0, 13.5), ylim=(-0.5, 2.5), aspect="equal")
            ax.axis("off")
        figure.savefig(path, dpi=180, facecolor="white")
        plt.close(figure)


def _draw_codes(ax):
    """Stage 1: the signal is reconstructed from one code per patch."""
    _title(ax, "1  Codes: reconstruct the signal from one code per patch")
    _traces(ax, 0.2, seed=1)
    _box(ax, 3.0, "encoder", ENCODER)
    _tokens(ax, 5.3, [ENCODER] * N_TOKENS)
    _box(ax, 7.3, "nearest\ncode", CODEX)
    _tokens(ax, 9.3, [CODEX] * N_TOKENS, [17, 402, 402, 9, 88, 17], below="codes")
    _box(ax, 11.0, "decoder", DECODER, width=1.0)
    _traces(ax, 12.55, seed=1, width=0.9, color=DECODER)
    _arrows(
        ax,
        (
            (2.7, 3.0),
            (4.7, 5.1),
            (6.9, 7.3),
            (8.98, 9.18),
            (10.85, 11.0),
            (12.15, 12.45),
        ),
    )


def _draw_masking(ax):
    """Stage 2: hidden tokens' codes are guessed from the others."""
    _title(ax, "2  Masked pre-training: predict the codes of masked patches")
    _traces(ax, 0.2, seed=1)
    hidden = [ENCODER, "white", ENCODER, "white", "white", ENCODER]
    _tokens(ax, 3.2, hidden, below="half are masked")
    _box(ax, 5.6, "encoder", ENCODER)
    codes = ["", 402, "", 9, 88, ""]
    shown = ["#DDDDDD" if code == "" else CODEX for code in codes]
    _tokens(ax, 8.2, shown, codes, below="their codes")
    _arrows(ax, ((2.7, 3.0), (4.9, 5.6), (7.3, 8.0)))


def _draw_words(ax):
    """Stage 3: a word is read from all tokens."""
    _title(ax, "3  Words: fine-tune the encoder on labeled trials")
    _traces(ax, 0.2, seed=2)
    _box(ax, 3.0, "encoder", ENCODER)
    _tokens(ax, 5.3, [ENCODER] * N_TOKENS)
    _box(ax, 7.3, "head", HEAD, width=1.2)
    for rank, (word, share) in enumerate((("word A", 1.6), ("B", 0.5), ("C", 0.3))):
        y = 1.45 - 0.5 * rank
        ax.add_patch(Rectangle((9.4, y), share, 0.32, color=HEAD))
        ax.text(9.5 + share, y + 0.16, word, va="center", color=INK)
    _arrows(ax, ((2.7, 3.0), (4.7, 5.1), (6.9, 7.3), (8.66, 9.2)))


def _title(ax, text):
    ax.text(0.1, 2.35, text, weight="bold", color=INK, va="top", size=10)


def _traces(ax, x, *, seed, width=2.4, color=INK):
    """Draw a few channels, with the borders of the patches."""
    rng = np.random.default_rng(seed)
    times = np.linspace(0, 1, 240)
    for row in range(4):
        wave = np.cumsum(rng.standard_normal(len(times)))
        wave -= np.linspace(wave[0], wave[-1], len(wave))
        wave *= 0.22 / np.abs(wave).max()
        ax.plot(x + width * times, 0.3 + 0.42 * row + wave, color=color, lw=0.6)
    for edge in np.linspace(x, x + width, N_TOKENS + 1):
        ax.plot([edge, edge], [0, 1.85], color=SOFT, lw=0.5, ls=":")
    if width > 1:
        ax.text(x + width / 2, -0.4, "channels × 100 ms patches", ha="center", size=8)


def _tokens(ax, x, colors, codes=None, below="tokens"):
    """Draw one small column per token, with its code where there is one."""
    for index, color in enumerate(colors):
        left = x + 0.26 * index
        edge = SOFT if color == "white" else color
        ax.add_patch(
            Rectangle((left, 0.35), 0.2, 1.2, fc=color, ec=edge, ls="-", lw=0.8)
        )
        if codes is not None:
            ax.text(
                left + 0.1,
                0.95,
                codes[index],
                color="white",
                rotation=90,
                ha="center",
                va="center",
                size=7,
            )
    ax.text(x + 0.75, -0.4, below, ha="center", size=8)


def _box(ax, x, text, color, width=1.5):
    style = "round,pad=0.02,rounding_size=0.12"
    patch = FancyBboxPatch((x + 0.1, 0.4), width, 1.1, boxstyle=style, fc=color)
    patch.set_edgecolor("none")
    ax.add_patch(patch)
    ax.text(x + 0.1 + width / 2, 0.95, text, color="white", ha="center", va="center")


def _arrows(ax, spans):
    for start, end in spans:
        ax.annotate(
            "",
            (end + 0.08, 0.95),
            (start, 0.95),
            arrowprops={"arrowstyle": "-|>", "color": SOFT, "lw": 1.0},
        )
