"""Names of contacts: shaft and number, pairs, and channels that are no contacts.

A name alone is often ambiguous (``C3`` is a scalp site or the third contact of a shaft
called C; ``A1-2`` is a pair or the second contact of a shaft called A1), so whatever
concerns a recording looks at all of its names together.
"""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

PREFIX = re.compile(r"^(?:POL|EEG|SEEG|iEEG|ECoG)[ _]+", re.IGNORECASE)
# A known reference; or, as a contact's name ends in a number, any word after it.
TAIL = re.compile(
    r" ?[-_ ] ?(?:Ref\w*|G[12]|AVG?|CAR|LE)$|(?<=\d)(?P<late>'?) ?[-_ ] ?[^\W\d_]{2,}$",
    re.IGNORECASE,
)
PRIMES = str.maketrans("’‘`´′", "'''''")
SEPARATED = re.compile(
    r"^(?P<shaft>.*[^\W\d_].*?)[ _\-]+0*(?P<number>\d+)(?P<late>'?)$"
)
JOINED = re.compile(
    r"^(?P<shaft>\$?\d*[^\W\d_](?:[\w \-]*[^\W\d_])?'?)0*(?P<number>\d+)(?P<late>'?)$"
)
SHORT_PAIR = re.compile(r"^(?P<anode>.*[^\W\d_ ]'?0*(?P<first>\d+))-0*(?P<second>\d+)$")

# Never a contact, wherever it lies.
BODY = re.compile(
    r"^(?:[LR]?(?:EKG|ECG|EMG|[VH]?EOG)[-_]?[LR+\-]?|TRIG\w*|TRG|TTL|STIM?|MKR|MARK\w*|EVENT|"
    r"STATUS|AUDIO|PULSE|PLETH|SPO2?|RESP?|SA?O2?|OSAT|SAO|PHOTO\w*|NONE|EMPTY|BLANK|"
    r"NULL|UNUSED|N/?A|NAN|PATIENT.?EVENT)$",
    re.IGNORECASE,
)
# No contact unless electrodes.tsv gives it a position.
INPUT = re.compile(r"^(?:DC|REF|GND|GRND|GROUND|AUX|MIC|MISC|CHAN|CHANNEL)$", re.I)
EYE = re.compile(r"^(?:LOC|ROC|LUE|RUE|LLE|RLE)$", re.IGNORECASE)
MIDLINE = re.compile(r"^(?:N|Fp|AF|F|FC|C|CP|P|PO|O|I)z$", re.IGNORECASE)
SCALP = re.compile(r"^(?:Fp[12]|F[3478]|C[34]|T[3-8]|P[3478]|O[12])$", re.IGNORECASE)
DENSE_SCALP = re.compile(
    r"^(?:Fp[12]|AF[3478]|F(?:[1-9]|10)|F[CT](?:[1-9]|10)|C[1-6]|T(?:[1-9]|10)|CP[1-6]|"
    r"TP(?:[7-9]|10)|P(?:[1-9]|10)|PO[3478]|O[12])$",
    re.IGNORECASE,
)
SITE = re.compile(r"^(?P<area>[A-Za-z]+?)(?P<number>[1-9]\d*)$")


class Contact(NamedTuple):
    """Where a contact sits: on which shaft, and which number it has there.

    Parameters
    ----------
    shaft : str
        Name of the electrode shaft, a prime included, for example ``"TI'"``.
    number : int
        Number on the shaft; by convention 1 is the deepest contact.

    Examples
    --------
    >>> from mne_duin import parse_contact
    >>> parse_contact("TI'4")
    Contact(shaft="TI'", number=4)
    """

    shaft: str
    number: int


def strip_name(name: str) -> str:
    """Take amplifier prefixes, reference tails and leading underscores off a name."""
    name = PREFIX.sub("", str(name).strip().translate(PRIMES))
    return TAIL.sub(r"\g<late>", name).strip().lstrip("_").strip()


