"""Regions: named sets of anatomical labels, with a height limit where one is needed.

``REGIONS`` holds the presets of ``mne_duin/data/regions.json``; each also exists for
one hemisphere, with ``-lh`` or ``-rh`` after its name.

How much a preset keeps of the 120 channels that the authors of Du-IN finally chose
(their published Harvard-Oxford labels, heights not known):

===========================================  ===============
preset                                       of 120 channels
===========================================  ===============
pre- and postcentral, superior temporal only       34 (28 %)
``("vSMC", "STG")``                                75 (63 %)
``("vSMC", "STG", "insula")``                      89 (74 %)
``"perisylvian"``                                  92 (77 %)
===========================================  ===============

``vSMC`` counts the central operculum, and ``STG`` Heschl's gyrus and the planum
temporale. Twenty of the 120 lie in white matter by their label; by the nearest grey
matter they belong somewhere too.
"""

import json
import re

import numpy as np
import pandas as pd
from mne.utils import logger

from mne_duin.channels.coordinates import to_mni152
from mne_duin.channels.label_columns import hemispheres
from mne_duin.channels.tables import order_columns
from mne_duin.data import data_path
from mne_duin.utils.checks import as_list, check_type

DEFAULT_REGIONS = ("vSMC", "STG", "IFG", "insula", "SMG", "MTG", "dSMC")
SIDE = re.compile(
    r"^(?:(?:ctx|wm)[-_ .])?(?:lh|rh|left|right|l|r)[-_ .]|^ctx[-_ .]|"
    r"[-_ .](?:lh|rh|left|right|l|r)$|\((?:left|right|l|r)\)$",
    re.IGNORECASE,
)
WORDS = re.compile(
    r"\b(?:gyrus|cortex|area|the|of)\b|'s\b|\([^)]*\)|,[\w ]+ (?:division|part)$",
    re.IGNORECASE,
)


def _read_presets():
    """Read the preset regions and add one variant for each hemisphere."""
    text = data_path("regions.json").read_text(encoding="utf-8")
    presets = {}
    for name, region in json.loads(text).items():
        presets[name] = region
        for suffix, side in (("-lh", "L"), ("-rh", "R")):
            presets[name + suffix] = {
                "description": f"{region['description']} Hemisphere {side} only.",
                "rules": [{"region": name, "hemisphere": side}],
            }
    return presets


REGIONS = _read_presets()


def assign_regions(contacts, regions=None):
    """Say for every contact in which of the named regions it lies.

    Parameters
    ----------
    contacts : pandas.DataFrame
        A table with the column ``label`` (see :func:`assign_labels`). Coordinates are
        used for regions with a height limit; the hemisphere for one-sided regions.
    regions : str | sequence of str | dict | None
        Names of presets (keys of :data:`REGIONS`), or the user's own regions: a dict
        that maps a name to a list of labels or to ``{"rules": [...]}`` as in
        ``REGIONS``. A rule has ``labels`` or ``region`` (a preset), and optionally
        ``max_z``, ``min_z`` (mm in MNI152) and ``hemisphere`` (``"L"``, ``"R"``). None
        takes vSMC, STG, IFG, insula, SMG, MTG and dSMC. A contact in several regions
        gets the first.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with the column ``region``; missing where no region matches.

    Raises
    ------
    ValueError
        If a region is not known or the table has no labels.

    Notes
    -----
    Labels match whatever their spelling: ``ctx-lh-precentral``, ``Left precentral
    gyrus`` and ``precentral`` are the same. Where the height is not known, a rule with
    ``max_z`` takes the contact and one with ``min_z`` does not, so that labels without
    coordinates are enough for vSMC; the log says for how many contacts that was done.
    """
    chosen = as_regions(DEFAULT_REGIONS if regions is None else regions)
    if "label" not in contacts.columns:
        raise ValueError(
            "`contacts` has no column 'label'; call assign_labels first, or copy a "
            "label column of electrodes.tsv to 'label'."
        )
    facts = pd.DataFrame(
        {
            "label": [plain(label) for label in contacts["label"]],
            "z": to_mni152(contacts)[:, 2] if "x" in contacts else np.nan,
            "side": hemispheres(contacts).to_numpy(),
        },
        index=contacts.index,
    )
    out = contacts.copy()
    out["region"] = pd.Series(None, out.index, dtype=object)
    for name, region in chosen.items():
        inside = match_rules(region["rules"], facts)
        out.loc[inside & out["region"].isna().to_numpy(), "region"] = name
    _report_heights(chosen, facts, out)
    return order_columns(out)


