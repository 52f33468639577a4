"""Stage 3: fine-tune the encoder to name words."""

from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from torch.nn import functional

from mne_duin.estimators.base import INITIAL, BaseDuIN, unwrap
from mne_duin.estimators.head import start_head_
from mne_duin.estimators.inputs import inherit_input, note_runs
from mne_duin.estimators.limits import check_numbers
from mne_duin.estimators.presets import resolve
from mne_duin.nn import Classifier, build_encoder, encoder_sizes
from mne_duin.nn.principal import start_encoder_
from mne_duin.utils.checks import check_number, check_option

HEAD_ACTIVATIONS = (None, "sigmoid")
HEAD_STARTS = ("lda", "random")
SIGNIFICANCE = 0.003


class DuINClassifier(ClassifierMixin, BaseDuIN):
    """Decode words from epochs with the Du-IN encoder.

    Parameters
    ----------
    pretrained : DuINMAE | DuINVQVAE | FrozenEstimator | None
        A fitted earlier stage whose encoder is fine-tuned; None starts from scratch.
        Inside cross-validation wrap it in ``sklearn.frozen.FrozenEstimator``.
    preset : str
        ``"quick"`` (ours) or ``"paper"``: where every parameter that is None here takes
        its value from; see :mod:`mne_duin.estimators.presets`.
    high_gamma : bool | None
        Whether the network is given high-gamma power beside the signal; a pre-trained
        encoder decides itself.
    initial : str | None
        Initial values of an encoder from scratch: ``"principal"`` or ``"random"``; see
        :class:`DuINVQVAE`.
    head_activation : None | str
        None gives usable probabilities. ``"sigmoid"`` is the published head, whose
        output enters the cross-entropy as if it were logits: probabilities are nearly
        flat.
    hidden_dim : int
        Size of the hidden layer of the head.
    head_start : str | None
        ``"lda"`` starts the head as a shrinkage LDA on the tokens of the training
        epochs (:mod:`mne_duin.estimators.head`), ``"random"`` as published.
    head_dropout : float | None
        Dropout of the hidden layer of the head.
    use_codex : bool
        Put the first stage's codex between encoder and head ("vqvae+vq" in the paper).
    encoder_lr_scale : float | None
        Learning rate of a pre-trained encoder relative to that of the head.
    label_smoothing : float | None
        Share of the target spread over the other classes.
    max_shift : float | None
        Largest random shift in seconds, filled with zeros.
    validation_fraction : float | None
        Share of the training epochs (the same of each class) held out to choose the
        best pass; 0 keeps the last pass.
    patch_duration : float
        Length of a patch in seconds; a pre-trained encoder brings its own.
    n_filters, conv_filters, conv_kernels, conv_strides : int, tuple of int
        Sizes of spatial map and patch encoder; a pre-trained encoder brings its own, as
        with all sizes below.
    n_layers, n_heads, head_dim, ff_dim : int
        Sizes of the transformer.
    attention_dropout, ff_dropout : float
        Dropout in the transformer.
    max_iter : int | None
        Passes over the training data.
    batch_size : int | None
        Epochs per step.
    lr, lr_min : float | None
        Highest and final learning rate.
    warmup : float | None
        Share of the passes in which the learning rate rises.
    weight_decay : float | None
        Decay of weight matrices.
    sfreq : float | None
        Sampling rate in Hz, for arrays.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"`` (bfloat16 where the hardware has it).
    random_state : None | int | RandomState
        Seed of initial values, batches, shifts, dropout and the validation split.
    verbose : bool | None
        Whether to show a progress bar; None follows MNE's log level.

    Attributes
    ----------
    module_ : Classifier
        The network.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    history_ : History
        One record per pass.
    scaler_ : ChannelScaler
        Mean and deviation of the training data per channel; that of ``pretrained``
        where there is one.
    info_ : Info
        Channel names and sampling rate.
    ch_names_ : list of str
        Names of the channels.
    n_iter_ : int
        Passes that were made.
    fit_groups_ : set of str
        The runs it and its earlier stages have learned from ("run" or "session/run"),
        if the metadata say.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 400)), np.repeat(["yes", "no"], 6)
    >>> clf = DuINClassifier(n_layers=1, max_iter=2, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (12, 2)
    """

    def __init__(
        self,
        pretrained=None,
        preset="quick",
        *,
        high_gamma=None,
        initial=None,
        head_activation=None,
        hidden_dim=128,
        head_start=None,
        head_dropout=None,
        use_codex=False,
        encoder_lr_scale=None,
        label_smoothing=None,
        max_shift=None,
        validation_fraction=None,
        patch_duration=0.1,
        n_filters=16,
        conv_filters=(128, 128, 16),
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
        random_state=None,
        verbose=None,
    ):
        self.pretrained = pretrained
        self.preset = preset
        self.high_gamma = high_gamma
        self.initial = initial
        self.head_activation = head_activation
        self.hidden_dim = hidden_dim
        self.head_start = head_start
        self.head_dropout = head_dropout
        self.use_codex = use_codex
        self.encoder_lr_scale = encoder_lr_scale
        self.label_smoothing = label_smoothing
        self.max_shift = max_shift
        self.validation_fraction = validation_fraction
        self.patch_duration = patch_duration
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
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, *, subject=None, sfreq=None, validation=None):
        """Fine-tune on labelled epochs.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : array, shape (n_epochs,)
            The labels.
        subject : array, shape (n_epochs,) | None
            Subject of each epoch of an array.
        sfreq : float | None
            Sampling rate of an array in Hz.
        validation : tuple of (X, y) | None
            Held-out epochs that choose the best pass, instead of a share of ``X``.

        Returns
        -------
        self : DuINClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is one class only, or the data or a parameter cannot be used.
        """
        recipe = resolve(self, "classifier")
        self._check_recipe(recipe)
        epochs = self._check_training(X, recipe, subject, sfreq)
        y = self._check_y(y, len(epochs))
        dtype = self._prepare()
        if validation is not None:
            held_out = self._check_again(validation[0], sfreq=sfreq)
            y_held_out = self._class_index(validation[1])
        else:
            epochs, y, held_out, y_held_out = self._split(
                epochs, y, recipe["validation_fraction"]
            )
        data = self._signal_data(epochs, y=y, max_shift=recipe["max_shift"])
        n_tokens = epochs.data.shape[-1] // self.patch_size_
        self._seeded_build(
            partial(self._build, recipe, n_tokens), partial(self._start, recipe), data
        )
        self._label_smoothing = recipe["label_smoothing"]
        has_held_out = held_out is not None
        self._train(
            self._step,
            data,
            recipe,
            dtype,
            validation=self._signal_data(held_out, y=y_held_out)
            if has_held_out
            else None,
            monitor="valid_accuracy" if has_held_out else None,
            lr_scale={"encoder": recipe["encoder_lr_scale"]},
        )
        return self

    def _check_recipe(self, recipe):
        check_numbers(self, recipe)
        check_option("head_activation", self.head_activation, HEAD_ACTIVATIONS)
        check_option("initial", recipe["initial"], INITIAL)
        check_option("head_start", recipe["head_start"], HEAD_STARTS)
        if recipe["head_start"] == "lda" and self.head_activation is not None:
            raise ValueError(
                "head_start='lda' needs head_activation=None: a sigmoid would squash "
                "the discriminant's scores."
            )

    def _start(self, recipe, module, data):
        """Give a new encoder and the head their start."""
        if self.pretrained is None and recipe["initial"] == "principal":
            start_encoder_(module.encoder, data.x, data.subject)
        if recipe["head_start"] == "lda":
            start_head_(module, data, significance=SIGNIFICANCE)

    def _check_training(self, X, recipe, subject, sfreq):
        """Turn the training data into epochs with the scales that will be used."""
        if self.pretrained is None:
            self.high_gamma_ = bool(recipe["high_gamma"])
            return self._check_X(X, subject=subject, sfreq=sfreq)
        pretrained = unwrap(self.pretrained, "pretrained")
        inherit_input(self, pretrained)
        epochs = self._check_again(X, subject=subject, sfreq=sfreq)
        note_runs(self, epochs.metadata, pretrained)
        return epochs

    def _check_y(self, y, n_epochs):
        """Learn the classes and return them as integers."""
        y = np.asarray(y)
        if y.shape != (n_epochs,):
            raise ValueError(
                f"`y` must have one label per epoch, shape ({n_epochs},); got shape "
                f"{y.shape}."
            )
        if pd.isna(y).any():
            raise ValueError(f"`y` has {pd.isna(y).sum()} missing labels; drop them.")
        check_classification_targets(y)
        if y.dtype == object and all(isinstance(label, str) for label in y):
            y = y.astype(str)
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"`y` has one class only, {self.classes_.tolist()[0]!r}; decoding "
                "needs two or more."
            )
        return index

    def _class_index(self, y):
        """Return known labels as integers."""
        y = np.asarray(y)
        unknown = set(y.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                "`y` has labels that were not in the training data: "
                f"{sorted(unknown, key=str)[:10]}."
            )
        return np.searchsorted(self.classes_, y)

    def _split(self, epochs, y, fraction):
        """Hold out the same share of each class, by the seed."""
        check_number("validation_fraction", fraction, low=0, high=0.5)
        n_classes = len(self.classes_)
        if fraction == 0:
            return epochs, y, None, None
        n_held_out = max(round(fraction * len(y)), n_classes)
        if np.bincount(y).min() < 2 or len(y) - n_held_out < n_classes:
            raise ValueError(
                f"With {len(y)} epochs of {n_classes} classes no validation epochs can "
                "be held out; set validation_fraction=0."
            )
        kept, held_out = train_test_split(
            np.arange(len(y)),
            test_size=n_held_out,
            stratify=y,
            random_state=self._seed % 2**32,
        )
        kept, held_out = np.sort(kept), np.sort(held_out)
        return epochs[kept], y[kept], epochs[held_out], y[held_out]

    def _build(self, recipe, n_tokens):
        """Build the network around a new or a pre-trained encoder."""
        quantizer = None
        if self.pretrained is None:
            encoder = self._build_encoder()
        else:
            trained = unwrap(self.pretrained, "pretrained").module_.encoder
            encoder = build_encoder(**encoder_sizes(trained))
            encoder.load_state_dict(trained.state_dict())
        if self.use_codex:
            quantizer = self._pretrained_codex()
        return Classifier(
            encoder,
            n_tokens,
            len(self.classes_),
            hidden_dim=self.hidden_dim,
            head_activation=self.head_activation,
            quantizer=quantizer,
            head_dropout=recipe["head_dropout"],
        )

    def _pretrained_codex(self):
        """Return a copy of the first stage's quantizer."""
        if self.pretrained is None:
            raise ValueError("`use_codex=True` needs a `pretrained` stage.")
        stage = unwrap(self.pretrained, "pretrained")
        stage = getattr(stage, "vqvae_", stage)
        if not hasattr(stage.module_, "quantizer"):
            raise ValueError(
                "`use_codex=True` needs a first stage, which `pretrained` was read "
                "without."
            )
        return deepcopy(stage.module_.quantizer)

    def _step(self, module, batch):
        """Return loss and accuracy of a batch."""
        scores = module(batch.x, batch.subject).float()
        smoothing = self._label_smoothing if module.training else 0.0
        loss = functional.cross_entropy(scores, batch.y, label_smoothing=smoothing)
        accuracy = (scores.argmax(-1) == batch.y).float().mean()
        return {"loss": loss, "accuracy": accuracy}

    def decision_function(self, X, *, subject=None):
        """Return the scores that enter the softmax.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        subject : array, shape (n_epochs,) | None
            Subject of each epoch of an array.

        Returns
        -------
        scores : ndarray, shape (n_epochs, n_classes) | shape (n_epochs,)
            In the order of ``classes_``. Of two classes, as everywhere in scikit-learn,
            the second's score minus the first's.
        """
        scores = self._scores(X, subject)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _scores(self, X, subject):
        epochs = self._check_fitted(X, subject)
        return self._network_scores(*self._scaled(epochs))

    def _network_scores(self, x, subject):
        """Return the scores of scaled inputs."""
        n_tokens = x.shape[-1] // self.patch_size_
        wanted = self.module_.hidden.in_features // self.module_.encoder.dim
        if n_tokens != wanted:
            raise ValueError(
                f"`X` has epochs of {n_tokens} patches; the classifier was fitted with "
                f"{wanted}."
            )
        return self._batched(self.module_, x, subject)

    def predict_proba(self, X, *, subject=None):
        """Return the probability of every class.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        subject : array, shape (n_epochs,) | None
            Subject of each epoch of an array.

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_classes)
            In the order of ``classes_``.
        """
        scores = torch.from_numpy(self._scores(X, subject)).double()
        return scores.softmax(-1).numpy()

    def predict(self, X, *, subject=None):
        """Return the most probable class of every epoch.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        subject : array, shape (n_epochs,) | None
            Subject of each epoch of an array.

        Returns
        -------
        y : ndarray, shape (n_epochs,)
            The labels.
        """
        index = self._scores(X, subject).argmax(-1)
        return self.classes_[index]

    def score(self, X, y, sample_weight=None, *, subject=None):
        """Return the share of the epochs that are named right.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : array, shape (n_epochs,)
            The labels.
        sample_weight : array, shape (n_epochs,) | None
            Weight of each epoch.
        subject : array, shape (n_epochs,) | None
            Subject of each epoch of an array.

        Returns
        -------
        accuracy : float
            Between 0 and 1.
        """
        predicted = self.predict(X, subject=subject)
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def _loss_of(self, x, subject, y):
        """Cross-entropy, per epoch."""
        scores = torch.from_numpy(self._network_scores(x, subject))
        index = torch.from_numpy(self._class_index(y))
        return functional.cross_entropy(scores, index, reduction="none").numpy()
