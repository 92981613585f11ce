"""Tags over all record types: what there are, renaming, merging and removing them."""
