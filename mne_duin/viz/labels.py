"""Names beside points without overlap, and fonts that have the glyphs."""

import numpy as np

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
    """Write names beside points so that they overlap neither names nor points.

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
