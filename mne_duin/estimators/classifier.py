"""Stage 3: fine-tune the encoder to name words."""

from copy import deepcopy
from functools import partial

from torch.nn import functional

from mne_duin.estimators.base import INITIAL, SUBJECT_LAYERS, BaseDuIN, unwrap
from mne_duin.estimators.choice import ModelChoice
from mne_duin.estimators.finetuning import FineTuning
from mne_duin.estimators.head import start_head_
from mne_duin.estimators.labels import learn_classes
from mne_duin.estimators.limits import check_numbers
from mne_duin.estimators.plots import ClassifierPlots
from mne_duin.estimators.prediction import Prediction
from mne_duin.estimators.presets import resolve
from mne_duin.estimators.resume import open_checkpoints
from mne_duin.estimators.subjects import check_shared_classes
from mne_duin.nn import Classifier
from mne_duin.utils.checks import check_option
from mne_duin.utils.docs import fill_doc

HEAD_ACTIVATIONS = (None, "sigmoid")
HEAD_STARTS = ("lda", "random")
SIGNIFICANCE = 0.003


@fill_doc
class DuINClassifier(ClassifierPlots, FineTuning, Prediction, ModelChoice, BaseDuIN):
    """Decode words from epochs with the Du-IN encoder.

    Parameters
    ----------
    pretrained : DuINMAE | DuINVQVAE | FrozenEstimator | None
        A fitted earlier stage whose encoder is fine-tuned; None starts from scratch.
        Inside cross-validation wrap it in ``sklearn.frozen.FrozenEstimator``.
    %(preset)s
    high_gamma : bool | None
        Whether the network is given high-gamma power beside the signal; a pre-trained
        encoder decides itself.
    initial : str | None
        Initial values of an encoder from scratch: ``"principal"`` or ``"random"``; see
        :class:`DuINVQVAE`. Principal components of several subjects are turned towards
        each other by the labels.
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
    %(select)s
    patch_duration : float
        Length of a patch in seconds; a pre-trained encoder brings its own.
    %(subject_layers)s
    %(spatial_sizes)s
        A pre-trained encoder brings its own, as with all sizes below.
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
        select="first",
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
        self.select = select
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

    def fit(
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
        """Fine-tune on labelled epochs.

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
        recipe = resolve(self, "classifier")
        self._check_recipe(recipe)
        keeper = open_checkpoints(
            self, "classifier", recipe, checkpoint_dir, checkpoint_every
        )
        epochs = self._check_training(X, recipe, subject, sfreq)
        self.classes_, y = learn_classes(y, len(epochs))
        check_shared_classes(epochs, self.classes_, y)
        dtype = self._prepare(keeper)
        epochs, y, choice = self._hold_out(
            epochs,
            y,
            recipe["validation_fraction"],
            validation=validation,
            test=test,
            sfreq=sfreq,
        )
        data = self._signal_data(epochs, y=y, max_shift=recipe["max_shift"])
        n_tokens = epochs.data.shape[-1] // self.patch_size_
        self._seeded_build(
            partial(self._build, recipe, n_tokens),
            partial(self._start, recipe),
            data,
            keeper=keeper,
        )
        self._label_smoothing = recipe["label_smoothing"]
        self._train(
            self._step,
            data,
            recipe,
            dtype,
            **choice,
            keeper=keeper,
            lr_scale={"encoder": recipe["encoder_lr_scale"]},
        )
        return self

    def _check_recipe(self, recipe):
        check_numbers(self, recipe)
        check_option("head_activation", self.head_activation, HEAD_ACTIVATIONS)
        check_option("initial", recipe["initial"], INITIAL)
        check_option("subject_layers", self.subject_layers, SUBJECT_LAYERS)
        check_option("head_start", recipe["head_start"], HEAD_STARTS)
        if recipe["head_start"] == "lda" and self.head_activation is not None:
            raise ValueError(
                "head_start='lda' needs head_activation=None: a sigmoid would squash "
                "the discriminant's scores."
            )

    def _start(self, recipe, module, data):
        """Give a new encoder and the head their start."""
        if self.pretrained is None and recipe["initial"] == "principal":
            module.start_from_components(data.x, data.subject, data.y)
        if recipe["head_start"] == "lda":
            start_head_(module, data, significance=SIGNIFICANCE)

    def _build(self, recipe, n_tokens):
        """Build the network around a new or a pre-trained encoder."""
        quantizer = self._pretrained_codex() if self.use_codex else None
        return Classifier(
            self._make_encoder(recipe),
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
