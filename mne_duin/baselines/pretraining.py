"""A stage without labels before the supervised one, on the same encoder."""

from dataclasses import dataclass

from mne_duin.baselines.network import NetworkClassifier
from mne_duin.training import History, private_randomness, seed_randomness, train
from mne_duin.utils.docs import fill_doc
from mne_duin.utils.signature import own_parameters_first


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class PretrainedNetwork(NetworkClassifier):
    """Base of the networks that pre-train; not to be used itself.

    Parameters
    ----------
    %(network_pretraining)s
    %(network_training)s
    """

    pretrain_iter: int = 100
    pretrain_batch_size: int = 64
    pretrain_lr: float = 3e-4
    pretrain_lr_min: float = 5e-5

    def fit(
        self,
        X,
        y,
        *,
        subject=None,
        sfreq=None,
        validation=None,
        test=None,
        unlabelled=None,
    ):
        """Pre-train the encoder without labels, then train on labelled epochs.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_and_test)s
        unlabelled : Epochs | array, shape (n_segments, n_channels, n_times) | None
            Segments to pre-train on, with the channels of ``X`` and at least as long;
            random crops of a trial's length are taken. None pre-trains on the training
            trials.

        Returns
        -------
        self : PretrainedNetwork
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is one class only, or the data or a parameter cannot be used.
        """
        return self._fit(
            X,
            y,
            subject,
            sfreq,
            validation=validation,
            test=test,
            unlabelled=unlabelled,
        )

    def _pretrain(self, segments, dtype):
        """Train the encoder on its own task; what only that needs is forgotten."""
        if not self.pretrain_iter:
            self.pretrain_history_ = History()
            return
        data = self._signal_data(segments, n_times=self.n_times_)
        if data.n_times < self.n_times_:
            rate = self._rate()
            raise ValueError(
                f"`unlabelled` segments last {data.n_times / rate:g} s; they must be "
                f"at least as long as the epochs, {self.n_times_ / rate:g} s."
            )
        # Another stream of random numbers than that of the supervised stage.
        seed = self._seed + 1
        with private_randomness(self.device_):
            seed_randomness(seed, self.device_)
            task = self._build_task(self.module_.encoder).to(self.device_)
        self.pretrain_history_, _ = train(
            task,
            lambda module, batch: module(batch.x),
            data,
            max_iter=self.pretrain_iter,
            batch_size=self.pretrain_batch_size,
            lr=self.pretrain_lr,
            lr_min=self.pretrain_lr_min,
            n_warmup=max(round(self.warmup * self.pretrain_iter), 1),
            weight_decay=self.weight_decay,
            seed=seed,
            dtype=dtype,
            name=f"{type(self).__name__}, pre-training",
            verbose=self.verbose,
        )
