"""All stages as one classifier, so that pre-training happens inside every fold.

:func:`make_duin` makes the published variants of it by name.
"""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from mne.utils import warn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators._cells import DuINCells
from mne_duin.estimators._classifier import DuINClassifier
from mne_duin.estimators._mae import FIRST_STAGES, DuINMAE
from mne_duin.estimators._probe import probe_encoder
from mne_duin.estimators._trained import USUAL_PATCH, Signal
from mne_duin.estimators._vqvae import DuINVQVAE
from mne_duin.estimators.memory import fit_or_recall
from mne_duin.estimators.presets import resolve
from mne_duin.utils._checks import check_option, check_type
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import as_array
from mne_duin.utils._pooling import pool_probabilities
from mne_duin.utils._signature import decides_alike
from mne_duin.utils._stored import join_arrays

VARIANTS = ("pretrained", "cells+mae", "scratch", "vqvae", "vqvae+vq", "mae")


@fill_doc
class DuINDecoder(ClassifierMixin, BaseEstimator):
    """Pre-train and fine-tune in one ``fit``.

    Inside :func:`~mne_duin.evaluate` every fold then pre-trains on its own training
    data: its training trials, and the ``unlabelled`` segments of its training runs.

    Parameters
    ----------
    vqvae : DuINVQVAE | DuINCells
        The first stage, not fitted.
    mae : DuINMAE | None
        The second stage, made with ``vqvae=None``; None leaves it out.
    classifier : DuINClassifier
        The third stage, made with ``pretrained=None``.
    scratch : DuINClassifier | None
        A network from scratch that forms an ensemble with the one that starts from the
        encoder, as :class:`DecoderEnsemble` does. None leaves it out.
    task_data : bool
        Whether the training trials take part in the pre-training where ``unlabelled``
        segments are given. Longer segments are cut into pieces of a trial's length
        that together cover them.
    select : "first" | "paper"
        See :class:`DuINClassifier`.
    %(memory)s

    Attributes
    ----------
    vqvae_, mae_, classifier_ : estimator
        The fitted stages.
    scratch_ : DuINClassifier | None
        The member of the ensemble from scratch; None where there is none, and where the
        encoder is not used, which leaves that network alone, as ``classifier_``.
    weight_ : float
        What the pre-trained network counts. In an ensemble two thirds where a linear
        discriminant reads its encoder better than the signal by more than one standard
        error, else half; without one 1, and 0 where the encoder is not used.
    check_ : PretrainingCheck | None
        What the first stage learned, and what a linear discriminant reads from it in
        cross-validation on the training trials; None for the published first stage.
    uses_pretraining_ : bool
        Whether the classifier starts from the pre-trained encoder. It does not where
        ``check_`` says that the encoder is worse than the signal, or no better and that
        nothing was learned, and in an ensemble not where both are no better than the
        signal; then it is trained from scratch, with a warning.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    fit_groups_ : set of str
        The runs it has learned from ("run" or "session/run"), if the metadata say.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import make_duin
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 400)), np.repeat(["yes", "no"], 6)
    >>> sizes = {"n_layers": 1, "sfreq": 1000.0}
    >>> short = {"max_iter": 2}
    >>> clf = make_duin(
    ...     "vqvae",
    ...     architecture=sizes,
    ...     vqvae=short | {"n_codes": 8, "n_decoder_layers": 1},
    ...     classifier=short,
    ...     verbose=False,
    ... )
    >>> clf.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    def __init__(
        self,
        vqvae: DuINVQVAE | DuINCells,
        mae: DuINMAE | None = None,
        classifier: DuINClassifier | None = None,
        *,
        scratch: DuINClassifier | None = None,
        task_data: bool = True,
        select: str = "first",
        memory: Path | str | None = None,
    ):
        self.vqvae = vqvae
        self.mae = mae
        self.classifier = classifier
        self.scratch = scratch
        self.task_data = task_data
        self.select = select
        self.memory = memory

    def fit(
        self,
        X: Signal,
        y: ArrayLike,
        *,
        unlabelled: Signal | None = None,
        validation: tuple | None = None,
        test: tuple | None = None,
    ) -> Self:
        """Pre-train without labels, then fine-tune.

        Parameters
        ----------
        %(X)s
        %(y)s
        unlabelled : Epochs | DiskSegments | array | None
            Segments to pre-train on, shape (n_segments, n_channels, n_times); None
            pre-trains on the training trials.
        %(validation_and_test)s

        Returns
        -------
        self : DuINDecoder
            The fitted classifier.

        Raises
        ------
        ValueError
            If the data or a parameter cannot be used, or ``task_data`` is False and
            there are no segments.
        """
        check_type("vqvae", self.vqvae, FIRST_STAGES)
        check_type("mae", self.mae, DuINMAE, none=True)
        check_type("classifier", self.classifier, DuINClassifier)
        check_type("scratch", self.scratch, DuINClassifier, none=True)
        segments = self._segments(X, unlabelled)
        first = self._for_trials(self.vqvae, X)
        self.vqvae_ = fit_or_recall(first, segments, first._stage, self.memory)
        stage, self.mae_ = self.vqvae_, None
        if self.mae is not None:
            second = self._for_trials(self.mae, X).set_params(vqvae=self.vqvae_)
            stage = self.mae_ = fit_or_recall(second, segments, "mae", self.memory)
        self.check_ = self._probe(stage, X, y)
        self.uses_pretraining_ = self.check_ is None or self.check_.usable
        if not self.uses_pretraining_:
            warn(
                f"{self.check_.verdict} So the pre-trained encoder is not used: the "
                "classifier is trained from scratch."
            )
        data = {"validation": validation, "test": test}
        scratch = self.classifier if self.scratch is None else self.scratch
        scratch = clone(scratch).set_params(pretrained=None, select=self.select)
        self.scratch_, self.weight_ = None, float(self.uses_pretraining_)
        if self.uses_pretraining_:
            last = clone(self.classifier)
            last.set_params(pretrained=stage, select=self.select).fit(X, y, **data)
            if self.scratch is not None:
                self.scratch_ = scratch.fit(X, y, **data)
                probe = None if self.check_ is None else self.check_.probe
                self.weight_ = 0.5 if probe is None else probe.attrs["weight"]
        else:
            last = scratch.fit(X, y, **data)
        self.classifier_, self.classes_ = last, last.classes_
        self.__dict__.pop("fit_groups_", None)
        if "fit_groups_" in vars(last):
            self.fit_groups_ = last.fit_groups_
        return self

    def _for_trials(self, stage, X):
        """Return an unfitted stage whose crops are at least as long as the trials."""
        stage = clone(stage)
        trials = as_array(X, sfreq=self.vqvae.sfreq)
        # Without a sampling rate the stage itself complains.
        if trials.sfreq is not None:
            crops_for_trials_(stage, trials.data.shape[-1] / trials.sfreq)
        return stage

    def _probe(self, stage, X, y):
        """Return what the first stage learned, and what can be read from the last."""
        check = self.vqvae_.check_ if isinstance(self.vqvae_, DuINCells) else None
        if check is None:
            return None
        classifier = clone(self.classifier).set_params(pretrained=stage)
        probe = probe_encoder(classifier, X, y, scratch=self.scratch)
        return replace(check, probe=probe)

    def _segments(self, X, unlabelled):
        """Return what the stages without labels learn from."""
        if unlabelled is None:
            if not self.task_data:
                raise ValueError("task_data=False needs `unlabelled` segments in fit.")
            return X
        if not self.task_data:
            return unlabelled
        rate = self.vqvae.sfreq
        segments = as_array(unlabelled, sfreq=rate, on_disk=True)
        return join_segments(as_array(X, sfreq=rate), segments)

    @decides_alike
    def predict(self, X: Signal) -> np.ndarray:
        """Return the most probable class of every epoch.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        y : ndarray, shape (n_epochs,)
            The labels.
        """
        check_is_fitted(self, "classifier_")
        return self.classes_[self.predict_proba(X).argmax(1)]

    @decides_alike
    def predict_proba(self, X: Signal) -> np.ndarray:
        """Return the probability of every class.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "classifier_")
        if self.scratch_ is None:
            return self.classifier_.predict_proba(X)
        members = self.classifier_, self.scratch_
        probabilities = [each.predict_proba(X) for each in members]
        return pool_probabilities(probabilities, (self.weight_, 1 - self.weight_))

    def channel_contributions(
        self,
        method: str = "weights",
        *,
        X: Signal | None = None,
        y: ArrayLike | None = None,
    ) -> pd.Series | pd.DataFrame:
        """Say how much each channel contributes to the last stage (``classifier_``).

        Parameters
        ----------
        method : str
            See :meth:`DuINClassifier.channel_contributions`.
        X : Epochs | array | None
            Data for ``"patterns"`` and ``"permutation"``.
        y : array, shape (n_epochs,) | None
            Labels for ``"permutation"``.

        Returns
        -------
        contributions : Series | DataFrame
            One value per channel.
        """
        check_is_fitted(self, "classifier_")
        return self.classifier_.channel_contributions(method, X=X, y=y)


