"""Records that may be the same: finding them by what they have in common, and putting suggestions away."""
