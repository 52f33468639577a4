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
temporale. Twenty of the 120 lie in white matter by their label; by the nearest gray
matter they belong somewhere too.

A label belongs to ``vSMC`` or ``STG`` only if the largest part of it lies there in the
other bundled atlas as well. So the superior temporal sulcus is a region of its own
(``STS``): in Desikan-Killiany, 42 % of Destrieux's ``S_temporal_sup`` is inferior
parietal and 17 % middle temporal.
"""

import json

import numpy as np
import pandas as pd
from mne.utils import logger

from mne_duin.channels._label_words import label_parts, plain
from mne_duin.channels._spaces import hemispheres, to_mni152
from mne_duin.channels._table import order_columns
from mne_duin.data import data_path
from mne_duin.utils._checks import as_list, check_number, check_type, first_names

DEFAULT_REGIONS = ("vSMC", "STG", "IFG", "insula", "SMG", "MTG", "dSMC", "STS")


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


def assign_regions(
    contacts: pd.DataFrame, regions=None, *, min_probability: float = 0.0
) -> pd.DataFrame:
    """Return the named region in which every contact lies.

    Parameters
    ----------
    contacts : pandas.DataFrame
        A table with the column ``label`` (see :func:`assign_labels`). Coordinates are
        used for regions with a height limit; the hemisphere for one-sided regions.
    regions : str | sequence of str | dict | None
        Names of presets (keys of :data:`REGIONS`), or the user's own regions: a dict
        that maps a name to a list of labels or to ``{"rules": [...]}`` as in
        ``REGIONS``. A rule has ``labels`` or ``region`` (a preset), and optionally
        ``max_z``, ``min_z`` (mm in MNI152) and ``hemisphere`` (``"L"``, ``"R"``). A
        contact in several regions gets the first. None never leaves a contact out,
        here and wherever else `regions` is asked for; here contacts then get the names
        vSMC, STG, IFG, insula, SMG, MTG, dSMC and STS.
    min_probability : float
        Contacts that lie in their region with a lower probability get none. Labels
        without a probability (those of a lab) always count.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with the columns ``region``, missing where no region matches, and
        ``region_probability`` (NaN where no label has a probability).

    Raises
    ------
    ValueError
        If a region is not known, the table has no labels, or ``min_probability`` is not
        between 0 and 1.

    Notes
    -----
    Labels match whatever their spelling: ``ctx-lh-precentral``, ``Left precentral
    gyrus`` and ``precentral`` are the same, and ``STG, Left Superior Temporal Gyrus``
    is matched by its parts. Where labels have probabilities (``label_candidates``), the
    probability of a region is the sum over its labels, and a contact lies in a region
    if that sum exceeds the probability of every label outside the region. This can
    differ from the region of ``label``, which is what the atlas holds at one point.

    Where the height is not known, a rule with ``max_z`` takes the contact and one with
    ``min_z`` does not, so that labels without coordinates are enough for vSMC; the log
    says for how many contacts that was done.
    """
    chosen = as_regions(DEFAULT_REGIONS if regions is None else regions)
    check_number("min_probability", min_probability, low=0, high=1)
    if "label" not in contacts.columns:
        raise ValueError(
            "`contacts` has no column 'label'; call assign_labels first, or copy a "
            "label column of electrodes.tsv to 'label'."
        )
    facts = _label_facts(contacts)
    out = contacts.copy()
    out["region"] = pd.Series(None, out.index, dtype=object)
    out["region_probability"] = np.nan
    for name, region in chosen.items():
        inside, probability = _in_region(region["rules"], facts, len(contacts))
        inside &= ~(probability < min_probability) & out["region"].isna().to_numpy()
        out.loc[inside, "region"] = name
        out.loc[inside, "region_probability"] = probability[inside]
    _report_heights(chosen, facts[facts["is_label"]], out)
    return order_columns(out)


def _label_facts(contacts):
    """List the labels that each contact may have: one row for each contact and label.

    Columns: ``row`` of the contact, ``label`` (text), ``chance`` (NaN if not known),
    ``is_label`` (whether it is the label of the contact), ``z`` in MNI152, ``side``.
    """
    candidates = contacts.get("label_candidates", pd.Series(None, contacts.index))
    rows = []
    for row, (label, text) in enumerate(
        zip(contacts["label"], candidates, strict=True)
    ):
        label = None if pd.isna(label) else label
        parts = [] if pd.isna(text) else [p.rsplit(" ", 1) for p in text.split("; ")]
        chances = {name: float(chance) for name, chance in parts}
        if label not in chances:  # the label was changed, or has no probability
            chances = {label: np.nan}
        rows += [(row, name, p, name == label) for name, p in chances.items()]
    facts = pd.DataFrame(rows, columns=["row", "label", "chance", "is_label"])
    z = to_mni152(contacts)[:, 2] if "x" in contacts else np.full(len(contacts), np.nan)
    side = hemispheres(contacts).to_numpy()
    return facts.assign(z=z[facts["row"]], side=side[facts["row"]])


def _in_region(rules, facts, n_contacts):
    """Judge a region for each contact: whether it is there, and how probably.

    Returns two arrays of the shape (n_contacts,): bool, and float (NaN if not known).
    """
    match = match_rules(rules, facts)
    rows, chance = facts["row"].to_numpy(), facts["chance"].to_numpy(dtype=float)
    known = np.isfinite(chance)
    inside = np.bincount(rows[match & known], chance[match & known], n_contacts)
    outside = np.zeros(n_contacts)
    np.maximum.at(outside, rows[~match & known], chance[~match & known])
    has_chance = np.bincount(rows[known], minlength=n_contacts) > 0
    by_label = np.bincount(rows[match & ~known], minlength=n_contacts) > 0
    probability = np.where(has_chance, inside, np.nan)
    return np.where(has_chance, inside > outside, by_label), probability


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


def match_rules(rules, facts: pd.DataFrame) -> np.ndarray:
    """Return which rows at least one rule accepts, bool (n_rows,).

    ``facts`` has the columns ``label``, ``z`` (mm in MNI152) and ``side``.
    """
    inside = np.zeros(len(facts), dtype=bool)
    z = facts["z"].to_numpy(dtype=float)
    parts = {label: label_parts(label) for label in facts["label"].unique()}
    for rule in expand(rules):
        names = {plain(label) for label in as_list(rule.get("labels"))} - {""}
        fits = {label for label, own in parts.items() if own & names}
        part = facts["label"].isin(fits).to_numpy()
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
                f"by their label alone: {first_names(contacts.index[blind])}."
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
