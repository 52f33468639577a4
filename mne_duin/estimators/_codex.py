"""The training step of the VQ-VAE, and how its codex is started and kept alive."""

from dataclasses import replace

import torch

from mne_duin.nn.models import reconstruction_loss
from mne_duin.nn.quantizer import spherical_kmeans
from mne_duin.training.processes import (
    broadcast_,
    gather_rows,
    n_processes,
    sum_values,
)

STARTS = ("unquantized", "first-batch", "random")


def channel_share(batch):
    """Return what a mean over real channels counts for, beside its share of the epochs.

    Where subjects have different numbers of channels, the mean over the whole batch is
    not the mean of the processes' means weighted by their epochs.
    """
    if batch.channel_mask is None or n_processes() == 1:
        return 1.0
    n_own = batch.channel_mask.sum().float()
    n_all = sum_values(n_own * batch.counts)
    return n_own / n_all * (batch.n_total / len(batch))


def rebuilding_losses(module, batch, *, commitment):
    """Return the losses of a batch; the codex stays as it is."""
    return _losses(*module(batch.x, batch.subject), batch, commitment)


def _losses(reconstruction, output, batch, commitment):
    loss = reconstruction_loss(reconstruction, batch.x, batch.channel_mask)
    loss = loss * channel_share(batch)
    return {
        "loss": loss + commitment * output.loss_commit,
        "loss_reconstruction": loss,
        "loss_commit": output.loss_commit,
    }


class CodexTraining:
    """One training step, and what happens to the codex before and after a pass.

    The published start (``"first-batch"``) clusters the first batch of an untrained
    network, whose tokens are nearly alike; on less than hours of recording one code
    then wins everything. ``"unquantized"`` first trains the network without a codex and
    then clusters the tokens of the whole training set.
    """

    def __init__(self, data, *, start, n_unquantized, revive, n_revive, commitment):
        self.data, self.start, self.n_unquantized = data, start, n_unquantized
        self.revive, self.n_revive = revive, n_revive
        self.commitment = commitment
        self.counts, self.last, self.waits = None, None, False
        self.generator = None

    def __call__(self, module, batch):
        """Return the losses of a batch; in training, move the codex."""
        reconstruction, output = module(batch.x, batch.subject)
        if self.waits and module.training:
            # The published start: cluster what the first training batch gives.
            self.waits = False
            projected = gather_rows(output.projected.detach(), batch)
            self._start_codes(module.quantizer, projected.flatten(0, 1))
            reconstruction, output = module(batch.x, batch.subject)
        losses = _losses(reconstruction, output, batch, self.commitment)
        if module.training:
            # A compiled network overwrites its outputs at the next step.
            projected = output.projected.detach().clone()
            if not batch.counts:
                output = replace(
                    output, codes=output.codes[:0], projected=output.projected[:0]
                )
            self.counts += module.quantizer.update_(output)
            self.last = projected, batch
        return losses

    def begin_pass(self, module, index, generator):
        """Start the codex when its pass has come."""
        quantizer, self.generator = module.quantizer, generator
        self.counts = torch.zeros_like(quantizer.counts)
        if self.start == "unquantized":
            quantizer.active.fill_(index >= self.n_unquantized)
            if index == self.n_unquantized:
                self._cluster(module)
        elif self.start == "first-batch" and index == 0:
            self.waits = True

    @torch.no_grad()
    def _cluster(self, module):
        """Cluster the tokens of the whole training set into the codex."""
        module.eval()
        vectors = []
        for batch in self.data.batches(64):
            tokens = module.encoder(batch.x, batch.subject)
            vectors.append(module.quantizer(tokens).projected.flatten(0, 1))
        self._start_codes(module.quantizer, torch.cat(vectors))
        module.quantizer.counts.zero_()

    def _start_codes(self, quantizer, vectors):
        """Give the codex the clusters of some vectors, in all processes the same."""
        codebook, _ = spherical_kmeans(
            vectors, len(quantizer.codebook), generator=self.generator
        )
        quantizer.codebook.copy_(codebook)
        broadcast_([quantizer.codebook])

    def end_pass(self, module, index, generator):
        """Report the use of the codex and move dead codes to random tokens."""
        active = self.start != "unquantized" or index >= self.n_unquantized
        if not active:
            return {"codes_used": 0, "perplexity": float("nan"), "codes_revived": 0}
        used = self.counts > 0
        share = self.counts / self.counts.sum()
        perplexity = torch.exp(-(share * (share + 1e-12).log()).sum())
        dead = (~used).nonzero().flatten()
        revived = 0
        if self.revive and index < self.n_revive and len(dead):
            vectors = gather_rows(*self.last).flatten(0, 1)
            chosen = torch.randint(len(vectors), (len(dead),), generator=generator)
            module.quantizer.codebook[dead] = vectors[chosen.to(vectors.device)]
            revived = len(dead)
        return {
            "codes_used": int(used.sum()),
            "perplexity": float(perplexity),
            "codes_revived": revived,
        }
