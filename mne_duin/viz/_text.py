"""Text in figures: names next to points without overlap, fonts that have the glyphs."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from mne.utils import warn

ANGLES = np.deg2rad([90, 45, 135, 0, 180, 315, 225, 270])
FONT_SIZE = 7


def _overlap(box, boxes):
    """Area that a box (left, bottom, right, top) shares with each of many."""
    if not len(boxes):
        return 0.0
    boxes = np.asarray(boxes)
    width = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    return float((width.clip(0) * height.clip(0)).sum())


def _box(centre, width, height):
    half = np.array([width / 2, height / 2])
    return np.concatenate([centre - half, centre + half])


def _best_centre(anchor, width, height, taken, points):
    """Try rings of places around a point; near ones win among the free ones."""
    best, best_cost = anchor, np.inf
    for ring, radius in enumerate((0.75, 1.3, 2.0, 2.9, 4.0)):
        for turn, angle in enumerate(ANGLES):
            reach = np.array([width / 2 + radius * height, radius * height * 1.15])
            centre = anchor + reach * [np.cos(angle), np.sin(angle)]
            box = _box(centre, width, height)
            area = width * height
            cost = 8 * _overlap(box, taken) / area + 3 * _overlap(box, points) / area
            cost += 0.35 * ring + 0.01 * turn
            if cost < best_cost:
                best, best_cost = centre, cost
    return best


def place_labels(axes, anchors, names, *, obstacles, font_size=FONT_SIZE):
    """Write names next to points so that they overlap neither names nor points.

    Parameters
    ----------
    axes : Axes
        Axes whose limits are final.
    anchors : array, shape (n_names, 2)
        The points the names belong to, in data units.
    names : list of str
        What to write.
    obstacles : array, shape (n_points, 2)
        Points to keep free.
    font_size : float
        Size of the names in points.

    Returns
    -------
    texts : list of Text
        The names.
    """
    axes.apply_aspect()
    scale = 72 / axes.figure.dpi
    anchors = axes.transData.transform(np.asarray(anchors, dtype=float)) * scale
    marks = axes.transData.transform(np.asarray(obstacles, dtype=float)) * scale
    points = [_box(mark, 6.0, 6.0) for mark in marks]
    height, taken, texts = 1.15 * font_size, [], []
    for anchor, name in zip(anchors, names, strict=True):
        wide = sum(1.0 if ord(letter) > 0x2E80 else 0.66 for letter in name)
        width = font_size * max(wide, 0.66)
        centre = _best_centre(anchor, width, height, taken, points)
        taken.append(_box(centre, width, height))
        place = axes.transData.inverted().transform(anchor / scale)
        texts.append(_write(axes, place, centre - anchor, name, font_size))
    return texts


def _write(axes, anchor, offset, name, font_size):
    """Write one name, with a thin leader where it had to move away."""
    far = np.hypot(*offset) > 1.9 * font_size
    leader = {"arrowstyle": "-", "color": "#909090", "linewidth": 0.5, "shrinkB": 2}
    return axes.annotate(
        name,
        xy=anchor,
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=font_size,
        color="#202020",
        zorder=5,
        bbox={"boxstyle": "square,pad=0.02", "fc": "white", "ec": "none", "alpha": 0.6},
        arrowprops={**leader, "shrinkA": 0} if far else None,
    )


BASE = "DejaVu Sans"
BUNDLED = Path(__file__).with_name("hanzi.otf")
BUNDLED_NAME = "Duin Hanzi"
WIDE = re.compile(
    r"cjk|wqy|wenquanyi|source ?han|simhei|simsun|yahei|pingfang|heiti|songti|hiragino|"
    r"droidsansfallback|arial ?unicode|unifont|msyh|notosanssc|malgun|meiryo",
    re.IGNORECASE,
)


@cache
def _glyphs(path):
    """Return the code points a font file has."""
    return frozenset(FT2Font(path).get_charmap())


def _plainness(entry):
    """Sort key: regular sans fonts first."""
    file = Path(entry[1]).name.lower()
    serif = "serif" in file or "song" in file or "simsun" in file
    return ("mono" in file, serif, "regular" not in file, file)


@cache
def font_paths():
    """Find the fonts that labels are written with.

    Returns
    -------
    paths : dict of str to str
        File of each font by its name: matplotlib's own, at most one of the computer
        for wide scripts, and the bundled one. Text takes each character from the
        first that has it.
    """
    manager = font_manager.fontManager
    known = [(entry.name, entry.fname) for entry in manager.ttflist]
    wide = [entry for entry in known if WIDE.search(f"{entry[0]} {entry[1]}")]
    manager.addfont(BUNDLED)
    paths = {BASE: font_manager.findfont(BASE)}
    paths.update(sorted(wide, key=_plainness)[:1])
    paths[BUNDLED_NAME] = str(BUNDLED)
    for name in paths:
        _offer_as_bold(manager, name)
    return paths


def _offer_as_bold(manager, name):
    """Let a font without a bold face stand in for one, or each title logs a line."""
    entries = [entry for entry in manager.ttflist if entry.name == name]
    if entries and not any(entry.weight in (700, "bold") for entry in entries):
        manager.ttflist.append(replace(entries[0], weight=700))


@cache
def _warn_once(sample):
    warn(
        f"No font on this computer has the characters of {sample!r}: labels show their "
        "code points instead. Install a font such as Noto Sans CJK to see them."
    )


def readable(names):
    """Return labels as they can be written here.

    Parameters
    ----------
    names : list of str
        Labels in any script.

    Returns
    -------
    names : list of str
        The same labels; one with characters that no font has becomes its code points,
        ``"U+5634 U+5DF4"``, with one warning.
    """
    known = frozenset().union(*map(_glyphs, font_paths().values()))
    strange = [name for name in names if {ord(c) for c in name} - known - {9, 10}]
    if not strange:
        return list(names)
    _warn_once(strange[0])
    points = {name: " ".join(f"U+{ord(c):04X}" for c in name) for name in strange}
    return [points.get(name, name) for name in names]
