"""From the channels of a stream to those of a decoder: names, units, bad contacts."""

from dataclasses import dataclass, field

import numpy as np
from mne.utils import warn

from mne_duin.utils._checks import first_names

OWN_WEIGHT = 0.5  # above it a contact is what a channel measures, not its reference


def reference_without(matrix, picks, bads):
    """Return the reference without some contacts.

    A channel that measures a bad contact becomes zero. Where the contact is only one
    of several that are averaged as the reference, the others take over its weight.

    Parameters
    ----------
    matrix : ndarray, shape (n_channels, n_picks)
        The reference with all contacts.
    picks : list of str
        The contacts.
    bads : collection of str
        The bad ones.

    Returns
    -------
    matrix : ndarray, shape (n_channels, n_picks)
        The reference without them.
    silent : ndarray of bool, shape (n_channels,)
        Which channels are zero.
    """
    bad = np.isin(picks, list(bads))
    silent = (np.abs(matrix[:, bad]) > OWN_WEIGHT).any(axis=1)
    kept = np.where(bad, 0.0, matrix)
    others = (np.abs(kept) <= OWN_WEIGHT) & (kept != 0)
    lost = matrix[:, bad].sum(axis=1)
    rest = np.where(others, kept, 0.0).sum(axis=1)
    silent |= (lost != 0) & (rest == 0)
    factor = np.divide(rest + lost, rest, out=np.ones_like(rest), where=rest != 0)
    kept = np.where(others, kept * factor[:, None], kept)
    kept[silent] = 0.0
    return kept, silent


@dataclass
class StreamContacts:
    """The contacts of a decoder among the channels of a stream.

    Parameters
    ----------
    names : list of str
        The channels of the stream, in its order.
    picks : list of str
        The contacts that the decoder needs.
    rename : dict of str to str
        Name in the stream → name of the contact.
    bads : collection of str
        Contacts that are not used.
    scale : float | sequence of float
        Factor to volts: one, or one for each channel of the stream.

    Raises
    ------
    ValueError
        If a contact is missing or there twice.
    """

    names: list
    picks: list
    rename: dict
    bads: set
    scale: object = 1.0
    rows: np.ndarray = field(init=False)
    factor: np.ndarray = field(init=False)

    def __post_init__(self):
        names = [self.rename.get(name, name) for name in self.names]
        strange = [old for old in self.rename if old not in self.names]
        if strange:
            raise ValueError(
                f"`rename` has {first_names(strange)}, which the stream has not; its "
                f"channels are {first_names(self.names)}."
            )
        twice = sorted({n for n in self.picks if names.count(n) > 1})
        if twice:
            raise ValueError(
                f"The stream has the channel(s) {first_names(twice)} more than once; "
                "give them different names in the amplifier's software."
            )
        unknown = sorted(set(self.bads) - set(self.picks))
        if unknown:
            raise ValueError(
                f"`bads` has {first_names(unknown)}, which the decoder does not use; "
                f"its contacts are {first_names(self.picks)}."
            )
        absent = [n for n in self.picks if n not in names and n not in self.bads]
        if absent:
            raise ValueError(
                f"The stream lacks {len(absent)} of the {len(self.picks)} contacts of "
                f"the decoder: {first_names(absent)}. Its channels are "
                f"{first_names(names)}. Renamed ones can be given as `rename` "
                "(--rename OLD=NEW), absent ones as `bads` (--bads NAME), which makes "
                "their channels zero."
            )
        place = {name: row for row, name in enumerate(names)}
        self.rows = np.array([place.get(name, 0) for name in self.picks])
        factor = np.broadcast_to(np.asarray(self.scale, float), (len(names),))
        self.factor = factor[self.rows][:, None]

    def take(self, samples):
        """Return the contacts in volts, (n_picks, n_times); bad ones are zero."""
        data = samples[self.rows] * self.factor
        if self.bads:
            data[np.isin(self.picks, list(self.bads))] = 0.0
        return data


def warn_of_bads(bads, ch_names, silent):
    """State which contacts are bad and what becomes of their channels."""
    zero = np.array(ch_names, dtype=object)[silent]
    warn(
        f"Bad contact(s) {first_names(sorted(bads))} are not used: "
        f"{len(zero)} of {len(ch_names)} channels are set to zero"
        f"{f' ({first_names(zero)})' if len(zero) else ''}; accuracy may decrease."
    )
