"""Random numbers of one fit, which no other fit and no caller can tell were drawn."""

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# What takes a generator, and draws from the global one without.
DRAWS = {
    torch.bernoulli,
    torch.multinomial,
    torch.normal,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.randperm,
    torch.Tensor.bernoulli,
    torch.Tensor.bernoulli_,
    torch.Tensor.cauchy_,
    torch.Tensor.exponential_,
    torch.Tensor.geometric_,
    torch.Tensor.log_normal_,
    torch.Tensor.multinomial,
    torch.Tensor.normal_,
    torch.Tensor.random_,
    torch.Tensor.uniform_,
    nn.init.kaiming_normal_,
    nn.init.kaiming_uniform_,
    nn.init.normal_,
    nn.init.trunc_normal_,
    nn.init.uniform_,
    nn.init.xavier_normal_,
    nn.init.xavier_uniform_,
}


class PrivateRandomness(TorchFunctionMode):
    """Let the calls of this thread draw from generators of their own.

    The numbers are those that torch would draw after ``manual_seed`` with the same
    seed. ``torch.random.fork_rng`` keeps them from the caller, too, but shares one
    state among threads.

    Parameters
    ----------
    seed : int
        The seed, on every device.
    """

    def __init__(self, seed):
        super().__init__()
        self._seed, self._generators = seed, {}

    def seed(self, seed):
        """Begin again from another seed.

        Parameters
        ----------
        seed : int
            The seed.
        """
        self._seed, self._generators = seed, {}

    def _generator(self, device):
        """Return the generator of a device; a device without numbers has none."""
        device = torch.device("cpu" if device is None else device)
        if device.type == "meta":
            return None
        if device not in self._generators:
            generator = torch.Generator(device).manual_seed(self._seed)
            self._generators[device] = generator
        return self._generators[device]

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Give a function that draws its generator."""
        kwargs = kwargs or {}
        if function not in SPECIAL:
            return function(*args, **kwargs)
        if function in DRAWS and kwargs.get("generator") is None:
            first = args[0] if args else kwargs.get("tensor", kwargs.get("input"))
            is_tensor = isinstance(first, torch.Tensor)
            device = first.device if is_tensor else kwargs.get("device")
            kwargs = {**kwargs, "generator": self._generator(device)}
        elif function in INSTEAD:
            return INSTEAD[function](self._generator, *args, **kwargs)
        elif function in REFUSED:
            raise NotImplementedError(
                f"`{function.__name__}` draws from torch's global random state, which "
                "a training does not touch. Draw with a function that takes a "
                "generator, such as torch.rand."
            )
        return function(*args, **kwargs)


class NoInitialValues(TorchFunctionMode):
    """Build networks without drawing initial values, for weights that are known."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Fill a tensor with zeros where it would be filled with random numbers.

        Zeros are within any limits: torch may draw until all numbers are.
        """
        kwargs = kwargs or {}
        if function in DRAWS and function.__name__.endswith("_"):
            return (args[0] if args else kwargs["tensor"]).detach().zero_()
        return function(*args, **kwargs)


def _normal_like(generator, x, **options):
    return torch.empty_like(x, **options).normal_(generator=generator(x.device))


def _uniform_like(generator, x, **options):
    return torch.empty_like(x, **options).uniform_(generator=generator(x.device))


def _dropout_of(n_axes):
    """Return a dropout with one draw for the first ``n_axes`` axes, None for all."""

    def dropout(generator, input, p=0.5, training=True, inplace=False):
        if not training or p == 0:
            return input
        noise = torch.empty_like(input)
        if n_axes is not None:
            shape = (*input.shape[:n_axes], *[1] * (input.ndim - n_axes))
            noise = input.new_empty(shape)
        noise.bernoulli_(1 - p, generator=generator(input.device))
        noise = noise.div_(1 - p) if p < 1 else noise
        return input.mul_(noise) if inplace else input * noise

    return dropout


def _gru(generator, x, hx, weights, has_biases, n_layers, dropout, *switches):
    """Run the layers one by one, with a dropout between that is ours."""
    train, bidirectional, batch_first = switches
    if not train or dropout == 0 or n_layers == 1:
        sizes = has_biases, n_layers, 0.0
        return torch.gru(x, hx, weights, *sizes, *switches)
    x = x.transpose(0, 1) if batch_first else x
    n_own, last = len(weights) // n_layers, []
    for layer, start in enumerate(hx.chunk(n_layers)):
        own = weights[layer * n_own : (layer + 1) * n_own]
        if layer:
            x = _dropout_of(None)(generator, x, dropout)
        sizes = has_biases, 1, 0.0, train, bidirectional, False
        x, end = torch.gru(x, start, own, *sizes)
        last.append(end)
    return x.transpose(0, 1) if batch_first else x, torch.cat(last)


# What draws and takes no generator.
INSTEAD = {
    torch.gru: _gru,
    torch.randn_like: _normal_like,
    torch.rand_like: _uniform_like,
    functional.dropout: _dropout_of(None),
    functional.dropout1d: _dropout_of(2),
    functional.dropout2d: _dropout_of(2),
    functional.dropout3d: _dropout_of(2),
}
# What draws from the global state, whatever one does.
REFUSED = {
    torch.randint_like,
    functional.alpha_dropout,
    functional.feature_alpha_dropout,
    functional.gumbel_softmax,
    functional.rrelu,
}
# Most functions are none of these, and are asked about once.
SPECIAL = frozenset({*DRAWS, *INSTEAD, *REFUSED})
