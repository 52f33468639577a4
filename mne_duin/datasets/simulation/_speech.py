"""The planted part: gestures that evoke waveforms and high-gamma power in sources."""

from dataclasses import dataclass

import numpy as np

from mne_duin.datasets.simulation._background import (
    add_wave,
    high_gamma_shape,
    shaped_noise,
)
from mne_duin.datasets.simulation._lexicon import GESTURES

KINDS = (*GESTURES, "cue")
PLANTED_REACH = 7.0  # mm: no contact farther away sees a planted source at all
EVOKED_PEAK = 20.0  # microvolts at the source for snr=1
HIGH_GAMMA_PEAK = 3.0
LAG = {"vSMC": -0.08, "STG": 0.06, "elsewhere": 0.2}
ANSWER_SECONDS = 0.3  # an answer is over this long before and after its centre


@dataclass(frozen=True)
class EventSources:
    """Sources that answer to gestures (or to the cue), one row each.

    A source answers to a kind of event with the sum of two Gabor functions, locked in
    phase, and with a Gaussian bump of high-gamma power whose carrier is noise.

    Parameters
    ----------
    names : tuple of str
        Names of the sources.
    positions : ndarray, shape (n_sources, 3)
        Where they are, in mm.
    regions : tuple of str
        ``"vSMC"``, ``"STG"`` or ``"elsewhere"`` (answers to the cue only).
    lag : ndarray, shape (n_sources,)
        Seconds from the beginning of a gesture to the centre of the answer.
    evoked : ndarray, shape (n_sources, n_kinds, 2, 4)
        Height, frequency in Hz, phase and delay in s of each Gabor function.
    power : ndarray, shape (n_sources, n_kinds, 3)
        Height, delay in s and width in s of the high-gamma bump.
    """

    names: tuple
    positions: np.ndarray
    regions: tuple
    lag: np.ndarray
    evoked: np.ndarray
    power: np.ndarray


def draw_event_sources(rng, contacts, n_per_region=3):
    """Plant sources in vSMC and STG, and two that answer to the cue elsewhere.

    A planted source lies 1.5 mm next to a contact whose two neighbors on either side
    are in the speech regions too. So it is seen by no contact outside them, nor by a
    bipolar channel with a contact outside them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    contacts : DataFrame
        Contacts with coordinates and ``region``.
    n_per_region : int
        Planted sources per region.

    Returns
    -------
    sources : EventSources
        The sources.
    """
    xyz = contacts[["x", "y", "z"]].to_numpy()
    region = contacts["region"].fillna("elsewhere").to_numpy(dtype=object)
    places, regions = [], []
    for name in ("vSMC", "STG", "elsewhere"):
        rows = range(len(xyz))
        eligible = [row for row in rows if _is_inside(row, xyz, region, name)]
        count = min(2 if name == "elsewhere" else n_per_region, len(eligible))
        chosen = np.sort(rng.choice(eligible, size=count, replace=False))
        places.extend(chosen.tolist())
        regions.extend([name] * count)
    evoked, power = draw_answers(rng, regions)
    lag = np.array([LAG[name] for name in regions])
    return EventSources(
        names=tuple(f"source{index + 1}" for index in range(len(places))),
        positions=np.array([_draw_beside(rng, place, xyz) for place in places]),
        regions=tuple(regions),
        lag=lag + rng.uniform(-0.02, 0.02, len(places)),
        evoked=evoked,
        power=power,
    )


def _is_inside(row, xyz, region, name):
    """Return whether a contact and all that are within reach of it are in a region."""
    near = np.linalg.norm(xyz - xyz[row], axis=1) < PLANTED_REACH + 0.5
    speech = {"elsewhere"} if name == "elsewhere" else {"vSMC", "STG"}
    return region[row] == name and all(other in speech for other in region[near])


def _draw_beside(rng, place, xyz):
    """Draw a point 1.5 mm next to a contact, at a right angle to its shaft."""
    distance = np.linalg.norm(xyz - xyz[place], axis=1)
    distance[place] = np.inf
    along = xyz[int(np.argmin(distance))] - xyz[place]
    along = along / np.linalg.norm(along)
    offset = rng.normal(size=3)
    offset = offset - np.sum(offset * along) * along
    return xyz[place] + 1.5 * offset / np.linalg.norm(offset)


