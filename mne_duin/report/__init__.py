"""One self-contained HTML report of a whole analysis, from contacts to methods text.

``make`` has the function that users call, ``fitted`` asks fitted estimators for their
pictures, ``sections`` writes each part.
"""

from mne_duin.report._make import make_report

__all__ = ["make_report"]
