"""Mandarin syllables and their two parts: 22 initials and 36 finals.

After the Scheme for the Chinese Phonetic Alphabet (汉语拼音方案, 1958; ISO 7098): 21
initials and the empty one; the 35 finals of its table and *er*. As the scheme wants it,
``iu``, ``ui`` and ``un`` behind an initial are ``iou``, ``uei`` and ``uen``; ``u``
behind ``j``, ``q``, ``x`` and ``y`` is ``ü``; ``y`` and ``w`` are no initials but the
way in which a final without one is spelled.
"""

import re
import unicodedata

from mne_duin.utils._checks import check_type

NO_INITIAL = "∅"
INITIALS = (NO_INITIAL, *"b p m f d t n l g k h j q x zh ch sh r z c s".split())
FINALS = tuple(
    "a o e ai ei ao ou an en ang eng ong er i ia ie iao iou ian in iang ing iong "
    "u ua uo uai uei uan uen uang ueng ü üe üan ün".split()
)
# Which finals an initial goes with in the syllables of Standard Chinese.
COMBINATIONS = {
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u",
    "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iou ian in ing u",
    "f": "a o ei ou an en ang eng u",
    "d": "a e ai ei ao ou an en ang eng ong i ia ie iao iou ian ing u uo uei uan uen",
    "t": "a e ai ei ao ou an ang eng ong i ie iao ian ing u uo uei uan uen",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iou ian in iang ing u uo uan "
    "uen ü üe",
    "l": "a o e ai ei ao ou an ang eng ong i ia ie iao iou ian in iang ing u uo uan "
    "uen ü üe",
    "g": "a e ai ei ao ou an en ang eng ong u ua uo uai uei uan uen uang",
    "k": "a e ai ei ao ou an en ang eng ong u ua uo uai uei uan uen uang",
    "h": "a e ai ei ao ou an en ang eng ong u ua uo uai uei uan uen uang",
    "j": "i ia ie iao iou ian in iang ing iong ü üe üan ün",
    "q": "i ia ie iao iou ian in iang ing iong ü üe üan ün",
    "x": "i ia ie iao iou ian in iang ing iong ü üe üan ün",
    "zh": "a e ai ei ao ou an en ang eng ong i u ua uo uai uei uan uen uang",
    "ch": "a e ai ao ou an en ang eng ong i u ua uo uai uei uan uen uang",
    "sh": "a e ai ei ao ou an en ang eng i u ua uo uai uei uan uen uang",
    "r": "e ao ou an en ang eng ong i u ua uo uei uan uen",
    "z": "a e ai ei ao ou an en ang eng ong i u uo uei uan uen",
    "c": "a e ai ao ou an en ang eng ong i u uo uei uan uen",
    "s": "a e ai ao ou an en ang eng ong i u uo uei uan uen",
}
SHORT = {"iou": "iu", "uei": "ui", "uen": "un"}
# A final without an initial that is not spelled by the rules of _spell_alone.
ALONE = {"i": "yi", "in": "yin", "ing": "ying", "u": "wu"}
TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0304\u030c"))


def _spell(initial, final):
    """Spell a syllable that has an initial."""
    final = SHORT.get(final, final)
    return initial + (final.replace("ü", "u") if initial in "jqx" else final)


def _spell_alone(final):
    """Spell a syllable that has none: y and w stand for the first vowel."""
    if final in ALONE:
        return ALONE[final]
    first = {"i": "y", "u": "w", "ü": "yu"}.get(final[0])
    return final if first is None else first + final[1:]


SYLLABLES = {
    _spell(initial, final): (initial, final)
    for initial, finals in COMBINATIONS.items()
    for final in finals.split()
}
# No syllable of the standard is the bare final "ong"; "weng" is "ueng".
SYLLABLES |= {
    _spell_alone(final): (NO_INITIAL, final) for final in FINALS if final != "ong"
}


def split_pinyin(syllable):
    """Split a syllable in pinyin into its initial and its final.

    Parameters
    ----------
    syllable : str
        One syllable, with or without its tone (``"lǜ"``, ``"lv4"``, ``"lü"``).

    Returns
    -------
    initial : str
        One of 22; ``"∅"`` where there is none.
    final : str
        One of 36, unabridged: that of ``"liu"`` is ``"iou"``, that of ``"ju"`` ``"ü"``.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is no syllable of Standard Chinese, or more than one. Interjections that
        the scheme has no final for (``"ê"``, ``"yo"``, ``"hng"``) are refused too.

    References
    ----------
    汉语拼音方案 (Scheme for the Chinese Phonetic Alphabet), 1958; ISO 7098:2015.

    Examples
    --------
    >>> split_pinyin("dou"), split_pinyin("yuan4"), split_pinyin("shuǐ")
    (('d', 'ou'), ('∅', 'üan'), ('sh', 'uei'))
    """
    check_type("syllable", syllable, str)
    # The diaeresis of ü is a combining mark as well; it comes back with NFC.
    plain = unicodedata.normalize("NFD", syllable.strip().lower()).translate(TONES)
    plain = unicodedata.normalize("NFC", plain).replace("u:", "ü").replace("v", "ü")
    plain = re.sub("[1-5]$", "", plain)
    if plain not in SYLLABLES:
        raise ValueError(
            "`syllable` must be one syllable of Standard Chinese in pinyin, such as "
            f"'ba', 'lü' or 'shui3'; got {syllable!r}."
        )
    return SYLLABLES[plain]
