"""The encoder and the three stages that own one."""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn import fast
from mne_duin.nn.initial import init_linear_, truncated_normal_


class DuINEncoder(nn.Module):
    """Spatial map, patch encoder and transformer: the part all stages share.

    Parameters
    ----------
    spatial : SubjectLinear
        Maps contacts to spatial filters, one map per subject.
    patch : PatchEncoder
        Turns every patch into a token.
    transformer : Transformer
        Gives the tokens context.
    """

    def __init__(self, spatial, patch, transformer):
        super().__init__()
        self.spatial, self.patch, self.transformer = spatial, patch, transformer

    @property
    def dim(self):
        """Size of a token."""
        return self.patch.dim

    @property
    def patch_size(self):
        """Length of a patch in samples."""
        return self.patch.patch_size

    def tokenize(self, x, subject=None):
        """Turn a signal into tokens without context.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens without positions.
        """
        # patch(spatial(x, subject))
        return fast.tokenize(self.spatial, self.patch, x, subject)

    def forward(self, x, subject=None):
        """Encode a signal.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens with context.
        """
        return self.transformer(self.tokenize(x, subject))


class VQVAE(nn.Module):
    """Stage 1: learn a codex by rebuilding the signal from quantized tokens.

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

    def __init__(self, encoder, quantizer, transformer, patch, spatial):
        super().__init__()
        self.encoder, self.quantizer = encoder, quantizer
        self.transformer, self.patch, self.spatial = transformer, patch, spatial

    def decode(self, tokens, subject=None):
        """Rebuild a signal from quantized tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Quantized tokens.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        reconstruction : Tensor, shape (n_epochs, n_channels, n_times)
            The rebuilt signal.
        """
        tokens = self.transformer(tokens)
        # spatial(patch(tokens), subject)
        return fast.decode_patches(self.patch, self.spatial, tokens, subject)

    def forward(self, x, subject=None):
        """Encode, quantize, rebuild.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        reconstruction : Tensor, shape (n_epochs, n_channels, n_times)
            The rebuilt signal.
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


def reconstruction_loss(reconstruction, x, channel_mask=None):
    """Return the mean squared error over time and real (unpadded) channels.

    Parameters
    ----------
    reconstruction, x : Tensor, shape (n_epochs, n_channels, n_times)
        Rebuilt and true signal.
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


class MAE(nn.Module):
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

    def __init__(self, encoder, n_codes):
        super().__init__()
        self.encoder = encoder
        self.mask_token = nn.Parameter(truncated_normal_(torch.empty(encoder.dim)))
        self.head = nn.Linear(encoder.dim, n_codes)
        init_linear_(self.head)

    def forward(self, x, mask, subject=None):
        """Predict the codes.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        mask : BoolTensor, shape (n_epochs, n_tokens)
            True where a token is hidden in the first pass.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

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
        context = self.encoder.transformer(torch.cat([first, second]))
        first, second = context.chunk(2)
        return self.head(torch.where(hidden, first, second))


class Classifier(nn.Module):
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
    """

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
    ):
        super().__init__()
        self.encoder, self.quantizer = encoder, quantizer
        self.hidden = nn.Linear(n_tokens * encoder.dim, hidden_dim)
        self.dropout = nn.Dropout(head_dropout)
        self.scores = nn.Linear(hidden_dim, n_classes)
        self.head_activation = head_activation
        self.hidden.apply(init_linear_)
        self.scores.apply(init_linear_)

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
        tokens = self.encoder(x, subject)
        if self.quantizer is not None:
            tokens = self.quantizer(tokens).quantized
        hidden = functional.relu(self.hidden(tokens.flatten(1)))
        scores = self.scores(self.dropout(hidden))
        return scores.sigmoid() if self.head_activation == "sigmoid" else scores
