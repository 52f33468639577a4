"""Stage 1: learn a codex of region-level tokens by reconstructing the signal.

:class:`CodexTraining` is the training step; it starts the codex and keeps it alive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from mne.utils import warn
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mne_duin import viz
from mne_duin.estimators._base import (
    BALANCES,
    INITIAL,
    BaseDuIN,
    check_encoder,
    check_unscreened,
    front_scale,
)
from mne_duin.estimators._plots import (
    own_contacts,
    own_epochs,
    signal_timing,
    subject_row,
)
from mne_duin.estimators._resume import open_checkpoints
from mne_duin.estimators._trained import Signal
from mne_duin.estimators.presets import check_numbers, resolve
from mne_duin.nn import (
    VQVAE,
    Quantizer,
    build_vqvae,
    reconstruction_loss,
    spherical_kmeans,
)
from mne_duin.training import n_processes
from mne_duin.training._devices import broadcast_, gather_rows, sum_values
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc

STARTS = ("unquantized", "first-batch", "random")
# Tokens that the codex starts from; about three hours of segments without overlap.
MOST_CLUSTERED = 100_000
AT_ONCE = 64  # epochs


def channel_share(batch):
    """Return the weight of a mean over real channels, next to its fraction of epochs.

    Where subjects have different numbers of channels, the mean over the whole batch is
    not the mean of the processes' means weighted by their epochs.
    """
    if batch.channel_mask is None or n_processes() == 1:
        return 1.0
    n_own = batch.channel_mask.sum().float()
    n_all = sum_values(n_own * batch.counts)
    return n_own / n_all * (batch.n_total / len(batch))


def reconstruction_losses(module, batch, *, commitment):
    """Return the losses of a batch; the codex stays as it is."""
    return _losses(*module(batch.x, batch.subject), batch, commitment)


def _losses(reconstruction, output, batch, commitment):
    loss = reconstruction_loss(reconstruction, batch.x, batch.channel_mask)
    loss = loss * channel_share(batch)
    return {
        "loss": loss + commitment * output.loss_commit,
        "loss_reconstruction": loss,
        "loss_commit": output.loss_commit,
    }


class CodexTraining:
    """One training step, and what happens to the codex before and after a pass.

    The published start (``"first-batch"``) clusters the first batch of an untrained
    network, whose tokens are nearly alike; on less than hours of recording one code
    then wins everything. ``"unquantized"`` first trains the network without a codex and
    then clusters the tokens of the training set, of large ones some 100,000.
    """

    def __init__(self, data, *, start, n_unquantized, revive, n_revive, commitment):
        self.data, self.start, self.n_unquantized = data, start, n_unquantized
        self.revive, self.n_revive = revive, n_revive
        self.commitment = commitment
        self.waits = False
        self.counts: torch.Tensor
        self.last: tuple
        self.generator: torch.Generator

    def __call__(self, module, batch):
        """Return the losses of a batch; in training, move the codex."""
        reconstruction, output = module(batch.x, batch.subject)
        if self.waits and module.training:
            # The published start: cluster what the first training batch gives.
            self.waits = False
            projected = gather_rows(output.projected.detach(), batch)
            self._start_codes(module.quantizer, projected.flatten(0, 1))
            reconstruction, output = module(batch.x, batch.subject)
        losses = _losses(reconstruction, output, batch, self.commitment)
        if module.training:
            # A compiled network overwrites its outputs at the next step.
            projected = output.projected.detach().clone()
            if not batch.counts:
                output = replace(
                    output, codes=output.codes[:0], projected=output.projected[:0]
                )
            self.counts += module.quantizer.update_(output)
            self.last = projected, batch
        return losses

    def begin_pass(self, module, index, generator):
        """Start the codex when its pass has come."""
        quantizer, self.generator = module.quantizer, generator
        self.counts = torch.zeros_like(quantizer.counts)
        if self.start == "unquantized":
            quantizer.active.fill_(index >= self.n_unquantized)
            if index == self.n_unquantized:
                self._cluster(module)
        elif self.start == "first-batch" and index == 0:
            self.waits = True

    @torch.no_grad()
    def _cluster(self, module):
        """Cluster the tokens of the training set into the codex."""
        module.eval()
        vectors = []
        for batch in self._spread_batches(module.encoder.patch_size):
            tokens = module.encoder(batch.x, batch.subject)
            vectors.append(module.quantizer(tokens).projected.flatten(0, 1))
        self._start_codes(module.quantizer, torch.cat(vectors))
        module.quantizer.counts.zero_()

    def _spread_batches(self, patch_size):
        """Yield all epochs or, of hours of recording, as many spread evenly over it."""
        n_tokens = self.data.n_times // patch_size
        n_wanted = min(-(-MOST_CLUSTERED // n_tokens), len(self.data))
        rows = np.linspace(0, len(self.data) - 1, n_wanted).round().astype(int)
        for own in torch.from_numpy(rows).to(self.data.x.device).split(AT_ONCE):
            yield self.data.take(own)

    def _start_codes(self, quantizer, vectors):
        """Give the codex the clusters of some vectors, in all processes the same."""
        codebook, _ = spherical_kmeans(
            vectors, len(quantizer.codebook), generator=self.generator
        )
        quantizer.codebook.copy_(codebook)
        broadcast_([quantizer.codebook])

    def end_pass(self, module, index, generator):
        """Report the use of the codex and move dead codes to random tokens."""
        active = self.start != "unquantized" or index >= self.n_unquantized
        if not active:
            return {"codes_used": 0, "perplexity": float("nan"), "codes_revived": 0}
        used = self.counts > 0
        share = self.counts / self.counts.sum()
        perplexity = torch.exp(-(share * (share + 1e-12).log()).sum())
        dead = (~used).nonzero().flatten()
        revived = 0
        if self.revive and index < self.n_revive and len(dead):
            vectors = gather_rows(*self.last).flatten(0, 1)
            chosen = torch.randint(len(vectors), (len(dead),), generator=generator)
            module.quantizer.codebook[dead] = vectors[chosen.to(vectors.device)]
            revived = len(dead)
        return {
            "codes_used": int(used.sum()),
            "perplexity": float(perplexity),
            "codes_revived": revived,
        }


@fill_doc
class DuINVQVAE(TransformerMixin, BaseDuIN):
    """Learn discrete codes of 100 ms of signal by vector quantization.

    A spatial map and a small convolutional encoder turn every patch of all channels
    into one token, a transformer gives it context, the token is replaced by the nearest
    code of a codex, and a decoder reconstructs the signal from the codes.

    Parameters
    ----------
    %(preset)s
    %(patch_duration)s
    %(crop_duration)s
    %(subject_layers)s
    %(patch_encoder)s
    %(spatial_sizes)s
    n_layers, n_decoder_layers : int | None, int
        Transformer blocks of the encoder and the decoder. Of the encoder the quick
        preset takes 2; the published number is 8.
    %(attention_sizes)s
    bands : "raw" | sequence of str | dict | None
        Bands in which the network is given the logarithm of the power of every channel,
        in addition to its signal: names out of theta (4-8 Hz), alpha (8-13), beta
        (13-30), low-gamma (30-70) and high-gamma (70-150), or names and edges in Hz.
        Those above half the sampling rate are left out, with a message. A name that
        ends with ``"-unmixed"``, such as ``"high-gamma-unmixed"``, is the power after
        the channels were unmixed in that band as the training data say, see
        :class:`~mne_duin.baselines.EvokedPower`: of sources that are mixed in the
        channels only such power can be told apart. The quick preset takes all bands,
        of unmixed channels. ``"raw"``, the published input, is the signal alone: the
        patch encoder is linear and power is not a linear function of the signal; with
        hours of recording the transformer learns to compute it, with minutes it does
        not.
    init : str | None
        Initial values. ``"zca"`` whitens the training data by the map that stays
        closest to the channels, so that what one channel carries stays in one filter;
        ``"principal"`` starts from their principal components, which spread it over all
        filters. In both the convolutions start as low-pass filters. ``"random"``: the
        published random values.
    front_lr_scale : float | None
        Learning rate of spatial maps and patch encoder relative to that of the rest,
        where they start from whitened data; 0 keeps them, and tokens then are the
        whitened inputs in steps of 10 samples. A codex can represent
        the strongest directions of the signal only, and on little data maps that learn
        with it lose the others, which tell words apart. A random start always learns
        at the full rate.
    n_codes : int | None
        Size of the codex.
    code_dim : int
        Dimension of a code.
    codex_decay : float
        Memory of the moving average that moves the codes.
    commitment : float
        Weight of the commitment loss.
    codex_init : str | None
        ``"unquantized"`` trains without a codex for half of the passes, then
        clusters the tokens of the training set (of long ones 100,000, spread evenly
        over it); ``"first-batch"`` is the
        published start, which collapses on little data; ``"random"`` uses random codes.
    revive_codes : bool | None
        Whether codes that no token used in a pass move to random tokens.
    %(recipe)s
    %(balance)s
    %(machine)s
    random_state : None | int | RandomState
        Seed of initial values, batches, crops and dropout.
    %(progress)s
    high_gamma, initial, codex_start : None
        Former names of ``bands``, ``init``, ``codex_init``; they warn and will be
        removed.

    Attributes
    ----------
    module_ : VQVAE
        The network.
    codebook_ : ndarray, shape (n_codes, code_dim)
        The codes, unit vectors.
    code_counts_ : ndarray of int, shape (n_codes,)
        How often each code is used in the training epochs.
    %(learned)s

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINVQVAE
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 400))
    >>> vqvae = DuINVQVAE(
    ...     n_layers=1, n_decoder_layers=1, n_codes=8, max_iter=2, verbose=False
    ... )
    >>> vqvae.fit(X, sfreq=1000).transform(X).shape
    (8, 4)
    """

    module_: VQVAE
    code_counts_: np.ndarray
    _stage: ClassVar[str] = "vqvae"
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
        n_decoder_layers: int = 4,
        n_heads: int = 8,
        head_dim: int | None = None,
        ff_dim: int = 320,
        attention_dropout: float = 0.2,
        ff_dropout: float = 0.2,
        bands: str | Sequence[str] | dict | None = None,
        init: str | None = None,
        front_lr_scale: float | None = None,
        n_codes: int | None = None,
        code_dim: int = 64,
        codex_decay: float = 0.99,
        commitment: float = 1.0,
        codex_init: str | None = None,
        revive_codes: bool | None = None,
        max_iter: int | None = None,
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
        high_gamma: bool | None = None,
        initial: str | None = None,
        codex_start: str | None = None,
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
        self.n_decoder_layers = n_decoder_layers
        self.n_heads = n_heads
        self.head_dim = head_dim
        self.ff_dim = ff_dim
        self.attention_dropout = attention_dropout
        self.ff_dropout = ff_dropout
        self.bands = bands
        self.init = init
        self.front_lr_scale = front_lr_scale
        self.n_codes = n_codes
        self.code_dim = code_dim
        self.codex_decay = codex_decay
        self.commitment = commitment
        self.codex_init = codex_init
        self.revive_codes = revive_codes
        self.max_iter = max_iter
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
        self.high_gamma = high_gamma
        self.initial = initial
        self.codex_start = codex_start

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
        """Learn the codex.

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
        self : DuINVQVAE
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
        check_option("codex_init", recipe["codex_init"], STARTS)
        check_option("init", recipe["init"], INITIAL)
        check_unscreened(recipe["bands"])
        check_encoder(self)
        checkpoints = open_checkpoints(
            self, "vqvae", recipe, checkpoint_dir, checkpoint_every
        )
        epochs = self._check_X(X, subject=subject, sfreq=sfreq, bands=recipe["bands"])
        run = self._begin(checkpoints)
        data = self._signal_data(
            epochs, crop=recipe["crop_duration"], balance=self.balance
        )
        is_whitened = recipe["init"] != "random"
        start = partial(self._start, recipe) if is_whitened else None
        self._build_seeded(partial(self._build, recipe), run, start, data)
        self.module_.limit_context(data.n_times // self.patch_size_)
        step = self._training_step(recipe, data)
        self._train(
            step,
            data,
            recipe,
            run,
            validation=self._held_out(validation, recipe, sfreq),
            begin_pass=step.begin_pass,
            end_pass=step.end_pass,
            lr_scale=front_scale(recipe["front_lr_scale"]) if is_whitened else None,
        )
        self.code_counts_ = self._count_codes(epochs)
        self._warn_if_collapsed()
        return self

    def _count_codes(self, epochs):
        """Return how often each code is used, shape (n_codes,)."""
        size = len(self.module_.quantizer.codebook)

        def count(x, subject):
            codes = self.module_.encode(x, subject)
            return torch.bincount(codes.flatten(), minlength=size)[None]

        return self._apply(count, epochs).sum(axis=0)

    def _training_step(self, recipe, data):
        n_passes = recipe["max_iter"]
        return CodexTraining(
            data,
            start=recipe["codex_init"],
            n_unquantized=n_passes // 2,
            revive=recipe["revive_codes"],
            # The network has to see every code before training ends.
            n_revive=n_passes - max(n_passes // 10, 1),
            commitment=self.commitment,
        )

    def _build(self, recipe):
        if self.patch_size_ % 10:
            raise ValueError(
                f"The decoder reconstructs patches of a multiple of 10 samples; "
                f"`patch_duration` {self.patch_duration} s at "
                f"{self.info_['sfreq']:g} Hz is {self.patch_size_}. Leave it None, or "
                f"resample to {100 / self.patch_duration:g} Hz."
            )
        encoder = self._build_encoder(recipe)
        quantizer = Quantizer(
            encoder.dim, recipe["n_codes"], self.code_dim, self.codex_decay
        )
        return build_vqvae(
            encoder,
            quantizer,
            n_decoder_layers=self.n_decoder_layers,
            decoder_filters=encoder.patch.sizes()["filters"][0],
        )

    def _warn_if_collapsed(self):
        used = np.count_nonzero(self.code_counts_)
        if used < 0.5 * len(self.code_counts_):
            warn(
                f"Only {used} of {len(self.code_counts_)} codes are in use. Train on "
                "more segments or for more passes, use fewer codes (`n_codes`), or "
                "keep codex_init='unquantized' and revive_codes=True."
            )

    def _codex(self):
        return self.module_.quantizer

    def _subject_step(self, recipe, data):
        return partial(reconstruction_losses, commitment=self.commitment)

    def _start(self, recipe, module, data):
        """Give encoder, codex and decoder their start."""
        module.start_from_components(
            data.x,
            data.subject,
            exact=recipe["front_lr_scale"] == 0,
            **self._initial_maps(recipe),
        )

    def _add_state(self, tensors, meta):
        super()._add_state(tensors, meta)
        tensors["code_counts"] = torch.from_numpy(self.code_counts_.copy())

    def _take_state(self, tensors, meta):
        super()._take_state(tensors, meta)
        self.code_counts_ = tensors["code_counts"].numpy()
        if len(self.code_counts_) != len(self.codebook_):
            raise ValueError("the codex has another size than the counts of its codes")

    @property
    def codebook_(self):
        """The codes, unit vectors, shape (n_codes, code_dim)."""
        return self.module_.quantizer.codebook.cpu().numpy().copy()

    def _encode(self, epochs):
        return self._apply(self.module_.encode, epochs)

    def transform(self, X: Signal, *, subject: ArrayLike | None = None) -> np.ndarray:
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
        return self._encode(self._check_fitted(X, subject))

    def reconstruct(self, X: Signal, *, subject: ArrayLike | None = None) -> np.ndarray:
        """Reconstruct the signal from its codes.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        reconstruction : ndarray, shape (n_epochs, n_channels, n_times)
            In the unit of ``X``; as long as whole patches go. High-gamma power, where
            the network was given it, is reconstructed as well but not returned.
        """
        x, subject = self._scaled(self._check_fitted(X, subject))
        rebuilt = self._rebuild(x, subject)[:, : self.n_features_in_]
        return self.scaler_.invert(rebuilt, subject)

    def _rebuild(self, x, subject):
        return self._batched(self._rebuild_batch, x, subject)

    def _rebuild_batch(self, x, subject):
        return self.module_(x, subject)[0]

    def _loss_of(self, x, subject, target=None):
        """Mean squared error of the reconstructed real inputs (or target), by epoch."""
        target = x if target is None else target
        error = np.square(self._rebuild(x, subject) - target).mean(-1)
        mask = self.scaler_.channel_mask[subject]
        return (error * mask).sum(1) / mask.sum(1)

    def score(
        self, X: Signal, y: object = None, *, subject: ArrayLike | None = None
    ) -> float:
        """Return the fraction of the variance of the z-scored inputs reconstructed.

        Parameters
        ----------
        %(X)s
        %(y_ignored)s
        %(subject)s

        Returns
        -------
        score : float
            One minus the mean squared error in units of the training data's variance
            (the paper's Table 8 lists that error).
        """
        return 1 - self._mean_loss(X, subject)

    def plot_code_usage(self, **options) -> Figure:
        """Plot how often the codes are used in the training epochs, and over passes.

        Parameters
        ----------
        **options : dict
            Passed to :func:`mne_duin.plot_code_usage`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        check_is_fitted(self, "module_")
        return viz.plot_code_usage(
            self.code_counts_, **{"history": self.history_} | options
        )

    def plot_codex(self, **options) -> Figure:
        """Map the codex to two dimensions.

        Parameters
        ----------
        **options : dict
            Passed to :func:`mne_duin.plot_codex`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        check_is_fitted(self, "module_")
        return viz.plot_codex(self.codebook_, self.code_counts_, **options)

    def plot_codes(
        self,
        X: Signal,
        y: ArrayLike | None = None,
        *,
        subject: ArrayLike | None = None,
        **options,
    ) -> Figure:
        """Plot the codes of every epoch over time, and of every word.

        Parameters
        ----------
        %(X)s
        y : array, shape (n_epochs,) | None
            Word of every epoch.
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_codes`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        codes = self.transform(X, subject=subject)
        duration = self.patch_size_ / self.info_["sfreq"]
        options = {"tmin": signal_timing(X)[0], "token_duration": duration} | options
        return viz.plot_codes(codes, y, **options)

    def plot_code_words(
        self, X: Signal, y: ArrayLike, *, subject: ArrayLike | None = None, **options
    ) -> Figure:
        """Plot which codes go with which words, and how much each tells of the word.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_code_words`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        return viz.plot_code_words(self.transform(X, subject=subject), y, **options)

    def plot_code_average(
        self,
        X: Signal,
        contacts: pd.DataFrame | Mapping,
        *,
        subject: ArrayLike | None = None,
        show_subject: str | None = None,
        **options,
    ) -> Figure:
        """Plot the signal around the tokens that have each of the frequent codes.

        Parameters
        ----------
        %(X)s
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name.
        %(subject)s
        show_subject : str | None
            Whose epochs, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_code_average`.

        Returns
        -------
        figure : Figure
            The figure; the signal is that of ``X``, in µV for MNE objects.
        """
        row = subject_row(self, show_subject)
        signal, own = own_epochs(self, X, subject, row)
        codes = self.transform(X, subject=subject)[own]
        unit = signal_timing(X)[1]
        factor, label = (1e6, "signal (µV)") if unit == "V" else (1, unit)
        options = {"sfreq": self.info_["sfreq"], "label": label} | options
        return viz.plot_code_average(
            factor * signal, codes, own_contacts(self, contacts, row), **options
        )

    def plot_reconstruction(
        self,
        X: Signal,
        contacts: pd.DataFrame | Mapping | None = None,
        *,
        subject: ArrayLike | None = None,
        show_subject: str | None = None,
        **options,
    ) -> Figure:
        """Compare the signal with what its codes keep of it.

        Parameters
        ----------
        %(X)s
        contacts : DataFrame | dict of str to DataFrame | None
            Contacts, index = channel name.
        %(subject)s
        show_subject : str | None
            Whose epochs, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_reconstruction`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = subject_row(self, show_subject)
        signal, own = own_epochs(self, X, subject, row)
        real = self.scaler_.channel_mask[row, : self.n_features_in_]
        rebuilt = self.reconstruct(X, subject=subject)[own][:, np.asarray(real)]
        tmin, unit = signal_timing(X)
        table = None if contacts is None else own_contacts(self, contacts, row)
        options = {"sfreq": self.info_["sfreq"], "tmin": tmin, "unit": unit} | options
        return viz.plot_reconstruction(signal, rebuilt, table, **options)