def as_regions(regions):
    """Return regions as a dict of rules, from names or the user's own dict.

    Parameters
    ----------
    regions : str | sequence of str | dict
        See :func:`assign_regions`.

    Returns
    -------
    regions : dict of str -> dict
        For each name a dict with the key ``rules``.
    """
    if not isinstance(regions, dict):
        unknown = [name for name in as_list(regions) if name not in REGIONS]
        if unknown:
            raise ValueError(
                f"`regions` has no preset {unknown[0]!r}; there are "
                f"{', '.join(REGIONS)}. Own regions are a dict of label lists."
            )
        return {name: REGIONS[name] for name in as_list(regions)}
    own = {}
    for name, region in regions.items():
        check_type(f"regions[{name!r}]", region, (dict, str, list, tuple, set))
        if isinstance(region, dict):
            own[name] = region if "rules" in region else {"rules": [region]}
        else:
            own[name] = {"rules": [{"labels": as_list(region)}]}
    return own


def match_rules(rules, facts):
    """Tell which contacts at least one rule accepts.

    Parameters
    ----------
    rules : list of dict
        The rules of a region.
    facts : pandas.DataFrame
        Columns ``label`` (plain), ``z`` (mm) and ``side``.

    Returns
    -------
    inside : ndarray of bool, shape (n_channels,)
        Whether the contact lies in the region.
    """
    inside = np.zeros(len(facts), dtype=bool)
    for rule in expand(rules):
        names = {plain(label) for label in as_list(rule.get("labels"))}
        part = facts["label"].isin(names - {""}).to_numpy()
        z = facts["z"].to_numpy(dtype=float)
        part = part & ~(z > rule.get("max_z", np.inf))
        if "min_z" in rule:
            part = part & (z > rule["min_z"])
        if "hemisphere" in rule:
            part = part & (facts["side"] == rule["hemisphere"]).to_numpy()
        inside |= part
    return inside


def _report_heights(regions, facts, contacts):
    """Log how many contacts entered a region with a height limit without a height."""
    for name, region in regions.items():
        limited = [rule for rule in expand(region["rules"]) if "max_z" in rule]
        blind = facts["z"].isna().to_numpy() & (contacts["region"] == name).to_numpy()
        blind &= match_rules(limited, facts)
        if blind.any():
            logger.info(
                f"{blind.sum()} contact(s) without a height in MNI152 count as {name} "
                f"by their label alone: {', '.join(contacts.index[blind])}."
            )


def expand(rules):
    """Replace rules that name a preset by the rules of that preset.

    Parameters
    ----------
    rules : list of dict
        Rules as in ``REGIONS``.

    Returns
    -------
    rules : list of dict
        Rules over labels only; limits of a rule apply to all that replace it.
    """
    flat = []
    for rule in rules:
        if "region" not in rule:
            flat.append(rule)
            continue
        limits = {key: value for key, value in rule.items() if key != "region"}
        preset = as_regions(rule["region"])[rule["region"]]
        flat += [{**part, **limits} for part in expand(preset["rules"])]
    return flat


def plain(label):
    """Return a label without hemisphere, filler words, case and punctuation.

    Parameters
    ----------
    label : str | None
        A label in any spelling.

    Returns
    -------
    label : str
        The bare name; empty for a missing label.
    """
    if label is None or pd.isna(label):
        return ""
    text = str(label).strip()
    while SIDE.search(text):
        text = SIDE.sub("", text, count=1).strip()
    return re.sub(r"[\W_]+", "", WORDS.sub(" ", text)).lower()
