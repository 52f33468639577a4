# io: BIDS iEEG in, Epochs and a contacts table out

# channels: names, references, anatomy, regions, selection

# estimators: codes, masked pre-training, words

# baselines

# evaluation

# viz: arrays and tables in, Figure out

# datasets

# the whole path in one call
