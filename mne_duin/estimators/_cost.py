"""What a training will take, measured on a few of its steps."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from mne_duin.estimators._base import unwrap
from mne_duin.estimators._cells import DuINCells
from mne_duin.estimators._classifier import DuINClassifier
from mne_duin.estimators._mae import DuINMAE
from mne_duin.estimators._trained import Signal
from mne_duin.estimators._vqvae import DuINVQVAE
from mne_duin.estimators.presets import resolve
from mne_duin.training import split_steps, steps_for
from mne_duin.utils._checks import check_number, check_type
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import as_array
from mne_duin.utils._segments import DiskSegments
from mne_duin.utils._stored import StoredArray

# Weights, gradients and the two moments of AdamW, in float32.
BYTES_PER_PARAMETER = 16
CELL_STEPS = 5
STAGES = (DuINVQVAE, DuINCells, DuINMAE, DuINClassifier)


@dataclass(frozen=True)
class Cost:
    """What a training will take.

    Parameters
    ----------
    seconds : float
        Passes times steps times the measured time of a step.
    seconds_per_step : float
        The measured time.
    n_passes, steps_per_pass : int
        How many there will be.
    n_bytes : int
        Data on the device, unless they stay on disk; weights, gradients and moments;
        what a step keeps.
    n_parameters : int
        Size of the network.
    device : str
        Where the steps were measured.
    """

    seconds: float
    seconds_per_step: float
    n_passes: int
    steps_per_pass: int
    n_bytes: int
    n_parameters: int
    device: str

    def __str__(self):
        minutes = self.seconds / 60
        time = f"{minutes / 60:.1f} h" if minutes > 90 else f"{minutes:.1f} min"
        return (
            f"about {time} and {self.n_bytes / 1e9:.2f} GB on {self.device}: "
            f"{self.n_passes} passes of {self.steps_per_pass} steps of "
            f"{1000 * self.seconds_per_step:.0f} ms, {self.n_parameters:,} parameters"
        )


@fill_doc
def estimate_cost(
    estimator,
    X: Signal,
    y: ArrayLike | None = None,
    *,
    subject: ArrayLike | None = None,
    sfreq: float | None = None,
    n_steps: int = 2,
) -> Cost:
    """Estimate time and memory of a training before it starts.

    A copy of the estimator is trained on a few batches for four passes. Not counted
    are what is done once (filters, initial values, the start of the codex), held-out
    epochs and checkpoints. Several processes call it together and measure shared steps.

    Parameters
    ----------
    estimator : DuINVQVAE | DuINCells | DuINMAE | DuINClassifier
        The estimator; it is not changed. An earlier stage in it must be fitted.
    %(X)s
    y : array, shape (n_epochs,) | None
        The labels, for a classifier.
    %(subject)s
    %(fit_sfreq)s
    n_steps : int
        Steps of a pass that are measured; of a stage that counts steps, five are.

    Returns
    -------
    cost : Cost
        Time and memory; ``print`` it.

    Raises
    ------
    TypeError
        If it is none of the stages.
    ValueError
        If the data or a parameter cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINVQVAE, estimate_cost
    >>> X = np.random.default_rng(0).standard_normal((40, 3, 400))
    >>> vqvae = DuINVQVAE(n_layers=1, n_decoder_layers=1, n_codes=8, max_iter=30)
    >>> cost = estimate_cost(vqvae, X, sfreq=1000)
    >>> cost.n_passes, cost.steps_per_pass
    (30, 3)
    """
    return try_out(estimator, X, y, subject=subject, sfreq=sfreq, n_steps=n_steps)[0]


def try_out(estimator, X, y=None, *, subject=None, sfreq=None, n_steps=2):
    """Estimate the cost and return the briefly trained copy as well."""
    check_type("estimator", estimator, STAGES)
    check_number("n_steps", n_steps, low=1, integer=True)
    recipe = resolve(estimator, estimator._stage)
    rate = sfreq if sfreq is not None else estimator.sfreq
    epochs = as_array(X, sfreq=rate, on_disk=estimator._trains_from_disk)
    rows = _choose_rows(len(epochs), y, recipe["batch_size"] * n_steps)
    arguments = {"sfreq": epochs.sfreq}
    if subject is not None:
        arguments["subject"] = np.asarray(subject)[rows]
    if y is not None:
        arguments["y"] = np.asarray(y)[rows]
    trial = _short_copy(estimator)
    with warnings.catch_warnings():
        # A codex of so few steps has collapsed; that is no news.
        warnings.simplefilter("ignore", RuntimeWarning)
        part = [X[i] for i in rows] if isinstance(X, list) else X[rows]
        # Band power of all segments on disk would be computed for these few.
        part = part.to_epochs() if isinstance(part, DiskSegments) else part
        trial.fit(part, **arguments)
    steps, n_passes = -(-len(epochs) // recipe["batch_size"]), recipe.get("max_iter")
    n_trial = -(-len(rows) // recipe["batch_size"])
    if isinstance(estimator, DuINCells):
        duration = len(epochs) * epochs.data.shape[-1] / epochs.sfreq
        sizes = split_steps(recipe["max_steps"] or steps_for(duration))
        steps, n_passes = sizes[0], len(sizes)
        seconds = trial.history_["seconds"].sum() / CELL_STEPS
    else:
        # The first pass warms up, and before the third the codex may start.
        seconds = trial.history_["seconds"][[1, 3]].mean() / n_trial
    n_parameters = sum(p.numel() for p in trial.module_.parameters())
    shape = (trial.scaler_.mean.shape[1], epochs.data.shape[-1])
    n_bytes = BYTES_PER_PARAMETER * n_parameters + _step_bytes(trial, recipe, shape)
    if not isinstance(epochs.data, StoredArray):
        n_bytes += 4 * len(epochs) * int(np.prod(shape))
    total = n_passes * steps * seconds
    device = str(trial.device_)
    return Cost(total, seconds, n_passes, steps, n_bytes, n_parameters, device), trial


def _short_copy(estimator):
    """Return a copy that trains for a moment; a fitted part stays fitted."""
    changes = {"verbose": False, "random_state": 0}
    if isinstance(estimator, DuINCells):
        changes |= {"max_steps": CELL_STEPS, "validation_fraction": 0.0}
        changes["n_codes"] = 2
    else:
        changes["max_iter"] = 4
    parameters = estimator.get_params(deep=False)
    for name in ("vqvae", "pretrained"):
        part = parameters.get(name)
        if part is not None:
            changes[name] = FrozenEstimator(unwrap(part, name))
    frozen = {k: v for k, v in changes.items() if isinstance(v, FrozenEstimator)}
    return clone(type(estimator)(**parameters | frozen)).set_params(**changes)


def _choose_rows(n_epochs, y, n_wanted):
    """Choose so many epochs, all classes alike."""
    if y is None:
        return np.arange(min(n_wanted, n_epochs))
    _, index = np.unique(np.asarray(y), return_inverse=True)
    order = np.argsort(index, kind="stable")
    counts = np.bincount(index)
    rank = np.empty(n_epochs, int)
    rank[order] = np.concatenate([np.arange(count) for count in counts])
    # Ten of each, so that epochs can be held out and a discriminant be fitted.
    n_wanted = max(n_wanted, 10 * len(counts))
    return np.sort(np.argsort(rank, kind="stable")[:n_wanted])


def _step_bytes(trial, recipe, shape):
    """Return the size of all that a forward pass keeps for the way back."""
    n_inputs, n_times = shape
    crop = recipe.get("crop_duration")
    if crop is not None:
        n_times = min(n_times, trial._crop_samples(crop))
    n_tokens = n_times // trial.patch_size_
    n_batch, device = recipe["batch_size"], trial.device_
    x = torch.zeros(n_batch, n_inputs, n_tokens * trial.patch_size_, device=device)
    subject = torch.zeros(n_batch, dtype=torch.long, device=device)
    hidden = torch.zeros(n_batch, n_inputs, n_tokens, dtype=torch.bool, device=device)
    inputs = {"x": x, "subject": subject}
    if isinstance(trial, DuINCells):
        inputs["hidden"] = hidden
    elif isinstance(trial, DuINMAE):
        inputs["mask"] = hidden[:, 0]
    own = {p.untyped_storage().data_ptr() for p in trial.module_.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            # Held on to: an address that is free again would be counted as the same.
            kept[storage.data_ptr()] = storage
        return tensor

    trial.module_.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        trial.module_(**inputs)
    trial.module_.eval()
    return sum(storage.nbytes() for storage in kept.values())
