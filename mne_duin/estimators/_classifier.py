"""Stage 3: fine-tune the encoder to name words."""

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mne_duin import viz
from mne_duin.estimators._base import (
    INITIAL,
    BaseDuIN,
    check_encoder,
    copy_encoder,
    read_training_epochs,
    unwrap,
)
from mne_duin.estimators._files import plain
from mne_duin.estimators._head import (
    cell_projection,
    head_rate,
    head_width,
    start_head_,
)
from mne_duin.estimators._prediction import (
    EpochClassifier,
    LabelTraining,
    cross_entropy,
    hold_out_epochs,
    learn_classes,
)
from mne_duin.estimators._resume import open_checkpoints
from mne_duin.estimators._trained import Signal
from mne_duin.estimators.presets import check_numbers, resolve
from mne_duin.nn import Classifier
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import as_array, check_shared_classes
from mne_duin.utils._labels import label_array
from mne_duin.utils._once import inform_once

HEAD_ACTIVATIONS = (None, "sigmoid")
HEAD_STARTS = ("lda", "random")
SIGNIFICANCE = 0.003


@fill_doc
class DuINClassifier(EpochClassifier, BaseDuIN):
    """Decode words from epochs with the Du-IN encoder.

    Parameters
    ----------
    pretrained : DuINCells | DuINMAE | DuINVQVAE | FrozenEstimator | None
        A fitted earlier stage whose encoder is fine-tuned; None starts from scratch.
        Epochs longer than its crops are taken in pieces.
        Inside cross-validation wrap it in ``sklearn.frozen.FrozenEstimator``.
    %(preset)s
    bands : "raw" | "screened" | sequence of str | dict | None
        Bands whose power the network is given in addition to the signal; a pre-trained
        encoder decides itself. See :class:`DuINVQVAE`. ``"screened"`` (the quick
        preset) takes high gamma, and each of theta, alpha, beta and low gamma whose
        power differs between the classes by more than chance on the training epochs (a
        permutation test), of the channels as they are and unmixed: the bands that
        :func:`mne_duin.make_lda` uses.
    init : str | None
        Initial values of an encoder from scratch: ``"zca"``, ``"principal"`` or
        ``"random"``; see :class:`DuINVQVAE`. The filters of several subjects are
        rotated towards each other by the labels.
    head_activation : None | str
        None gives usable probabilities. ``"sigmoid"`` is the published head, whose
        output enters the cross-entropy as if it were logits: probabilities are nearly
        flat.
    hidden_dim : int
        Size of the hidden layer of the head. With ``head_init="lda"`` it is at least
        twice the number of classes.
    head_init : str | None
        ``"lda"`` starts the head as a weighted mean of shrinkage LDAs on the tokens of
        the training epochs, ``"random"`` as published. A head that starts at random
        fits a few hundred training trials before the encoder has learned anything.
    head_dropout : float | None
        Dropout of the hidden layer of the head.
    skip : bool | None
        Whether the head sees every token without its context, too: the transformer
        starts at random in an encoder from scratch, and after pre-training it may have
        dropped what that had no use for. None is True in the quick preset; False is
        as published.
    use_codex : bool
        Put the first stage's codex between encoder and head ("vqvae+vq" in the paper).
    encoder_lr_scale : float | None
        Factor of the learning rate for the encoder.
    head_lr_scale : float | None
        Factor of the learning rate for a head that starts from discriminants. They
        leave most of tens of thousands of features out, and AdamW moves all weights
        alike: at the full rate features without information come back. None in the
        quick preset is 1 with up to five trials per class, whose discriminants are
        poor, and 0.1 with more.
    label_smoothing : float | None
        Fraction of the target spread over the other classes.
    max_shift : float | None
        Largest random shift in seconds, filled with zeros.
    validation_fraction : float | None
        Fraction of the training epochs (the same of each class) held out to choose the
        best pass; 0 keeps the last pass.
    %(select)s
    %(patch_duration)s
        A pre-trained encoder brings its own.
    %(subject_layers)s
    %(patch_encoder)s
    %(spatial_sizes)s
        A pre-trained encoder brings its own, as with all sizes below.
    n_layers : int | None
        Transformer blocks; the quick preset takes 2, the published number is 8.
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
    module_ : Classifier
        The network.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    %(learned)s

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

    module_: Classifier
    classes_: np.ndarray
    _stage: ClassVar[str] = "classifier"
    _takes_labels: ClassVar[bool] = True

    def __init__(
        self,
        pretrained=None,
        preset: str = "quick",
        *,
        bands: str | Sequence[str] | dict | None = None,
        init: str | None = None,
        head_activation: str | None = None,
        hidden_dim: int = 128,
        head_init: str | None = None,
        head_dropout: float | None = None,
        skip: bool | None = None,
        use_codex: bool = False,
        encoder_lr_scale: float | None = None,
        head_lr_scale: float | None = None,
        label_smoothing: float | None = None,
        max_shift: float | None = None,
        validation_fraction: float | None = None,
        select: str = "first",
        patch_duration: float | None = None,
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
        self.bands = bands
        self.init = init
        self.head_activation = head_activation
        self.hidden_dim = hidden_dim
        self.head_init = head_init
        self.head_dropout = head_dropout
        self.skip = skip
        self.use_codex = use_codex
        self.encoder_lr_scale = encoder_lr_scale
        self.head_lr_scale = head_lr_scale
        self.label_smoothing = label_smoothing
        self.max_shift = max_shift
        self.validation_fraction = validation_fraction
        self.select = select
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

    def fit(
        self,
        X: Signal,
        y: ArrayLike,
        *,
        subject: ArrayLike | None = None,
        sfreq: float | None = None,
        validation: tuple | None = None,
        test: tuple | None = None,
        checkpoint_dir: Path | str | None = None,
        checkpoint_every: int = 1,
    ) -> Self:
        """Fine-tune on labeled epochs.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_and_test)s
        %(checkpoints)s

        Returns
        -------
        self : DuINClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is one class only, the data or a parameter cannot be used, or
            ``checkpoint_dir`` has a training with others.
        %(checkpoint_errors)s
        """
        recipe, data, run, choice = self._prepare(
            X,
            y,
            subject=subject,
            sfreq=sfreq,
            validation=validation,
            test=test,
            checkpoint_dir=checkpoint_dir,
            checkpoint_every=checkpoint_every,
        )
        scale = {"encoder": recipe["encoder_lr_scale"]}
        if recipe["head_init"] == "lda":
            own = head_rate(recipe["head_lr_scale"], len(data) / len(self.classes_))
            scale |= dict.fromkeys(("hidden", "scores"), own)
        self._train(
            self._training_step(recipe, data),
            data,
            recipe,
            run,
            **choice,
            lr_scale=scale,
        )
        return self

    def _prepare(
        self,
        X,
        y,
        *,
        subject=None,
        sfreq=None,
        validation=None,
        test=None,
        checkpoint_dir=None,
        checkpoint_every=1,
    ):
        """Build the network and give it its start; return what training needs."""
        recipe = resolve(self, self._stage)
        self._check_recipe(recipe)
        checkpoints = open_checkpoints(
            self, "classifier", recipe, checkpoint_dir, checkpoint_every
        )
        X = as_array(X, sfreq=self.sfreq if sfreq is None else sfreq)
        classes, y = learn_classes(y, len(X))
        epochs = read_training_epochs(self, X, recipe, subject, sfreq, y)
        self.tmin_ = epochs.tmin
        self.classes_ = classes
        check_shared_classes(epochs, self.classes_, y)
        run = self._begin(checkpoints)
        epochs, y, choice = hold_out_epochs(
            self,
            epochs,
            y,
            recipe["validation_fraction"],
            run,
            validation=validation,
            test=test,
            sfreq=sfreq,
        )
        data = self._signal_data(epochs, y=y, max_shift=recipe["max_shift"])
        n_tokens = epochs.data.shape[-1] // self.patch_size_
        self._build_seeded(
            partial(self._build, recipe, n_tokens),
            run,
            partial(self._start, recipe),
            data,
        )
        longest = self.module_.encoder.transformer.max_tokens
        if longest is not None and n_tokens > longest:
            inform_once(
                "pieces",
                f"The encoder was pre-trained on {longest} tokens at a time and takes "
                f"these epochs of {n_tokens} tokens in pieces; pre-train it with a "
                "longer `crop_duration` to give all tokens context from each other.",
            )
        return recipe, data, run, choice

    def _check_recipe(self, recipe):
        check_numbers(self, recipe)
        check_option("head_activation", self.head_activation, HEAD_ACTIVATIONS)
        check_option("init", recipe["init"], INITIAL)
        check_encoder(self)
        check_option("head_init", recipe["head_init"], HEAD_STARTS)
        if recipe["head_init"] == "lda" and self.head_activation is not None:
            raise ValueError(
                "head_init='lda' needs head_activation=None: a sigmoid would squash "
                "the discriminant's scores."
            )

    def _start(self, recipe, module, data):
        """Give a new encoder and the head their start."""
        if self.pretrained is None and recipe["init"] != "random":
            module.start_from_components(
                data.x, data.subject, data.y, **self._initial_maps(recipe)
            )
        if recipe["head_init"] == "lda":
            start_head_(
                module,
                data,
                significance=SIGNIFICANCE,
                projection=cell_projection(self._earlier_stage()),
            )

    def _build(self, recipe, n_tokens):
        """Build the network around a new or a pre-trained encoder."""
        quantizer = self._pretrained_codex() if self.use_codex else None
        scratch = self.pretrained is None
        return Classifier(
            self._build_encoder(recipe) if scratch else copy_encoder(self.pretrained),
            n_tokens,
            len(self.classes_),
            hidden_dim=head_width(
                self.hidden_dim, recipe["head_init"], len(self.classes_)
            ),
            head_activation=self.head_activation,
            quantizer=quantizer,
            head_dropout=recipe["head_dropout"],
            skip=recipe["skip"],
        )

    def _pretrained_codex(self):
        """Return a copy of the first stage's quantizer."""
        if self.pretrained is None:
            raise ValueError("`use_codex=True` needs a `pretrained` stage.")
        codex = unwrap(self.pretrained, "pretrained")._codex()
        if codex is None:
            raise ValueError(
                "`use_codex=True` needs a first stage, which `pretrained` has not or "
                "was read without."
            )
        return deepcopy(codex)

    def _codex(self):
        return self.module_.quantizer

    def _earlier_stage(self):
        return (
            None if self.pretrained is None else unwrap(self.pretrained, "pretrained")
        )

    def _chance(self):
        return 1 / len(self.classes_)

    def _training_step(self, recipe, data):
        return LabelTraining(recipe["label_smoothing"])

    def _add_state(self, tensors, meta):
        super()._add_state(tensors, meta)
        meta["learned"]["classes"] = plain(self.classes_)

    def _take_state(self, tensors, meta):
        super()._take_state(tensors, meta)
        self.classes_ = label_array(meta["learned"]["classes"])
        if len(self.classes_) != self.module_.scores.out_features:
            raise ValueError(
                f"the network has {self.module_.scores.out_features} classes, the list "
                f"{len(self.classes_)}"
            )

    def _loss_of(self, x, subject, target=None):
        """Cross-entropy, per epoch."""
        return cross_entropy(self._network_scores(x, subject), self.classes_, target)

    def plot_confusion(
        self, X: Signal, y: ArrayLike, *, subject: ArrayLike | None = None, **options
    ) -> Figure:
        """Plot which classes of held-out epochs are taken for which.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_confusion`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        predicted = self.predict(X, subject=subject)
        return viz.plot_confusion(y, predicted, self.classes_, **options)
