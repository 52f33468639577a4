"""Stage 2: pre-train an encoder by predicting the codes of hidden tokens."""

from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
import torch
from mne.utils import warn
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.frozen import FrozenEstimator
from torch.nn import functional

from mne_duin.estimators import _files
from mne_duin.estimators._base import BALANCES, BaseDuIN, front_scale, unwrap
from mne_duin.estimators._cells import DuINCells
from mne_duin.estimators._resume import open_checkpoints
from mne_duin.estimators._trained import BATCH, Signal, inherit_input, note_runs
from mne_duin.estimators._vqvae import DuINVQVAE
from mne_duin.estimators.presets import check_numbers, resolve
from mne_duin.nn import MAE, build_encoder, encoder_sizes, random_mask
from mne_duin.nn._models import number_hidden
from mne_duin.training import PretrainingCheck, code_rules
from mne_duin.training._check import NETWORK
from mne_duin.utils._checks import check_option, check_type
from mne_duin.utils._docs import fill_doc

ENCODER_STARTS = ("vqvae", "random")
TARGETS = ("codes", "embedding", "raw")
FIRST_STAGES = (DuINVQVAE, DuINCells)


class MaskedTraining:
    """One training step of masked modeling, and the losses of hidden tokens."""

    def __init__(self, vqvae, *, target, mask_ratio, patch_size):
        self.vqvae, self.target = vqvae, target
        self.mask_ratio, self.patch_size = mask_ratio, patch_size
        self.masks = None

    def begin_pass(self, module, index, generator):
        """Start the masks of a pass, the same in all processes."""
        seed = generator.initial_seed() ^ 2
        device = next(module.parameters()).device
        self.masks = torch.Generator(device).manual_seed(seed)

    def __call__(self, module, batch):
        """Return the loss of a batch, and the accuracy where codes are predicted."""
        targets = self.targets(batch.x, batch.subject)
        # Where the engine does not announce its passes, nothing needs to be shared.
        generator = self.masks if module.training else _fixed(batch.x.device)
        shape = batch.n_total, targets.shape[1]
        mask = self._mask(shape, generator, batch.x.device)
        own = mask[batch.first : batch.first + len(batch)]
        n_hidden = number_hidden(shape[1], self.mask_ratio)
        predicted = module(batch.x, own, batch.subject, n_hidden=n_hidden)
        losses = {"loss": self.token_losses(predicted, targets).mean()}
        if self.target == "codes":
            losses["accuracy"] = (predicted.argmax(-1) == targets).float().mean()
        return losses

    def epoch_losses(self, module, x, subject, targets):
        """Return the mean loss of the hidden tokens of every epoch."""
        mask = self._mask(targets.shape[:2], _fixed(x.device), x.device)
        return self.token_losses(module(x, mask, subject), targets).mean(1)

    def _mask(self, shape, generator, device):
        return random_mask(*shape, self.mask_ratio, generator=generator, device=device)

    @torch.no_grad()
    def targets(self, x, subject):
        """Return what is to be predicted, (n_epochs, n_tokens, ...)."""
        if self.target == "codes":
            return self.vqvae.encode(x, subject)
        if self.target == "embedding":
            return self.vqvae.encoder(x, subject).float()
        patches = x.unflatten(-1, (-1, self.patch_size))
        return patches.transpose(1, 2).flatten(2)

    def token_losses(self, predicted, targets):
        """Return the loss of every token, (n_epochs, n_tokens)."""
        predicted = predicted.float()
        if self.target == "codes":
            # Classes on the last axis are next to each other in memory.
            flat = predicted.flatten(0, 1), targets.flatten()
            losses = functional.cross_entropy(*flat, reduction="none")
            return losses.view(targets.shape)
        if self.target == "embedding":
            return 1 - functional.cosine_similarity(predicted, targets, dim=-1)
        return (predicted - targets).square().mean(-1)


def _fixed(device):
    """Return the same masks every time, so that losses can be compared."""
    return torch.Generator(device).manual_seed(0)


