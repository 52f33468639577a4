"""``python -m mne_duin.cli``, for launchers that start Python files."""

import sys

from mne_duin.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