def draw_answers(rng, regions):
    """Draw what each source answers to: seven gestures out of twelve, or the cue.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    regions : sequence of str
        Region of each source.

    Returns
    -------
    evoked, power : ndarray
        See :class:`EventSources`.
    """
    shape = (len(regions), len(KINDS))
    answers = np.zeros(shape, dtype=bool)
    for row, name in enumerate(regions):
        if name == "elsewhere":
            answers[row, -1] = True
        else:
            answers[row, rng.choice(len(GESTURES), size=7, replace=False)] = True
    evoked = np.empty((*shape, 2, 4))
    evoked[..., 0] = rng.uniform(0.5, 1.0, (*shape, 2)) * answers[..., None]
    evoked[..., 1] = rng.uniform(3.0, 14.0, (*shape, 2))
    evoked[..., 2] = rng.uniform(0.0, 2 * np.pi, (*shape, 2))
    evoked[..., 3] = rng.uniform(-0.03, 0.06, (*shape, 2))
    power = np.empty((*shape, 3))
    active = answers & (rng.random(shape) < 0.8)
    power[..., 0] = rng.uniform(0.5, 1.0, shape) * active
    power[..., 1] = rng.uniform(-0.03, 0.05, shape)
    power[..., 2] = rng.uniform(0.025, 0.05, shape)
    return evoked, power


def planted_gain(distance):
    """Return the gain of a planted source at a distance in mm: 0 from 7 mm on."""
    return np.clip(1.0 - (distance / PLANTED_REACH) ** 2, 0.0, None) ** 2


def event_signal(rng, sources, index, occurrences, n_times, sfreq, *, gains):
    """Make the answers of one source to everything that happened.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance, for the carrier of the high gamma.
    sources : EventSources
        The sources.
    index : int
        Which of them.
    occurrences : DataFrame
        What happened: ``time`` in s, ``kind``, ``gain`` and ``speed``.
    n_times : int
        Number of samples.
    sfreq : float
        Sampling rate in Hz.
    gains : tuple of float
        Factors of the phase-locked and of the high-gamma response.

    Returns
    -------
    signal : ndarray, shape (n_times,)
        Microvolts.
    """
    locked, envelope = np.zeros(n_times), np.zeros(n_times)
    for time, kind, gain, speed in occurrences.itertuples(index=False):
        evoked = sources.evoked[index, KINDS.index(kind)]
        power = sources.power[index, KINDS.index(kind)]
        if not (evoked[:, 0].any() or power[0]):
            continue
        centre = time + sources.lag[index]
        start = int(np.ceil((centre - ANSWER_SECONDS) * sfreq))
        samples = np.arange(start, int((centre + ANSWER_SECONDS) * sfreq))
        seconds = (samples / sfreq - centre) * speed
        add_wave(locked, start, gain * _gabors(seconds, evoked))
        add_wave(envelope, start, gain * _bump(seconds, power))
    carrier = shaped_noise(rng, n_times, sfreq, high_gamma_shape)
    return EVOKED_PEAK * gains[0] * locked + (
        HIGH_GAMMA_PEAK * gains[1] * envelope * carrier
    )


def _gabors(seconds, parameters):
    """Sum Gabor functions whose width is a third of a cycle (30 to 90 ms)."""
    wave = np.zeros(len(seconds))
    for height, frequency, phase, delay in parameters:
        width = min(max(0.35 / frequency, 0.03), 0.09)
        shifted = seconds - delay
        bell = np.exp(-0.5 * (shifted / width) ** 2)
        wave += height * bell * np.cos(2 * np.pi * frequency * shifted + phase)
    return wave


def _bump(seconds, parameters):
    """Return a bump of high-gamma amplitude."""
    height, delay, width = parameters
    return height * np.exp(-0.5 * ((seconds - delay) / width) ** 2)
