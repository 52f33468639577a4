"""Fonts for labels that matplotlib's own font cannot write, such as Chinese.

A CJK font of the computer comes first; the bundled ``hanzi.otf`` (24 kB, licence beside
it) has the words of the published task, so that these render everywhere.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from mne.utils import warn

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
