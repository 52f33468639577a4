"""What Du-IN is compared with, as scikit-learn estimators.

``_features`` turns epochs into evoked and band-power features, ``_lda`` classifies
them, ``_token_lda`` does so for every token, ``_band_power`` by ridge and support
vectors; ``_riemann`` classifies covariances, ``_multirocket`` random convolutions.
``networks`` holds the networks of the Du-IN paper's comparison and others.
"""

from mne_duin.baselines._band_power import make_band_power
from mne_duin.baselines._features import EvokedHighGamma, EvokedPower
from mne_duin.baselines._lda import SelectInformative, make_lda
from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.baselines._multirocket import RandomConvolutions, make_multirocket_hydra
from mne_duin.baselines._riemann import (
    BandSignal,
    make_riemann,
    make_xdawn_riemann,
)
from mne_duin.baselines._token_lda import TokenLDA
from mne_duin.baselines.networks._braindecode import (
    BraindecodeNetwork,
    make_braindecode,
)
from mne_duin.baselines.networks._cnn_2d import CNN2D
from mne_duin.baselines.networks._cnn_bigru import CNNBiGRU
from mne_duin.baselines.networks._dewave import DeWave
from mne_duin.baselines.networks._eeg_conformer import EEGConformer
from mne_duin.baselines.networks._neuro_bert import NeuroBERT
from mne_duin.baselines.networks._ts_tcc import TSTCC

__all__ = [
    "CNN2D",
    "TSTCC",
    "BandSignal",
    "BraindecodeNetwork",
    "CNNBiGRU",
    "DeWave",
    "EEGConformer",
    "EvokedHighGamma",
    "EvokedPower",
    "NeuroBERT",
    "RandomConvolutions",
    "SelectInformative",
    "TokenLDA",
    "make_band_power",
    "make_braindecode",
    "make_estimator",
    "make_lda",
    "make_multirocket_hydra",
    "make_riemann",
    "make_xdawn_riemann",
]
