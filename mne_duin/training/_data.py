"""Epochs: scaled, put on the device, and cut into batches by index arithmetic."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from mne.utils import warn
from torch.nn import functional

from mne_duin.utils._checks import first_names
from mne_duin.utils._epochs import FAR, peak_to_peak, usual_limits
from mne_duin.utils._stored import blocks

# Scaled values end here, in standard deviations.
LARGEST = 50.0


@dataclass(frozen=True)
class Batch:
    """Some epochs.

    Parameters
    ----------
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The scaled signal.
    y : LongTensor, shape (n_epochs,) | None
        Class of each epoch.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch; None where there is one subject.
    channel_mask : BoolTensor, shape (n_epochs, n_channels) | None
        True where a channel is real; None where all are.
    """

    x: torch.Tensor
    y: torch.Tensor | None = None
    subject: torch.Tensor | None = None
    channel_mask: torch.Tensor | None = None

    def __len__(self):
        return len(self.x)


class StoredSignal:
    """Scaled inputs that stay on disk: what is asked for is read and scaled.

    Indexing with rows returns a tensor on the device, so that whatever takes a tensor
    in batches takes this as well.

    Parameters
    ----------
    inputs : StoredArray, shape (n_epochs, n_inputs, n_times)
        What the network sees, not scaled.
    scaler : ChannelScaler
        The scales.
    subject : ndarray of int, shape (n_epochs,)
        Index of the subject of each epoch.
    silent : ndarray of bool, shape (n_epochs, n_inputs)
        Inputs that are missing, which are zero after scaling.
    device : torch.device | str
        Where tensors are put.
    """

    dtype = torch.float32

    def __init__(self, inputs, scaler, subject, silent, device="cpu"):
        self.inputs, self.scaler = inputs, scaler
        self.subject, self.silent = subject, silent
        self.device = torch.device(device)

    @property
    def shape(self):
        """Number of epochs, inputs and samples."""
        return self.inputs.shape

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, rows):
        """Return the epochs of a LongTensor or array of rows."""
        return self.crops(rows, 0, self.shape[-1])

    def __array__(self, dtype=None, copy=None):
        data = self._read(np.arange(len(self)), 0, self.shape[-1])
        return data if dtype is None else data.astype(dtype, copy=False)

    def crops(self, rows, start, n_times):
        """Return a crop of each of some epochs.

        Parameters
        ----------
        rows : LongTensor, shape (n_rows,)
            Which epochs.
        start : int | LongTensor, shape (n_rows,)
            First sample, of each.
        n_times : int
            Number of samples.

        Returns
        -------
        x : Tensor, shape (n_rows, n_inputs, n_times)
            On the device.
        """
        rows = torch.as_tensor(rows).cpu().numpy()
        start = start if isinstance(start, int) else start.cpu().numpy()
        return torch.from_numpy(self._read(rows, start, n_times)).to(self.device)

    def _read(self, rows, start, n_times):
        data = self.inputs.read(rows, start, n_times)
        return scale_inputs(data, self.scaler, self.subject[rows], self.silent[rows])

    def digest(self):
        """Return what tells these values from others; no signal is read."""
        found = hashlib.sha256(self.inputs.digest().encode())
        parts = (self.scaler.mean, self.scaler.scale, self.subject, self.silent)
        for part in parts:
            found.update(np.ascontiguousarray(part))
        return found.hexdigest()


def scale_inputs(data, scaler, subject, silent, *, out=None):
    """Scale inputs; those that are missing become zero, which is their mean.

    Shapes: ``data`` (n_epochs, n_inputs, n_times), ``subject`` (n_epochs,), ``silent``
    (n_epochs, n_inputs). The result may be written to ``out``, such as ``data``.
    """
    scaled = scaler.apply(data, subject, out=out)
    scaled[silent] = 0.0
    return scaled


class SignalData:
    """All epochs of a training set, on the device.

    A random shift is a random crop of the zero-padded signal, so one rule serves
    pre-training (4 s out of 8 s) and fine-tuning (shifts of up to 0.3 s): outside
    training the crop lies in the middle, and a shift of zero is a shift of zero.

    Parameters
    ----------
    x : array | StoredSignal, shape (n_epochs, n_channels, n_times)
        The scaled signal, float32. One that is stored stays on disk.
    y : array of int, shape (n_epochs,) | None
        Class of each epoch.
    subject : array of int, shape (n_epochs,) | None
        Subject of each epoch.
    channel_mask : array of bool, shape (n_subjects, n_channels) | None
        Real channels of each subject.
    groups : array of int, shape (n_epochs,) | None
        Groups, from 0, whose epochs are drawn equally often; None draws all epochs
        equally often.
    n_times : int | None
        Length of the crops in samples; None takes the whole epoch.
    max_shift : int
        Largest shift in samples, filled with zeros; not for a stored signal.
    device : torch.device | str
        Where the data live.
    """

    def __init__(
        self,
        x,
        *,
        y=None,
        subject=None,
        channel_mask=None,
        groups=None,
        n_times=None,
        max_shift=0,
        device="cpu",
    ):
        if not isinstance(x, StoredSignal):
            x = torch.as_tensor(x, device=device)
        elif max_shift:
            raise ValueError("A stored signal cannot be shifted; read it first.")
        self.groups = None if groups is None else np.asarray(groups)
        self.n_times = x.shape[-1] if n_times is None else min(n_times, x.shape[-1])
        self.x = functional.pad(x, (max_shift, max_shift)) if max_shift else x
        self.y = None if y is None else torch.as_tensor(y, device=device)
        several = channel_mask is not None and len(channel_mask) > 1
        self.subject = torch.as_tensor(subject, device=device) if several else None
        self.channel_mask = (
            torch.as_tensor(channel_mask, device=device) if several else None
        )

    def __len__(self):
        return len(self.x)

    def take(self, index, start=None):
        """Return a batch.

        Parameters
        ----------
        index : LongTensor, shape (n_batch,)
            Which epochs.
        start : LongTensor, shape (n_batch,) | None
            First sample of each crop; None crops in the middle.

        Returns
        -------
        batch : Batch
            The cropped epochs.
        """
        slack = self.x.shape[-1] - self.n_times
        if isinstance(self.x, StoredSignal):
            start = slack // 2 if start is None else start
            x = self.x.crops(index, start, self.n_times)
        else:
            start = slack // 2 if start is None else start
            x = crop(self.x, index, start, self.n_times)
        subject = None if self.subject is None else self.subject[index]
        mask = None if self.channel_mask is None else self.channel_mask[subject]
        y = None if self.y is None else self.y[index]
        return Batch(x, y, subject, mask)

    def random_batches(self, batch_size, generator):
        """Yield shuffled, randomly cropped batches that cover every epoch once.

        With ``groups`` there are as many epochs in all, equally many of each group:
        those of a small group come several times, not all of a large one come.

        Parameters
        ----------
        batch_size : int
            Epochs per batch.
        generator : torch.Generator
            Where order and crops are drawn from.

        Yields
        ------
        batch : Batch
            The last one may be smaller.
        """
        if self.groups is None:
            order = torch.randperm(len(self), generator=generator)
        else:
            order = even_rows(self.groups, len(self), generator)
        slack = self.x.shape[-1] - self.n_times
        start = torch.randint(slack + 1, (len(self),), generator=generator)
        order, start = order.to(self.index_device), start.to(self.index_device)
        pieces = zip(order.split(batch_size), start.split(batch_size), strict=True)
        yield from self.take_each(pieces)

    def batches(self, batch_size):
        """Yield batches in order, cropped in the middle.

        Parameters
        ----------
        batch_size : int
            Epochs per batch.

        Yields
        ------
        batch : Batch
            The last one may be smaller.
        """
        rows = torch.arange(len(self), device=self.index_device)
        yield from self.take_each((own,) for own in rows.split(batch_size))

    @property
    def index_device(self):
        """Where rows are numbered: a stored signal is read by the host."""
        return "cpu" if isinstance(self.x, StoredSignal) else self.x.device

    def take_each(self, pieces):
        """Yield batches; of a stored signal the next one is read ahead.

        Parameters
        ----------
        pieces : iterable of tuple
            What :meth:`take` takes.

        Yields
        ------
        batch : Batch
            In the order of the pieces.
        """
        if not isinstance(self.x, StoredSignal):
            yield from (self.take(*piece) for piece in pieces)
            return
        with ThreadPoolExecutor(1) as pool:
            waiting = None
            for piece in pieces:
                coming = pool.submit(self.take, *piece)
                if waiting is not None:
                    yield waiting.result()
                waiting = coming
            if waiting is not None:
                yield waiting.result()


def crop(x, rows, start, n_times):
    """Return a crop of each of some epochs.

    Parameters
    ----------
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The epochs.
    rows : LongTensor, shape (n_rows,)
        Which epochs.
    start : int | LongTensor, shape (n_rows,)
        First sample, of each.
    n_times : int
        Number of samples.

    Returns
    -------
    crops : Tensor, shape (n_rows, n_channels, n_times)
        A copy.
    """
    if x.device.type != "cpu":
        if isinstance(start, int):
            return x[rows, :, start : start + n_times]
        return x.unfold(-1, n_times, 1)[rows, :, start]
    # Copying whole runs of samples takes half the time of indexing each.
    first = [start] * len(rows) if isinstance(start, int) else start.tolist()
    crops = x.new_empty(len(rows), x.shape[1], n_times)
    for own, row, begin in zip(crops, rows.tolist(), first, strict=True):
        own.copy_(x[row, :, begin : begin + n_times])
    return crops


def even_rows(groups, n_draws, generator):
    """Draw rows so that every group has equally many, give or take one.

    Within a group the rows come in random order, all of them before any comes again.

    Parameters
    ----------
    groups : ndarray of int, shape (n_rows,)
        Group of each row, from 0.
    n_draws : int
        How many rows to draw.
    generator : torch.Generator
        Where they are drawn from.

    Returns
    -------
    rows : LongTensor, shape (n_draws,)
        In random order.
    """
    members = [torch.from_numpy(np.flatnonzero(groups == g)) for g in np.unique(groups)]
    base, extra = divmod(n_draws, len(members))
    lucky = set(torch.randperm(len(members), generator=generator)[:extra].tolist())
    drawn = []
    for number, own in enumerate(members):
        n_own = base + (number in lucky)
        rounds = -(-n_own // len(own))
        order = [torch.randperm(len(own), generator=generator) for _ in range(rounds)]
        drawn.append(own[torch.cat(order)[:n_own]] if rounds else own[:0])
    drawn = torch.cat(drawn)
    return drawn[torch.randperm(n_draws, generator=generator)]


@dataclass(frozen=True)
class ChannelScaler:
    """Mean and standard deviation of every channel of every subject.

    Parameters
    ----------
    mean, scale : ndarray, shape (n_subjects, n_channels)
        In the unit of the signal. Padded channels have mean 0 and scale 1.
    channel_mask : ndarray of bool, shape (n_subjects, n_channels)
        True where a subject really has the channel.
    """

    mean: np.ndarray
    scale: np.ndarray
    channel_mask: np.ndarray

    @classmethod
    def learn(cls, data, subject, n_subjects, ch_names=None, channel_mask=None):
        """Learn the scales.

        Parameters
        ----------
        data : ndarray | StoredArray, shape (n_epochs, n_channels, n_times)
            The training epochs.
        subject : ndarray of int, shape (n_epochs,)
            Index of the subject of each epoch.
        n_subjects : int
            Number of subjects.
        ch_names : list of str | None
            For the error message.
        channel_mask : ndarray of bool, shape (n_subjects, n_channels) | None
            True where a channel is real, if that is known; else, of several subjects,
            a channel of zeros only is taken for padding.

        Returns
        -------
        scaler : ChannelScaler
            The scales.

        Raises
        ------
        ValueError
            If a channel is flat (constant) although other values are not zero padding.
        """
        shape = (n_subjects, data.shape[1])
        mean, scale = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        mask = np.zeros(shape, bool)
        for index in range(n_subjects):
            rows = np.flatnonzero(subject == index)
            center, spread, padded = _moments(data, _without_far_trials(data, rows))
            if channel_mask is not None:
                # What the network sees may hold each channel twice.
                n_bands = len(padded) // channel_mask.shape[1]
                padded &= ~np.tile(channel_mask[index], n_bands)
            elif padded.all() or n_subjects == 1:
                padded = np.zeros_like(padded)
            flat = (spread <= 1e-6 * np.abs(center)) & ~padded
            if flat.any():
                _refuse_flat(flat, ch_names)
            mask[index] = ~padded
            mean[index] = np.where(padded, 0, center)
            scale[index] = np.where(padded, 1, spread)
        return cls(mean, scale, mask)

    def apply(self, data, subject, *, out=None):
        """Scale epochs.

        Parameters
        ----------
        data : ndarray, shape (n_epochs, n_channels, n_times)
            The epochs.
        subject : ndarray of int, shape (n_epochs,)
            Index of the subject of each epoch.
        out : ndarray of float32 | None
            Where the result goes, such as ``data``; None is a copy.

        Returns
        -------
        scaled : ndarray of float32, shape (n_epochs, n_channels, n_times)
            Z-scored, clipped at 50 standard deviations.
        """
        scaled = np.subtract(data, self.mean[subject][..., None], out=out)
        scaled /= self.scale[subject][..., None]
        np.clip(scaled, -LARGEST, LARGEST, out=scaled)
        return scaled.astype(np.float32, copy=False)

    def invert(self, data, subject):
        """Bring scaled epochs back to their own unit.

        Parameters
        ----------
        data : ndarray, shape (n_epochs, n_channels, n_times)
            Scaled epochs; the first channels are enough.
        subject : ndarray of int, shape (n_epochs,)
            Index of the subject of each epoch.

        Returns
        -------
        signal : ndarray of float32, shape (n_epochs, n_channels, n_times)
            As many channels as ``data`` has.
        """
        n_channels = data.shape[1]
        scale = self.scale[subject, :n_channels, None]
        mean = self.mean[subject, :n_channels, None]
        return (data * scale + mean).astype(np.float32, copy=False)


def _moments(data, rows):
    """Return mean, deviation, and where all values are zero, by channel.

    Block by block, so that data on disk need little memory: means and sums of squares
    around them are joined exactly (Chan et al., The American Statistician 1983).
    """
    n_channels = data.shape[1]
    count, mean = 0, np.zeros(n_channels)
    total, is_zero = np.zeros(n_channels), np.ones(n_channels, bool)
    for block in blocks(data, rows):
        center = block.mean((0, 2), dtype=np.float64)
        n_new = len(block) * block.shape[-1]
        total += np.square(block - center[:, None]).sum((0, 2))
        total += (center - mean) ** 2 * (count * n_new / (count + n_new))
        mean += (center - mean) * (n_new / (count + n_new))
        count += n_new
        is_zero &= ~block.any((0, 2))
    return mean, np.sqrt(total / max(count, 1)), is_zero


def _without_far_trials(data, rows):
    """Leave trials out that are far from the others, with a warning.

    One trial of a touched cable, 300 times as large as the rest, must not decide what
    is usual.

    Shapes: ``rows`` (n_rows,) -> (n_kept,).
    """
    peaks = peak_to_peak(data, rows) if len(rows) else np.zeros((0, 1))
    far = (peaks > usual_limits(peaks)).any(axis=1)
    if not far.any():
        return rows
    warn(
        f"{far.sum()} of {len(far)} trials (number {first_names(np.flatnonzero(far))}) "
        f"have more than {FAR:g} times the usual amplitude of a channel. They are left "
        "out of the scaling and clipped; drop them, for example with epochs.drop."
    )
    return rows[~far]


def _refuse_flat(flat, ch_names):
    names = ch_names or [str(index) for index in range(len(flat))]
    # What the network sees may hold each channel twice, its signal and its power.
    found = [names[index % len(names)] for index in np.flatnonzero(flat)]
    found = list(dict.fromkeys(found))
    raise ValueError(
        f"{len(found)} channels are flat ({', '.join(found[:10])}): their signal is "
        "constant, so they cannot be scaled. Mark them bad or drop them."
    )
