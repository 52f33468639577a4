"""Pre-training without codes: predict hidden cells, one channel in one band and token.

The published stages learn little from minutes to hours of recording: a codex of the
signal keeps hardly anything of what is said, and hidden codes are named as well from
their two neighbors. Here every channel of every band is hidden on its own, token by
token, so that the network has to know which channels and bands change together.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
import torch
from mne.utils import logger, warn
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.cluster import MiniBatchKMeans

from mne_duin.estimators._base import (
    BALANCES,
    INITIAL,
    BaseDuIN,
    check_encoder,
    check_unscreened,
    front_scale,
)
from mne_duin.estimators._resume import open_checkpoints
from mne_duin.estimators._trained import Signal
from mne_duin.estimators.presets import LIMITS, check_numbers, resolve
from mne_duin.nn import CellPredictor
from mne_duin.training import (
    PretrainingCheck,
    SampledData,
    cell_rules,
    split_steps,
    steps_for,
)
from mne_duin.training._check import NETWORK
from mne_duin.utils._checks import check_number, check_option
from mne_duin.utils._docs import fill_doc

# Enough to tell a network from a rule, and seconds to compute.
MOST_CHECKED = 200
MOST_CLUSTERED = 50_000
CHECKED = {"quantity", "method", "value"}


class CellTraining:
    """One training step: hide cells, predict them."""

    def __init__(self, data, sizes, hidden_fraction):
        self.data, self.sizes, self.hidden_fraction = data, sizes, hidden_fraction
        self.masks = None

    def begin_pass(self, module, index, generator):
        """Say how many steps the pass has and start its masks."""
        self.data.n_steps = self.sizes[index]
        device = next(module.parameters()).device
        seed = generator.initial_seed() ^ 2
        self.masks = torch.Generator(device).manual_seed(seed)

    def __call__(self, module, batch):
        """Return the loss of a batch."""
        generator = self.masks if module.training else _fixed(batch.x.device)
        hidden = self.hide(module, batch.x, batch.n_total, generator)
        own = hidden[batch.first : batch.first + len(batch)]
        losses = self.losses(module, batch.x, batch.subject, own, batch.channel_mask)
        return {"loss": losses.mean()}

    def hide(self, module, x, n_epochs, generator):
        """Return which cells are hidden, (n_epochs, n_inputs, n_tokens)."""
        shape = n_epochs, x.shape[1], x.shape[-1] // module.encoder.patch_size
        noise = torch.rand(shape, generator=generator, device=x.device)
        return noise < self.hidden_fraction

    def losses(self, module, x, subject, hidden, channel_mask=None, target=None):
        """Return the loss of every epoch."""
        values = module.values(x if target is None else target)
        predicted = module(x, hidden, subject)
        return module.losses(predicted, values, hidden, channel_mask)


def _fixed(device):
    """Return the same masks every time, so that losses can be compared."""
    return torch.Generator(device).manual_seed(0)


@fill_doc
class DuINCells(TransformerMixin, BaseDuIN):
    """Pre-train the encoder by predicting hidden cells of its input.

    A cell is one channel in one band in one token. Every cell is hidden on its own; a
    linear head on the tokens predicts the mean power of hidden cells of power and the
    low-passed signal (four means per token) of hidden cells of signal. Training is
    counted in steps, whose number grows with the recording
    (:func:`mne_duin.training.steps_for`).

    After training the predictions, with nothing hidden, are clustered: their codes can
    be the targets of :class:`DuINMAE` like those of a :class:`DuINVQVAE`. What was
    learned is compared on held-out segments with rules that know nothing about speech.

    Parameters
    ----------
    %(preset)s
    %(patch_duration)s
    %(crop_duration)s
    %(subject_layers)s
    %(patch_encoder)s
    %(spatial_sizes)s
    n_layers : int | None
        Transformer blocks; the quick preset takes 2, the published number is 8.
    %(attention_sizes)s
    bands : "raw" | sequence of str | dict | None
        Bands whose power the network is given in addition to the signal, see
        :class:`DuINVQVAE`; by default as there.
    init : str | None
        Initial values, see :class:`DuINVQVAE`.
    front_lr_scale : float | None
        Learning rate of spatial maps and patch encoder relative to that of the rest; 0
        keeps them as they start, which is faster and loses nothing where they start
        from the data.
    hidden_fraction : float
        Probability with which a cell is hidden.
    signal_weight : float
        Weight of a cell of the signal relative to a cell of power.
    n_codes : int
        Number of clusters of the predictions.
    max_steps : int | None
        Training steps; None takes 1400 up to 20 minutes of recording, 4200 at 1 h,
        14000 at 3 h and 30000 from 10 h on.
    validation_fraction : float
        Proportion of the segments, the last ones, that is held out for the comparison;
        0 leaves it out. Not used where ``fit`` is given ``validation``.
    batch_size : int | None
        Segments per step.
    lr, lr_min : float | None
        Highest and final learning rate.
    warmup : float | None
        Proportion of the steps with a rising learning rate.
    weight_decay : float | None
        Decay of matrices.
    %(balance)s
    %(machine)s
    random_state : None | int | RandomState
        Seed of initial values, batches, crops, hidden cells and dropout.
    %(progress)s

    Attributes
    ----------
    module_ : CellPredictor
        The network.
    codebook_ : ndarray, shape (n_codes, n_values)
        Cluster centers of the predicted values.
    check_ : PretrainingCheck | None
        What was learned; None where nothing was held out.
    n_steps_ : int
        Number of training steps.
    %(learned)s

    See Also
    --------
    DuINVQVAE, DuINMAE : The published stages.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINCells
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 800))
    >>> cells = DuINCells(
    ...     n_layers=1, n_codes=4, max_steps=2, validation_fraction=0, verbose=False
    ... )
    >>> cells.fit(X, sfreq=400).transform(X).shape
    (8, 20, 72)
    >>> cells.codes(X).shape
    (8, 20)
    """

    module_: CellPredictor
    check_: PretrainingCheck | None
    n_steps_: int
    _stage: ClassVar[str] = "cells"
    _reads_tokens: ClassVar[bool] = False  # cells are hidden in the signal
    _trains_from_disk: ClassVar[bool] = True

    def __init__(
        self,
        preset: str = "quick",
        *,
        patch_duration: float | None = None,
        crop_duration: float | None = None,
        subject_layers: str = "spatial",
        patch_encoder: str = "published",
        n_filters: int | None = None,
        conv_filters: tuple[int, ...] | None = None,
        conv_kernels: tuple[int, ...] = (19, 3, 3),
        conv_strides: tuple[int, ...] = (10, 1, 1),
        n_layers: int | None = None,
        n_heads: int = 8,
        head_dim: int | None = None,
        ff_dim: int = 320,
        attention_dropout: float | None = None,
        ff_dropout: float | None = None,
        bands: str | Sequence[str] | dict | None = None,
        init: str | None = None,
        front_lr_scale: float | None = None,
        hidden_fraction: float = 0.5,
        signal_weight: float = 0.1,
        n_codes: int = 64,
        max_steps: int | None = None,
        validation_fraction: float = 0.05,
        batch_size: int | None = None,
        lr: float | None = None,
        lr_min: float | None = None,
        warmup: float | None = None,
        weight_decay: float | None = None,
        balance: str | None = None,
        sfreq: float | None = None,
        device: str = "auto",
        precision: str = "auto",
        compile: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | None = None,
    ):
        self.preset = preset
        self.patch_duration = patch_duration
        self.crop_duration = crop_duration
        self.subject_layers = subject_layers
        self.patch_encoder = patch_encoder
        self.n_filters = n_filters
        self.conv_filters = conv_filters
        self.conv_kernels = conv_kernels
        self.conv_strides = conv_strides
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.head_dim = head_dim
        self.ff_dim = ff_dim
        self.attention_dropout = attention_dropout
        self.ff_dropout = ff_dropout
        self.bands = bands
        self.init = init
        self.front_lr_scale = front_lr_scale
        self.hidden_fraction = hidden_fraction
        self.signal_weight = signal_weight
        self.n_codes = n_codes
        self.max_steps = max_steps
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.lr = lr
        self.lr_min = lr_min
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.balance = balance
        self.sfreq = sfreq
        self.device = device
        self.precision = precision
        self.compile = compile
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Signal,
        y: object = None,
        *,
        subject: ArrayLike | None = None,
        sfreq: float | None = None,
        validation: Signal | None = None,
        checkpoint_dir: Path | str | None = None,
        checkpoint_every: int = 1,
    ) -> Self:
        """Pre-train the encoder.

        Parameters
        ----------
        %(X_segments)s
        %(y_ignored)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_segments)s
        %(checkpoints)s

        Returns
        -------
        self : DuINCells
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter cannot be used, or ``checkpoint_dir`` has a
            training with others; the message says why.
        %(checkpoint_errors)s
        """
        recipe = resolve(self, self._stage)
        check_numbers(self, recipe)
        check_option("balance", self.balance, BALANCES)
        check_option("init", recipe["init"], INITIAL)
        check_unscreened(recipe["bands"])
        check_encoder(self)
        checkpoints = open_checkpoints(
            self, self._stage, recipe, checkpoint_dir, checkpoint_every
        )
        epochs = self._check_X(X, subject=subject, sfreq=sfreq, bands=recipe["bands"])
        run = self._begin(checkpoints)
        epochs, held_out = self._hold_out(epochs, validation, sfreq)
        data = self._signal_data(
            epochs, crop=recipe["crop_duration"], balance=self.balance
        )
        start = partial(self._start, recipe)
        self._build_seeded(partial(self._build, recipe), run, start, data)
        self.module_.limit_context(data.n_times // self.patch_size_)
        seconds = len(data) * data.x.shape[-1] / self.info_["sfreq"]
        self.n_steps_ = recipe["max_steps"] or steps_for(seconds)
        step = self._training_step(recipe, data)
        scale = recipe["front_lr_scale"]
        self._train(
            step,
            data,
            recipe | {"max_iter": len(step.sizes)},
            run,
            validation=self._crops(held_out, recipe),
            begin_pass=step.begin_pass,
            lr_scale=front_scale(scale) if scale else None,
        )
        self._cluster(data, run.seed)
        self.check_ = self._check_learning(data, held_out)
        return self

    def _hold_out(self, epochs, validation, sfreq):
        """Return the epochs to learn from and those of the comparison, or None."""
        if validation is not None:
            return epochs, self._check_again(validation, sfreq=sfreq)
        n_held = round(self.validation_fraction * len(epochs))
        if n_held == 0:
            return epochs, None
        # The last ones of every subject: neighbors in time are alike.
        subject = epochs.subject
        groups = np.zeros(len(epochs)) if subject is None else np.asarray(subject)
        held = np.zeros(len(epochs), bool)
        for name in pd.unique(groups):
            rows = np.flatnonzero(groups == name)
            held[rows[len(rows) - round(self.validation_fraction * len(rows)) :]] = True
        return epochs[np.flatnonzero(~held)], epochs[np.flatnonzero(held)]

    def _crops(self, epochs, recipe):
        if epochs is None:
            return None
        return self._signal_data(epochs, crop=recipe["crop_duration"])

    def _on_device(self, x, subject, **options):
        return SampledData(
            x,
            subject=subject,
            channel_mask=self.scaler_.channel_mask,
            device=self.device_,
            **options,
        )

    def _build(self, recipe):
        return CellPredictor(
            self._build_encoder(recipe),
            self.n_features_in_,
            n_codes=self.n_codes,
            fixed_front=recipe["front_lr_scale"] == 0,
        )

    def _start(self, recipe, module, data):
        """Give the encoder its start and every value its weight."""
        if recipe["init"] != "random":
            module.start_from_components(
                data.x,
                data.subject,
                exact=module.fixed_front,
                **self._initial_maps(recipe),
            )
        module.learn_weights_(data.x, self.signal_weight)

    def _training_step(self, recipe, data):
        sizes = split_steps(self.n_steps_)
        return CellTraining(data, sizes, self.hidden_fraction)

    def _cluster(self, data, seed):
        """Cluster what is predicted of every token where nothing is hidden."""
        self.module_.eval()
        size = data.n_times // self.patch_size_
        n_wanted = min(-(-MOST_CLUSTERED // size), len(data))
        rows = np.linspace(0, len(data) - 1, n_wanted).round().astype(int)
        vectors = []
        for own in torch.from_numpy(rows).split(64):
            batch = data.take(own.to(data.x.device))
            vectors.append(self.module_.describe(batch.x, batch.subject).flatten(0, 1))
        vectors = torch.cat(vectors).cpu().numpy()
        if len(vectors) < self.n_codes:
            raise ValueError(
                f"`n_codes` must be at most the number of tokens; got {self.n_codes} "
                f"for {len(vectors)} tokens."
            )
        clusters = MiniBatchKMeans(
            self.n_codes, batch_size=4096, n_init=1, random_state=seed % 2**32
        )
        centers = torch.from_numpy(clusters.fit(vectors).cluster_centers_)
        self.module_.codebook.copy_(centers)

    def _check_learning(self, data, epochs):
        """Compare held-out predictions with those of rules; warn if none is beaten."""
        if epochs is None:
            if self.validation_fraction:
                logger.info(
                    "Too few segments to hold any out, so it is not known whether "
                    "pre-training learned anything; pass `validation`."
                )
            return None
        self.module_.eval()
        rows = torch.arange(len(data))[:: max(len(data) // MOST_CHECKED, 1)]
        train = self._values(data, rows)
        held_out = self._signal_data(epochs[:MOST_CHECKED])
        rows = torch.arange(len(held_out))
        batch, test = held_out.take(rows), self._values(held_out, rows)
        step = CellTraining(held_out, [], self.hidden_fraction)
        hidden = step.hide(self.module_, batch.x, len(rows), _fixed(batch.x.device))
        parts = [
            self.module_(batch.x[own], hidden[own], _rows(batch.subject, own))
            for own in rows.split(64)
        ]
        predicted = torch.cat([part.detach() for part in parts]).cpu().numpy()
        owners, hidden = self.module_.owners.cpu().numpy(), hidden.cpu().numpy()
        guesses = cell_rules(train, test, hidden, owners)
        table = self._compare(guesses | {NETWORK: predicted}, test, hidden[:, owners])
        check = PretrainingCheck(table, "error", len(held_out))
        if not check.learned:
            warn(
                f"{check.verdict} Record more, or train for more steps (`max_steps`, "
                f"now {self.n_steps_})."
            )
        return check

    def _values(self, data, rows):
        parts = [
            self.module_.values(data.take(own.to(data.x.device)).x).cpu()
            for own in rows.split(64)
        ]
        return torch.cat(parts).numpy()

    def _compare(self, guesses, truth, hidden):
        """Return relative squared errors of hidden values by kind and method."""
        weight = self.module_.weight.cpu().numpy()[:, None] * hidden
        kinds = {"the signal": self.module_.owners.cpu().numpy() < self.n_features_in_}
        if not kinds["the signal"].all():
            kinds["power"] = ~kinds["the signal"]
        rows = []
        for kind, chosen in kinds.items():
            total = (np.square(truth) * weight)[:, chosen].sum()
            for method, guess in guesses.items():
                error = (np.square(guess - truth) * weight)[:, chosen].sum()
                rows.append((kind, method, float(error / max(total, 1e-12))))
        return pd.DataFrame(rows, columns=["quantity", "method", "value"])

    def _add_state(self, tensors, meta):
        super()._add_state(tensors, meta)
        meta["learned"]["n_steps"] = self.n_steps_
        if self.check_ is not None:
            meta["learned"]["check"] = {
                "table": self.check_.table.to_dict("list"),
                "measure": self.check_.measure,
                "n_segments": int(self.check_.n_segments),
            }

    def _take_state(self, tensors, meta):
        super()._take_state(tensors, meta)
        learned = meta["learned"]
        self.check_ = _read_check(learned.get("check"))
        # Files of version 0.1 do not say it.
        if "n_steps" in learned:
            self.n_steps_ = check_number(
                "n_steps", learned["n_steps"], **LIMITS["max_steps"]
            )

    @property
    def codebook_(self) -> np.ndarray:
        """Cluster centers of the predicted values, shape (n_codes, n_values)."""
        return self.module_.codebook.cpu().numpy().copy()

    def transform(self, X: Signal, *, subject: ArrayLike | None = None) -> np.ndarray:
        """Return the embedding of every token.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        embeddings : ndarray, shape (n_epochs, n_tokens, dim)
            Tokens with context.
        """
        epochs = self._check_fitted(X, subject)
        return self._apply(self.module_.encoder, epochs)

    def codes(self, X: Signal, *, subject: ArrayLike | None = None) -> np.ndarray:
        """Return the code of every token.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        codes : ndarray of int, shape (n_epochs, n_tokens)
            Indices into ``codebook_``.
        """
        epochs = self._check_fitted(X, subject)
        return self._apply(self.module_.encode, epochs)

    def _loss_of(self, x, subject, target=None):
        """Loss of the hidden cells of the inputs (or of others), per epoch."""
        step = CellTraining(None, [], self.hidden_fraction)
        mask = torch.from_numpy(self.scaler_.channel_mask).to(self.device_)
        original = None if target is None else torch.from_numpy(target)
        first = 0

        def losses(x, subject):
            nonlocal first
            rows = slice(first, first + len(x))
            first += len(x)
            hidden = step.hide(self.module_, x, len(x), _fixed(x.device))
            own = None if original is None else original[rows].to(x.device)
            real = mask[torch.zeros(len(x), dtype=int) if subject is None else subject]
            return step.losses(self.module_, x, subject, hidden, real, own)

        return self._batched(losses, x, subject)

    def score(self, X: Signal, y=None, *, subject: ArrayLike | None = None) -> float:
        """Return the proportion of the variance of hidden cells that is predicted.

        Parameters
        ----------
        %(X)s
        %(y_ignored)s
        %(subject)s

        Returns
        -------
        score : float
            One minus the weighted squared error relative to that of the mean.
        """
        return 1 - self._mean_loss(X, subject)


def _read_check(known):
    """Return what was learned, as a file says it; None where it does not."""
    if known is None:
        return None
    table = pd.DataFrame(known["table"])
    measure, n_segments = str(known["measure"]), int(known["n_segments"])
    if measure not in ("error", "accuracy") or not {*table} >= CHECKED:
        raise ValueError("the comparison of pre-training with simple rules is damaged")
    return PretrainingCheck(table, measure, n_segments)


def _rows(values, rows):
    return None if values is None else values[rows]