def crops_for_trials_(stage, seconds):
    """Let an unfitted stage take crops that are at least as long as the trials.

    An encoder gives tokens context from no more than it was trained on at once. Crops
    whose length was asked for stay, and a part of a token makes no difference.
    """
    if stage.crop_duration is None:
        least = resolve(stage, stage._stage)["crop_duration"]
        if seconds >= least + (stage.patch_duration or USUAL_PATCH):
            stage.set_params(crop_duration=seconds)
    return stage


def join_segments(trials, segments):
    """Put trials and pieces of segments of the same length together."""
    if trials.ch_names != segments.ch_names:
        raise ValueError(
            "`unlabelled` must have the channels of the trials, in the same order; got "
            f"{segments.ch_names}, the trials have {trials.ch_names}."
        )
    n_times, n_long = trials.data.shape[-1], segments.data.shape[-1]
    if n_long < n_times:
        raise ValueError(
            f"`unlabelled` segments have {n_long} samples; they must be at least as "
            f"long as the trials, {n_times} samples."
        )
    starts = np.linspace(0, n_long - n_times, -(-n_long // n_times)).round().astype(int)
    pieces = [segments.data[..., start : start + n_times] for start in starts]
    subject = metadata = None
    if trials.subject is not None and segments.subject is not None:
        subject = np.concatenate([trials.subject, *[segments.subject] * len(starts)])
    if trials.metadata is not None and segments.metadata is not None:
        metadata = pd.concat([trials.metadata, *[segments.metadata] * len(starts)])
    return replace(
        trials,
        data=join_arrays([trials.data, *pieces]),
        subject=subject,
        metadata=metadata,
    )


@fill_doc
def make_duin(
    variant: str = "mae",
    *,
    preset: str = "quick",
    architecture: dict | None = None,
    cells: dict | None = None,
    vqvae: dict | None = None,
    mae: dict | None = None,
    classifier: dict | None = None,
    task_data: bool = True,
    memory: Path | str | None = None,
    device: str = "auto",
    precision: str = "auto",
    random_state: int | None = None,
    verbose: bool | None = None,
):
    """Make Du-IN, or one of its published variants, as one classifier.

    Parameters
    ----------
    variant : str
        ``"pretrained"``: pre-trained by hidden cells (:class:`DuINCells`), the default
        path for minutes to hours of recording; in the quick preset an ensemble with a
        network from scratch. ``"cells+mae"``: the same, then by hidden codes of what
        the cells predict. ``"scratch"``: no pre-training. The published variants:
        ``"vqvae"``, the encoder of the first stage; ``"vqvae+vq"``, that encoder with
        the codex between it and the head; ``"mae"``, the encoder of the second stage.
    preset : "quick" | "paper"
        The training recipe.
    architecture : dict | None
        Parameters of the encoder, such as ``n_layers``, and ``sfreq``; for all stages.
    cells, vqvae, mae, classifier : dict | None
        Further parameters of a stage.
    task_data : bool
        Whether training trials join the ``unlabelled`` segments, see
        :class:`DuINDecoder`.
    %(memory)s
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"``.
    random_state : None | int
        Seed of all stages.
    verbose : bool | None
        Whether to show progress bars.

    Returns
    -------
    estimator : DuINClassifier | DuINDecoder
        Unfitted: a classifier for ``"scratch"``, else all stages in one.

    Raises
    ------
    ValueError
        If there is no such variant.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, Table 2.

    Examples
    --------
    >>> from mne_duin import make_duin
    >>> make_duin("scratch", random_state=0).random_state
    0
    >>> make_duin("vqvae+vq").classifier.use_codex
    True
    """
    check_option("variant", variant, VARIANTS)
    common = {
        "preset": preset,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "verbose": verbose,
    }
    sizes = dict(architecture or {})
    last = common | sizes | {"use_codex": variant == "vqvae+vq"} | (classifier or {})
    if variant == "scratch":
        return DuINClassifier(**last)
    second = None
    if variant in ("mae", "cells+mae"):
        rate = {"sfreq": sizes.get("sfreq")}
        second = DuINMAE(None, **common | rate | (mae or {}))
    scratch = None
    if variant in ("pretrained", "cells+mae"):
        first = DuINCells(**common | sizes | (cells or {}))
        # The paper's recipe has no ensemble, and takes hours for each network.
        scratch = DuINClassifier(**last) if preset == "quick" else None
    else:
        first = DuINVQVAE(**common | sizes | (vqvae or {}))
    return DuINDecoder(
        first,
        second,
        DuINClassifier(**last),
        scratch=scratch,
        task_data=task_data,
        memory=memory,
    )
