"""Contacts on a brain to turn and click, as one HTML file that needs no network."""

import base64
import json
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from mne_duin.utils._atomic import write_text
from mne_duin.utils._numbers import short_number
from mne_duin.utils._spaces import contact_positions
from mne_duin.viz._align import align_values, shaft_names, takes_montage
from mne_duin.viz._theme import group_styles, value_scale
from mne_duin.viz.brain._contacts import color_source, contact_groups
from mne_duin.viz.brain._glass import brain_positions
from mne_duin.viz.brain._surface import SIDES, load_hemisphere

TEMPLATE = Path(__file__).with_name("contacts_view.html")
FACTS = ("label", "region", "shaft", "hemisphere", "subject")


@dataclass(frozen=True)
class ContactsView:
    """An interactive view: shown in a notebook, or saved.

    Parameters
    ----------
    html : str
        The whole page.
    """

    html: str

    def save(self, path):
        """Write the page.

        Parameters
        ----------
        path : path-like
            Where to; an existing file is replaced.

        Returns
        -------
        path : pathlib.Path
            The path.

        Raises
        ------
        OSError
            If the file cannot be written; an earlier one is left as it was.
        """
        return write_text(path, self.html)

    def iframe(self, height=560):
        """Return the page inside an ``iframe``, to embed in another page.

        Parameters
        ----------
        height : int
            Height in pixels.

        Returns
        -------
        html : str
            The element.
        """
        return (
            f'<iframe srcdoc="{escape(self.html, quote=True)}" title="contacts" '
            f'style="width:100%;height:{height}px;border:0" loading="lazy"></iframe>'
        )

    def _repr_html_(self):
        return self.iframe()


