"""Stage 2: pre-train an encoder by predicting the codes of hidden tokens."""

from copy import deepcopy
from functools import partial

import torch
from sklearn.base import TransformerMixin
from torch.nn import functional

from mne_duin.estimators.base import BaseDuIN, front_scale, unwrap
from mne_duin.estimators.inputs import inherit_input, note_runs
from mne_duin.estimators.limits import check_numbers
from mne_duin.estimators.presets import resolve
from mne_duin.estimators.resume import open_checkpoints
from mne_duin.estimators.trained import BATCH
from mne_duin.estimators.vqvae import DuINVQVAE
from mne_duin.nn import MAE, build_encoder, encoder_sizes, random_mask
from mne_duin.utils.checks import check_option, check_type
from mne_duin.utils.docs import fill_doc

ENCODER_STARTS = ("vqvae", "random")
TARGETS = ("codes", "embedding", "raw")


@fill_doc
class DuINMAE(TransformerMixin, BaseDuIN):
    """Pre-train the encoder by masked modelling of a codex's codes.

    Half of the tokens are hidden and their codes predicted from the others, then the
    other half (symmetric masking). The encoder's sizes are those of ``vqvae``. In the
    history ``accuracy`` is the share of hidden codes predicted right.

    Parameters
    ----------
    vqvae : DuINVQVAE | FrozenEstimator
        The fitted first stage, whose codes are the targets. Inside cross-validation
        wrap it in ``sklearn.frozen.FrozenEstimator``.
    %(preset)s
    %(crop_duration)s
    mask_ratio : float
        Share of the tokens hidden in the first of the two passes.
    target : str
        What is predicted of a hidden token: its code (``"codes"``, cross-entropy), the
        first stage's token with context (``"embedding"``, one minus the cosine) or the
        scaled signal of its patch (``"raw"``, squared error).
    encoder_start : str | None
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
    %(machine)s
    random_state : None | int | RandomState
        Seed of initial values, batches, crops, masks and dropout.
    %(progress)s

    Attributes
    ----------
    module_ : MAE
        The network.
    vqvae_ : DuINVQVAE
        A copy of the fitted first stage.
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
    (8, 4, 160)
    """

    def __init__(
        self,
        vqvae,
        preset="quick",
        *,
        crop_duration=None,
        mask_ratio=0.5,
        target="codes",
        encoder_start=None,
        encoder_lr_scale=None,
        front_lr_scale=None,
        max_iter=None,
        batch_size=None,
        lr=None,
        lr_min=None,
        warmup=None,
        weight_decay=None,
        sfreq=None,
        device="auto",
        precision="auto",
        compile=False,
        random_state=None,
        verbose=None,
    ):
        self.vqvae = vqvae
        self.preset = preset
        self.crop_duration = crop_duration
        self.mask_ratio = mask_ratio
        self.target = target
        self.encoder_start = encoder_start
        self.encoder_lr_scale = encoder_lr_scale
        self.front_lr_scale = front_lr_scale
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.lr = lr
        self.lr_min = lr_min
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.sfreq = sfreq
        self.device = device
        self.precision = precision
        self.compile = compile
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X,
        y=None,
        *,
        subject=None,
        sfreq=None,
        validation=None,
        checkpoint_dir=None,
        checkpoint_every=1,
    ):
        """Pre-train the encoder.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            Unlabelled segments with the channels of ``vqvae``.
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
        recipe = resolve(self, "mae")
        check_option("target", self.target, TARGETS)
        check_option("encoder_start", recipe["encoder_start"], ENCODER_STARTS)
        check_numbers(self, recipe)
        vqvae = check_type("vqvae", unwrap(self.vqvae, "vqvae"), DuINVQVAE)
        keeper = open_checkpoints(self, "mae", recipe, checkpoint_dir, checkpoint_every)
        self.vqvae_ = deepcopy(vqvae)
        inherit_input(self, self.vqvae_)
        epochs = self._check_again(X, subject=subject, sfreq=sfreq)
        note_runs(self, epochs.metadata, self.vqvae_)
        dtype = self._prepare(keeper)
        self.vqvae_.device_ = self.device_
        self.vqvae_.module_.to(self.device_).eval()
        self._seeded_build(partial(self._build, recipe["encoder_start"]))
        self._train(
            self._step,
            self._signal_data(epochs, crop=recipe["crop_duration"]),
            recipe,
            dtype,
            validation=self._held_out(validation, recipe, sfreq),
            keeper=keeper,
            begin_pass=self._begin_pass,
            lr_scale=self._lr_scale(recipe),
        )
        vars(self).pop("_masks", None)
        return self

    def _lr_scale(self, recipe):
        encoder = recipe["encoder_lr_scale"]
        scale = {"encoder": encoder}
        if recipe["encoder_start"] == "vqvae":
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

    def _target(self, x, subject):
        """Return what is to be predicted, (n_epochs, n_tokens, ...)."""
        first = self.vqvae_.module_
        if self.target == "codes":
            return first.encode(x, subject)
        if self.target == "embedding":
            with torch.no_grad():
                return first.encoder(x, subject).float()
        patches = x.unflatten(-1, (-1, self.patch_size_))
        return patches.transpose(1, 2).flatten(2)

    def _token_loss(self, predicted, target):
        """Return the loss of every token, (n_epochs, n_tokens)."""
        predicted = predicted.float()
        if self.target == "codes":
            return functional.cross_entropy(predicted.mT, target, reduction="none")
        if self.target == "embedding":
            return 1 - functional.cosine_similarity(predicted, target, dim=-1)
        return (predicted - target).square().mean(-1)

    def _begin_pass(self, module, index, generator):
        """Start the masks of a pass, the same in all processes."""
        seed = generator.initial_seed() ^ 2
        self._masks = torch.Generator(self.device_).manual_seed(seed)

    def _step(self, module, batch):
        """Return the loss of a batch, and the accuracy where codes are predicted."""
        target = self._target(batch.x, batch.subject)
        # Where the engine does not announce its passes, nothing needs to be shared.
        generator = getattr(self, "_masks", None)
        if not module.training:
            # The same masks every time, so that validation losses can be compared.
            generator = torch.Generator(batch.x.device).manual_seed(0)
        mask = random_mask(
            batch.n_total,
            target.shape[1],
            self.mask_ratio,
            generator=generator,
            device=batch.x.device,
        )[batch.first : batch.first + len(batch)]
        predicted = module(batch.x, mask, batch.subject)
        losses = {"loss": self._token_loss(predicted, target).mean()}
        if self.target == "codes":
            losses["accuracy"] = (predicted.argmax(-1) == target).float().mean()
        return losses

    def transform(self, X, *, subject=None):
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
        return self._batched(self.module_.encoder, *self._scaled(epochs))

    def _loss_of(self, x, subject, original=None):
        """Loss of the hidden tokens of the inputs (or of others), per epoch."""
        if not hasattr(self, "vqvae_"):
            raise ValueError(
                "This masked stage was read without its first stage, whose codes it "
                "predicts; only `transform` and what needs no codes is possible."
            )
        original = x if original is None else original
        targets = torch.from_numpy(self._batched(self._target, original, subject))
        targets = iter(targets.to(self.device_).split(BATCH))
        return self._batched(
            lambda x, subject: self._batch_loss(x, subject, next(targets)), x, subject
        )

    def _batch_loss(self, x, subject, target):
        # The same masks every time, so that losses can be compared.
        generator = torch.Generator(x.device).manual_seed(0)
        mask = random_mask(
            *target.shape[:2], self.mask_ratio, generator=generator, device=x.device
        )
        predicted = self.module_(x, mask, subject)
        return self._token_loss(predicted, target).mean(1)

    def score(self, X, y=None, *, subject=None):
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
