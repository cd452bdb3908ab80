"""Other backends, set up as their authors advise and given the same data."""
