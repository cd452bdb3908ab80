"""A domain of the tests' own: jobs for real worker processes."""
