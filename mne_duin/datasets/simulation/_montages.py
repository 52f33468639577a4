"""Where the contacts of the simulated subjects are, and what a surgeon calls them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mne_duin.utils._checks import check_option, check_type

SPACING = 3.5
LABEL_COLUMN = "desikan_label"
VSMC = ("precentral", "postcentral")
STG = ("superiortemporal", "transversetemporal")


@dataclass(frozen=True)
class Shaft:
    """One depth electrode; its contacts lie 3.5 mm apart on a straight line.

    Parameters
    ----------
    name : str
        Name of the shaft, such as ``"TI'"``; the prime means left.
    tip, entry : tuple of float
        Deepest contact and a point towards the skull, MNI305 coordinates in mm.
    labels : tuple of str
        Desikan-Killiany label of every contact, deepest first, as FreeSurfer names
        them. Their number is the number of contacts.
    missing : tuple of int
        Numbers that no contact has (as after a broken lead).
    """

    name: str
    tip: tuple
    entry: tuple
    labels: tuple
    missing: tuple = ()


@dataclass(frozen=True)
class Montage:
    """The shafts of a subject and the contacts that make trouble.

    Parameters
    ----------
    shafts : tuple of Shaft
        The depth electrodes.
    bad : tuple of str
        Contacts that record noise, where the simulation is asked for trouble.
    unlocated : tuple of str
        Contacts whose coordinates are not known, where it is asked for trouble.
    """

    shafts: tuple
    bad: tuple = ()
    unlocated: tuple = ()


def _labels(side, *runs):
    """Write out ``("insula", 2)`` as two labels of one hemisphere."""
    return tuple(f"ctx-{side}-{name}" for name, count in runs for _ in range(count))


MONTAGES = {
    "left": Montage(
        shafts=(
            Shaft(
                "TI'",
                (-32.5, -26.5, 9.0),
                (-66.0, -17.0, 4.0),
                _labels(
                    "lh",
                    ("insula", 1),
                    ("transversetemporal", 5),
                    ("superiortemporal", 2),
                ),
                missing=(6,),
            ),
            Shaft(
                "CE'",
                (-38.0, -8.5, 16.0),
                (-65.0, -4.0, 26.0),
                _labels(
                    "lh",
                    ("insula", 1),
                    ("precentral", 3),
                    ("postcentral", 1),
                    ("precentral", 2),
                ),
            ),
            Shaft(
                "HP'",
                (-25.0, -19.0, -17.0),
                (-60.0, -24.0, -15.0),
                ("Left-Hippocampus",) * 5,
            ),
            Shaft(
                "FA'",
                (-9.0, 38.0, 24.0),
                (-40.0, 42.0, 28.0),
                _labels("lh", ("superiorfrontal", 2), ("rostralmiddlefrontal", 3)),
            ),
        ),
        bad=("FA'2",),
        unlocated=("HP'5",),
    ),
    "right": Montage(
        shafts=(
            Shaft(
                "PO",
                (35.0, -11.0, 16.0),
                (65.0, -6.0, 27.0),
                _labels("rh", ("insula", 1), ("postcentral", 4), ("precentral", 1)),
            ),
            Shaft(
                "TB",
                (33.0, -26.0, 9.0),
                (66.0, -16.0, 4.0),
                _labels("rh", ("insula", 1), ("transversetemporal", 4)),
                missing=(3,),
            ),
            Shaft(
                "AM", (22.0, -4.0, -20.0), (60.0, -2.0, -22.0), ("Right-Amygdala",) * 4
            ),
        ),
        bad=("AM1",),
        unlocated=("AM4",),
    ),
}


def get_montage(montage):
    """Return a montage given by name or as it is.

    Parameters
    ----------
    montage : "left" | "right" | Montage
        Name of a preset, or a montage of one's own.

    Returns
    -------
    montage : Montage
        The montage.

    Raises
    ------
    TypeError
        If it is neither a name nor a Montage.
    ValueError
        If there is no preset of that name.
    """
    check_type("montage", montage, (str, Montage))
    if isinstance(montage, Montage):
        return montage
    return MONTAGES[check_option("montage", montage, MONTAGES)]


def montage_table(montage):
    """Lay out the contacts of a montage as a contacts table.

    Parameters
    ----------
    montage : Montage
        The montage.

    Returns
    -------
    contacts : DataFrame
        One row per contact, index ``name``, with ``shaft``, ``number``, ``x``, ``y``,
        ``z`` (mm), ``space``, ``hemisphere``, ``label``, ``label_distance`` (mm),
        ``atlas`` and ``region``.
    """
    rows = [row for shaft in montage.shafts for row in _shaft_rows(shaft)]
    contacts = pd.DataFrame(rows).set_index("name")
    contacts["region"] = [label_region(label) for label in contacts["label"]]
    return contacts


def _shaft_rows(shaft):
    tip, entry = np.array(shaft.tip), np.array(shaft.entry)
    step = SPACING * (entry - tip) / np.linalg.norm(entry - tip)
    for index, label in enumerate(shaft.labels):
        if index + 1 in shaft.missing:
            continue
        x, y, z = (tip + index * step).round(2)
        yield {
            "name": f"{shaft.name}{index + 1}",
            "shaft": shaft.name,
            "number": index + 1,
            "x": x,
            "y": y,
            "z": z,
            "space": "fsaverage",
            "hemisphere": "L" if x < 0 else "R",
            "label": label,
            "label_distance": np.nan,
            "atlas": "desikan-killiany",
        }


def label_region(label):
    """Say in which speech region a label of these montages lies.

    All precentral and postcentral contacts of the presets lie below z = 40 mm, so the
    label alone decides.

    Parameters
    ----------
    label : str
        Desikan-Killiany label, such as ``"ctx-lh-precentral"``.

    Returns
    -------
    region : "vSMC" | "STG" | float
        The region; NaN for a label elsewhere.
    """
    name = label.rsplit("-", 1)[-1]
    if name in VSMC:
        return "vSMC"
    return "STG" if name in STG else np.nan