@takes_montage
def view_contacts(
    contacts,
    *,
    values=None,
    color_by="region",
    label="value",
    title="Contacts",
):
    """Make an interactive view of contacts on the cortex.

    A click on a contact shows its name, label, region and coordinates, and adds it to a
    list to paste into ``picks=``. From the side, contacts of the other hemisphere are
    covered. Contacts without coordinates in a template space are listed next to the
    brain.

    Parameters
    ----------
    contacts : DataFrame | dict of str to DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name, with ``x``, ``y``, ``z`` (mm) and ``space``;
        drawn in MNI305. One table per subject in a dict.
    values : Series | DataFrame | array-like, shape (n_contacts,) | dict | None
        Color by these values. The columns of a DataFrame (index = channel name) are
        measures to choose from, next to the groups of ``color_by``; columns of numbers
        are times in seconds, which a slider steps through with one color scale.
    color_by : str
        Column that gives the colors.
    label : str
        What the values are.
    title : str
        Title of the page.

    Returns
    -------
    view : ContactsView
        One self-contained page of half a megabyte; ``view.save("contacts.html")``.

    Raises
    ------
    ValueError
        If values and contacts do not belong together.
    """
    if isinstance(values, pd.DataFrame):
        table, contacts = values, color_source(contacts, None, color_by)[0]
        slider = pd.api.types.is_numeric_dtype(table.columns)
        colorings = [] if slider else [_coloring(contacts, None, color_by, label)]
        colorings += _columns(table, contacts, label, slider)
    else:
        contacts, values, column = color_source(contacts, values, color_by)
        slider, colorings = False, [_coloring(contacts, values, column, label)]
    xyz = contact_positions(contacts, "MNI305")
    located = np.isfinite(xyz).all(axis=1)
    data = {
        "meshes": [_mesh(side) for side in "lr"] if located.any() else [],
        "note": brain_positions(contacts)[1],
        "view": "right" if located.any() and np.nanmedian(xyz[:, 0]) > 0 else "left",
        "slider": bool(slider),
        "colorings": colorings,
        "contacts": _records(contacts, xyz),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # "</script>" inside a name would end the page's script.
    text = text.replace("<", "\\u003c")
    page = TEMPLATE.read_text(encoding="utf-8").replace("__TITLE__", escape(title))
    return ContactsView(page.replace("__DATA__", text))


def _coloring(contacts, values, color_by, label, scale=None):
    """Describe one way to color the contacts: groups, or values with a color bar."""
    if values is None:
        groups = contact_groups(contacts, color_by)
        styles = group_styles(groups)
        return {
            "name": color_by,
            "names": groups,
            "colors": [to_hex(styles[name][0]) for name in groups],
            "groups": [
                {"name": name, "color": to_hex(color)}
                for name, (color, _) in styles.items()
            ],
            "bar": None,
            "texts": None,
        }
    colors, bar = _value_colors(values, color_by or label, scale)
    return {
        "name": color_by or label,
        "names": [""] * len(values),
        "colors": colors,
        "groups": [],
        "bar": bar,
        "texts": ["n/a" if np.isnan(one) else short_number(one) for one in values],
    }


def _columns(table, contacts, label, slider):
    """Describe a coloring for every column; those of a slider share their scale."""
    scale = value_scale(table.to_numpy(dtype=float)) if slider else None
    colorings = []
    for name in table.columns:
        values = align_values(table[name], contacts)[0]
        if len(values) != len(contacts):
            raise ValueError(
                f"`values` must have one row per contact ({len(contacts)}); got "
                f"{len(table)}."
            )
        title = f"{float(name):.3f} s" if slider else str(name)
        one = _coloring(contacts, values, title, label, scale)
        if slider:
            one["bar"]["label"] = label
        colorings.append(one)
    return colorings


@cache
def _mesh(side):
    """Pack one slightly smoothed pial hemisphere: base64 of small whole numbers.

    Vertices are hundredths of a mm, tones 0 (sulcus) to 255 (gyrus).
    """
    pial, _, faces, depth = load_hemisphere(side)
    tones = np.clip(0.5 - depth / np.quantile(np.abs(depth), 0.95) / 2, 0, 1)
    packed = {
        "vertices": np.round(100 * _smooth(pial, faces)).astype("<i2"),
        "faces": faces.astype("<u2"),
        "tones": np.round(255 * tones).astype("u1"),
    }
    return {
        "side": SIDES[side],
        **{
            key: base64.b64encode(one.tobytes()).decode() for key, one in packed.items()
        },
    }


def _smooth(vertices, faces, n_steps=2):
    """Move every vertex half way to the mean of its neighbors, a few times."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = np.bincount(pairs[:, 0], minlength=len(vertices))[:, None]
    for _ in range(n_steps):
        total = np.zeros_like(vertices)
        np.add.at(total, pairs[:, 0], vertices[pairs[:, 1]])
        vertices = 0.5 * vertices + 0.5 * total / count
    return vertices


def _value_colors(values, label, scale=None):
    """Return a color per value and what the color bar needs."""
    cmap, norm = value_scale(values) if scale is None else scale
    colors = ["#ffffff" if np.isnan(one) else to_hex(cmap(norm(one))) for one in values]
    steps = [to_hex(cmap(step)) for step in np.linspace(0, 1, 12)]
    ends = {"low": short_number(norm.vmin), "high": short_number(norm.vmax)}
    return colors, {"label": label, "colors": steps, **ends}


def _records(contacts, xyz):
    """Describe every contact for the page."""
    records = []
    shafts = shaft_names(contacts)
    for row, (name, contact) in enumerate(contacts.iterrows()):
        facts = [[key, _text(contact[key])] for key in FACTS if key in contact]
        located = np.isfinite(xyz[row]).all()
        if {"x", "y", "z", "space"}.issubset(contact.index):
            place = ", ".join(f"{contact[axis]:.1f}" for axis in "xyz")
            known = contact[["x", "y", "z"]].notna().all()
            facts.append(["x, y, z", f"{place} mm" if known else "n/a"])
            facts.append(["space", _text(contact["space"])])
        records.append(
            {
                "name": str(name),
                "label": _text(contact.get("label")),
                "shaft": str(shafts[row]),
                "xyz": [round(float(one), 2) for one in xyz[row]] if located else None,
                "facts": facts,
            }
        )
    return records


def _text(value):
    return "" if pd.isna(value) else str(value)
