"""Every estimator of the comparison by its name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mne_duin.baselines._band_power import CLASSIFIERS, make_band_power
from mne_duin.baselines._lda import make_lda
from mne_duin.baselines._multirocket import make_multirocket_hydra
from mne_duin.baselines._riemann import make_riemann, make_xdawn_riemann
from mne_duin.baselines.networks._braindecode import RATES, make_braindecode
from mne_duin.baselines.networks._cnn_2d import CNN2D
from mne_duin.baselines.networks._cnn_bigru import CNNBiGRU
from mne_duin.baselines.networks._dewave import DeWave
from mne_duin.baselines.networks._eeg_conformer import EEGConformer
from mne_duin.baselines.networks._neuro_bert import NeuroBERT
from mne_duin.baselines.networks._pretrained import PretrainedNetwork
from mne_duin.baselines.networks._ts_tcc import TSTCC
from mne_duin.estimators import DecoderEnsemble, make_duin
from mne_duin.estimators._staged import VARIANTS
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc

LDA = {"lda": "all", "lda-evoked": "evoked", "lda-high-gamma": "high-gamma"}
NETWORKS = {
    "cnn-2d": CNN2D,
    "cnn-bigru": CNNBiGRU,
    "eeg-conformer": EEGConformer,
    "ts-tcc": TSTCC,
    "neuro-bert": NeuroBERT,
    "dewave": DeWave,
}
RIEMANN = {"riemann": None, "riemann-high-gamma": (70.0, 150.0)}
# Of epochs of 3 s windows of 150 ms; found on simulations of words (20 trials of each).
WINDOWS = {"classifier": "lda", "n_windows": 20}
# The members of the ensemble. Every linear one is calibrated.
ENSEMBLES = {
    "+".join(names): names
    for names in (
        ("pretrained", "lda"),
        ("scratch", "lda"),
        ("vqvae", "lda"),
        ("mae", "lda"),
        ("lda", "riemann"),
        ("pretrained", "lda", "riemann"),
        ("scratch", "lda", "riemann"),
        ("vqvae", "lda", "riemann"),
        ("mae", "lda", "riemann"),
    )
}
# What takes neither a seed nor a device.
LINEAR: dict[str, Callable[..., Any]] = {
    **{name: partial(make_lda, features) for name, features in LDA.items()},
    **{name: partial(make_band_power, name) for name in CLASSIFIERS},
    **{
        name: partial(make_riemann, **{"band": band} | WINDOWS)
        for name, band in RIEMANN.items()
    },
    "xdawn-riemann": make_xdawn_riemann,
}
BRAINDECODE = {f"braindecode-{name.lower()}": name for name in RATES}
NAMES = (
    *VARIANTS,
    *ENSEMBLES,
    *LINEAR,
    "multirocket-hydra",
    *NETWORKS,
    *BRAINDECODE,
)


@fill_doc
def make_estimator(
    name: str,
    *,
    preset: str = "quick",
    device: str = "auto",
    precision: str = "auto",
    memory: Path | str | None = None,
    random_state: int | None = None,
    verbose: bool | None = None,
    **parameters,
):
    """Make an estimator of the comparison, with its own defaults.

    Parameters
    ----------
    name : str
        ``"pretrained"``, ``"cells+mae"``, ``"scratch"``, ``"vqvae"``, ``"vqvae+vq"``,
        ``"mae"`` (Du-IN, see :func:`make_duin`), ``"lda"``, ``"lda-evoked"``,
        ``"lda-high-gamma"``, ``"ridge"``, ``"svm"`` (see :func:`make_band_power`),
        ``"riemann"``, ``"riemann-high-gamma"``, ``"xdawn-riemann"`` (see
        :func:`make_xdawn_riemann`), ``"multirocket-hydra"`` (see
        :func:`make_multirocket_hydra`), ``"cnn-2d"``, ``"cnn-bigru"``,
        ``"eeg-conformer"``, ``"ts-tcc"``, ``"neuro-bert"``, ``"dewave"``, or the
        name of a network of braindecode in small letters after ``"braindecode-"``, such
        as ``"braindecode-eegnet"`` (see :func:`make_braindecode`). Names
        joined by "+" are an ensemble, see :class:`DecoderEnsemble`: ``"pretrained"``,
        ``"scratch"``, ``"vqvae"`` or ``"mae"`` with ``"+lda"`` or ``"+lda+riemann"``,
        and ``"lda+riemann"``; all but Du-IN are calibrated.
    preset : "quick" | "paper"
        The training recipe of Du-IN.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``; for networks.
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"``; for networks.
    %(memory)s
        For what pre-trains.
    random_state : None | int
        Seed of networks.
    verbose : bool | None
        Whether to show progress bars.
    **parameters : dict
        Further parameters of what is made; of an ensemble, those of its first member.

    Returns
    -------
    estimator : estimator
        Unfitted.

    Raises
    ------
    ValueError
        If there is no such name.

    Examples
    --------
    >>> make_estimator("ts-tcc", random_state=0).network_sfreq
    400.0
    >>> list(make_estimator("lda-evoked").named_steps)
    ['features', 'scale', 'select', 'lda']
    """
    check_option("name", name, NAMES)
    if name in LINEAR:
        return LINEAR[name](**parameters)
    if name == "multirocket-hydra":
        return make_multirocket_hydra(random_state=random_state, **parameters)
    training: dict[str, Any] = {
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "verbose": verbose,
    }
    if name in NETWORKS:
        network = NETWORKS[name]
        if issubclass(network, PretrainedNetwork):
            training["memory"] = memory
        return network(**training, **parameters)
    if name in BRAINDECODE:
        training["precision"] = "32" if precision == "auto" else precision
        return make_braindecode(BRAINDECODE[name], **training | parameters)
    training |= {"preset": preset, "memory": memory}
    if name in VARIANTS:
        return make_duin(name, **training, **parameters)
    first, *others = ENSEMBLES[name]
    is_duin = first in VARIANTS
    options = training if is_duin else {"calibrated": True}
    decoders = [
        ("duin" if is_duin else first, make_estimator(first, **options, **parameters))
    ]
    decoders += [(other, make_estimator(other, calibrated=True)) for other in others]
    return DecoderEnsemble(decoders)
