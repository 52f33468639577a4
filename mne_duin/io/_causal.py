"""Filters that see the past only, for epochs and for a stream alike.

The same object filters a recording block by block and a stream chunk by chunk: its
state goes on from one piece to the next, so the result does not depend on how the
samples were cut. Butterworth filters (high-pass of 2nd, low-pass of 4th order) and
notches of 1 Hz run forward once. A change of the sampling rate uses the same low-pass
as the zero-phase path, with its delay left in: an output sample at the time t depends
on nothing after t.
"""

import numpy as np
from scipy.signal import (
    butter,
    firwin,
    iirnotch,
    sosfilt,
    sosfilt_zi,
    tf2sos,
    upfirdn,
)

HIGH_PASS_ORDER, LOW_PASS_ORDER = 2, 4
NOTCH_WIDTH = 1.0  # Hz
TAPS = 10  # on either side of the low-pass for resampling, in samples of the lower rate


def design_sections(processing):
    """Return the second-order sections of band-pass and notches, (n_sections, 6)."""
    rate, parts = processing.rate, []
    if processing.l_freq is not None:
        parts.append(
            butter(
                HIGH_PASS_ORDER, processing.l_freq, "highpass", fs=rate, output="sos"
            )
        )
    if processing.h_freq is not None:
        parts.append(
            butter(LOW_PASS_ORDER, processing.h_freq, "lowpass", fs=rate, output="sos")
        )
    for frequency in processing.notch:
        quality = frequency / NOTCH_WIDTH
        parts.append(tf2sos(*iirnotch(frequency, quality, fs=rate)))
    return np.concatenate(parts) if parts else np.empty((0, 6))


def design_low_pass(up, down, window):
    """Return the low-pass of a change of rate by ``up / down``, as resample_poly's."""
    largest = max(up, down)
    half = TAPS * largest
    return up * firwin(2 * half + 1, 1 / largest, window=window)


def settling_seconds(processing):
    """Return after how many seconds the filters have forgotten where they began.

    One period of the lower edge: what is left of a slope at the beginning is then
    below 5% of it.
    """
    return 0.0 if processing.l_freq is None else 1 / processing.l_freq


class CausalFilter:
    """Filters one continuous stretch of samples, piece by piece.

    Parameters
    ----------
    processing : Processing
        Filters and rates.
    n_channels : int
        Number of channels.
    begin : int
        Number of the first sample of the stretch. Output samples lie on the grid of
        the new rate that starts with sample 0, wherever the stretch begins.
    window : str | tuple
        Window of the low-pass for resampling.
    """

    def __init__(self, processing, n_channels, begin=0, *, window):
        self.sections = design_sections(processing)
        self.up, self.down = processing.ratio
        self.state = None
        self.n_seen = begin
        self.n_out = -(-begin * self.up // self.down)
        self.taps = None
        if self.up != self.down:
            self.taps = design_low_pass(self.up, self.down, window)
        self.tail = np.empty((n_channels, 0))
        self.tail_first = begin

    def push(self, data):
        """Filter the next samples.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_times)
            Samples at the rate of the recording; any number, none too.

        Returns
        -------
        filtered : ndarray, shape (n_channels, n_new_times)
            The output samples that are known now; ``n_out`` counts on.
        """
        data = np.asarray(data, dtype=float)
        if not data.shape[-1]:
            return data
        if self.state is None:
            self._begin(data[:, 0])
        if len(self.sections):
            data, self.state = sosfilt(self.sections, data, axis=-1, zi=self.state)
        self.n_seen += data.shape[-1]
        if self.taps is None:
            self.n_out += data.shape[-1]
            return data
        return self._resample(data)

    def _begin(self, first):
        """Start as if the first value had been there for ever."""
        steady = sosfilt_zi(self.sections) if len(self.sections) else np.empty((0, 2))
        self.state = steady[:, None] * first[:, None]
        if self.taps is None:
            return
        if len(self.sections):
            # What the filters give for a constant input.
            once, _ = sosfilt(self.sections, first[:, None], axis=-1, zi=self.state)
            first = once[:, 0]
        begin = self.n_seen
        n_before = -(-len(self.taps) // self.up)
        # The tail starts on the grid of both rates, so that outputs fall on it.
        self.tail_first = (begin - n_before) // self.down * self.down
        self.tail = np.repeat(first[:, None], begin - self.tail_first, axis=1)

    def _resample(self, data):
        """Return the output samples up to the last input sample."""
        up, down = self.up, self.down
        buffer = np.concatenate([self.tail, data], axis=1)
        # An output sample needs the input samples up to its own time.
        last = -(-self.n_seen * up // down)
        offset = self.tail_first // down * up
        out = upfirdn(self.taps, buffer, up, down, axis=-1)
        out = out[:, self.n_out - offset : last - offset]
        self.n_out = last
        oldest = last * down // up - -(-len(self.taps) // up)
        keep = max(oldest // down * down, self.tail_first)
        self.tail = buffer[:, keep - self.tail_first :]
        self.tail_first = keep
        return out