def split_name(name: str, group: str | None = None) -> Contact | None:
    """Split a name into shaft and number; ``group`` names the shaft where known.

    The group decides names such as ``T12`` (T 12 or T1 2), and is the shaft of plain
    numbers. None if the name does not end in a number.
    """
    name = strip_name(name)
    bare = None if group is None else str(group).translate(PRIMES).strip()
    if name.isdecimal():
        return Contact(bare, int(name)) if bare else None
    if bare and name.startswith(bare) and name[len(bare) :].strip(" _-").isdecimal():
        return Contact(bare, int(name[len(bare) :].strip(" _-")))
    match = SEPARATED.match(name) or JOINED.match(name)
    if match is None:
        return None
    shaft, number, late = match.group("shaft", "number", "late")
    return Contact(shaft + (late if not shaft.endswith("'") else ""), int(number))


def parse_contact(name: str) -> Contact | None:
    """Read the shaft and the number out of a channel name.

    Parameters
    ----------
    name : str
        A channel name in any of the usual styles: ``TI'4``, ``T2aA12``, ``LA1``,
        ``LAH01``, ``G_12``, ``A10'``, ``POL A1-Ref``, ``EEG A'10-Ref``, ``M1_7``,
        ``_AHL1``, ``A1-AV``. Of a bipolar name (``A1-A2``) the anode is returned.

    Returns
    -------
    contact : Contact | None
        Shaft and number, or None if the name alone is not that of a depth contact:
        auxiliary inputs (``DC10``, ``EKG``) and the scalp sites of the 10-20 system
        (``C3``). In a recording, ``C3`` is a contact if its neighbours show it to be
        one (``C1``, ``C2``, …) or if electrodes.tsv gives it a position.

    Examples
    --------
    >>> from mne_duin import parse_contact
    >>> parse_contact("POL TI'04-Ref")
    Contact(shaft="TI'", number=4)
    >>> parse_contact("DC10") is None
    True
    """
    pair = split_pair(name)
    contact = split_name(name) if pair is None else pair[0]
    if contact is None or SCALP.match(strip_name(name)):
        return None
    return None if _is_auxiliary(name, placed=False) else contact


def split_pair(name: str) -> tuple[Contact, Contact] | None:
    """Split a bipolar name (``A1-A2``, ``A1-2``) into two contacts of one shaft."""
    ends = pair_ends(name)
    if ends is None:
        return None
    anode, cathode = split_name(ends[0]), split_name(ends[1])
    if anode is None or cathode is None or anode.shaft != cathode.shaft:
        return None
    return anode, cathode


def pair_ends(name: str) -> tuple[str, str] | None:
    """Return the names of the two contacts in a bipolar name, of one shaft or two."""
    whole = PREFIX.sub("", str(name).strip().translate(PRIMES)).lstrip("_")
    name = strip_name(name)
    across = None
    for match in re.finditer(" ?[-–_/>:] ?", whole):
        ends = whole[: match.start()], strip_name(whole[match.end() :])
        anode, cathode = (split_name(end) for end in ends)
        if anode and cathode and anode != cathode:
            if anode.shaft == cathode.shaft:
                return ends
            is_minus = match.group().strip() in "-–"
            across = across or (ends if whole == name and is_minus else None)
    short = SHORT_PAIR.match(name)
    if short and abs(int(short["first"]) - int(short["second"])) == 1:
        shaft = short["anode"].removesuffix(short["first"]).rstrip("0")
        width = len(short["anode"]) - len(shaft)
        return short["anode"], f"{shaft}{int(short['second']):0{width}d}"
    return across


def _all_ends(names) -> dict[str, tuple[str, str]]:
    """Return both ends of each name that has two, unless they number a shaft ``A1``."""
    ends = {name: pair_ends(name) for name in names}
    short = {name: SHORT_PAIR.match(strip_name(name)) for name in names}
    numbered = {
        match["anode"]
        for match in short.values()
        if match and abs(int(match["first"]) - int(match["second"])) != 1
    }
    return {
        name: pair
        for name, pair in ends.items()
        if pair is not None and not (short[name] and pair[0] in numbered)
    }


def recorded_pairs(names, references=None, contacts=()) -> dict[str, tuple[str, str]]:
    """Find the channels that were recorded or saved as differences of two contacts.

    ``references`` holds what channels.tsv says for each channel; it counts where it is
    a channel or one of ``contacts``. Returns for each such channel the names of anode
    and cathode. One cathode that three anodes or more share
    is a common reference, and ``A1-1``, ``A1-2``, ``A1-3`` number a shaft called A1;
    neither makes pairs.
    """
    pairs = _all_ends(names)
    shared = Counter(cathode for _, cathode in pairs.values())
    pairs = {n: ends for n, ends in pairs.items() if shared[ends[1]] < 3}
    if references is None:
        return pairs
    bare = {strip_name(name) for name in (*names, *contacts)}
    said = Counter(str(reference) for reference in references)
    for name, reference in zip(names, references, strict=True):
        other = "" if pd.isna(reference) else strip_name(reference)
        if other in bare - {strip_name(name)} and said[str(reference)] < 3:
            pairs.setdefault(name, (strip_name(name), other))
    return pairs


