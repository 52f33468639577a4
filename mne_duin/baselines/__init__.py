"""What a network is compared with, in scikit-learn's grammar.

``features`` turns epochs into evoked and high-gamma features, ``lda`` classifies them,
``token_lda`` does so for every token.
"""

from .features import EvokedHighGamma
from .lda import SelectInformative, make_lda
from .token_lda import TokenLDA

__all__ = ["EvokedHighGamma", "SelectInformative", "TokenLDA", "make_lda"]
