"""The words that are read, and the articulatory gestures that they are made of."""

import re

from mne_duin.utils._checks import check_number

# Du-IN (NeurIPS 2024), Table 4, in pinyin without tones; the first eight are the
# default vocabulary. Words whose gestures equal those of another one are left out.
WORDS = dict(
    pair.split(":")
    for pair in (
        "zuiba:嘴巴 doufu:豆腐 diannao:电脑 shouji:手机 reshui:热水 boluo:菠萝 "
        "mifan:米饭 gangqin:钢琴 pingjing:平静 miantiao:面条 touteng:头疼 "
        "qingcai:青菜 xinqing:心情 zenyang:怎样 ba:把 ni:你 zhao:找 chuan:穿 "
        "he:喝 wan:碗 gei:给 waimai:外卖 yuyue:预约 wo:我 pengyou:朋友 "
        "piaoliang:漂亮 maojin:毛巾 dengzi:凳子 ruantang:软糖 cesuo:厕所 "
        "lanqiu:篮球 sigua:丝瓜 xiangchang:香肠 na:拿 zhurou:猪肉 shi:是 "
        "hushi:护士 kouke:口渴 yukuai:鱼块 you:有 tangyuan:汤圆 bangzhu:帮助 "
        "lianpen:脸盆 yifu:衣服 fangzai:放在 guanmen:关门 xiaodao:小刀 cu:醋 "
        "conghua:葱花 suanni:蒜泥 xuyao:需要 chengzhi:橙汁 jiaren:家人 "
        "huanyao:换药 kan:看 ganjue:感觉 wenti:问题 yinyue:音乐 yuanyi:愿意"
    ).split()
)
GESTURE_LETTERS = {
    "labial": "b p m f",
    "tongue tip": "d t",
    "lateral": "l",
    "sibilant": "z c s",
    "retroflex": "zh ch sh r",
    "palatal": "j q x",
    "velar": "g k h",
    "nasal": "n ng",
    "open": "a",
    "mid": "e o",
    "spread": "i y",
    "rounded": "u w",
}
GESTURES = tuple(GESTURE_LETTERS)
CONSONANTS, VOWELS = GESTURES[:7], GESTURES[8:]
# Seconds that a gesture lasts at normal speed: consonants are shorter than vowels.
GESTURE_DURATION = {name: 0.11 if name in VOWELS else 0.075 for name in GESTURES}
_OF_LETTER = {
    letter: gesture
    for gesture, letters in GESTURE_LETTERS.items()
    for letter in letters.split()
}


def word_gestures(pinyin):
    """Spell a word as a sequence of articulatory gestures.

    Parameters
    ----------
    pinyin : str
        The word in pinyin without tones, such as ``"doufu"``.

    Returns
    -------
    gestures : tuple of str
        Gestures in their order; a gesture that would follow itself is made once.

    Examples
    --------
    >>> word_gestures("doufu")
    ('tongue tip', 'mid', 'rounded', 'labial', 'rounded')
    """
    letters = re.findall("zh|ch|sh|ng|[a-z]", pinyin)
    gestures = [_OF_LETTER[letter] for letter in letters]
    before = [None, *gestures[:-1]]
    return tuple(now for last, now in zip(before, gestures, strict=True) if now != last)


def vocabulary(n_words):
    """Return the first words of the list with their gestures.

    Parameters
    ----------
    n_words : int
        Number of words.

    Returns
    -------
    words : dict of str to tuple of str
        Gestures of each word, by its pinyin.

    Raises
    ------
    ValueError
        If there are fewer words than asked for.
    """
    check_number("n_words", n_words, low=2, high=len(WORDS), integer=True)
    return {word: word_gestures(word) for word in list(WORDS)[:n_words]}


def babble(rng, n_syllables):
    """Make up an utterance: syllables that need not be words.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n_syllables : int
        Number of syllables: a consonant, one or two vowels, at times a final nasal.

    Returns
    -------
    gestures : tuple of str
        The gestures of all syllables.
    """
    gestures = []
    for _ in range(n_syllables):
        gestures.append(CONSONANTS[rng.integers(len(CONSONANTS))])
        first = rng.integers(len(VOWELS))
        gestures.append(VOWELS[first])
        if rng.random() < 0.5:
            other = (first + rng.integers(1, len(VOWELS))) % len(VOWELS)
            gestures.append(VOWELS[other])
        if rng.random() < 0.35:
            gestures.append("nasal")
    return tuple(gestures)
