"""Which channels to make of which contacts, decided before any sample is read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.channels import (
    REFERENCES,
    assign_regions,
    contacts_in_regions,
    label_contacts,
    no_contact_message,
    reference_matrix,
)
from mne_duin.io._channels import INTRACRANIAL, match_names
from mne_duin.io._checks import moved_electrodes
from mne_duin.io._contacts import contacts_of
from mne_duin.io._sidecars import place_name
from mne_duin.utils._checks import check_option, first_names


@dataclass(frozen=True)
class ChannelChoice:
    """The channels of the result, and the contacts that they are made of.

    Parameters
    ----------
    picks : list of str
        The contacts to read.
    matrix : ndarray, shape (n_channels, n_picks)
        The channels are ``matrix @ contacts``.
    contacts : pandas.DataFrame
        The table of the channels.
    reference : str
        The reference.
    """

    picks: list
    matrix: np.ndarray
    contacts: pd.DataFrame
    reference: str


def choose_channels(
    runs,
    reference,
    regions,
    atlas,
    space,
    label_source,
    fs_subject,
    subjects_dir,
    max_distance="auto",
    given=None,
):
    """Choose the channels that all runs have and that lie in the regions.

    Parameters
    ----------
    runs : list of Record
        The recordings.
    reference : str | None
        The reference; None is ``"none"``.
    regions : str | sequence of str | dict | None
        The regions to keep; None keeps all.
    atlas : str | path-like
        The atlas.
    space : str | None
        The coordinate space.
    label_source : str
        Where the labels come from.
    fs_subject, subjects_dir : str | None
        The FreeSurfer subject.
    max_distance : float | "auto" | None
        Largest distance of two contacts that are subtracted in mm, see
        :func:`bipolar_pairs`.

    given : pandas.DataFrame | None
        The contacts, where they are not read from the BIDS folder.

    Returns
    -------
    choice : ChannelChoice
        What to read.

    Raises
    ------
    ValueError
        If no contact is left; the message lists the regions that are there.
    """
    reference = "none" if reference is None else reference
    check_option("reference", reference, REFERENCES)
    everything = contacts_of_runs(runs, space) if given is None else given
    good = good_contacts(runs, everything)
    # The contacts of recorded pairs are no channels, but give the pairs their labels.
    ends = pair_ends_in(good, everything)
    contacts = label_contacts(
        pd.concat([good, ends]) if len(ends) else good,
        label_source,
        atlas,
        fs_subject=fs_subject,
        subjects_dir=subjects_dir,
    ).loc[good.index]
    matrix, table = reference_matrix(contacts, reference, max_distance=max_distance)
    if regions is not None:
        inside = contacts_in_regions(table, regions)
        if not inside.any():
            raise ValueError(no_contact_message(table, regions))
        matrix, table = matrix[inside], table[inside]
    table = assign_regions(table, regions)
    used = matrix.any(axis=0)
    kept = set(contacts.index[used])
    table.attrs["excluded"] = _exclusions(runs, good, kept, regions)
    return ChannelChoice(list(contacts.index[used]), matrix[:, used], table, reference)


def contacts_of_runs(runs, space):
    """Join the contacts of the first run; those of other sessions must lie there too.

    Parameters
    ----------
    runs : list of Record
        The recordings.
    space : str | None
        The coordinate space.

    Returns
    -------
    contacts : pandas.DataFrame
        The contacts.

    Raises
    ------
    ValueError
        If a contact of another session or acquisition lies somewhere else.
    """
    tables = {}
    for record in runs:
        place = place_name(record.path)
        if place not in tables:
            tables[place] = contacts_of(record, space)
    for message, *_ in moved_electrodes(tables):
        raise ValueError(message)
    return next(iter(tables.values()))


def pair_ends_in(good, contacts):
    """Return the rows of the contacts that recorded pairs are made of."""
    if "anode" not in good:
        return contacts.iloc[:0]
    ends = {*good["anode"].dropna(), *good["cathode"].dropna()} - set(good.index)
    return contacts[contacts.index.isin(ends)]


def good_contacts(runs, contacts):
    """Keep the contacts that every run has recorded and none has marked bad.

    Parameters
    ----------
    runs : list of Record
        The recordings.
    contacts : pandas.DataFrame
        All contacts of the subject.

    Returns
    -------
    contacts : pandas.DataFrame
        The good ones, in the order of the data.
    """
    first = runs[0].raw
    recorded = [_intracranial(record.raw) for record in runs]
    if not any(name in contacts.index for name in recorded[0]):
        matches = match_names(contacts.index, recorded[0], "electrodes.tsv", "the data")
        contacts = contacts.rename(index=matches)
    known = [name for name in recorded[0] if name in contacts.index]
    if not known:
        raise ValueError(
            f"{runs[0].name} has no intracranial channel that is a contact: "
            "channels.tsv must give contacts the type SEEG (or ECOG, DBS), and "
            "electrodes.tsv must name them. Channels and types: "
            f"{', '.join(f'{n} {t}' for n, t in _channel_types(first)[:8])}."
        )
    bad = sorted(_bad_channels(runs) & set(known))
    everywhere = set(known).intersection(*recorded)
    partly = [name for name in known if name not in everywhere]
    unplaced = [name for name in recorded[0] if name not in contacts.index]
    if partly:
        warn(f"Not all runs have the contact(s) {first_names(partly)}; left out.")
    if bad:
        logger.info(f"Bad contact(s) left out: {', '.join(bad)}.")
    if unplaced:
        logger.info(f"Channel(s) that are no contacts: {first_names(unplaced)}.")
    good = [name for name in known if name in everywhere and name not in bad]
    if not good:
        raise ValueError(
            f"All {len(known)} contacts of {runs[0].name} are marked bad in "
            "channels.tsv or missing in a run; nothing is left to read."
        )
    return contacts.loc[good]


def _exclusions(runs, good, kept, regions):
    """Return why each recorded contact that is in no channel was left out."""
    recorded = [_intracranial(record.raw) for record in runs]
    bad = _bad_channels(runs)
    everywhere = set(recorded[0]).intersection(*recorded)
    lonely = "no neighbor for the reference"
    reasons = {}
    for name in recorded[0]:
        if name in kept:
            continue
        if name in bad:
            reasons[name] = "marked bad"
        elif name not in everywhere:
            reasons[name] = "not in every run"
        elif name not in good.index:
            reasons[name] = "no contact"
        else:
            reasons[name] = (
                lonely if regions is None else f"outside regions, or {lonely}"
            )
    return reasons


def _bad_channels(runs):
    """Return the channels that any run marks bad."""
    return {name for record in runs for name in record.raw.info["bads"]}


def _channel_types(raw):
    """Return the names and types of the channels of a recording."""
    return list(zip(raw.ch_names, raw.get_channel_types(), strict=True))


def _intracranial(raw):
    """Return the names of the intracranial channels of a recording."""
    return [name for name, kind in _channel_types(raw) if kind in INTRACRANIAL]
