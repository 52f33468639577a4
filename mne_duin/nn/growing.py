"""Give a trained network the layers of one more subject."""

import torch

from mne_duin.nn import principal
from mne_duin.nn.building import build_network, network_sizes
from mne_duin.nn.poms import PomsEncoder


@torch.no_grad()
def add_subject_layers(module, position, n_channels, n_bands=1):
    """Build a like network with layers for one more subject, and room for channels.

    Everything that was learned is kept; the layers of the new subject have random
    values. Channels that are added to the other subjects are padding: their weights are
    zero.

    Parameters
    ----------
    module : VQVAE | MAE | Classifier
        The network.
    position : int
        Index that the new subject gets.
    n_channels : int
        Number of channels, at least as many as the network has.
    n_bands : int
        How often the network sees each channel.

    Returns
    -------
    grown : VQVAE | MAE | Classifier
        A new network in evaluation mode.
    """
    sizes = network_sizes(module)
    n_before, n_subjects = (sizes["encoder"][k] for k in ("n_channels", "n_subjects"))
    sizes["encoder"] |= {
        "n_channels": n_channels * n_bands,
        "n_subjects": n_subjects + 1,
    }
    grown = build_network(sizes)
    columns = torch.arange(n_before).reshape(n_bands, -1)
    columns = columns + torch.arange(n_bands)[:, None] * (n_channels - columns.shape[1])
    rows = [row for row in range(n_subjects + 1) if row != position]
    old, new = module.state_dict(), grown.state_dict()
    if isinstance(module.encoder, PomsEncoder):
        old = {_renumber(name, rows): value for name, value in old.items()}
    for name, value in old.items():
        if "spatial." in name:
            for row, one in zip(rows, value, strict=True):
                _fill_(new[name][row], one, columns.flatten())
        else:
            _fill_(new[name], value, columns.flatten())
    grown.load_state_dict(new)
    return grown.eval()


def _renumber(name, rows):
    """Return the name of a parameter after the subjects got new numbers."""
    for part in ("encoder.patch.subjects.", "patch.subjects."):
        if name.startswith(part):
            number, rest = name.removeprefix(part).split(".", 1)
            return f"{part}{rows[int(number)]}.{rest}"
    return name


def _fill_(new, old, columns):
    """Copy a tensor into one that may have more channels, those of ``columns``."""
    old = old.to(new)
    if new.shape == old.shape:
        new.copy_(old)
        return
    (axis,) = (i for i in range(new.ndim) if new.shape[i] != old.shape[i])
    new.zero_().index_copy_(axis, columns.to(new.device), old)


@torch.no_grad()
def start_subject_(module, position, x):
    """Start the layers of one subject from the principal components of its channels.

    Parameters
    ----------
    module : VQVAE | MAE | Classifier
        The network, changed in place.
    position : int
        Index of the subject.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        Its scaled epochs.
    """
    encoder = module.encoder
    if isinstance(encoder, PomsEncoder):
        patch = encoder.patch.subjects[position]
        forward, backward = principal.principal_maps(x, patch.dim // patch.n_steps)
        principal.start_convolutions_(patch, forward)
        if hasattr(module, "patch"):
            head = module.patch.subjects[position]
            principal.start_interpolation_(head.layers, backward)
        return
    forward, backward = principal.principal_maps(x, encoder.spatial.weight.shape[1])
    encoder.spatial.weight[position] = forward
    encoder.spatial.bias[position] = 0
    if hasattr(module, "spatial"):
        module.spatial.weight[position] = backward
        module.spatial.bias[position] = 0


@torch.no_grad()
def copy_subject_(encoder, other, position):
    """Give the layers of one subject the values that they have in another encoder.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder, changed in place.
    other : DuINEncoder
        One of the same sizes.
    position : int
        Index of the subject.
    """
    if isinstance(encoder, PomsEncoder):
        state = other.patch.subjects[position].state_dict()
        encoder.patch.subjects[position].load_state_dict(state)
        return
    encoder.spatial.weight[position] = other.spatial.weight[position]
    encoder.spatial.bias[position] = other.spatial.bias[position]


class OneSubject(torch.nn.Module):
    """A network of which only the layers of one subject learn.

    Whatever is shared stays in evaluation mode: no dropout, and batch normalisation
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
        if isinstance(network.encoder, PomsEncoder):
            own = [network.encoder.patch.subjects[position]]
            if hasattr(network, "patch"):
                own.append(network.patch.subjects[position])
            for part in own:
                part.requires_grad_(True)
            return
        maps = [network.encoder.spatial]
        if hasattr(network, "spatial"):
            maps.append(network.spatial)
        for parameter in (p for part in maps for p in part.parameters()):
            parameter.requires_grad_(True)
            keep = torch.zeros_like(parameter)
            keep[position] = 1
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
