"""The stages that own an encoder: codex, masked modeling, words."""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn import _patch, _principal
from mne_duin.nn._encoders import own_parameters, own_rows
from mne_duin.nn._layers import Transformer, init_linear_, truncated_normal_


class Stage(nn.Module):
    """A network around an encoder; base of the stages.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder.
    """

    name = "Stage"

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def sizes(self):
        """Return everything that :func:`build_network` needs to build a like network.

        Returns
        -------
        sizes : dict
            ``stage``, ``encoder`` and the sizes of the stage.
        """
        return {
            "stage": self.name,
            "encoder": self.encoder.sizes(),
            **self._own_sizes(),
        }

    def _own_sizes(self):
        """Return the sizes of what is behind the encoder."""
        return {}

    def limit_context(self, n_tokens):
        """Give tokens context from as many as the network is trained on at once.

        Parameters
        ----------
        n_tokens : int
            Number of tokens of a training crop.
        """
        for part in self.modules():
            if isinstance(part, Transformer):
                part.max_tokens = n_tokens

    @torch.no_grad()
    def start_from_components(self, x, subject=None, y=None, **options):
        """Start from components of the data.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            Scaled training epochs.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.
        y : LongTensor, shape (n_epochs,) | None
            Class of each epoch, see :meth:`DuINEncoder.start_from_components`.
        **options : dict
            ``whitening``, ``shrinkage`` and ``exact``, see there.
        """
        inverse = self.encoder.start_from_components(x, subject, y, **options)
        self._start_behind(inverse, x, subject)

    def _start_behind(self, inverse, x, subject):
        """Start what is behind the encoder; (n_subjects, n_channels, n_components)."""

    @torch.no_grad()
    def start_subject(self, position, x):
        """Start the layers of one subject from the components of its channels.

        Parameters
        ----------
        position : int
            Index of the subject.
        x : Tensor, shape (n_epochs, n_channels, n_times)
            Its scaled epochs.
        """
        self._take_inverse(position, self.encoder.start_subject(position, x))

    def _take_inverse(self, position, inverse):
        """Start a subject's way back to the channels, where there is one."""

    def add_subject(self, position, n_channels, n_bands=1):
        """Add layers with initial values for one more subject, and space for channels.

        Everything that was learned is kept.

        Parameters
        ----------
        position : int
            Index that the new subject gets.
        n_channels : int
            Number of channels, at least as many as there are. Those added to the other
            subjects are padding: their weights are zero.
        n_bands : int
            How often the network sees each channel.
        """
        places = self.encoder.add_subject(position, n_channels, n_bands)
        self._add_behind(position, n_channels * n_bands, places)

    def _add_behind(self, position, size, places):
        """Add a subject's way back to ``size`` channels, where there is one."""

    def subject_parameters(self, position):
        """Return the parameters that belong to one subject.

        Parameters
        ----------
        position : int
            Index of the subject.

        Returns
        -------
        parameters : list of tuple of (Parameter, int | None)
            Each with the row that is the subject's, or None where all of it is.
        """
        own = self.encoder.subject_parameters(position)
        return own + self._parameters_behind(position)

    def _parameters_behind(self, position):
        """Return those behind the encoder."""
        return []


class VQVAE(Stage):
    """Stage 1: learn a codex by reconstructing the signal from quantized tokens.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder.
    quantizer : Quantizer
        The codex.
    transformer : Transformer
        The decoder's blocks.
    patch : PatchDecoder
        From tokens to spatially filtered signal.
    spatial : SubjectLinear
        The inverse spatial map, one per subject.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.2.
    """

    name = "VQVAE"

    def __init__(self, encoder, quantizer, transformer, patch, spatial):
        super().__init__(encoder)
        self.quantizer = quantizer
        self.transformer, self.patch, self.spatial = transformer, patch, spatial

    def _own_sizes(self):
        return {
            "quantizer": self.quantizer.sizes(),
            "n_decoder_layers": len(self.transformer.blocks),
            "decoder_filters": self.patch.n_filters,
        }

    def _start_behind(self, inverse, x, subject):
        self._start_decoder(inverse)
        _principal.start_projections_(self, x, subject)

    def _start_decoder(self, inverse):
        """Start the decoder as the way back."""
        self.spatial.weight.copy_(inverse)
        self.spatial.bias.zero_()
        n_features = self.encoder.dim // self.encoder.patch.n_steps
        _principal.start_patch_decoder_(self.patch, n_features)

    def _take_inverse(self, position, inverse):
        self.spatial.weight[position] = inverse
        self.spatial.bias[position] = 0

    def _add_behind(self, position, size, places):
        self.spatial = self.spatial.with_subject(position, size, places, axis=1)

    def _parameters_behind(self, position):
        return own_rows(self.spatial, position)

    def decode(self, tokens, subject=None):
        """Reconstruct a signal from quantized tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Quantized tokens.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        reconstruction : Tensor, shape (n_epochs, n_channels, n_times)
            The reconstructed signal.
        """
        tokens = self.transformer(tokens)
        # spatial(patch(tokens), subject)
        return _patch.decode_patches(self.patch, self.spatial, tokens, subject)

    def forward(self, x, subject=None):
        """Encode, quantize, reconstruct.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        reconstruction : Tensor, shape (n_epochs, n_channels, n_times)
            The reconstructed signal.
        output : QuantizerOutput
            The codes and the commitment loss.
        """
        output = self.quantizer(self.encoder(x, subject))
        return self.decode(output.quantized, subject), output

    @torch.no_grad()
    def encode(self, x, subject=None):
        """Return the codes of a signal.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        codes : LongTensor, shape (n_epochs, n_tokens)
            The codes.
        """
        return self.quantizer.encode(self.encoder(x, subject))


