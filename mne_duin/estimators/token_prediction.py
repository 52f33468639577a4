"""What a fitted token decoder says about epochs."""

import numpy as np
import torch

from mne_duin.nn import sequence_loss, token_loss
from mne_duin.sequences import beam_search, collapse, error_rate, greedy_sequence
from mne_duin.sequences._targets import label_index
from mne_duin.utils.docs import fill_doc


@fill_doc
class TokenPrediction:
    """The part of the token decoder that predicts; not to be used itself."""

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
        scores = self._batched(self.module_, *self._scaled(epochs))
        edges = np.cumsum(self.module_.n_classes)[:-1]
        return np.split(scores.astype(float), edges, axis=-1)

    def _network_scores(self, x, subject):
        """Return all scores of an epoch in one row, for its forward patterns."""
        scores = self._batched(self.module_, x, subject)
        return scores.reshape(len(scores), -1)

    def predict_proba(self, X, *, subject=None):
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

    def predict(self, X, *, subject=None):
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
        if self._is_ctc():
            return self.decode(X, subject=subject)
        scores = self._token_scores(X, subject)
        sets = self._label_sets()
        return self._by_tier(
            [labels[own.argmax(-1)] for labels, own in zip(sets, scores, strict=True)]
        )

    def decode(
        self,
        X,
        *,
        tier=None,
        silence=None,
        min_tokens=1,
        beam_width=None,
        words=None,
        subject=None,
    ):
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
        if not self._is_ctc():
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

    def _is_ctc(self):
        return self.loss == "ctc"

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

    def score(self, X, y, *, subject=None):
        """Return the accuracy of the labelled tokens, or with CTC one minus error rate.

        Parameters
        ----------
        %(X)s
        %(y_tokens)s
        %(subject)s

        Returns
        -------
        score : float
            Without CTC the share of the labelled tokens whose label is right, the mean
            over the tiers; every token counts the same, so that long and frequent
            labels count more. With CTC one minus the label error rate of
            :meth:`predict`, below 0 where more is inserted than was said.
        """
        if self._is_ctc():
            return 1.0 - error_rate(y, self.predict(X, subject=subject))
        scores = self._token_scores(X, subject)
        targets = self._known_targets(y, *scores[0].shape[:2])
        shares = []
        for tier, own in enumerate(scores):
            labelled = targets[..., tier] >= 0
            hits = own.argmax(-1)[labelled] == targets[..., tier][labelled]
            shares.append(hits.mean())
        return float(np.mean(shares))

    def _loss_of(self, x, subject, y):
        """Loss per label, of each epoch."""
        scores = torch.from_numpy(self._batched(self.module_, x, subject))
        targets = torch.from_numpy(self._known_targets(y, *scores.shape[:2]))
        if self._is_ctc():
            total, count = sequence_loss(scores, targets)
            return (total / count.clamp(min=1)).numpy()
        layers = scores.split(self.module_.n_classes, -1)
        losses = map(token_loss, layers, targets.unbind(-1))
        means = [total / count.clamp(min=1) for total, count in losses]
        return torch.stack(means).mean(0).numpy()
