"""The open-set stage: heads on every token of the encoder."""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn._layers import init_linear_
from mne_duin.nn._models import Stage

UNLABELLED = -1
BLANK = 0


class TokenHead(nn.Module):
    """Score the labels of every token: ``Linear(relu(Linear(tokens)))``.

    Parameters
    ----------
    dim : int
        Size of a token.
    n_classes : int
        Number of labels.
    hidden_dim : int
        Size of the hidden layer.
    context : int
        Tokens on either side that the head sees in addition to its own; the published
        head has none. What lies outside the epoch is zero.
    dropout : float
        Dropout of the hidden layer.
    """

    def __init__(self, dim, n_classes, *, hidden_dim=128, context=0, dropout=0.0):
        super().__init__()
        self.context = context
        self.hidden = nn.Linear((2 * context + 1) * dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(hidden_dim, n_classes)
        self.hidden.apply(init_linear_)
        self.scores.apply(init_linear_)

    def gather(self, tokens):
        """Put the neighbors of each token next to it.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens with context.

        Returns
        -------
        features : Tensor, shape (n_epochs, n_tokens, (2 * context + 1) * dim)
            The earliest neighbor first.
        """
        padded = functional.pad(tokens, (0, 0, self.context, self.context))
        windows = padded.unfold(1, 2 * self.context + 1, 1)
        return windows.transpose(2, 3).flatten(2)

    def forward(self, tokens):
        """Return the scores that enter the softmax.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens with context.

        Returns
        -------
        scores : Tensor, shape (n_epochs, n_tokens, n_classes)
            One score per token and label.
        """
        hidden = functional.relu(self.hidden(self.gather(tokens)))
        return self.scores(self.dropout(hidden))


class TokenClassifier(Stage):
    """Name the labels of every token, one head per tier.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder, pre-trained or not.
    n_classes : sequence of int
        Number of labels of each tier; with CTC one more, for the blank.
    hidden_dim : int
        Size of the hidden layer of each head.
    context : int
        Tokens on either side that a head sees.
    head_dropout : float
        Dropout of the hidden layers.

    References
    ----------
    The published ``duin_llm`` with ``n_classes=(22, 36)`` and ``context=0``, which has
    one hidden layer of 128 per head.
    """

    name = "TokenClassifier"

    def __init__(
        self, encoder, n_classes, *, hidden_dim=128, context=0, head_dropout=0.0
    ):
        super().__init__(encoder)
        self.n_classes = tuple(n_classes)
        self.heads = nn.ModuleList(
            TokenHead(
                encoder.dim,
                number,
                hidden_dim=hidden_dim,
                context=context,
                dropout=head_dropout,
            )
            for number in self.n_classes
        )

    def _own_sizes(self):
        first = self.heads[0]
        head = {
            "n_classes": self.n_classes,
            "hidden_dim": first.hidden.out_features,
            "context": first.context,
            "head_dropout": first.dropout.p,
        }
        return {"head": head}

    def forward(self, x, subject=None):
        """Return the scores of all tiers.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        scores : Tensor, shape (n_epochs, n_tokens, sum(n_classes))
            The tiers one after the other, see ``n_classes``.
        """
        tokens = self.encoder(x, subject)
        return torch.cat([head(tokens) for head in self.heads], -1)


def token_loss(scores, targets, *, label_smoothing=0.0):
    """Return the cross-entropy of each epoch's labeled tokens.

    Parameters
    ----------
    scores : Tensor, shape (n_epochs, n_tokens, n_classes)
        Scores of one tier.
    targets : LongTensor, shape (n_epochs, n_tokens)
        Index of each label; -1 where a token has none.
    label_smoothing : float
        Fraction of the target spread over the other labels.

    Returns
    -------
    total : Tensor, shape (n_epochs,)
        Sum over the labeled tokens; zero where there are none.
    count : LongTensor, shape (n_epochs,)
        Number of labeled tokens.
    """
    loss = functional.cross_entropy(
        scores.flatten(0, 1),
        targets.flatten(),
        ignore_index=UNLABELLED,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    return loss.view(targets.shape).sum(1), (targets != UNLABELLED).sum(1)


def sequence_loss(scores, targets):
    """Return the CTC loss of each epoch: minus the log probability of its sequence.

    Parameters
    ----------
    scores : Tensor, shape (n_epochs, n_tokens, 1 + n_classes)
        Scores of the blank and of every label.
    targets : LongTensor, shape (n_epochs, longest)
        Index of each label, from 0; -1 behind the end of a sequence.

    Returns
    -------
    loss : Tensor, shape (n_epochs,)
        The loss.
    lengths : LongTensor, shape (n_epochs,)
        Length of each sequence.

    References
    ----------
    Graves et al., Connectionist temporal classification, ICML 2006.
    """
    n_epochs, n_tokens, _ = scores.shape
    lengths = (targets != UNLABELLED).sum(1)
    n_tokens = torch.full_like(lengths, n_tokens)
    # Behind the end of a sequence nothing is read, but the codes must be valid.
    codes = (targets + 1).clamp(min=1)
    loss = nn.CTCLoss(blank=BLANK, reduction="none")(
        scores.log_softmax(-1).transpose(0, 1), codes, n_tokens, lengths
    )
    return loss, lengths
