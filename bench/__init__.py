"""The benchmarks: the same work on Growbase, on the raw limit and on peers, taken in turn under one load."""
