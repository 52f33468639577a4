"""Contact names: the shaft and the number that they hold."""

import re
from typing import NamedTuple

PREFIX = re.compile(r"^(?:POL|EEG|SEEG|iEEG|ECoG)[ _]+", re.IGNORECASE)
SUFFIX = re.compile(r"[-_ ](?:Ref|G2|AVG|CAR|LE)$", re.IGNORECASE)
PRIMES = str.maketrans("’‘`´′", "'''''")
NAME = re.compile(
    r"^(?P<shaft>\$?[^\W\d_](?:[\w \-]*[^\W\d_])?'?)[ _\-]?"
    r"0*(?P<number>\d+)(?P<late>'?)$"
)
AUXILIARY = re.compile(
    r"^(?:DC|EKG|ECG|EMG|V?H?EOG|REF|GND|TRIG|STI|MKR|AUX|MIC|AUDIO|EVENT|STATUS|"
    r"PULSE|SPO|RESP|OSAT|SAO|BP|CH|CHAN|CHANNEL|MISC)$",
    re.IGNORECASE,
)
SCALP = re.compile(r"^(?:Fp[12]|F[3478]|C[34]|T[3-8]|P[3478]|O[12])$", re.IGNORECASE)


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


def strip_name(name):
    """Take amplifier prefixes and reference suffixes off a channel name.

    Parameters
    ----------
    name : str
        The channel name, for example ``"POL A1-Ref"``.

    Returns
    -------
    name : str
        The bare name (``"A1"``), with every kind of prime written ``'``.
    """
    name = PREFIX.sub("", str(name).strip().translate(PRIMES))
    return SUFFIX.sub("", name).strip()


def split_name(name, group=None):
    """Split a name into shaft and number, whatever the channel may be.

    Parameters
    ----------
    name : str
        The channel name.
    group : str | None
        The shaft's name where it is known (BIDS column ``group``); it decides names
        such as ``T12``, which can be T 12 or T1 2.

    Returns
    -------
    contact : Contact | None
        None if the name does not end in a number.
    """
    name = strip_name(name)
    bare = None if group is None else str(group).translate(PRIMES).strip()
    if bare and name.startswith(bare) and name[len(bare) :].strip(" _-").isdecimal():
        return Contact(bare, int(name[len(bare) :].strip(" _-")))
    match = NAME.match(name)
    if match is None:
        return None
    shaft, number, late = match.group("shaft", "number", "late")
    return Contact(shaft + (late if not shaft.endswith("'") else ""), int(number))


def parse_contact(name):
    """Read the shaft and the number out of a channel name.

    Parameters
    ----------
    name : str
        A channel name in any of the usual styles: ``TI'4``, ``T2aA12``, ``LA1``,
        ``LAH01``, ``G_12``, ``A10'``, ``POL A1-Ref``, ``EEG A'10-Ref``. Of a bipolar
        name (``A1-A2``) the anode is returned.

    Returns
    -------
    contact : Contact | None
        Shaft and number, or None if the name is not that of a depth contact: auxiliary
        inputs (``DC10``, ``EKG``) and the scalp positions of the 10-20 system (``C3``).

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
    if contact is None or AUXILIARY.match(contact.shaft):
        return None
    return None if SCALP.match(strip_name(name)) else contact


def split_pair(name):
    """Split a bipolar name such as ``A1-A2`` into its two contacts.

    Parameters
    ----------
    name : str
        The channel name.

    Returns
    -------
    pair : tuple of Contact | None
        Anode and cathode, or None if the name is not that of two contacts of one shaft.
    """
    name = strip_name(name)
    for match in re.finditer("-", name):
        anode, cathode = split_name(name[: match.start()]), name[match.end() :]
        cathode = split_name(cathode)
        if anode and cathode and anode.shaft == cathode.shaft:
            return anode, cathode
    return None
