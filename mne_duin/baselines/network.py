"""What the networks of the comparison share: input, scaling, training, prediction."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from scipy.signal import resample_poly
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional

from mne_duin.baselines import files
from mne_duin.estimators.choice import ModelChoice
from mne_duin.estimators.labels import learn_classes
from mne_duin.estimators.limits import check_numbers
from mne_duin.estimators.prediction import Prediction
from mne_duin.estimators.trained import TrainedNetwork
from mne_duin.utils.checks import check_number
from mne_duin.utils.docs import fill_doc

RECIPE = ("max_iter", "batch_size", "lr", "lr_min", "warmup", "weight_decay")
COUNT = {"low": 1, "integer": True}
POSITIVE = {"low": 0, "closed": False}
LIMITS = {
    "network_sfreq": POSITIVE,
    "kernel": COUNT,
    "stride": COUNT,
    "pool": COUNT,
    "pool_stride": COUNT,
    "dim": COUNT,
    "dropout": {"low": 0, "high": 0.95},
    "pretrain_iter": {"low": 0, "integer": True},
    "pretrain_batch_size": {"low": 2, "integer": True},
    "pretrain_lr": POSITIVE,
    "pretrain_lr_min": {"low": 0},
    "context_dim": COUNT,
    "n_steps": COUNT,
    "max_segments": COUNT,
    "jitter": {"low": 0},
    "scale_deviation": {"low": 0},
}


@fill_doc
@dataclass(eq=False, repr=False, kw_only=True)
class NetworkClassifier(Prediction, ModelChoice, TrainedNetwork):
    """Base of the networks; not to be used itself.

    Parameters
    ----------
    %(network_training)s
    """

    network_sfreq: float | None = None
    max_shift: float = 0.3
    validation_fraction: float = 0.1
    select: str = "first"
    max_iter: int = 200
    batch_size: int = 32
    lr: float = 2e-4
    lr_min: float = 5e-6
    warmup: float = 0.1
    weight_decay: float = 0.05
    sfreq: float | None = None
    device: str = "auto"
    precision: str = "auto"
    random_state: object = None
    verbose: bool | None = None

    def fit(self, X, y, *, subject=None, sfreq=None, validation=None, test=None):
        """Train on labelled epochs.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_and_test)s

        Returns
        -------
        self : NetworkClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is one class only, or the data or a parameter cannot be used.
        """
        return self._fit(X, y, subject, sfreq, validation=validation, test=test)

    def _fit(self, X, y, subject, sfreq, *, unlabelled=None, **held_out):
        """Pre-train where the network does so, then train."""
        self._check_parameters()
        self.high_gamma_ = False
        epochs = self._check_X(X, subject=subject, sfreq=sfreq)
        self.n_times_ = self._inputs(epochs[:1]).shape[-1]
        self.classes_, y = learn_classes(y, len(epochs))
        dtype = self._prepare()
        if unlabelled is not None:
            unlabelled = self._check_unlabelled(unlabelled, sfreq)
        epochs, y, choice = self._hold_out(
            epochs, y, self.validation_fraction, sfreq=sfreq, **held_out
        )
        data = self._signal_data(epochs, y=y, max_shift=self.max_shift)
        build = partial(self._build, len(self.ch_names_), self.n_times_)
        first = self._first_data(epochs if unlabelled is None else unlabelled, data)
        self._seeded_build(build, self._start, first)
        self._pretrain(first, dtype)
        recipe = {name: getattr(self, name) for name in RECIPE}
        self._train(self._step, data, recipe, dtype, **choice)
        return self

    def _check_parameters(self):
        check_numbers(self, {})
        values = self.get_params(deep=False)
        for name, limits in LIMITS.items():
            if values.get(name) is not None:
                check_number(name, values[name], **limits)

    def _first_data(self, epochs, data):
        """Return what the network sees first: the training trials."""
        return data

    def _start(self, module, data):
        """Give a new network better initial values than random ones."""

    def _pretrain(self, data, dtype):
        """Train the encoder without labels."""

    def _step(self, module, batch):
        """Return loss and accuracy of a batch."""
        scores = module(batch.x).float()
        loss = functional.cross_entropy(scores, batch.y)
        accuracy = (scores.argmax(-1) == batch.y).float().mean()
        return {"loss": loss, "accuracy": accuracy}

    def _rate(self):
        """Return the sampling rate that the network sees."""
        return self.network_sfreq or self.info_["sfreq"]

    def _inputs(self, epochs):
        """Return the signal at the rate of the network, not scaled."""
        came, wanted = self.info_["sfreq"], self._rate()
        if came < wanted:
            raise ValueError(
                f"{type(self).__name__} works at {wanted:g} Hz (`network_sfreq`), and "
                f"`X` has {came:g} Hz; set network_sfreq=None or read the recording at "
                "a higher rate."
            )
        if came == wanted:
            return epochs.data
        ratio = Fraction(wanted / came).limit_denominator(1000)
        return resample_poly(
            epochs.data, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
        )

    def _count_patch_samples(self):
        """Return 1: these networks are not bound to patches."""
        return 1

    def _whole_patches(self, epochs):
        """Return the epochs as they are."""
        return epochs

    def _signal_data(self, epochs, *, y=None, max_shift=0.0, n_times=None):
        """Put epochs on the device for training; the shift is in seconds."""
        x, subject = self._scaled(epochs)
        shift = round(max_shift * self._rate())
        return self._on_device(x, subject, y=y, n_times=n_times, max_shift=shift)

    def _network_scores(self, x, subject):
        """Return the scores of scaled inputs."""
        if x.shape[-1] != self.n_times_:
            raise ValueError(
                f"`X` has epochs of {x.shape[-1] / self._rate():g} s; the classifier "
                f"was fitted with {self.n_times_ / self._rate():g} s."
            )
        return self._batched(self.module_, x, subject)

    def count_parameters(self):
        """Return how many numbers the network learns.

        Returns
        -------
        n_parameters : int
            Of encoder and head; what only pre-training needs is not counted.
        """
        check_is_fitted(self, "module_")
        return sum(parameter.numel() for parameter in self.module_.parameters())

    def save(self, path):
        """Write the fitted estimator to one safe file.

        Parameters
        ----------
        path : path-like
            The file; an existing one is replaced as a whole or not at all.

        Returns
        -------
        path : Path
            The file, which :func:`read_baseline` reads.
        """
        check_is_fitted(self, "module_")
        return files.save(self, path)
