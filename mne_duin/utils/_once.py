"""Say what holds for many trainings once: dozens follow each other in one call."""

from mne.utils import logger


def inform_once(topic: str, text: str):
    """Log a text for users; in the same process again only for those who debug."""
    if topic in _told:
        logger.debug(text)
    else:
        logger.info(text)
        _told.add(topic)


_told: set[str] = set()
