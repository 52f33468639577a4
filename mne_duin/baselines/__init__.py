"""What a network is compared with, in scikit-learn's grammar.

``features`` turns epochs into evoked and high-gamma features, ``lda`` classifies them.
"""

from .features import EvokedHighGamma
from .lda import SelectInformative, make_lda

__all__ = ["EvokedHighGamma", "SelectInformative", "make_lda"]
