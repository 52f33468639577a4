"""Training counted in steps: batches drawn at random, as many as were asked for."""

import math

import numpy as np
import torch

from mne_duin.training._data import SignalData, even_rows

STEPS_PER_PASS = 100
# Hours of recording and steps that pay for them; between them a power of the hours.
BUDGET = ((1 / 3, 1400), (1.0, 4200), (3.0, 14000), (10.0, 30000))


def steps_for(seconds):
    """Return how many training steps an amount of unlabeled recording is worth.

    Hours and steps only help together: with more steps on little recording the network
    overfits, with few steps more recording changes nothing.

    Parameters
    ----------
    seconds : float
        Length of the recording.

    Returns
    -------
    n_steps : int
        1400 up to 20 minutes, 4200 at 1 h, 14000 at 3 h and 30000 from 10 h on; between
        these amounts interpolated on logarithmic axes.

    Examples
    --------
    >>> steps_for(600.0), steps_for(3600.0), steps_for(5 * 3600.0)
    (1400, 4200, 19300)
    """
    hours, steps = np.log(BUDGET).T
    amount = np.interp(math.log(max(seconds, 1.0) / 3600), hours, steps)
    return int(round(math.exp(amount), -2))


def split_steps(n_steps):
    """Return the number of steps of each pass, about a hundred.

    Parameters
    ----------
    n_steps : int
        Steps in all.

    Returns
    -------
    sizes : list of int
        They sum to ``n_steps``.
    """
    n_passes = max(round(n_steps / STEPS_PER_PASS), 1)
    edges = np.linspace(0, n_steps, n_passes + 1).round().astype(int)
    return np.diff(edges).tolist()


class SampledData(SignalData):
    """Epochs of which a pass takes a given number of random batches.

    Parameters
    ----------
    x : array | StoredSignal, shape (n_epochs, n_channels, n_times)
        The scaled signal, float32.
    y : array of int, shape (n_epochs,) | None
        Class of each epoch.
    subject : array of int, shape (n_epochs,) | None
        Subject of each epoch.
    channel_mask : array of bool, shape (n_subjects, n_channels) | None
        Real channels of each subject.
    groups : array of int, shape (n_epochs,) | None
        Groups, from 0, whose epochs are drawn equally often in a pass.
    n_times : int | None
        Length of the crops in samples; None takes the whole epoch.
    max_shift : int
        Largest shift in samples, filled with zeros.
    device : torch.device | str
        Where the data live.

    Attributes
    ----------
    n_steps : int
        Batches per pass; set it before every pass.
    """

    n_steps = STEPS_PER_PASS

    def random_batches(self, batch_size, generator):
        """Yield random batches of random crops, drawn with replacement.

        Parameters
        ----------
        batch_size : int
            Epochs per batch.
        generator : torch.Generator
            Where rows and crops are drawn from.

        Yields
        ------
        batch : Batch
            All of the same size.
        """
        shape = (self.n_steps, batch_size)
        if self.groups is None:
            rows = torch.randint(len(self), shape, generator=generator)
        else:
            n_draws = self.n_steps * batch_size
            rows = even_rows(self.groups, n_draws, generator).reshape(shape)
        slack = self.x.shape[-1] - self.n_times
        start = torch.randint(slack + 1, shape, generator=generator)
        device = self.index_device
        yield from self.take_each(zip(rows.to(device), start.to(device), strict=True))
