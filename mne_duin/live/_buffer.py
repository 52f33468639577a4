"""The last seconds of the processed signal, and where nothing is decided."""

import numpy as np


class SignalBuffer:
    """Keeps the newest processed samples; memory does not grow.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    n_kept : int
        Number of samples that can be asked for.
    """

    def __init__(self, n_channels, n_kept):
        self.n_kept = n_kept
        self.data = np.zeros((n_channels, 2 * n_kept))
        self.used = 0
        self.end = 0  # number of the sample after the newest
        self.spans = []

    @property
    def first(self):
        """Number of the oldest sample that is kept."""
        return self.end - min(self.used, self.n_kept)

    def append(self, data):
        """Append samples, shape (n_channels, n_times)."""
        data = data[:, -self.n_kept :]
        if self.used + data.shape[-1] > self.data.shape[-1]:
            kept = min(self.used, self.n_kept)
            self.data[:, :kept] = self.data[:, self.used - kept : self.used].copy()
            self.used = kept
        self.data[:, self.used : self.used + data.shape[-1]] = data
        self.used += data.shape[-1]

    def skip_to(self, end):
        """Leave out samples that never came: they are zero."""
        missing = end - self.end
        if missing > 0:
            self.append(np.zeros((len(self.data), min(missing, self.n_kept))))
            self.end = end

    def extend(self, data, end):
        """Append samples so that the one after the last has the number ``end``."""
        self.skip_to(end - data.shape[-1])
        self.append(data)
        self.end = end

    def window(self, start, stop):
        """Return samples by their numbers, a copy."""
        shift = self.used - self.end
        return self.data[:, start + shift : stop + shift].copy()

    def mark(self, start, stop, reason):
        """Mark samples that nothing may be decided on."""
        self.spans = [span for span in self.spans if span[1] >= self.first]
        if self.spans and self.spans[-1][2] == reason and self.spans[-1][1] >= start:
            start = min(self.spans.pop()[0], start)
        self.spans.append((start, stop, reason))

    def reason_against(self, start, stop):
        """Return why a window cannot be decided on, None if it can."""
        for first, last, reason in self.spans:
            if first < stop and last > start:
                return reason
        return None
