"""Open-set decoding: name a label for every token, or the sequence of an epoch."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike

from mne_duin.estimators._base import (
    INITIAL,
    BaseDuIN,
    check_encoder,
    copy_encoder,
    read_training_epochs,
    unwrap,
)
from mne_duin.estimators._files import plain
from mne_duin.estimators._resume import open_checkpoints
from mne_duin.estimators._trained import Signal
from mne_duin.estimators.presets import check_numbers, resolve
from mne_duin.estimators.tokens._heads import start_sequence_head_, start_token_heads_
from mne_duin.estimators.tokens._targets import (
    check_alignment,
    encode_sequences,
    encode_tokens,
)
from mne_duin.nn import TokenClassifier, sequence_loss, token_loss
from mne_duin.sequences import beam_search, collapse, error_rate, greedy_sequence
from mne_duin.sequences._targets import label_index
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._labels import label_array

LOSSES = ("cross-entropy", "ctc")
HEAD_STARTS = {"cross-entropy": ("lda", "random"), "ctc": ("linear", "random")}


class TokenTraining:
    """One training step on labels of tokens, smoothed in training only."""

    def __init__(self, label_smoothing):
        self.label_smoothing = label_smoothing

    def __call__(self, module, batch):
        """Return loss and accuracy of a batch, means over tiers."""
        scores = module(batch.x, batch.subject).float().split(module.n_classes, -1)
        smoothing = self.label_smoothing if module.training else 0.0
        losses, hits = [], []
        for own, targets in zip(scores, batch.y.unbind(-1), strict=True):
            total, count = token_loss(own, targets, label_smoothing=smoothing)
            count = count.sum().clamp(min=1)
            losses.append(total.sum() / count)
            hits.append((own.argmax(-1) == targets).sum() / count)
        return {"loss": sum(losses) / len(losses), "accuracy": sum(hits) / len(hits)}


def sequence_training(module, batch):
    """Return the CTC loss per label of a batch: one training step on sequences."""
    scores = module(batch.x, batch.subject).float()
    loss, lengths = sequence_loss(scores, batch.y)
    return {"loss": (loss / lengths.clamp(min=1)).mean()}


@fill_doc
class DuINTokenDecoder(BaseDuIN):
    """Decode syllables or phonemes from the tokens (100 ms each) of the Du-IN encoder.

    With ``loss="cross-entropy"`` every token is given a label, in one or several tiers;
    tokens without a label are masked. With ``loss="ctc"`` the labels of an epoch are
    known only as a sequence; when they are said is learned.

    Parameters
    ----------
    pretrained : DuINMAE | DuINVQVAE | FrozenEstimator | None
        A fitted earlier stage whose encoder is fine-tuned; None starts from scratch.
        Inside cross-validation wrap it in ``sklearn.frozen.FrozenEstimator``.
    %(preset)s
    loss : str
        ``"cross-entropy"`` or ``"ctc"``.
    classes : sequence | dict of str to sequence | None
        All labels there are, of each tier where there are several; None takes those of
        the training data. For the published variant ``{"initial": INITIALS,
        "final": FINALS}`` of ``mne_duin.sequences``.
    bands : "raw" | "screened" | sequence of str | dict | None
        Bands whose power the network is given in addition to the signal; a pre-trained
        encoder decides itself. See :class:`DuINVQVAE`.
    init : str | None
        Initial values of an encoder from scratch: ``"zca"``, ``"principal"`` or
        ``"random"``; see :class:`DuINVQVAE`.
    hidden_dim : int
        Size of the hidden layer of each head.
    context : int | None
        Tokens on either side that a head sees in addition to its own; as published it
        sees none (the encoder's attention sees all).
    head_init : str | None
        ``"lda"`` starts each head as a shrinkage LDA on the tokens of the training
        epochs; with CTC ``"linear"`` starts it as a linear map fitted to the same loss
        (from the whitened principal components of the tokens). ``"random"`` as
        published.
    head_dropout : float | None
        Dropout of the hidden layers of the heads.
    encoder_lr_scale : float | None
        Factor of the learning rate for the encoder.
    head_lr_scale : float | None
        Factor of the learning rate for heads that start from a linear model; see
        :class:`DuINClassifier`. 0.1 in the quick preset.
    label_smoothing : float | None
        Fraction of the target spread over the other labels; not with CTC.
    max_shift : float | None
        Largest random shift in seconds, filled with zeros. Labels stay where they are,
        so that with cross-entropy it must be below half a token.
    validation_fraction : float | None
        Fraction of the training epochs held out to choose the best pass (highest
        accuracy; with CTC lowest loss); 0 keeps the last pass.
    patch_duration : float
        Length of a token in seconds; a pre-trained encoder brings its own.
    %(subject_layers)s
    %(patch_encoder)s
    n_filters, conv_filters : int | None, tuple of int | None
        Filters of spatial map and convolutions; the quick preset takes 64 and
        ``(64, 64, 64)``, the paper preset 16 and ``(128, 128, 16)``. A pre-trained
        encoder brings its own, as with all sizes below.
    conv_kernels, conv_strides : tuple of int
        Kernels and strides of the convolutions in samples.
    n_layers : int | None
        Transformer blocks; the quick preset takes 4, the published number is 8.
    %(attention_sizes)s
    %(recipe)s
    %(machine)s
    random_state : None | int | RandomState
        Seed of initial values, batches, shifts, dropout and the validation split.
    %(progress)s
    high_gamma, initial, head_start : None
        Former names of ``bands``, ``init``, ``head_init``; they warn and will be
        removed.

    Attributes
    ----------
    module_ : TokenClassifier
        The network.
    classes_ : ndarray, shape (n_classes,) | dict of str to ndarray
        The labels; a dict by tier where the tiers have names.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    %(learned)s

    See Also
    --------
    mne_duin.token_labels : Labels of tokens from annotations or a table of intervals.
    mne_duin.label_sequences : Sequences for CTC.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, and its published ``duin_llm``, whose heads for
    22 initials and 36 finals these are (there only the finals enter the loss); Graves
    et al., ICML 2006, for CTC.

    Examples
    --------
    Labels for every token:

    >>> from mne_duin import DuINTokenDecoder, simulate_syllables, token_labels
    >>> epochs, contacts, tiers = simulate_syllables(
    ...     n_epochs=8, n_runs=1, random_state=0
    ... )
    >>> y = token_labels(epochs, tiers, tier=["initial", "final"])
    >>> y["initial"][0, 5:10].tolist()
    ['l', 'l', None, 'x', 'x']
    >>> options = {"n_layers": 1, "max_iter": 2, "random_state": 0, "verbose": False}
    >>> decoder = DuINTokenDecoder(**options).fit(epochs[:6], y[:6])
    >>> decoder.predict(epochs[6:])["final"].shape
    (2, 35)

    Sequences, of which nobody knows when each label is said:

    >>> from mne_duin import label_sequences
    >>> y = label_sequences(epochs, tiers, tier="syllable")
    >>> decoder = DuINTokenDecoder(loss="ctc", **options).fit(epochs[:6], y[:6])
    >>> said = decoder.decode(epochs[6:], beam_width=8, words=[["zong", "mao"], ["le"]])
    >>> len(said)
    2
    """

    module_: TokenClassifier
    classes_: np.ndarray | dict
    _takes_labels: ClassVar[bool] = True

    def __init__(
        self,
        pretrained=None,
        preset: str = "quick",
        *,
        loss: str = "cross-entropy",
        classes: Sequence | dict | None = None,
        bands: str | Sequence[str] | dict | None = None,
        init: str | None = None,
        hidden_dim: int = 128,
        context: int | None = None,
        head_init: str | None = None,
        head_dropout: float | None = None,
        encoder_lr_scale: float | None = None,
        head_lr_scale: float | None = None,
        label_smoothing: float | None = None,
        max_shift: float | None = None,
        validation_fraction: float | None = None,
        patch_duration: float = 0.1,
        subject_layers: str = "spatial",
        patch_encoder: str = "published",
        n_filters=None,
        conv_filters=None,
        conv_kernels: tuple[int, ...] = (19, 3, 3),
        conv_strides: tuple[int, ...] = (10, 1, 1),
        n_layers: int | None = None,
        n_heads: int = 8,
        head_dim: int | None = None,
        ff_dim: int = 320,
        attention_dropout: float = 0.2,
        ff_dropout: float = 0.2,
        max_iter: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        lr_min: float | None = None,
        warmup: float | None = None,
        weight_decay: float | None = None,
        sfreq: float | None = None,
        device: str = "auto",
        precision: str = "auto",
        compile: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | None = None,
        high_gamma: bool | None = None,
        initial: str | None = None,
        head_start: str | None = None,
    ):
        self.pretrained = pretrained
        self.preset = preset
        self.loss = loss
        self.classes = classes
        self.bands = bands
        self.init = init
        self.hidden_dim = hidden_dim
        self.context = context
        self.head_init = head_init
        self.head_dropout = head_dropout
        self.encoder_lr_scale = encoder_lr_scale
        self.head_lr_scale = head_lr_scale
        self.label_smoothing = label_smoothing
        self.max_shift = max_shift
        self.validation_fraction = validation_fraction
        self.patch_duration = patch_duration
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
        self.high_gamma = high_gamma
        self.initial = initial
        self.head_start = head_start

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        return tags

    def fit(
        self,
        X: Signal,
        y,
        *,
        subject: ArrayLike | None = None,
        sfreq: float | None = None,
        validation: tuple | None = None,
        checkpoint_dir: Path | str | None = None,
        checkpoint_every: int = 1,
    ) -> Self:
        """Fine-tune on labeled epochs.

        Parameters
        ----------
        %(X)s
        %(y_tokens)s
        %(subject)s
        %(fit_sfreq)s
        validation : tuple of (X, y) | None
            Held-out epochs that choose the best pass, instead of a fraction of ``X``.
        %(checkpoints)s

        Returns
        -------
        self : DuINTokenDecoder
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If the labels do not fit the epochs, a tier has one label only, a sequence
            has more labels than there are tokens for, the data or a parameter
            cannot be used, or ``checkpoint_dir`` has a training with others.
        %(checkpoint_errors)s
        """
        check_option("loss", self.loss, LOSSES)
        recipe = resolve(self, self._stage)
        self._check_recipe(recipe)
        checkpoints = open_checkpoints(
            self, "tokens", recipe, checkpoint_dir, checkpoint_every
        )
        epochs = read_training_epochs(self, X, recipe, subject, sfreq)
        n_tokens = epochs.data.shape[-1] // self.patch_size_
        targets = self._learn_targets(y, len(epochs), n_tokens)
        run = self._begin(checkpoints)
        share = 0 if validation is not None else recipe["validation_fraction"]
        kept, rest = _split(len(epochs), share, run.seed)
        held_out = None
        if validation is not None:
            held_out = self._labelled_data(validation[0], validation[1], sfreq)
        elif len(rest):
            held_out = self._signal_data(epochs[rest], y=targets[rest])
            epochs, targets = epochs[kept], targets[kept]
        data = self._signal_data(epochs, y=targets, max_shift=recipe["max_shift"])
        self._build_seeded(
            partial(self._build, recipe), run, partial(self._start, recipe), data
        )
        if self.pretrained is None:
            self.module_.limit_context(n_tokens)
        monitor = "valid_loss" if self.loss == "ctc" else "valid_accuracy"
        scale = {"encoder": recipe["encoder_lr_scale"]}
        if recipe["head_init"] != "random":
            scale["heads"] = recipe["head_lr_scale"]
        self._train(
            self._training_step(recipe, data),
            data,
            recipe,
            run,
            validation=held_out and {"valid": held_out},
            monitor=held_out and monitor,
            lr_scale=scale,
        )
        return self

    @property
    def _stage(self):
        return "sequences" if self.loss == "ctc" else "tokens"

    def _training_step(self, recipe, data):
        if self.loss == "ctc":
            return sequence_training
        return TokenTraining(recipe["label_smoothing"])

    def _check_recipe(self, recipe):
        check_numbers(self, recipe)
        check_option("init", recipe["init"], INITIAL)
        check_encoder(self)
        check_option("head_init", recipe["head_init"], HEAD_STARTS[self.loss])
        if self.loss != "ctc":
            check_alignment(recipe["max_shift"], self.patch_duration)
        elif recipe["label_smoothing"] != 0:
            raise ValueError(
                "loss='ctc' has no use for `label_smoothing`; got "
                f"{recipe['label_smoothing']!r}."
            )

    def _learn_targets(self, y, n_epochs, n_tokens):
        """Learn the labels and return them as integers."""
        encode = encode_sequences if self.loss == "ctc" else encode_tokens
        targets, self.classes_ = encode(y, (n_epochs, n_tokens), self.classes)
        return targets

    def _known_targets(self, y, n_epochs, n_tokens):
        """Return known labels as integers."""
        encode = encode_sequences if self.loss == "ctc" else encode_tokens
        return encode(y, (n_epochs, n_tokens), self.classes_, known=True)[0]

    def _labelled_data(self, X, y, sfreq):
        epochs = self._check_again(X, sfreq=sfreq)
        n_tokens = epochs.data.shape[-1] // self.patch_size_
        targets = self._known_targets(y, len(epochs), n_tokens)
        return self._signal_data(epochs, y=targets)

    def _build(self, recipe):
        """Build the network around a new or a pre-trained encoder."""
        n_blank = 1 if self.loss == "ctc" else 0
        scratch = self.pretrained is None
        return TokenClassifier(
            self._build_encoder(recipe) if scratch else copy_encoder(self.pretrained),
            [len(labels) + n_blank for labels in self._label_sets()],
            hidden_dim=self.hidden_dim,
            context=recipe["context"],
            head_dropout=recipe["head_dropout"],
        )

    def _start(self, recipe, module, data):
        """Give a new encoder and the heads their start."""
        if self.pretrained is None and recipe["init"] != "random":
            options = self._initial_maps(recipe)
            module.start_from_components(data.x, data.subject, **options)
        if recipe["head_init"] == "lda":
            start_token_heads_(module, data)
        elif recipe["head_init"] == "linear":
            start_sequence_head_(module, data)

    def _earlier_stage(self):
        return (
            None if self.pretrained is None else unwrap(self.pretrained, "pretrained")
        )

    def _chance(self):
        return float(np.mean([1 / len(labels) for labels in self._label_sets()]))

    def _check_target(self, y, n_epochs):
        """Nothing: labels of tokens are checked where they become integers."""

    def _add_state(self, tensors, meta):
        super()._add_state(tensors, meta)
        meta["learned"]["classes"] = plain(self.classes_)

    def _take_state(self, tensors, meta):
        super()._take_state(tensors, meta)
        classes = meta["learned"]["classes"]
        if isinstance(classes, dict):
            self.classes_ = {tier: label_array(own) for tier, own in classes.items()}
        else:
            self.classes_ = label_array(classes)
        # One score more where sequences have a blank.
        n_scores = [head.scores.out_features for head in self.module_.heads]
        n_labels = [len(own) + (self.loss == "ctc") for own in self._label_sets()]
        if n_scores != n_labels:
            raise ValueError(f"the heads have {n_scores} scores for {n_labels} labels")

    @property
    def tiers_(self):
        """Names of the tiers; None where there is one without a name."""
        return tuple(self.classes_) if isinstance(self.classes_, dict) else None

    def _label_sets(self):
        """Return the labels of every head."""
        if self.tiers_ is None:
            return [self.classes_]
        return [self.classes_[name] for name in self.tiers_]

    def _by_tier(self, layers):
        """Return one array per tier: the array itself, or a dict by name."""
        if self.tiers_ is None:
            return layers[0]
        return dict(zip(self.tiers_, layers, strict=True))

    def _token_scores(self, X, subject):
        """Return the scores of every head."""
        epochs = self._check_fitted(X, subject)
        scores = self._apply(self.module_, epochs)
        edges = np.cumsum(self.module_.n_classes)[:-1]
        return np.split(scores.astype(float), edges, axis=-1)

    def _network_scores(self, x, subject):
        """Return all scores of an epoch in one row, for its forward patterns."""
        scores = self._batched(self.module_, x, subject)
        return scores.reshape(len(scores), -1)

    def predict_proba(
        self, X: Signal, *, subject: ArrayLike | None = None
    ) -> np.ndarray | dict[str, np.ndarray]:
        """Return the probability of every label, token by token.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_tokens, n_classes) | dict
            In the order of ``classes_``; a dict by tier where the tiers have names.
            With CTC the blank comes first: n_classes is that of ``classes_`` and one.
        """
        scores = self._token_scores(X, subject)
        layers = [torch.from_numpy(own).softmax(-1).numpy() for own in scores]
        return self._by_tier(layers)

    def predict(
        self, X: Signal, *, subject: ArrayLike | None = None
    ) -> np.ndarray | dict[str, np.ndarray] | list[tuple]:
        """Return the most probable label of every token, or with CTC the sequences.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        y : ndarray, shape (n_epochs, n_tokens) | dict of str to ndarray | list of tuple
            The labels of all tokens, masked in training or not; a dict by tier where
            the tiers have names. With CTC a list of tuples of labels, those of the most
            probable paths; see :meth:`decode` for more.
        """
        if self.loss == "ctc":
            return self.decode(X, subject=subject)
        scores = self._token_scores(X, subject)
        sets = self._label_sets()
        return self._by_tier(
            [labels[own.argmax(-1)] for labels, own in zip(sets, scores, strict=True)]
        )

    def decode(
        self,
        X: Signal,
        *,
        tier: str | None = None,
        silence: object = None,
        min_tokens: int = 1,
        beam_width: int | None = None,
        words: list | None = None,
        subject: ArrayLike | None = None,
    ) -> list[tuple]:
        """Return the sequence of labels of every epoch.

        Parameters
        ----------
        %(X)s
        tier : str | None
            Which tier, where there are several.
        silence : object
            Label that says nothing and is left out. Without CTC; the decoder must have
            learned when nothing is said, ``token_labels(..., silence=...)``.
        min_tokens : int
            Runs of fewer equal tokens are taken for mistakes. Without CTC.
        beam_width : int | None
            How many prefixes the beam search keeps; None takes the most probable path,
            or 16 where there are ``words``. CTC only.
        words : list of sequences of labels | None
            Word list: the sequence must be a chain of these. CTC only.
        %(subject)s

        Returns
        -------
        sequences : list of tuple
            The labels of each epoch. Without CTC, equal labels that follow each other
            are one.

        Raises
        ------
        ValueError
            If an argument belongs to the other loss, or a tier or word is unknown.

        See Also
        --------
        mne_duin.error_rate : How far the sequences are from the truth.
        """
        scores = self._token_scores(X, subject)
        if self.loss != "ctc":
            self._refuse("cross-entropy", beam_width=beam_width, words=words)
            labels = self._label_sets()[self._tier_index(tier)]
            best = labels[scores[self._tier_index(tier)].argmax(-1)]
            options = {"silence": silence, "min_tokens": min_tokens}
            return [collapse(own.tolist(), **options) for own in best]
        changed = None if min_tokens == 1 else min_tokens
        self._refuse("ctc", tier=tier, silence=silence, min_tokens=changed)
        if words is not None:
            known = self.classes_
            words = [label_index(list(word), known, "words") for word in words]
            words = [[1 + code for code in word] for word in words]
            beam_width = 16 if beam_width is None else beam_width
        tables = torch.from_numpy(scores[0]).log_softmax(-1).numpy()
        return [self._search(own, beam_width, words) for own in tables]

    def _search(self, table, beam_width, words):
        """Return the labels of one epoch."""
        if beam_width is None:
            codes = greedy_sequence(table)
        else:
            codes = beam_search(table, beam_width=beam_width, words=words)[0][0]
        return tuple(self.classes_.tolist()[code - 1] for code in codes)

    def _refuse(self, loss, **given):
        """Refuse arguments that mean nothing with the loss of this decoder."""
        wrong = [name for name, value in given.items() if value is not None]
        if wrong:
            raise ValueError(f"loss={loss!r} has no use for `{'`, `'.join(wrong)}`.")

    def _tier_index(self, tier):
        if self.tiers_ is None and tier is None:
            return 0
        if tier not in (self.tiers_ or ()):
            known = "none" if self.tiers_ is None else ", ".join(self.tiers_)
            raise ValueError(f"`tier` must be a tier ({known}); got {tier!r}.")
        return self.tiers_.index(tier)

    def score(self, X: Signal, y, *, subject: ArrayLike | None = None) -> float:
        """Return the accuracy of the labeled tokens, or with CTC one minus error rate.

        Parameters
        ----------
        %(X)s
        %(y_tokens)s
        %(subject)s

        Returns
        -------
        score : float
            Without CTC the fraction of the labeled tokens whose label is right, the
            mean over the tiers; every token counts the same, so that long and frequent
            labels count more. With CTC one minus the label error rate of
            :meth:`predict`, below 0 where more is inserted than was said.
        """
        if self.loss == "ctc":
            return 1.0 - error_rate(y, self.predict(X, subject=subject))
        scores = self._token_scores(X, subject)
        targets = self._known_targets(y, *scores[0].shape[:2])
        shares = []
        for tier, own in enumerate(scores):
            labelled = targets[..., tier] >= 0
            hits = own.argmax(-1)[labelled] == targets[..., tier][labelled]
            shares.append(hits.mean())
        return float(np.mean(shares))

    def _loss_of(self, x, subject, target=None):
        """Loss per label, of each epoch."""
        scores = torch.from_numpy(self._batched(self.module_, x, subject))
        targets = torch.from_numpy(self._known_targets(target, *scores.shape[:2]))
        if self.loss == "ctc":
            total, count = sequence_loss(scores, targets)
            return (total / count.clamp(min=1)).numpy()
        layers = scores.split(self.module_.n_classes, -1)
        losses = map(token_loss, layers, targets.unbind(-1))
        means = [total / count.clamp(min=1) for total, count in losses]
        return torch.stack(means).mean(0).numpy()


def _split(n_epochs, fraction, seed):
    """Hold out a fraction of the epochs, by the seed."""
    n_held_out = round(fraction * n_epochs)
    if fraction and not 0 < n_held_out < n_epochs:
        raise ValueError(
            f"With {n_epochs} epochs no validation epochs can be held out; set "
            "validation_fraction=0."
        )
    order = np.random.default_rng(seed).permutation(n_epochs)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