class PomsVQVAE(VQVAE):
    """Stage 1 with own layers for each subject at both ends.

    Parameters
    ----------
    encoder : PomsEncoder
        The encoder.
    quantizer : Quantizer
        The codex.
    transformer : Transformer
        The decoder's blocks.
    patch : SubjectRegression
        From tokens to the channels of each subject.
    """

    def __init__(self, encoder, quantizer, transformer, patch):
        super().__init__(encoder, quantizer, transformer, patch, None)

    def _start_decoder(self, inverse):
        for position, backward in enumerate(inverse):
            self._take_inverse(position, backward)

    def _take_inverse(self, position, inverse):
        _principal.start_interpolation_(self.patch.subjects[position].layers, inverse)

    def _add_behind(self, position, size, places):
        self.patch.add_subject(position, size, places)

    def _parameters_behind(self, position):
        return own_parameters(self.patch.subjects[position])

    def decode(self, tokens, subject=None):
        """Reconstruct a signal from quantized tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Quantized tokens.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        reconstruction : Tensor, shape (n_epochs, n_channels, n_times)
            The reconstructed signal.
        """
        return self.patch(self.transformer(tokens), subject)


def reconstruction_loss(reconstruction, x, channel_mask=None):
    """Return the mean squared error over time and real (unpadded) channels.

    Parameters
    ----------
    reconstruction, x : Tensor, shape (n_epochs, n_channels, n_times)
        Reconstructed and true signal.
    channel_mask : BoolTensor, shape (n_epochs, n_channels) | None
        True where a channel is real.

    Returns
    -------
    loss : Tensor, shape ()
        The error, in squared units of the scaled signal.
    """
    if channel_mask is None:
        return functional.mse_loss(reconstruction.float(), x)
    error = (reconstruction.float() - x).square().mean(-1)
    return (error * channel_mask).sum() / channel_mask.sum()


class MAE(Stage):
    """Stage 2: predict the codes of hidden tokens.

    The epochs are encoded twice, with the mask and with its complement, as one batch;
    the prediction of each token is taken from the pass in which it was hidden.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder to pre-train.
    n_codes : int
        Size of the codex.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.3 ("symmetric masking").
    """

    name = "MAE"

    def __init__(self, encoder, n_codes):
        super().__init__(encoder)
        self.mask_token = nn.Parameter(truncated_normal_(torch.empty(encoder.dim)))
        self.head = nn.Linear(encoder.dim, n_codes)
        init_linear_(self.head)

    def _own_sizes(self):
        return {"n_codes": self.head.out_features}

    def forward(self, x, mask, subject=None, *, n_hidden=None):
        """Predict the codes.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        mask : BoolTensor, shape (n_epochs, n_tokens)
            True where a token is hidden in the first pass.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.
        n_hidden : int | None
            How many tokens of every epoch are hidden in the first pass. The last block
            then leaves out the tokens that no prediction is taken from. None if epochs
            differ.

        Returns
        -------
        logits : Tensor, shape (n_epochs, n_tokens, n_codes)
            Each token's prediction from the pass where it was hidden.
        """
        tokens = self.encoder.tokenize(x, subject)
        hidden = mask[..., None]
        token = self.mask_token.to(tokens.dtype)
        first = torch.where(hidden, token, tokens)
        second = torch.where(hidden, tokens, token)
        transform = self.encoder.transformer
        if n_hidden is None:
            first, second = transform(torch.cat([first, second])).chunk(2)
            return self.head(torch.where(hidden, first, second))
        # Hidden tokens first, in the order of time.
        order = mask.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
        parts = order[:, :n_hidden], order[:, n_hidden:]
        context = [transform(*one) for one in zip((first, second), parts, strict=True)]
        back = order.argsort(1)[..., None].expand_as(tokens)
        return self.head(torch.cat(context, 1).gather(1, back))


