"""Outreach: ideal customers, prospects, the sequences that reach them, and the right to be left alone."""