@fill_doc
class DuINMAE(TransformerMixin, BaseDuIN):
    """Pre-train the encoder by masked modeling of a codex's codes.

    Half of the tokens are hidden and their codes predicted from the others, then the
    other half (symmetric masking). The encoder's sizes are those of ``vqvae``. In the
    history ``accuracy`` is the fraction of hidden codes predicted right.

    Parameters
    ----------
    vqvae : DuINVQVAE | DuINCells | FrozenEstimator
        The fitted first stage, whose codes are the targets. Inside cross-validation
        wrap it in ``sklearn.frozen.FrozenEstimator``.
    %(preset)s
    %(crop_duration)s
    mask_ratio : float
        Fraction of the tokens hidden in the first of the two passes.
    target : str
        What is predicted of a hidden token: its code (``"codes"``, cross-entropy), the
        first stage's token with context (``"embedding"``, one minus the cosine) or the
        scaled signal of its patch (``"raw"``, squared error).
    encoder_init : str | None
        ``"vqvae"`` starts from the first stage's encoder, ``"random"`` from scratch as
        published.
    encoder_lr_scale : float | None
        Learning rate of the encoder relative to that of the head. A small one keeps
        what an encoder from the first stage knows; on little data a large one unlearns
        it.
    front_lr_scale : float | None
        Further factor for spatial maps and patch encoder; 0 keeps those of the first
        stage. Those of an encoder that starts at random learn like the rest of it.
    %(recipe)s
    %(balance)s
    %(machine)s
    random_state : None | int | RandomState
        Seed of initial values, batches, crops, masks and dropout.
    %(progress)s
    encoder_start : None
        Former names of ``encoder_init``; they warn and will be
        removed.

    Attributes
    ----------
    module_ : MAE
        The network.
    vqvae_ : DuINVQVAE | DuINCells | None
        A copy of the fitted first stage; None where weights were read without it.
    check_ : PretrainingCheck | None
        What was learned beyond simple rules, where ``fit`` was given ``validation``.
    %(learned)s

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINMAE, DuINVQVAE
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 400))
    >>> vqvae = DuINVQVAE(
    ...     n_layers=1, n_decoder_layers=1, n_codes=8, max_iter=2, verbose=False
    ... ).fit(X, sfreq=1000)
    >>> mae = DuINMAE(vqvae, max_iter=2, verbose=False).fit(X, sfreq=1000)
    >>> mae.transform(X).shape
    (8, 4, 180)
    """

    module_: MAE
    vqvae_: DuINVQVAE | DuINCells | None
    check_: PretrainingCheck | None
    _stage: ClassVar[str] = "mae"
    _trains_from_disk: ClassVar[bool] = True

    def __init__(
        self,
        vqvae: DuINVQVAE | FrozenEstimator | None,
        preset: str = "quick",
        *,
        crop_duration: float | None = None,
        mask_ratio: float = 0.5,
        target: str = "codes",
        encoder_init: str | None = None,
        encoder_lr_scale: float | None = None,
        front_lr_scale: float | None = None,
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
        encoder_start: str | None = None,
    ):
        self.vqvae = vqvae
        self.preset = preset
        self.crop_duration = crop_duration
        self.mask_ratio = mask_ratio
        self.target = target
        self.encoder_init = encoder_init
        self.encoder_lr_scale = encoder_lr_scale
        self.front_lr_scale = front_lr_scale
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
        self.encoder_start = encoder_start

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
        X : Epochs | DiskSegments | array | list of Epochs
            Unlabeled segments with the channels of ``vqvae``, shape (n_epochs,
            n_channels, n_times).
        %(y_ignored)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_segments)s
        %(checkpoints)s

        Returns
        -------
        self : DuINMAE
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``vqvae`` is not fitted, the data or a parameter cannot be used, or
            ``checkpoint_dir`` has a training with others.
        %(checkpoint_errors)s
        """
        recipe = resolve(self, self._stage)
        check_option("target", self.target, TARGETS)
        check_option("encoder_init", recipe["encoder_init"], ENCODER_STARTS)
        check_numbers(self, recipe)
        check_option("balance", self.balance, BALANCES)
        vqvae = check_type("vqvae", unwrap(self.vqvae, "vqvae"), FIRST_STAGES)
        checkpoints = open_checkpoints(
            self, "mae", recipe, checkpoint_dir, checkpoint_every
        )
        self.vqvae_ = deepcopy(vqvae)
        inherit_input(self, self.vqvae_)
        epochs = self._check_again(X, subject=subject, sfreq=sfreq)
        note_runs(self, epochs.metadata, self.vqvae_)
        run = self._begin(checkpoints)
        self.vqvae_.device_ = self.device_
        self.vqvae_.module_.to(self.device_).eval()
        self._build_seeded(partial(self._build, recipe["encoder_init"]), run)
        if self.crop_duration is None:
            recipe["crop_duration"] = self._longest_crop(recipe["crop_duration"])
        data = self._signal_data(
            epochs, crop=recipe["crop_duration"], balance=self.balance
        )
        self.module_.limit_context(data.n_times // self.patch_size_)
        step = self._training_step(recipe, data)
        held_out = self._held_out(validation, recipe, sfreq)
        self._train(
            step,
            data,
            recipe,
            run,
            validation=held_out,
            begin_pass=step.begin_pass,
            lr_scale=self._lr_scale(recipe),
        )
        self.check_ = self._check_learning(data, held_out)
        return self

    def _longest_crop(self, seconds):
        """Return the length of crops, at most what the first stage learned from."""
        known = self.vqvae_.module_.encoder.transformer.max_tokens
        if known is None:
            return seconds
        return min(seconds, known * self.patch_size_ / self.info_["sfreq"])

    def _check_learning(self, data, held_out):
        """Compare held-out accuracy with that of simple rules; warn if none is beaten.

        None where nothing was held out, or no codes are predicted.
        """
        if held_out is None or self.target != "codes":
            return None
        train, test = (self._codes_of(part) for part in (data, held_out))
        values = code_rules(train, test, len(self.vqvae_.codebook_))
        values[NETWORK] = float(self.history_["valid_accuracy"][-1])
        rows = [("hidden codes", method, value) for method, value in values.items()]
        table = pd.DataFrame(rows, columns=["quantity", "method", "value"])
        check = PretrainingCheck(table, "accuracy", len(held_out))
        if not check.learned:
            warn(f"{check.verdict} Record more, or train for more passes (`max_iter`).")
        return check

    def _codes_of(self, data):
        """Return the codes of some training data, (n_epochs, n_tokens)."""
        module = self.vqvae_.module_
        parts = [module.encode(b.x, b.subject).cpu() for b in data.batches(BATCH)]
        return torch.cat(parts).numpy()

    def _masked_training(self):
        """Return the training step; without the first stage there is none."""
        if self.vqvae_ is None:
            raise ValueError(
                "This masked stage was read without its first stage, whose codes it "
                "predicts; only `transform` and what needs no codes is possible."
            )
        return MaskedTraining(
            self.vqvae_.module_,
            target=self.target,
            mask_ratio=self.mask_ratio,
            patch_size=self.patch_size_,
        )

    def _training_step(self, recipe, data):
        return self._masked_training()

    def _earlier_stage(self):
        return self.vqvae_

    def _codex(self):
        return None if self.vqvae_ is None else self.vqvae_.module_.quantizer

    def _add_state(self, tensors, meta):
        super()._add_state(tensors, meta)
        if self.vqvae_ is not None:
            inner, meta["nested"]["vqvae"] = _files.to_state(self.vqvae_)
            tensors |= {f"vqvae/{name}": value for name, value in inner.items()}

    def _take_state(self, tensors, meta):
        super()._take_state(tensors, meta)
        self.vqvae_ = self.check_ = None
        if "vqvae" in meta["nested"]:
            inner = _files.below(tensors, "vqvae/")
            known = {kind.__name__: kind for kind in FIRST_STAGES}
            self.vqvae_ = _files.from_state(inner, meta["nested"]["vqvae"], known)
            self.vqvae = self.vqvae_

    def _lr_scale(self, recipe):
        encoder = recipe["encoder_lr_scale"]
        scale = {"encoder": encoder}
        if recipe["encoder_init"] == "vqvae":
            scale |= front_scale(encoder * recipe["front_lr_scale"])
        return scale

    def _build(self, start):
        vqvae = self.vqvae_
        encoder = build_encoder(**encoder_sizes(vqvae.module_.encoder))
        if start == "vqvae":
            encoder.load_state_dict(vqvae.module_.encoder.state_dict())
        n_inputs = self.scaler_.mean.shape[1]
        n_outputs = {
            "codes": len(vqvae.codebook_),
            "embedding": encoder.dim,
            "raw": n_inputs * encoder.patch_size,
        }
        return MAE(encoder, n_outputs[self.target])

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

    def _loss_of(self, x, subject, target=None):
        """Loss of the hidden tokens of the inputs (or of others), per epoch."""
        step = self._masked_training()
        original = x if target is None else target
        targets = torch.from_numpy(self._batched(step.targets, original, subject))
        parts = iter(targets.to(self.device_).split(BATCH))
        return self._batched(
            lambda x, subject: step.epoch_losses(self.module_, x, subject, next(parts)),
            x,
            subject,
        )

    def score(
        self, X: Signal, y: object = None, *, subject: ArrayLike | None = None
    ) -> float:
        """Return minus the mean loss of the hidden tokens.

        Parameters
        ----------
        %(X)s
        %(y_ignored)s
        %(subject)s

        Returns
        -------
        score : float
            Higher is better. With codes as ``target`` it is in nats, and guessing every
            code alike gives ``-log(n_codes)``.
        """
        return -self._mean_loss(X, subject)
