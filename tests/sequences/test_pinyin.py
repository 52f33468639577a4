"""Initials and finals: the numbers, the spelling rules, and what is no syllable."""

import pytest

from mne_duin.datasets.simulation._lexicon import WORDS
from mne_duin.sequences import FINALS, INITIALS, split_pinyin
from mne_duin.sequences._pinyin import COMBINATIONS, SYLLABLES


def test_the_published_sizes():
    assert (len(INITIALS), len(FINALS)) == (22, 36)
    assert len(set(INITIALS)) == 22
    assert len(set(FINALS)) == 36


def test_every_part_is_used_and_known():
    initials, finals = zip(*SYLLABLES.values(), strict=True)
    assert set(initials) == set(INITIALS)
    assert set(finals) == set(FINALS)
    # No two combinations may share a spelling.
    listed = sum(len(own.split()) for own in COMBINATIONS.values())
    assert len(SYLLABLES) == len(set(SYLLABLES.values())) == listed + 35


@pytest.mark.parametrize(
    ("syllable", "parts"),
    [
        # The rules of the scheme, one by one.
        ("liu", ("l", "iou")),
        ("gui", ("g", "uei")),
        ("lun", ("l", "uen")),
        ("ju", ("j", "ü")),
        ("quan", ("q", "üan")),
        ("xue", ("x", "üe")),
        ("lue", None),
        ("lüe", ("l", "üe")),
        ("nu", ("n", "u")),
        ("nü", ("n", "ü")),
        ("yi", ("∅", "i")),
        ("you", ("∅", "iou")),
        ("yong", ("∅", "iong")),
        ("yue", ("∅", "üe")),
        ("wu", ("∅", "u")),
        ("wen", ("∅", "uen")),
        ("weng", ("∅", "ueng")),
        ("er", ("∅", "er")),
        ("zhi", ("zh", "i")),
        ("shuang", ("sh", "uang")),
    ],
)
def test_the_spelling_rules(syllable, parts):
    if parts is None:
        with pytest.raises(ValueError, match="one syllable of Standard Chinese"):
            split_pinyin(syllable)
    else:
        assert split_pinyin(syllable) == parts


@pytest.mark.parametrize("spelling", ["lǜ", "lv4", "LÜ", "lu:4", " lü4 ", "lü"])
def test_tones_and_ways_to_write_the_umlaut(spelling):
    assert split_pinyin(spelling) == ("l", "ü")


@pytest.mark.parametrize(
    "word", ["doufu", "bü", "zia", "fong", "", "4", "hng", "b", "ong"]
)
def test_what_is_no_syllable(word):
    with pytest.raises(ValueError, match=f"`syllable` must be one .* got '{word}'"):
        split_pinyin(word)


def test_a_syllable_is_a_string():
    with pytest.raises(TypeError, match="`syllable` must be str; got int 4"):
        split_pinyin(4)


def test_one_syllable_words_of_the_published_list_are_known():
    single = [word for word, characters in WORDS.items() if len(characters) == 1]
    assert len(single) > 10
    assert all(split_pinyin(word) for word in single)
