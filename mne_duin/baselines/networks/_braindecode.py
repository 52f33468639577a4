"""Networks of braindecode, trained as the other networks of the comparison are."""

import warnings
from dataclasses import dataclass

import torch
from torch import nn

from mne_duin.baselines.networks._network import NetworkClassifier
from mne_duin.utils._checks import (
    check_option,
    check_type,
    first_names,
    import_optional,
)
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first

# The sampling rate in Hz that the sizes of a network, in samples, were chosen for; None
# takes that of the epochs.
RATES = {
    "EEGNet": 250.0,
    "ShallowFBCSPNet": 250.0,
    "ATCNet": 250.0,
    "EEGConformer": 250.0,
    "Labram": 200.0,
    "BrainBERT": None,
    "Brant": None,
    "PopulationTransformer": None,
    "BaRISTA": None,
    "MAPA": None,
    "DuIN": None,
}
# Not in the latest release that was there when this was written, 1.8.1.
UNRELEASED = (
    "BrainBERT",
    "Brant",
    "PopulationTransformer",
    "BaRISTA",
    "MAPA",
    "DuIN",
)
# These want to know where a channel is.
WITH_POSITIONS = ("PopulationTransformer", "BaRISTA", "MAPA")
# In samples.
PATCHES = {"Labram": 200}


def import_models():
    """Return ``braindecode.models``.

    Returns
    -------
    models : module
        The module.

    Raises
    ------
    ImportError
        If braindecode, or torchaudio, which it imports, is missing or does not load.
    """
    # What braindecode warns of when it is imported is not for its users to change.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_optional(
                "braindecode.models", extra="braindecode", purpose="make its networks"
            )
        except OSError as error:
            raise ImportError(
                "braindecode imports torchaudio, which does not load here "
                f"({error!s:.100}). Install the torchaudio that was built for torch "
                f"{torch.__version__}."
            ) from error


def find_network(name):
    """Return the class of a network of braindecode.

    Parameters
    ----------
    name : str
        Its name in ``braindecode.models``.

    Returns
    -------
    network : type
        The class.

    Raises
    ------
    ImportError
        If the installed braindecode does not have it.
    ValueError
        If it is none of the names.
    """
    check_option("name", name, RATES)
    models = import_models()
    if not hasattr(models, name):
        # The package is imported: its version is known to it.
        installed = import_optional("braindecode", extra="braindecode", purpose="")
        raise ImportError(
            f"braindecode {installed.__version__}, which is installed, has no {name}; "
            f"{', '.join(n for n in RATES if hasattr(models, n))} are there. "
            "A later release may have it."
        )
    return getattr(models, name)


