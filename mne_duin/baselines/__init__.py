"""What Du-IN is compared with, as scikit-learn estimators.

``_features`` turns epochs into evoked and band-power features, ``_lda`` classifies
them, ``_token_lda`` does so for every token; ``_riemann`` classifies covariances.
``networks`` holds the networks of the Du-IN paper's comparison.
"""

from mne_duin.baselines._features import EvokedHighGamma, EvokedPower
from mne_duin.baselines._lda import SelectInformative, make_lda
from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.baselines._riemann import BandSignal, make_riemann
from mne_duin.baselines._token_lda import TokenLDA
from mne_duin.baselines.networks._cnn_bigru import CNNBiGRU
from mne_duin.baselines.networks._dewave import DeWave
from mne_duin.baselines.networks._eeg_conformer import EEGConformer
from mne_duin.baselines.networks._neuro_bert import NeuroBERT
from mne_duin.baselines.networks._ts_tcc import TSTCC

__all__ = [
    "TSTCC",
    "BandSignal",
    "CNNBiGRU",
    "DeWave",
    "EEGConformer",
    "EvokedHighGamma",
    "EvokedPower",
    "NeuroBERT",
    "SelectInformative",
    "TokenLDA",
    "make_estimator",
    "make_lda",
    "make_riemann",
]