def _is_auxiliary(name: str, *, placed: bool) -> bool:
    """Return whether a name is that of an input, of the body or of nothing at all."""
    bare = strip_name(name)
    if not re.search(r"\w", bare) or re.fullmatch(r"-\d+", bare):
        return True  # an empty name; MNE numbers empty names -0, -1, …
    if EYE.match(bare) and not placed:
        return True
    words = [bare, *re.split(r"[+&/ ]", bare)]
    stems = [re.sub(r"[ _\-]?\d+$", "", word) for word in words if word]
    if any(BODY.match(stem) for stem in stems) or BODY.match(bare):
        return True
    return not placed and any(INPUT.match(stem) for stem in stems)


def find_other_channels(names, placed=()) -> dict[str, str]:
    """Find the channels that are typed as contacts but record something else.

    ``placed`` holds the names that electrodes.tsv gives a position. Returns the reason
    for each: ``"auxiliary"`` (heart, trigger, respiration, empty inputs) or ``"scalp"``
    (sites of the 10-20 system). A shaft called C, F, P, T or O is told from scalp sites
    by its other contacts, by zero-padded numbers, or by its position.
    """
    placed = set(placed)
    other = {n: "auxiliary" for n in names if _is_auxiliary(n, placed=n in placed)}
    bare = {name: strip_name(name) for name in names if name not in other}
    other |= {name: "scalp" for name, text in bare.items() if MIDLINE.match(text)}
    areas: dict[str, list[str]] = {}
    for name, text in bare.items():
        site = SITE.match(text)
        if site:
            areas.setdefault(site["area"].lower(), []).append(name)
            continue
        contact = split_name(text)
        if contact is not None and SITE.match(text.replace("0", "", 1)):
            # C01 next to C3: the shaft is numbered with zeros.
            areas.setdefault(contact.shaft.lower(), []).append(name)
    classic = [
        a for a, group in areas.items() if all(map(_is_site(SCALP, bare), group))
    ]
    is_cap = "scalp" in other.values() or len(classic) > 1
    for group in areas.values():
        dense = all(map(_is_site(DENSE_SCALP, bare), group))
        is_classic = all(map(_is_site(SCALP, bare), group))
        contacts = (split_name(bare[name]) for name in group)
        numbers = sorted(c.number for c in contacts if c is not None)
        in_a_row = len(numbers) > 2 and np.ptp(numbers) == len(numbers) - 1
        is_scalp = (dense and is_cap and not (in_a_row and numbers[0] == 1)) or (
            is_classic and not in_a_row
        )
        if is_scalp and not placed & set(group):
            other |= dict.fromkeys(group, "scalp")
    return other


def _is_site(pattern, bare):
    """Return a function that tells whether a channel's bare name fits a pattern."""
    return lambda name: pattern.match(bare[name]) is not None


def name_table(names, groups=None) -> pd.DataFrame:
    """Tabulate shaft and number of many contacts.

    Parameters
    ----------
    names : sequence of str
        Channel names that are known to be contacts.
    groups : sequence | None
        The shaft of each where it is known, missing values allowed.

    Returns
    -------
    table : pandas.DataFrame, shape (n_channels, 2)
        Columns ``shaft`` (missing where the name has no number) and ``number``. Of a
        bipolar name, those of the anode.
    """
    groups = [None] * len(names) if groups is None else groups
    known = [None if pd.isna(group) else group for group in groups]
    ends = _all_ends(names)
    anodes = [ends[name][0] if name in ends else name for name in names]
    parts = [split_name(*pair) for pair in zip(anodes, known, strict=True)]
    table = pd.DataFrame(index=pd.Index(names, name="name", dtype=object))
    table["shaft"] = pd.Series(
        [part.shaft if part else None for part in parts], table.index, dtype=object
    )
    table["number"] = pd.array([part and part.number for part in parts], dtype="Int64")
    return table
