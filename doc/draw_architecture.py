"""Draw which folder of the package imports which, for the architecture page."""

import ast
from pathlib import Path

import matplotlib.pyplot as plt

import mne_duin

PACKAGE = Path(mne_duin.__file__).parent
SHELF = {"data", "_version", "__init__"}
EVERYWHERE = "utils"  # imported by nearly all: its arrows would hide the others
COLORS = ("#DCE9F5", "#E6F2E6", "#FBEBDD", "#F3E3F0", "#F7F3DA", "#E3F1F1")


def read_imports():
    """Read which folder imports which from the sources.

    Returns
    -------
    imports : dict of str to set of str
        ``{"io": {"channels", "utils"}, ...}``, without a folder's own modules.
    n_files : dict of str to int
        Number of modules in each folder.
    """
    imports, n_files = {}, {}
    for path in sorted(PACKAGE.rglob("*.py")):
        folder = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if folder in SHELF:
            continue
        n_files[folder] = n_files.get(folder, 0) + 1
        used = imports.setdefault(folder, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                parts = node.module.split(".")
                if parts[0] == "mne_duin" and len(parts) > 1:
                    used.add(parts[1])
                elif parts == ["mne_duin"]:
                    used |= {alias.name for alias in node.names}
    folders = set(imports)
    return {a: (used & folders) - {a} for a, used in imports.items()}, n_files


def assign_levels(imports):
    """Return the level of each folder: one above the highest that it imports.

    Parameters
    ----------
    imports : dict of str to set of str
        Which folder imports which.

    Returns
    -------
    levels : dict of str to int
        0 for what imports nothing.
    """
    levels = {}

    def level(folder, above=()):
        if folder in above:
            raise ValueError(f"circle of imports: {' -> '.join([*above, folder])}")
        if folder not in levels:
            below = [level(other, (*above, folder)) for other in imports[folder]]
            levels[folder] = 1 + max(below, default=-1)
        return levels[folder]

    for folder in imports:
        level(folder)
    return levels


def direct_imports(imports):
    """Leave out the imports of a folder that another of its imports has, too.

    Parameters
    ----------
    imports : dict of str to set of str
        Which folder imports which.

    Returns
    -------
    direct : dict of str to set of str
        The arrows that are drawn.
    """

    def reached(folder):
        return imports[folder].union(*(reached(other) for other in imports[folder]))

    direct = {}
    for folder, used in imports.items():
        indirect = set().union(*(reached(other) for other in used))
        direct[folder] = used - indirect - {EVERYWHERE}
    return direct


def write_architecture(path):
    """Draw folders as boxes, lowest level at the bottom, and imports as arrows.

    Imports that follow from others are left out, and those of ``utils``.

    Parameters
    ----------
    path : path-like
        The PNG file to write.
    """
    imports, n_files = read_imports()
    levels = assign_levels(imports)
    rows = [sorted(f for f in levels if levels[f] == n) for n in set(levels.values())]
    place = {
        folder: ((i + 0.5) / len(row), n)
        for n, row in enumerate(rows)
        for i, folder in enumerate(row)
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with plt.rc_context({"font.size": 10}):
        figure, ax = plt.subplots(figsize=(9, 1.05 * len(rows)), layout="constrained")
        for folder, used in direct_imports(imports).items():
            for other in used:
                # An arrow past a row bends, so that it does not run behind a box.
                bend = 0.4 * (levels[folder] - levels[other] > 1)
                ax.annotate(
                    "",
                    xy=(place[other][0], place[other][1] + 0.22),
                    xytext=(place[folder][0], place[folder][1] - 0.22),
                    arrowprops={
                        "arrowstyle": "->",
                        "color": "#909090",
                        "connectionstyle": f"arc3,rad={bend}",
                    },
                )
        for folder, (x, y) in place.items():
            color = COLORS[y % len(COLORS)]
            ax.text(
                *(x, y),
                f"{folder}\n{n_files[folder]} files",
                ha="center",
                va="center",
                bbox={"boxstyle": "round,pad=0.4", "fc": color, "ec": "#606060"},
            )
        ax.set(xlim=(0, 1), ylim=(-0.6, len(rows) - 0.4))
        ax.axis("off")
        figure.savefig(path, dpi=160, facecolor="white")
        plt.close(figure)
