"""How samples became epochs, so that those of a stream can be treated alike.

``contacts.attrs["processing"]`` has filters, rates and reference for people, and in
``"preparation"`` all that is needed to do the same again, as text: pandas copies what
it finds in ``attrs`` with every operation.
"""

import json
from dataclasses import asdict, dataclass

import numpy as np

from mne_duin.io._causal import settling_seconds
from mne_duin.io._processing import Processing
from mne_duin.utils._stored import blocks

NOTED = ("l_freq", "h_freq", "notch", "rate", "sfreq", "causal")


@dataclass(frozen=True)
class Preparation:
    """From the samples of a recording to the window that a decoder sees.

    Parameters
    ----------
    picks : list of str
        The contacts.
    matrix : ndarray, shape (n_channels, n_picks)
        The reference: the channels are ``matrix @ contacts``.
    ch_names : list of str
        The channels.
    processing : Processing
        Filters and rates.
    lead, n_times : int
        Samples of a window before time zero, and all of them, at the new rate.
    amplitude : float | None
        Median standard deviation of the channels in volts, if it is known.
    """

    picks: list
    matrix: np.ndarray
    ch_names: list
    processing: Processing
    lead: int
    n_times: int
    amplitude: float | None = None

    @property
    def tmin(self):
        """Start of a window in seconds."""
        return -self.lead / self.processing.sfreq

    @property
    def seconds(self):
        """Length of a window."""
        return self.n_times / self.processing.sfreq

    @property
    def settling(self):
        """Seconds after which the filters have forgotten where they began."""
        return settling_seconds(self.processing)

    def to_text(self):
        """Return the preparation as JSON."""
        values = asdict(self)
        return json.dumps(values | {"matrix": np.asarray(self.matrix).tolist()})

    @classmethod
    def from_text(cls, text):
        """Return the preparation that :meth:`to_text` wrote."""
        values = json.loads(text)
        process = values["processing"]
        process["notch"] = tuple(process["notch"])
        values["processing"] = Processing(**process)
        values["matrix"] = np.array(values["matrix"], dtype=float)
        return cls(**values)


def usual_amplitude(data, rows=None):
    """Return the median standard deviation of the channels of some epochs.

    Shapes: ``data`` (n_epochs, n_channels, n_times), ``rows`` (n_rows,).
    """
    trials = (trial for block in blocks(data, rows) for trial in block)
    return float(np.median([one.std(axis=1) for one in trials]))


def note_preparation(choice, plan, amplitude):
    """Note in the table of the channels how the samples of the epochs were made."""
    process = plan.processing
    done = Preparation(
        list(choice.picks),
        choice.matrix,
        list(choice.contacts.index),
        process,
        int(plan.lead),
        int(plan.n_times),
        amplitude,
    )
    noted = {name: getattr(process, name) for name in NOTED}
    choice.contacts.attrs["processing"] = noted | {
        "reference": choice.reference,
        "preparation": done.to_text(),
    }


def noted_preparation(contacts):
    """Return the preparation that was noted with the contacts, or None."""
    noted = getattr(contacts, "attrs", {}).get("processing") or {}
    text = noted.get("preparation")
    return None if text is None else Preparation.from_text(text)
