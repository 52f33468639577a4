"""The published word-reading recordings, from their files to Epochs."""
