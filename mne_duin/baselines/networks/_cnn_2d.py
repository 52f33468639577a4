"""CNN-2D: two-dimensional convolutions over time and frequency."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mne_duin.baselines.networks._layers import Decoder, Dropout, check_multiple
from mne_duin.baselines.networks._network import NetworkClassifier
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first

LOWEST, HIGHEST = 4.0, 180.0  # Hz
# Far below what amplifiers and background leave in any band, in squared deviations.
FLOOR = 1e-5
# In deviations; zeros that a shift brings in would be hundreds of them away.
LIMIT = 5.0


def filterbank(n_fft, rate, n_bands):
    """Return triangular filters whose centers lie evenly on a logarithmic scale.

    Parameters
    ----------
    n_fft : int
        Length of the Fourier transform in samples.
    rate : float
        Sampling rate in Hz.
    n_bands : int
        Number of filters.

    Returns
    -------
    filters : Tensor, shape (n_bands, n_fft // 2 + 1)
        Each has the sum 1.

    Raises
    ------
    ValueError
        If the sampling rate is too low for any band.
    """
    high = min(HIGHEST, 0.45 * rate)
    if high <= LOWEST:
        raise ValueError(
            f"A sampling rate of {rate:g} Hz is too low for CNN2D, whose lowest band "
            f"begins at {LOWEST:g} Hz."
        )
    frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft
    edges = np.geomspace(LOWEST, high, n_bands + 2)
    # A slow band is narrower than the resolution; it takes the two nearest bins.
    width = np.maximum(np.diff(edges), rate / n_fft)
    center = edges[1:-1, None]
    rising = 1 - (center - frequencies) / width[:-1, None]
    falling = 1 - (frequencies - center) / width[1:, None]
    filters = np.clip(np.minimum(rising, falling), 0, None)
    return torch.tensor(filters / filters.sum(1, keepdims=True), dtype=torch.float32)


class TimeFrequency(nn.Module):
    """Signals as images: log power of frequency bands over time, and the slow signal.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    rate : float
        Sampling rate in Hz.
    window, step : float
        Length of the window of the Fourier transform, and its step, in seconds.
    n_bands : int
        Number of frequency bands.
    """

    def __init__(self, n_channels, rate, window, step, n_bands):
        super().__init__()
        self.n_fft = 2 * max(round(window * rate / 2), 1)
        self.step = max(round(step * rate), 1)
        taper = torch.hann_window(self.n_fft)
        # White noise of unit variance has a power of one in every band.
        self.register_buffer("taper", taper / taper.norm(), persistent=False)
        filters = filterbank(self.n_fft, rate, n_bands)
        self.register_buffer("filters", filters, persistent=False)
        self.norm = nn.BatchNorm1d(n_channels * (n_bands + 1))

    def forward(self, x):
        """Turn (n_epochs, n_channels, n_times) into (…, n_bands + 1, n_steps)."""
        n_epochs, n_channels, n_times = x.shape
        flat = x.float().reshape(-1, n_times)
        half = self.n_fft // 2
        padded = functional.pad(flat[:, None], (half, half), mode="reflect")[:, 0]
        spectrum = torch.stft(
            padded,
            self.n_fft,
            self.step,
            window=self.taper,
            center=False,
            return_complex=True,
        )
        power = torch.log(self.filters @ spectrum.abs().square() + FLOOR)
        # Means around the same instants keep what is locked to the phase of the event.
        near = padded[:, None, half - self.step :]
        slow = functional.avg_pool1d(near, 2 * self.step, self.step)
        image = torch.cat([slow[..., : power.shape[-1]], power], 1)
        image = image.reshape(n_epochs, -1, image.shape[-1])
        image = self.norm(image).clamp(-LIMIT, LIMIT)
        return image.reshape(n_epochs, n_channels, -1, image.shape[-1])


class ConvolutionBlock(nn.Module):
    """A grouped convolution and a pointwise network, each added to its input.

    Parameters
    ----------
    dim, group_width : int
        Number of planes, and how many of them a group has.
    dropout : float
        Dropout of the pointwise network.
    """

    def __init__(self, dim, group_width, dropout):
        super().__init__()
        self.convolution = nn.Sequential(
            nn.BatchNorm2d(dim),
            nn.Conv2d(dim, dim, 3, padding=1, groups=dim // group_width, bias=False),
            nn.BatchNorm2d(dim),
            nn.GELU(),
            nn.Conv2d(dim, dim, 1),
        )
        self.pointwise = nn.Sequential(
            nn.BatchNorm2d(dim),
            nn.Conv2d(dim, 2 * dim, 1),
            nn.GELU(),
            Dropout(dropout),
            nn.Conv2d(2 * dim, dim, 1),
        )

    def forward(self, x):
        """Transform (n_epochs, dim, n_rows, n_steps) into the same shape."""
        x = x + self.convolution(x)
        return x + self.pointwise(x)


class GeneralizedMean(nn.Module):
    """The generalized mean of each plane, with a learned exponent.

    An exponent of 1 is the mean, a large one the maximum.
    """

    def __init__(self):
        super().__init__()
        self.exponent = nn.Parameter(torch.tensor(3.0))

    def forward(self, x):
        """Turn (n_epochs, dim, n_rows, n_steps) into (n_epochs, 1, dim)."""
        powers = x.float().clamp(min=1e-4) ** self.exponent
        return powers.mean((-2, -1))[:, None] ** (1 / self.exponent)


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class CNN2D(NetworkClassifier):
    """Decode words with two-dimensional convolutions over time and frequency.

    In the manner of NeuroSketch, written from its description: a stem, four stages
    whose planes become more and smaller step by step, grouped convolutions, and a
    generalized mean in front of one linear layer. Here the image is time by frequency
    (the log power of frequency bands, and the slow signal as one more row), and each
    channel is a plane of it. NeuroSketch's image is channels by time; it also mixes
    trials and masks channels in training, which this class does not.

    Parameters
    ----------
    window, step : float
        Length of the window of the Fourier transform, and its step, in seconds.
    n_bands : int
        Frequency bands, spaced logarithmically from 4 Hz to 180 Hz, or to 0.45 times
        the sampling rate if that is less.
    dims, depths : tuple of int
        Planes and blocks of each stage. Between two stages time and frequency are
        halved.
    group_width : int
        Planes in a group of the grouped convolutions.
    dropout : float
        Dropout of the blocks and in front of the last layer.
    %(network_training)s

    Attributes
    ----------
    module_ : Decoder
        The network.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    %(learned)s

    References
    ----------
    Zhang et al., arXiv:2512.09524, "NeuroSketch: An Effective Framework for Neural
    Decoding via Systematic Architectural Optimization".

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import CNN2D
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 300)), np.repeat(["yes", "no"], 6)
    >>> clf = CNN2D(dims=(8, 8), depths=(1, 1), max_iter=2, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (12, 2)
    """

    window: float = 0.2
    step: float = 0.02
    n_bands: int = 15
    dims: tuple = (96, 128, 160, 192)
    depths: tuple = (2, 2, 2, 2)
    group_width: int = 4
    dropout: float = 0.2
    max_iter: int = 100
    lr: float = 1e-3

    def _build(self, n_channels, n_times):
        self._check_sizes(n_times)
        image = TimeFrequency(
            n_channels, self._rate(), self.window, self.step, self.n_bands
        )
        layers, before = [], n_channels
        for number, (dim, depth) in enumerate(zip(self.dims, self.depths, strict=True)):
            # The stem halves time only: there are few bands.
            stride = (1, 2) if number == 0 else 2
            layers.append(nn.Conv2d(before, dim, 3, stride, padding=1))
            layers += [
                ConvolutionBlock(dim, self.group_width, self.dropout)
                for _ in range(depth)
            ]
            before = dim
        mean = nn.Sequential(nn.BatchNorm2d(before), nn.GELU(), GeneralizedMean())
        head = nn.Sequential(
            nn.Flatten(), Dropout(self.dropout), nn.Linear(before, len(self.classes_))
        )
        return Decoder(nn.Sequential(image, *layers, mean), head)

    def _check_sizes(self, n_times):
        """Check that sizes go together and that the epochs are long enough."""
        if not self.dims or len(self.dims) != len(self.depths):
            raise ValueError(
                "`dims` and `depths` must have one number for every stage; got "
                f"{self.dims} and {self.depths}."
            )
        for dim in self.dims:
            check_multiple("dims", dim, "`group_width`", self.group_width)
        if 2 * self.step > self.window:
            raise ValueError(
                f"`step` must be at most half of `window` ({self.window:g} s); got "
                f"{self.step:g} s."
            )
        if n_times <= self.window * self._rate() / 2 + 1:
            raise ValueError(
                f"Epochs of {n_times} samples (at the rate of the network) are too "
                f"short for a `window` of {self.window:g} s."
            )