class Adapter(nn.Module):
    """A network of braindecode as the training engine calls it.

    Parameters
    ----------
    network : Module
        The network.
    options : dict
        What its ``forward`` is given in addition to the signals.
    """

    def __init__(self, network, options):
        super().__init__()
        self.network, self.options = network, options

    def forward(self, x, subject=None):
        """Return the scores that enter the softmax; ``subject`` is not used."""
        return self.network(x, **self.options)


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class BraindecodeNetwork(NetworkClassifier):
    """Decode words with a network of braindecode.

    :func:`make_braindecode` makes it with the sampling rate that suits the network.
    braindecode builds the network; input, scaling, random shifts, seed, validation and
    progress are those of the other networks of the comparison, so that only the network
    differs.

    Parameters
    ----------
    network : str
        ``"EEGNet"``, ``"ShallowFBCSPNet"``, ``"ATCNet"``, ``"EEGConformer"``,
        ``"Labram"``, ``"BrainBERT"``, ``"Brant"``, ``"PopulationTransformer"``,
        ``"BaRISTA"``, ``"MAPA"`` or ``"DuIN"``, if the installed braindecode has it.
    network_params : dict | None
        Parameters of the network, see braindecode; sizes of the data are filled in.
    %(network_training)s

    Attributes
    ----------
    module_ : Module
        The network.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    %(learned)s

    Notes
    -----
    ``"Labram"`` has a position for each of 128 places on the scalp. Contacts have none
    of these names, so the first contact takes the first position, and so on; without
    pre-training the positions are learned from nothing. It sees whole seconds, and what
    is left over at the end is left out.

    Examples
    --------
    >>> from mne_duin.baselines import BraindecodeNetwork
    >>> BraindecodeNetwork(network="EEGNet", max_iter=20).network
    'EEGNet'
    """

    network: str = "EEGNet"
    network_params: dict | None = None
    max_iter: int = 100
    lr: float = 1e-3
    precision: str = "32"

    def _check_parameters(self):
        super()._check_parameters()
        check_option("network", self.network, RATES)
        check_type("network_params", self.network_params, (dict, type(None)))

    def _fit(self, *arguments, **options):
        # Draws of another library may come from torch's global generators.
        is_cuda = torch.cuda.is_available()
        devices = [torch.cuda.current_device()] if is_cuda else []
        with torch.random.fork_rng(devices):
            return super()._fit(*arguments, **options)

    def _begin(self, checkpoints=None):
        run = super()._begin(checkpoints)
        torch.manual_seed(run.seed)
        return run

    def _check_weights(self, build, weights):
        # Unlike ours these cannot be built without numbers.
        with torch.random.fork_rng(devices=[]):
            expected = build().state_dict()
        wrong = [
            name
            for name in sorted({*expected, *weights})
            if name not in expected
            or name not in weights
            or expected[name].shape != weights[name].shape
        ]
        if wrong:
            raise ValueError(
                f"The weights are not those of {self.network} in the installed "
                f"braindecode: {first_names(wrong)}."
            )

    def _inputs(self, epochs, subject):
        data = super()._inputs(epochs, subject)
        patch = self._patch()
        if data.shape[-1] < patch:
            raise ValueError(
                f"{self.network} sees whole patches of {patch / self._rate():g} s; "
                f"`X` has epochs of {data.shape[-1] / self._rate():g} s."
            )
        return data[..., : data.shape[-1] // patch * patch]

    def _patch(self):
        """Return of how many samples a patch of the network is."""
        default = PATCHES.get(self.network, 1)
        return (self.network_params or {}).get("patch_size", default)

    def _build(self, n_channels, n_times):
        network = find_network(self.network)
        sizes = {
            "n_chans": n_channels,
            "n_outputs": len(self.classes_),
            "n_times": n_times,
            "sfreq": float(self._rate()),
        }
        if self.network in WITH_POSITIONS:
            sizes["chs_info"] = self.info_["chs"]
        try:
            made = network(**sizes | (self.network_params or {}))
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"braindecode cannot make {self.network} for {n_channels} channels and "
                f"{n_times} samples at {self._rate():g} Hz; longer epochs or "
                f"`network_params` may help. It says: {error!s:.200}"
            ) from error
        return Adapter(made, self._forward_options(n_channels))

    def _forward_options(self, n_channels):
        if self.network != "Labram":
            return {}
        order = import_optional(
            "braindecode.models.labram", extra="braindecode", purpose="make Labram"
        ).LABRAM_CHANNEL_ORDER
        if n_channels > len(order):
            raise ValueError(
                f"Labram has positions for {len(order)} channels; `X` has {n_channels}."
            )
        return {"ch_names": order[:n_channels]}


@fill_doc
def make_braindecode(name: str, **parameters) -> BraindecodeNetwork:
    """Make a classifier of epochs with a network of braindecode.

    Needs braindecode: ``pip install "mne-duin[braindecode]"``.

    Parameters
    ----------
    name : str
        Name of the network in ``braindecode.models``: ``"EEGNet"``,
        ``"ShallowFBCSPNet"``, ``"ATCNet"``, ``"EEGConformer"``, ``"Labram"``, and where
        the installed release has them ``"BrainBERT"``, ``"Brant"``,
        ``"PopulationTransformer"``, ``"BaRISTA"``, ``"MAPA"`` and ``"DuIN"``.
    **parameters : dict
        Parameters of :class:`~mne_duin.baselines.BraindecodeNetwork`. The default of
        ``network_sfreq`` is the rate that the sizes of the network were chosen for, 250
        Hz or, of Labram, 200 Hz; the other networks see the rate of the epochs.

    Returns
    -------
    classifier : BraindecodeNetwork
        Unfitted; accepts Epochs, an array or a list of Epochs.

    Raises
    ------
    ImportError
        If braindecode is not installed, or its release does not have the network.
    ValueError
        If it is none of the names.

    References
    ----------
    Schirrmeister et al., Human Brain Mapping 2017, for braindecode.

    Examples
    --------
    >>> make_braindecode("EEGNet", max_iter=50)  # doctest: +SKIP
    """
    find_network(name)
    return BraindecodeNetwork(
        network=name, **{"network_sfreq": RATES[name]} | parameters
    )
