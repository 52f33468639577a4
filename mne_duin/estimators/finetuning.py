"""Fine-tuning: the encoder of an earlier stage, or a new one, under new heads."""

from mne_duin.estimators.base import unwrap
from mne_duin.estimators.inputs import inherit_input, note_runs
from mne_duin.nn import build_encoder, encoder_sizes


class FineTuning:
    """The part of the estimators that take ``pretrained``; not to be used itself."""

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

    def _make_encoder(self, recipe):
        """Build a new encoder, or copy the pre-trained one."""
        if self.pretrained is None:
            return self._build_encoder(recipe)
        trained = unwrap(self.pretrained, "pretrained").module_.encoder
        encoder = build_encoder(**encoder_sizes(trained))
        encoder.load_state_dict(trained.state_dict())
        return encoder
