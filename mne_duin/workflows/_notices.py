"""Say once, in one line each, what reading has to say on contacts and recordings."""

import logging
import re
import warnings
from contextlib import contextmanager

from mne.utils import logger, warn

RECORDING = re.compile(r"[^\s'\"]*sub-[^\s'\",:]*_(?:ieeg|events|channels)\.\w+")
CONTACTS = re.compile(r"contact|electrode|channel|coordinate|neighbour|label|shaft")


class _Collector(logging.Handler):
    """Collect what MNE's logger is given."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        """Keep a message."""
        self.messages.append((record.levelno, record.getMessage()))


@contextmanager
def collected(subject):
    """Hold messages and warnings back; afterwards give at most two lines of each."""
    collector = _Collector()
    handlers, logger.handlers = logger.handlers, [collector]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        logger.handlers = handlers
        said = [text for level, text in collector.messages if level >= logging.INFO]
        worrying = [str(each.message) for each in caught]
        _report([text for text in said if text not in worrying], subject, logger.info)
        _report(worrying, subject, warn)


def _report(messages, subject, say):
    """Give one line on the contacts and one on the recordings."""
    about = {"Contacts": [], "Recordings": []}
    for message in messages:
        kind = "Contacts" if CONTACTS.search(message.lower()) else "Recordings"
        about[kind].append(message)
    for kind, texts in about.items():
        if texts:
            say(f"{kind} of sub-{subject}: {' '.join(merge(texts))}")


def merge(messages):
    """Return each message once; those that differ in the recording only, as one."""
    groups = {}
    for message in messages:
        message = " ".join(message.split())
        files = RECORDING.findall(message)
        key = RECORDING.sub("{}", message)
        groups.setdefault(key, []).append(files)
    return [_join(key, found) for key, found in groups.items()]


def _join(key, found):
    """Put the names of the files back, or their number where there are several."""
    distinct = list(dict.fromkeys(map(tuple, found)))
    if len(distinct) == 1:
        text = key
        for name in distinct[0]:
            text = text.replace("{}", name, 1)
        return text
    return key.replace("{}", f"each of {len(distinct)} recordings", 1).replace(
        "{}", "…"
    )
