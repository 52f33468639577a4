"""Training of the layers that belong to one subject."""

import torch


class OneSubject(torch.nn.Module):
    """A network of which only the layers of one subject learn.

    Whatever is shared stays in evaluation mode: no dropout, and batch normalization
    with its running statistics.

    Parameters
    ----------
    network : VQVAE | MAE | Classifier
        The network; its other parameters are frozen.
    position : int
        Index of the subject.
    """

    def __init__(self, network, position):
        super().__init__()
        self.network = network
        self._hooks = []
        network.requires_grad_(False)
        for parameter, row in network.subject_parameters(position):
            parameter.requires_grad_(True)
            if row is not None:
                keep = torch.zeros_like(parameter)
                keep[row] = 1
                self._hooks.append(parameter.register_hook(keep.mul))

    def release(self):
        """Let all parameters learn again."""
        for hook in self._hooks:
            hook.remove()
        self.network.requires_grad_(True)
        self.network.eval()

    def train(self, mode=True):
        """Set the mode of the outermost module only; losses may ask for it.

        Parameters
        ----------
        mode : bool
            Whether it trains.

        Returns
        -------
        self : OneSubject
            The module.
        """
        super().train(False)
        self.training = self.network.training = mode
        return self
