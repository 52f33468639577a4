"""What Du-IN is compared with, in scikit-learn's grammar.

``features`` turns epochs into evoked and high-gamma features, ``lda`` classifies them,
``token_lda`` does so for every token; ``riemann`` classifies covariances.
The networks of the Du-IN paper's comparison are ``cnn_bigru``, ``eeg_conformer``,
``ts_tcc``, ``neuro_bert`` and ``dewave``; ``network`` and ``pretraining`` hold what
they share.
"""

from .cnn_bigru import CNNBiGRU
from .dewave import DeWave
from .eeg_conformer import EEGConformer
from .features import EvokedHighGamma
from .lda import SelectInformative, make_lda
from .named import make_estimator
from .neuro_bert import NeuroBERT
from .riemann import BandSignal, make_riemann
from .token_lda import TokenLDA
from .ts_tcc import TSTCC

__all__ = [
    "TSTCC",
    "BandSignal",
    "CNNBiGRU",
    "DeWave",
    "EEGConformer",
    "EvokedHighGamma",
    "NeuroBERT",
    "SelectInformative",
    "TokenLDA",
    "make_estimator",
    "make_lda",
    "make_riemann",
]