def number_hidden(n_tokens, mask_ratio):
    """Return how many tokens of every epoch :func:`random_mask` hides."""
    return min(max(round(n_tokens * mask_ratio), 1), n_tokens - 1)


def random_mask(n_epochs, n_tokens, mask_ratio=0.5, *, generator=None, device=None):
    """Hide the same number of tokens, chosen at random, in every epoch.

    Parameters
    ----------
    n_epochs, n_tokens : int
        Shape of the mask.
    mask_ratio : float
        Fraction of the tokens to hide.
    generator : torch.Generator | None
        Source of randomness.
    device : torch.device | None
        Where the mask is wanted.

    Returns
    -------
    mask : BoolTensor, shape (n_epochs, n_tokens)
        True where a token is hidden.
    """
    n_hidden = number_hidden(n_tokens, mask_ratio)
    noise = torch.rand(n_epochs, n_tokens, generator=generator, device=device)
    ranks = noise.argsort(-1).argsort(-1)
    return ranks < n_hidden


class Classifier(Stage):
    """Stage 3: name the word of an epoch.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder, pre-trained or not.
    n_tokens : int
        Number of tokens of an epoch.
    n_classes : int
        Number of words.
    hidden_dim : int
        Size of the hidden layer of the head.
    head_activation : None | str
        ``"sigmoid"`` is the published head, whose output enters the cross-entropy as
        if it were logits: probabilities are nearly flat.
    quantizer : Quantizer | None
        Put between encoder and head ("vqvae+vq" in the paper's Table 2).
    head_dropout : float
        Dropout of the hidden layer; the published head has none.
    skip : bool
        Whether the head sees every token without its context, too. What pre-training
        did not need, the transformer may have dropped.
    """

    name = "Classifier"

    def __init__(
        self,
        encoder,
        n_tokens,
        n_classes,
        *,
        hidden_dim=128,
        head_activation=None,
        quantizer=None,
        head_dropout=0.0,
        skip=False,
    ):
        super().__init__(encoder)
        self.quantizer, self.n_tokens, self.skip = quantizer, n_tokens, skip
        self.hidden = nn.Linear((1 + skip) * n_tokens * encoder.dim, hidden_dim)
        self.dropout = nn.Dropout(head_dropout)
        self.scores = nn.Linear(hidden_dim, n_classes)
        self.head_activation = head_activation
        self.hidden.apply(init_linear_)
        self.scores.apply(init_linear_)

    def _own_sizes(self):
        head = {
            "n_tokens": self.n_tokens,
            "n_classes": self.scores.out_features,
            "hidden_dim": self.hidden.out_features,
            "head_activation": self.head_activation,
            "head_dropout": self.dropout.p,
            "skip": self.skip,
        }
        if self.quantizer is None:
            return {"head": head}
        return {"quantizer": self.quantizer.sizes(), "head": head}

    def features(self, x, subject=None):
        """Return what the head sees.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        features : Tensor, shape (n_epochs, n_features)
            The tokens, one after the other.

        Raises
        ------
        ValueError
            If the epochs have not as many patches as the head has inputs for.
        """
        alone = self.encoder.tokenize(x, subject)
        if alone.shape[1] != self.n_tokens:
            raise ValueError(
                f"`X` has epochs of {alone.shape[1]} patches; the classifier was "
                f"fitted with {self.n_tokens}."
            )
        tokens = self.encoder.transformer(alone)
        if self.quantizer is not None:
            tokens = self.quantizer(tokens).quantized
        return (torch.cat([tokens, alone], -1) if self.skip else tokens).flatten(1)

    def forward(self, x, subject=None):
        """Return the scores that enter the softmax.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        scores : Tensor, shape (n_epochs, n_classes)
            One score per class.
        """
        hidden = functional.relu(self.hidden(self.features(x, subject)))
        scores = self.scores(self.dropout(hidden))
        return scores.sigmoid() if self.head_activation == "sigmoid" else scores
