"""The words of anatomical labels: one spelling for all."""

import re

import pandas as pd

SIDE = re.compile(
    r"^(?:(?:ctx|wm)[-_ .])?(?:lh|rh|left|right|l|r)[-_ .]|^ctx[-_ .]|"
    r"[-_ .](?:lh|rh|left|right|l|r)$|\((?:left|right|l|r)\)$",
    re.IGNORECASE,
)
WORDS = re.compile(
    r"\b(?:gyrus|cortex|area|the|of)\b|'s\b|\([^)]*\)|,[\w ]+ (?:division|part)$",
    re.IGNORECASE,
)
LEFT = re.compile(r"(?:^|[-_. ])(?:lh|left|l)(?:[-_. ]|$)", re.IGNORECASE)
RIGHT = re.compile(r"(?:^|[-_. ])(?:rh|right|r)(?:[-_. ]|$)", re.IGNORECASE)
# An acronym at the end, as in "Superior Temporal Gyrus A22r", "Insular Gyrus vId".
CODE = re.compile(r" \S*(?:\d|[a-z][A-Z])\S*$")


def plain(label) -> str:
    """Return a label without hemisphere, filler words, case and punctuation.

    Empty for a missing label. ``&`` is read as ``and``.
    """
    if label is None or pd.isna(label):
        return ""
    text = str(label).strip().replace("&", "_and_")
    while SIDE.search(text):
        text = SIDE.sub("", text, count=1).strip()
    return re.sub(r"[\W_]+", "", WORDS.sub(" ", text)).lower()


def label_parts(label) -> set[str]:
    """Return the plain names in a label: of the whole, and of its parts.

    ``"STG, Left Superior Temporal Gyrus A22r, rostral area 22"`` names one place in
    three ways; parts are separated by commas, semicolons, slashes or bars.
    """
    if label is None or pd.isna(label):
        return set()
    parts = re.split(r"[,;/|]", str(label))
    names = {plain(label), *map(plain, parts)}
    names |= {plain(CODE.sub("", part.strip())) for part in parts}
    return names - {""}
