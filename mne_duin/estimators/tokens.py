"""Open-set decoding: name a label for every token, or the sequence of an epoch."""

from functools import partial

import numpy as np

from mne_duin.estimators.base import INITIAL, SUBJECT_LAYERS, BaseDuIN
from mne_duin.estimators.finetuning import FineTuning
from mne_duin.estimators.limits import check_numbers
from mne_duin.estimators.presets import resolve
from mne_duin.estimators.resume import open_checkpoints
from mne_duin.estimators.token_head import start_sequence_head_, start_token_heads_
from mne_duin.estimators.token_prediction import TokenPrediction
from mne_duin.estimators.token_targets import (
    check_alignment,
    encode_sequences,
    encode_tokens,
)
from mne_duin.nn import TokenClassifier, sequence_loss, token_loss
from mne_duin.utils.checks import check_option
from mne_duin.utils.docs import fill_doc

LOSSES = ("cross-entropy", "ctc")
HEAD_STARTS = {"cross-entropy": ("lda", "random"), "ctc": ("linear", "random")}


@fill_doc
class DuINTokenDecoder(FineTuning, TokenPrediction, BaseDuIN):
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
    high_gamma : bool | None
        Whether the network is given high-gamma power beside the signal; a pre-trained
        encoder decides itself.
    initial : str | None
        Initial values of an encoder from scratch: ``"principal"`` or ``"random"``; see
        :class:`DuINVQVAE`.
    hidden_dim : int
        Size of the hidden layer of each head.
    context : int | None
        Tokens on either side that a head sees beside its own; as published it sees
        none (the encoder's attention sees all).
    head_start : str | None
        ``"lda"`` starts each head as a shrinkage LDA on the tokens of the training
        epochs; with CTC ``"linear"`` starts it as a linear map fitted to the same loss
        (:mod:`mne_duin.estimators.token_head`). ``"random"`` as published.
    head_dropout : float | None
        Dropout of the hidden layers of the heads.
    encoder_lr_scale : float | None
        Learning rate of the encoder relative to that of the heads.
    label_smoothing : float | None
        Share of the target spread over the other labels; not with CTC.
    max_shift : float | None
        Largest random shift in seconds, filled with zeros. Labels stay where they are,
        so that with cross-entropy it must be below half a token.
    validation_fraction : float | None
        Share of the training epochs held out to choose the best pass (highest accuracy;
        with CTC lowest loss); 0 keeps the last pass.
    patch_duration : float
        Length of a token in seconds; a pre-trained encoder brings its own.
    %(subject_layers)s
    n_filters, conv_filters : int | None, tuple of int | None
        Filters of spatial map and convolutions; both presets take 16 and
        ``(128, 128, 16)``. A pre-trained encoder brings its own, as with all sizes
        below.
    conv_kernels, conv_strides : tuple of int
        Kernels and strides of the convolutions in samples.
    n_layers : int
        Transformer blocks.
    %(attention_sizes)s
    %(recipe)s
    %(machine)s
    random_state : None | int | RandomState
        Seed of initial values, batches, shifts, dropout and the validation split.
    %(progress)s

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

    def __init__(
        self,
        pretrained=None,
        preset="quick",
        *,
        loss="cross-entropy",
        classes=None,
        high_gamma=None,
        initial=None,
        hidden_dim=128,
        context=None,
        head_start=None,
        head_dropout=None,
        encoder_lr_scale=None,
        label_smoothing=None,
        max_shift=None,
        validation_fraction=None,
        patch_duration=0.1,
        subject_layers="spatial",
        n_filters=None,
        conv_filters=None,
        conv_kernels=(19, 3, 3),
        conv_strides=(10, 1, 1),
        n_layers=8,
        n_heads=8,
        head_dim=64,
        ff_dim=320,
        attention_dropout=0.2,
        ff_dropout=0.2,
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
        self.pretrained = pretrained
        self.preset = preset
        self.loss = loss
        self.classes = classes
        self.high_gamma = high_gamma
        self.initial = initial
        self.hidden_dim = hidden_dim
        self.context = context
        self.head_start = head_start
        self.head_dropout = head_dropout
        self.encoder_lr_scale = encoder_lr_scale
        self.label_smoothing = label_smoothing
        self.max_shift = max_shift
        self.validation_fraction = validation_fraction
        self.patch_duration = patch_duration
        self.subject_layers = subject_layers
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        return tags

    def fit(
        self,
        X,
        y,
        *,
        subject=None,
        sfreq=None,
        validation=None,
        checkpoint_dir=None,
        checkpoint_every=1,
    ):
        """Fine-tune on labelled epochs.

        Parameters
        ----------
        %(X)s
        %(y_tokens)s
        %(subject)s
        %(fit_sfreq)s
        validation : tuple of (X, y) | None
            Held-out epochs that choose the best pass, instead of a share of ``X``.
        %(checkpoints)s

        Returns
        -------
        self : DuINTokenDecoder
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If the labels do not fit the epochs, a tier has one label only, a sequence
            has more labels than the tokens have room for, the data or a parameter
            cannot be used, or ``checkpoint_dir`` has a training with others.
        %(checkpoint_errors)s
        """
        check_option("loss", self.loss, LOSSES)
        recipe = resolve(self, "sequences" if self.loss == "ctc" else "tokens")
        self._check_recipe(recipe)
        keeper = open_checkpoints(
            self, "tokens", recipe, checkpoint_dir, checkpoint_every
        )
        epochs = self._check_training(X, recipe, subject, sfreq)
        n_tokens = epochs.data.shape[-1] // self.patch_size_
        targets = self._learn_targets(y, len(epochs), n_tokens)
        dtype = self._prepare(keeper)
        share = 0 if validation is not None else recipe["validation_fraction"]
        kept, rest = self._split(len(epochs), share)
        data = self._signal_data(
            epochs[kept], y=targets[kept], max_shift=recipe["max_shift"]
        )
        held_out = None
        if validation is not None:
            held_out = self._labelled_data(*validation, sfreq)
        elif len(rest):
            held_out = self._signal_data(epochs[rest], y=targets[rest])
        self._seeded_build(
            partial(self._build, recipe),
            partial(self._start, recipe),
            data,
            keeper=keeper,
        )
        self._label_smoothing = recipe["label_smoothing"]
        monitor = "valid_loss" if self.loss == "ctc" else "valid_accuracy"
        self._train(
            self._sequence_step if self.loss == "ctc" else self._token_step,
            data,
            recipe,
            dtype,
            validation=held_out and {"valid": held_out},
            monitor=held_out and monitor,
            keeper=keeper,
            lr_scale={"encoder": recipe["encoder_lr_scale"]},
        )
        return self

    def _check_recipe(self, recipe):
        check_numbers(self, recipe)
        check_option("initial", recipe["initial"], INITIAL)
        check_option("subject_layers", self.subject_layers, SUBJECT_LAYERS)
        check_option("head_start", recipe["head_start"], HEAD_STARTS[self.loss])
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

    def _split(self, n_epochs, fraction):
        """Hold out a share of the epochs, by the seed."""
        n_held_out = round(fraction * n_epochs)
        if fraction and not 0 < n_held_out < n_epochs:
            raise ValueError(
                f"With {n_epochs} epochs no validation epochs can be held out; set "
                "validation_fraction=0."
            )
        order = np.random.default_rng(self._seed).permutation(n_epochs)
        return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])

    def _build(self, recipe):
        """Build the network around a new or a pre-trained encoder."""
        n_blank = 1 if self.loss == "ctc" else 0
        return TokenClassifier(
            self._make_encoder(recipe),
            [len(labels) + n_blank for labels in self._label_sets()],
            hidden_dim=self.hidden_dim,
            context=recipe["context"],
            head_dropout=recipe["head_dropout"],
        )

    def _start(self, recipe, module, data):
        """Give a new encoder and the heads their start."""
        if self.pretrained is None and recipe["initial"] == "principal":
            module.start_from_components(data.x, data.subject)
        if recipe["head_start"] == "lda":
            start_token_heads_(module, data)
        elif recipe["head_start"] == "linear":
            start_sequence_head_(module, data)

    def _token_step(self, module, batch):
        """Return loss and accuracy of a batch, means over tiers."""
        scores = module(batch.x, batch.subject).float().split(module.n_classes, -1)
        smoothing = self._label_smoothing if module.training else 0.0
        losses, hits = [], []
        for own, targets in zip(scores, batch.y.unbind(-1), strict=True):
            total, count = token_loss(own, targets, label_smoothing=smoothing)
            count = count.sum().clamp(min=1)
            losses.append(total.sum() / count)
            hits.append((own.argmax(-1) == targets).sum() / count)
        return {"loss": sum(losses) / len(losses), "accuracy": sum(hits) / len(hits)}

    def _sequence_step(self, module, batch):
        """Return the CTC loss per label of a batch."""
        scores = module(batch.x, batch.subject).float()
        loss, lengths = sequence_loss(scores, batch.y)
        return {"loss": (loss / lengths.clamp(min=1)).mean()}
